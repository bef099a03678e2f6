"""What the small period must give, worked out with pencil and paper.

Fee: 10 EUR = 10,000,000 units, master 6,000,000 and publishing 4,000,000, over 3000 ms of r1 and 1000 ms of r2.
Share: half of 20 EUR = 10,000,000 units, nine tenths by attribution (7 parts r1, 2 parts r2), one tenth in reserve.
r1 master is completed to 33,333,334 (alice, the first by name), 33,333,333 and 33,333,333; r2 publishing has 40 % alice and a gap.
"""

from hashlib import sha256
from typing import Any

from bundle_maker.period import HEADER, PROGRAMME, REPORT, SETTLEMENT, USAGE, make_period
from bundle_maker.writing import Contents, Rows

FEE_MASTER, FEE_PUBLISHING = "fee/*/EUR/WW/master/exposure", "fee/*/EUR/WW/publishing/exposure"
SHARE_MASTER, MASTER_RESERVE = "share/m1/EUR/DE/master/attribution", "share/m1/EUR/DE/master/unattributed-reserve"
SHARE_PUBLISHING, PUBLISHING_RESERVE = "share/m1/EUR/DE/publishing/attribution", "share/m1/EUR/DE/publishing/unattributed-reserve"
POOLS = (
    (FEE_MASTER, "rule", 6_000_000, 400_000_000_000, 2),
    (FEE_PUBLISHING, "rule", 4_000_000, 400_000_000_000, 2),
    (SHARE_MASTER, "rule", 5_400_000, 180_000_000_000_000, 2),
    (MASTER_RESERVE, "unattributed", 600_000, 100_000_000, 0),
    (SHARE_PUBLISHING, "rule", 3_600_000, 180_000_000_000_000, 2),
    (PUBLISHING_RESERVE, "unattributed", 400_000, 100_000_000, 0),
)
LINES = (
    (FEE_MASTER, "party:alice", "r1", 3000, 33_333_334, 1_500_000),
    (FEE_MASTER, "party:bob", "r1", 3000, 33_333_333, 1_500_000),
    (FEE_MASTER, "party:bob", "r2", 1000, 100_000_000, 1_500_000),
    (FEE_MASTER, "party:carol", "r1", 3000, 33_333_333, 1_500_000),
    (FEE_PUBLISHING, "held:suspense", "r2", 1000, 60_000_000, 600_000),
    (FEE_PUBLISHING, "party:alice", "r1", 3000, 100_000_000, 3_000_000),
    (FEE_PUBLISHING, "party:alice", "r2", 1000, 40_000_000, 400_000),
    (SHARE_MASTER, "party:alice", "r1", 1_400_000, 33_333_334, 1_400_000),
    (SHARE_MASTER, "party:bob", "r1", 1_400_000, 33_333_333, 1_400_000),
    (SHARE_MASTER, "party:bob", "r2", 400_000, 100_000_000, 1_200_000),
    (SHARE_MASTER, "party:carol", "r1", 1_400_000, 33_333_333, 1_400_000),
    (MASTER_RESERVE, "held:reserve", "", 1, 100_000_000, 600_000),
    (SHARE_PUBLISHING, "held:suspense", "r2", 400_000, 60_000_000, 480_000),
    (SHARE_PUBLISHING, "party:alice", "r1", 1_400_000, 100_000_000, 2_800_000),
    (SHARE_PUBLISHING, "party:alice", "r2", 400_000, 40_000_000, 320_000),
    (PUBLISHING_RESERVE, "held:reserve", "", 1, 100_000_000, 400_000),
)
SPLITS: tuple[tuple[str, str, str, str, int, int, list[str]], ...] = (
    ("r1", "master", "party:alice", "completed", 33_330_000, 33_333_334, ["c1"]),
    ("r1", "master", "party:bob", "completed", 33_330_000, 33_333_333, ["c2"]),
    ("r1", "master", "party:carol", "completed", 33_330_000, 33_333_333, ["c3"]),
    ("r1", "publishing", "party:alice", "complete", 100_000_000, 100_000_000, ["c5"]),
    ("r2", "master", "party:bob", "complete", 100_000_000, 100_000_000, ["c4"]),
    ("r2", "publishing", "held:suspense", "gap", 0, 60_000_000, []),
    ("r2", "publishing", "party:alice", "gap", 40_000_000, 40_000_000, ["c6"]),
)
ALLOCATED = (
    (FEE_MASTER, (("party:alice", 1_500_000), ("party:bob", 3_000_000), ("party:carol", 1_500_000))),
    (FEE_PUBLISHING, (("held:suspense", 600_000), ("party:alice", 3_400_000))),
    (SHARE_MASTER, (("party:alice", 1_400_000), ("party:bob", 2_600_000), ("party:carol", 1_400_000))),
    (MASTER_RESERVE, (("held:reserve", 600_000),)),
    (SHARE_PUBLISHING, (("held:suspense", 480_000), ("party:alice", 3_120_000))),
    (PUBLISHING_RESERVE, (("held:reserve", 400_000),)),
)
BALANCES = (
    ("held:reserve", 0, 1_000_000, 0, 1_000_000),
    ("held:suspense", 7, 1_080_000, 0, 1_080_007),
    ("party:alice", 0, 9_420_000, 9_420_000, 0),
    ("party:bob", 0, 5_600_000, 0, 5_600_000),
    ("party:carol", 2_105_000, 2_900_000, 5_000_000, 5_000),
)
STATEMENTS = (
    ("alice", 6, {"attribution": "4520000", "exposure": "4900000"}, 1_080_000),
    ("bob", 4, {"attribution": "2600000", "exposure": "3000000"}, 0),
    ("carol", 2, {"attribution": "1400000", "exposure": "1500000"}, 0),
)
RECEIPTS = (("fee", "*", "WW", 10_000_000), ("share", "m1", "DE", 10_000_000))
TOTALS = {
    "currency": "EUR",
    "opening_units": "2105007",
    "opening_reserves_units": "0",
    "received_units": "20000000",
    "recouped_units": "0",
    "fees_units": "0",
    "tax_units": "0",
    "paid_units": "14420000",
    "held_units": "2080007",
    "reserved_units": "0",
    "carried_units": "5605000",
}
CHECKS = """receipts_total lanes_total splits_total numerators_total allocations_total lines_within_one_unit
transfers_zero pools_cleared balances_total money_total deltas_total"""


def make_contents() -> Contents:
    return Contents(
        settlement_id=SETTLEMENT,
        period=make_period(),
        result={
            "receipts.jsonl": make_receipts(),
            "pools.jsonl": make_pools(),
            "splits.jsonl": make_splits(),
            "allocations.jsonl": make_lines(),
            "deltas.jsonl": [],
            "postings.jsonl": make_postings(),
            "balances.jsonl": make_balances(),
            "reserves_closing.jsonl": [],
            "recoupments.jsonl": [],
            "payouts.jsonl": [
                {
                    "party_id": party,
                    "currency": "EUR",
                    "payout_id": f"{SETTLEMENT}/{party}/EUR",
                    "amount_units": units,
                    "minor_digits": 2,
                }
                for party, units in (("alice", "9420000"), ("carol", "5000000"))
            ],
            "statements.jsonl": make_statements(),
        },
        header=dict(HEADER),
        programme=PROGRAMME,
        settlement={
            "format": "ritornello-settlement-1",
            "settlement_id": SETTLEMENT,
            "totals": [dict(TOTALS)],
            "checks": [{"name": name, "passed": True} for name in CHECKS.split()],
            "engine": "pencil and paper",
        },
        reports={sha256(data).hexdigest(): data for data in (REPORT, USAGE)},
    )


def make_receipts() -> Rows:
    return [
        {
            "income": income,
            "model_version": model_version,
            "territory": territory,
            "reported_currency": "EUR",
            "reported_units": str(units),
            "currency": "EUR",
            "added_units": "0",
            "units": str(units),
            "fee_units": "0",
            "upstream_units": "0",
        }
        for income, model_version, territory, units in RECEIPTS
    ]


def make_pools() -> Rows:
    names = ("income", "model_version", "currency", "territory", "lane", "basis")
    return [
        {
            "pool": pool,
            **dict(zip(names, pool.split("/"), strict=True)),
            "reason": reason,
            "amount_units": str(units),
            "denominator": str(denominator),
            "recordings": recordings,
        }
        for pool, reason, units, denominator, recordings in POOLS
    ]


def make_lines() -> Rows:
    return [
        {
            "pool": pool,
            "payee": payee,
            "recording_id": recording,
            "line_id": sha256(f"{SETTLEMENT}\n{pool}\n{payee}\n{recording}".encode()).hexdigest()[:16],
            "weight": str(weight),
            "share_e8": share,
            "numerator": str(weight * share),
            "amount_units": str(units),
        }
        for pool, payee, recording, weight, share, units in LINES
    ]


def make_splits() -> Rows:
    """The same in both territories that pools use."""
    names = ("recording_id", "lane", "payee", "status", "declared_e8", "share_e8", "claim_ids")
    rows = [{**dict(zip(names, split, strict=True)), "territory": territory} for split in SPLITS for territory in ("DE", "WW")]
    return sorted(rows, key=lambda row: (row["recording_id"], row["lane"], row["territory"], row["payee"]))


def posting(transfer: str, account: str, units: int, state: str = "posted") -> dict[str, Any]:
    return {"transfer_id": f"{SETTLEMENT}/{transfer}", "account": account, "currency": "EUR", "amount_units": str(units), "state": state}


def make_postings() -> Rows:
    rows = []
    for pool, payees in ALLOCATED:
        rows += [posting(f"allocate/{pool}", payee, -units) for payee, units in payees]
        rows.append(posting(f"allocate/{pool}", f"pool:{pool}", sum(units for _, units in payees)))
    for party, units in (("alice", 9_420_000), ("carol", 5_000_000)):
        rows.append(posting(f"pay/{party}/EUR", f"party:{party}", units, "pending"))
        rows.append(posting(f"pay/{party}/EUR", "paid:EUR", -units, "pending"))
    for income in ("fee", "share"):
        rows.append(posting(f"receive/{income}", f"received:{income}", 10_000_000))
        rows += [posting(f"receive/{income}", f"pool:{pool}", -units) for pool, _, units, _, _ in POOLS if pool.startswith(income)]
    return sorted(rows, key=lambda row: (row["transfer_id"], row["account"]))


def make_balances() -> Rows:
    names = ("opening_units", "earned_units", "paid_units", "closing_units")
    nothing = dict.fromkeys(("withheld_units", "released_units", "recouped_units", "tax_units", "fee_units"), "0")
    return [
        {"account": account, "currency": "EUR", **nothing, **dict(zip(names, map(str, units), strict=True))} for account, *units in BALANCES
    ]


def make_statements() -> Rows:
    balances = {row["account"]: row for row in make_balances()}
    rows = []
    for party, lines, by_basis, held in STATEMENTS:
        balance = balances[f"party:{party}"]
        rows.append(
            {
                "settlement_id": SETTLEMENT,
                "corrects": None,
                "period_id": "2026-10",
                "programme_id": "mosaic",
                "party_id": party,
                "name": party.capitalize(),
                "currency": "EUR",
                "opening_units": balance["opening_units"],
                "net_revenue_units": balance["earned_units"],
                "net_costs_units": "0",
                "recouped_units": "0",
                "tax_units": "0",
                "fee_units": "0",
                "reserves_withheld_units": "0",
                "reserves_released_units": "0",
                "paid_units": balance["paid_units"],
                "closing_units": balance["closing_units"],
                "lines": lines,
                "by_basis": by_basis,
                "held_with_others_units": str(held),
            }
        )
    return rows
