"""What recordings earned, settlement by settlement: the lines about them, read from the kept results without the rest."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ritornello.domain.money import digits_of
from ritornello.formats.payee_lines import find_lines, find_pools
from ritornello.service import settlement_files
from ritornello.service.context import Context
from ritornello.service.settlement_files import Kept


@dataclass(frozen=True, slots=True)
class Line:
    line_id: str
    lane: str
    amount_units: int


@dataclass(frozen=True, slots=True)
class Earning:
    """What one recording gave one payee in one settlement or correction (there: the difference)."""

    settlement: Kept
    recording_id: str
    payee: str  # `party:` and an id, or a held account
    currency: str
    minor_digits: int
    lines: tuple[Line, ...]

    @property
    def amount_units(self) -> int:
        return sum(line.amount_units for line in self.lines)

    @property
    def party_id(self) -> str | None:
        """Whose statement has it; None for money that is held."""
        return self.payee.removeprefix("party:") if self.payee.startswith("party:") else None


def read(context: Context, recording_ids: Collection[str], reader: str | None) -> list[Earning]:
    """Newest settlement first, then by payee; for a payee (`reader`) only theirs."""
    found = []
    for kept in settlement_files.list_newest_first(context):
        found += _of_settlement(context, kept, recording_ids, reader)
    return found


def total(earnings: Iterable[Earning]) -> list[tuple[int, str, int]]:
    """Amount, currency and its digits, ascending by currency."""
    sums: dict[tuple[str, int], int] = {}
    for one in earnings:
        key = one.currency, one.minor_digits
        sums[key] = sums.get(key, 0) + one.amount_units
    return [(units, currency, digits) for (currency, digits), units in sorted(sums.items())]


def _of_settlement(context: Context, kept: Kept, recording_ids: Collection[str], reader: str | None) -> list[Earning]:
    names = ("allocations", "deltas") if kept.number else ("allocations",)
    tables = {name: settlement_files.find_rows(context, kept, name, recording_ids) for name in names}
    rows = [
        row
        for payee, of_payee in sorted(find_lines(tables, corrects=kept.number > 0).items())
        if reader is None or payee == f"party:{reader}"
        for row in of_payee
    ]
    if not rows:
        return []
    pools = find_pools(settlement_files.read_pools(context, kept))
    groups: dict[tuple[str, str, str], list[Line]] = {}
    for row in rows:
        pool = pools[row["pool"]]
        key = row["recording_id"], row["payee"], pool["currency"]
        groups.setdefault(key, []).append(Line(row["line_id"], pool["lane"], int(row["amount_units"])))
    return [
        Earning(kept, recording_id, payee, currency, digits_of(currency), tuple(lines))
        for (recording_id, payee, currency), lines in sorted(groups.items())
    ]
