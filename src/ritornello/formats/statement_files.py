"""A payee's statement as JSON, CSV and a page: three renderings of the same rows (docs/formats/statement.md)."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from babel.dates import format_date
from babel.numbers import format_decimal
from jinja2 import Environment, PackageLoader, StrictUndefined

from ritornello.domain.money import digits_of, format_units
from ritornello.domain.programme import HEARD
from ritornello.domain.splits import format_share
from ritornello.formats.division_words import WEIGHT_PARTS, describe_attribution, describe_basis, describe_reason
from ritornello.formats.minimum_counts import describe_small
from ritornello.formats.payee_lines import find_lines, find_pools

NOT_SHOWN = "–"
COMPARED = ("signal_ppm", "noise_ppm", "min_signal_to_noise_e3", "compared_by")
_COSTS = {"recouped": "advances recouped", "tax": "tax withheld from the payout", "fee": "fee of the payout"}
_CSV = (
    "line_id", "recording_id", "title", "lane", "income", "terms_version", "model_version", "territory", "basis", "reason",
    "weight", "total_weight", "share_percent", "currency", "amount",
    "evidence_percent", "influence_percent", "exposure_percent", "signal_percent", "noise_percent",
)  # fmt: skip
_WITHHELD = (
    "weight", "total_weight", "numerator", "pool_units", *COMPARED,
    "evidence_percent", "influence_percent", "exposure_percent", "signal_percent", "noise_percent",
)  # fmt: skip


def itemise(
    tables: Mapping[str, Sequence[Mapping[str, Any]]], party_id: str, small: Mapping[str, int] | None = None
) -> list[dict[str, Any]]:
    """One entry per currency: the statement's row with its lines, each with what a reader needs to see where it comes from.

    `small`: pools whose weights are not shown (`minimum_counts.find_small`).
    """
    small = small or {}
    pools = find_pools(tables)
    recordings = {row["recording_id"]: row for row in tables["recordings"]}
    errors = {row["model_version"]: row for row in tables["quality"]}
    withdrawn = _withdrawals(tables["consents"])
    payable = any(row["payable"] for row in tables["parties"] if row["party_id"] == party_id)
    sheets = []
    for row in (row for row in tables["statements"] if row["party_id"] == party_id):
        digits = digits_of(row["currency"])
        mine = [
            {
                **_line(line, pools[line["pool"]], recordings.get(line["recording_id"]), errors, digits),
                **(dict.fromkeys(_WITHHELD, "") if line["pool"] in small else {}),
                "withdrawn_from": withdrawn.get(line["recording_id"]),
            }
            for line in find_lines(tables, corrects=row["corrects"] is not None).get(f"party:{party_id}", [])
            if pools[line["pool"]]["currency"] == row["currency"]
        ]
        mine.sort(key=lambda line: (-int(line["amount_units"]), line["line_id"]))
        notes = _notes([pools[name] for name in sorted({line["pool"] for line in mine})], errors, small)
        sheets.append({**row, "minor_digits": digits, "payable": payable, "notes": notes, "items": mine})
    return sheets


def render_json(sheets: Sequence[Mapping[str, Any]]) -> bytes:
    return json.dumps(sheets, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def render_csv(sheets: Sequence[Mapping[str, Any]]) -> bytes:
    """All lines of all currencies, UTF-8 with BOM so that spreadsheet programs read it right; text can't start a formula."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(_CSV)
    for sheet in sheets:
        for item in sheet["items"]:
            writer.writerow([harmless(str({**item, "currency": sheet["currency"]}[column])) for column in _CSV])
    return b"\xef\xbb\xbf" + stream.getvalue().encode()


def render_page(
    sheets: Sequence[Mapping[str, Any]], *, programme_title: str, licensor: str, licensee: str, first_day: date, last_day: date
) -> bytes:
    """The statement as one self-contained page without scripts."""
    environment = Environment(
        loader=PackageLoader("ritornello.formats"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(
        money=show_money, share=show_share, words=describe_basis, because=describe_reason, balance=describe_balance, rows=list_balance
    )
    template = environment.get_template("statement.html")
    days = f"{format_date(first_day, 'd MMMM y', locale='en')} – {format_date(last_day, 'd MMMM y', locale='en')}"
    page = template.render(sheets=sheets, programme_title=programme_title, licensor=licensor, licensee=licensee, days=days)
    return page.encode()


def describe_balance(sheet: Mapping[str, Any]) -> tuple[str, str, str]:
    """The amount a statement is about, what it is, and what becomes of the balance; for every form of it."""
    digits, currency = sheet["minor_digits"], sheet["currency"]
    closing = show_money(sheet["closing_units"], digits)
    overpaid = sheet["closing_units"].startswith("-")
    if sheet["corrects"] is not None:
        then = "The rest is made up by what you earn next." if overpaid else "Your balance is paid with the next settlement."
        amount = show_money(sheet["net_revenue_units"], digits)
        return amount, f"{currency} is what this correction of {sheet['corrects']} changes", f"Only lines that changed are listed. {then}"
    paid = sheet["paid_units"] != "0"
    amount = show_money(sheet["paid_units"], digits, whole=True)
    what = f"{currency} will be paid to you" if paid else f"{currency} is paid now"
    if overpaid:
        return amount, what, f"You were paid more than you are owed: {closing} {currency} is made up by what you earn next."
    if sheet["closing_units"] == "0":
        return amount, what, ""
    why = "" if paid else ", because it is below the payout threshold"
    why = why if sheet["payable"] else ", because no payout account is on file for you"
    return amount, what, f"{closing} {currency} stays on your balance and carries to the next period{why}."


def list_balance(sheet: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How opening becomes closing: (label, amount) in the order of a statement; costs that are nothing are left out."""
    change = "Change of net revenue" if sheet["corrects"] is not None else "Net revenue of this period"
    rows = [
        ("opening", "Opening balance"),
        ("net_revenue", f"{change} ({sheet['lines']} lines below)"),
        ("net_costs", "Net costs"),
        *((name, f"  of this: {label}") for name, label in _COSTS.items() if sheet[f"{name}_units"] != "0"),
        ("reserves_withheld", "Reserves withheld"),
        ("reserves_released", "Reserves released"),
        ("paid", "Paid out"),
    ]
    signs = {"paid": "−" if sheet["paid_units"] != "0" else ""}
    return [(label, signs.get(name, "") + show_money(sheet[f"{name}_units"], sheet["minor_digits"])) for name, label in rows]


def _notes(pools: Sequence[Mapping[str, Any]], quality: Mapping[str, Mapping[str, Any]], small: Mapping[str, int]) -> list[str]:
    """What stands behind attribution in these pools, or why its noise left them to the fallback: each sentence once for a model version and territory."""
    found: dict[str, None] = {}
    for pool in pools:
        if pool["pool"] in small:
            notes = [describe_small(small[pool["pool"]])]
        elif pool["reason"] in {"no_measured_noise", "signal_below_noise"}:
            notes = [describe_reason(pool)]
        else:
            notes = describe_attribution(pool, quality.get(pool["model_version"]))
        found |= dict.fromkeys(f"{pool['model_version']}, {pool['territory']}: {note}" for note in notes)
    return list(found)


def _withdrawals(events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Recording → the first day from which a grant that was withdrawn no longer counts for new snapshots; grants made anew end that."""
    latest: dict[tuple[str, str, str], Mapping[str, Any]] = {}
    for event in events:
        latest[event["party_id"], event["asset_id"], event["purpose"]] = event
    days: dict[str, str] = {}
    for event in latest.values():
        if event["decision"] == "withdraw":
            days[event["recording_id"]] = min(event["effective_from"], days.get(event["recording_id"], "9999-12-31"))
    return days


def _line(
    line: Mapping[str, Any],
    pool: Mapping[str, Any],
    recording: Mapping[str, Any] | None,
    errors: Mapping[str, Mapping[str, Any]],
    digits: int,
) -> dict[str, Any]:
    error = errors.get(pool["model_version"], {})
    parts = error if pool["basis"] in HEARD else {}
    return {
        **line,
        **{name: pool[name] for name in ("lane", "income", "terms_version", "model_version", "territory", "basis", "reason")},
        "pool_units": pool["amount_units"],
        "total_weight": str(int(pool["denominator"]) // 100_000_000),
        "share_percent": format_share(line["share_e8"]),
        "error_ppm": error.get("error_ppm"),
        **{name: pool[name] for name in COMPARED if name in pool},
        **{name.replace("_ppm", "_percent"): _percent(parts.get(name)) for name in WEIGHT_PARTS},
        **{name.replace("_ppm", "_percent"): _percent(pool.get(name)) for name in COMPARED[:2]},
        "title": recording["title"] if recording else "",
        "artist": recording["artist"] if recording else "",
        "amount": format_units(int(line["amount_units"]), digits),
    }


def _percent(ppm: int | None) -> str:
    return "" if ppm is None else f"{ppm / 10_000:g}"


def show_money(units: str | int, digits: int, *, whole: bool = False) -> str:
    """Ledger units for people: always the minor digits, and as many more as there are, so that nothing shows as 0.00 that isn't. Empty: not shown."""
    if units == "":
        return NOT_SHOWN
    value = Decimal(format_units(int(units), digits))
    most = digits if whole else digits + 4
    return format_decimal(
        value, format=f"#,##0.{'0' * digits}{'#' * (most - digits)}" if most else "#,##0", locale="en", decimal_quantization=False
    )


def show_share(part: str | int, whole: str | int) -> str:
    """A part of a whole as a percentage with four digits. Empty: not shown."""
    if whole == "":
        return NOT_SHOWN
    return f"{Decimal(int(part)) * 100 / Decimal(int(whole)):.4f} %"


def harmless(text: str) -> str:
    """Text that a spreadsheet program won't take for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "@", "\t", "\r"} or (text[:1] == "-" and not text[1:2].isdigit()) else text
