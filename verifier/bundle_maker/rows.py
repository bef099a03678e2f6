"""Rows of the result folder from what was worked out by hand: short tuples in, all columns out. One currency, euros, unless said."""

from hashlib import sha256
from typing import Any

from bundle_maker.writing import Contents, Rows

CHECKS = """receipts_total lanes_total splits_total numerators_total allocations_total lines_within_one_unit
transfers_zero pools_cleared balances_total money_total deltas_total"""
BALANCE = ("opening", "earned", "withheld", "released", "recouped", "tax", "fee", "paid", "closing")
TOTAL = ("opening", "opening_reserves", "received", "recouped", "fees", "tax", "paid", "held", "reserved", "carried")
Line = tuple[str, str, str, int, int, int]
"""Pool, payee, recording, weight, share, units."""


def units(**named: int) -> dict[str, str]:
    return {f"{name}_units": str(value) for name, value in named.items()}


def receipt(income: str, model: str, territory: str, reported: int, currency: str = "EUR", **changed: int) -> dict[str, Any]:
    """`changed`: added, units, fee and upstream, where they are not 0 and what was reported."""
    numbers = {"added": 0, "fee": 0, "upstream": 0, **changed}
    total = numbers.pop("units", reported)
    names = {"income": income, "model_version": model, "territory": territory, "reported_currency": currency, "currency": "EUR"}
    return {**names, **units(reported=reported, **numbers), "units": str(total)}


def make_pools(pools: tuple[tuple[str, str, int, int, int], ...], own: int = 1) -> Rows:
    """`own`: the version of programme.toml."""
    names = ("income", "model_version", "currency", "territory", "lane", "basis")
    return [
        {
            "pool": pool,
            **dict(zip(names, pool.split("/"), strict=True)),
            "income": pool.split("/")[0].split("@")[0],
            "reason": reason,
            "amount_units": str(amount),
            "denominator": str(denominator),
            "recordings": recordings,
            "terms_version": int(pool.split("/")[0].partition("@")[2] or own),
        }
        for pool, reason, amount, denominator, recordings in pools
    ]


def make_line_id(settlement: str, pool: str, payee: str, recording: str) -> str:
    return sha256(f"{settlement}\n{pool}\n{payee}\n{recording}".encode()).hexdigest()[:16]


def make_lines(settlement: str, lines: tuple[Line, ...]) -> Rows:
    return [
        {
            "pool": pool,
            "payee": payee,
            "recording_id": recording,
            "line_id": make_line_id(settlement, pool, payee, recording),
            "weight": str(weight),
            "share_e8": share,
            "numerator": str(weight * share),
            "amount_units": str(amount),
        }
        for pool, payee, recording, weight, share, amount in lines
    ]


def make_splits(splits: tuple[tuple[str, str, str, str, int, int, list[str]], ...], territories: tuple[str, ...]) -> Rows:
    """The same in all territories."""
    names = ("recording_id", "lane", "payee", "status", "declared_e8", "share_e8", "claim_ids")
    rows = [{**dict(zip(names, split, strict=True)), "territory": territory} for split in splits for territory in territories]
    return sorted(rows, key=lambda row: (row["recording_id"], row["lane"], row["territory"], row["payee"]))


def make_postings(settlement: str, transfers: dict[str, dict[str, int]]) -> Rows:
    """Transfer → account → units; an account in another currency than euros is named `ACCOUNT CURRENCY`."""
    rows = []
    for transfer, accounts in transfers.items():
        for account, amount in accounts.items():
            name, _, currency = account.partition(" ")
            rows.append(
                {
                    "transfer_id": f"{settlement}/{transfer}",
                    "account": name,
                    "currency": currency or "EUR",
                    "amount_units": str(amount),
                    "state": "pending" if transfer.startswith("pay/") else "posted",
                }
            )
    return sorted(rows, key=lambda row: (row["transfer_id"], row["account"], row["currency"]))


def make_balances(balances: dict[str, dict[str, int]]) -> Rows:
    """Account → what is not 0; the closing balance is worked out by hand as well."""
    return [
        {"account": account, "currency": "EUR", **units(**{name: own.get(name, 0) for name in BALANCE})}
        for account, own in balances.items()
    ]


def make_payouts(settlement: str, paid: dict[str, int]) -> Rows:
    return [
        {
            "party_id": party,
            "currency": "EUR",
            "payout_id": f"{settlement}/{party}/EUR",
            "amount_units": str(amount),
            "minor_digits": 2,
        }
        for party, amount in paid.items()
    ]


def make_statements(
    settlement: str,
    corrects: str | None,
    balances: Rows,
    statements: tuple[tuple[str, int, dict[str, int], int], ...],
    by_terms: dict[str, dict[str, int]] | None = None,
    after_tail: dict[str, int] | None = None,
) -> Rows:
    """Party, number of lines, units by basis, units held with others; the rest is the balance. `by_terms`: where there is more than version 1."""
    by_account = {row["account"]: row for row in balances}
    rows = []
    for party, lines, by_basis, held in statements:
        own = by_account[f"party:{party}"]
        costs = sum(int(own[f"{name}_units"]) for name in ("recouped", "tax", "fee"))
        rows.append(
            {
                "settlement_id": settlement,
                "corrects": corrects,
                "period_id": "2026-10",
                "programme_id": "mosaic",
                "party_id": party,
                "name": party.capitalize(),
                "currency": "EUR",
                "net_revenue_units": own["earned_units"],
                "net_costs_units": str(costs),
                "reserves_withheld_units": own["withheld_units"],
                "reserves_released_units": own["released_units"],
                **{f"{name}_units": own[f"{name}_units"] for name in ("opening", "recouped", "tax", "fee", "paid", "closing")},
                "lines": lines,
                "by_basis": write_sums(by_basis),
                "by_terms": write_sums(by_terms[party] if by_terms else {"1": sum(by_basis.values())} if lines else {}),
                "after_tail_units": str((after_tail or {}).get(party, 0)),
                "held_with_others_units": str(held),
            }
        )
    return rows


def write_sums(sums: dict[str, int]) -> dict[str, str]:
    return {name: str(amount) for name, amount in sums.items()}


def make_document(settlement: str, total: dict[str, int]) -> dict[str, Any]:
    return {
        "format": "ritornello-settlement-1",
        "settlement_id": settlement,
        "totals": [{"currency": "EUR", **units(**{name: total.get(name, 0) for name in TOTAL})}],
        "checks": [{"name": name, "passed": True} for name in CHECKS.split()],
        "engine": "pencil and paper",
    }


def name_reports(contents: Contents, **reports: bytes) -> None:
    """Put report files into the bundle, and their hash into all rows of the table each is for."""
    contents.reports = {}
    for table, data in reports.items():
        digest = sha256(data).hexdigest()
        contents.reports[digest] = data
        for row in contents.period[f"{table}.jsonl"]:
            row["report_sha256"] = digest
