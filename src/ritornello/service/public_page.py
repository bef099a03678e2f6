"""What everybody may see: the terms on offer, what was paid under them, the models with their datasets, and the log's signed checkpoint."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from ritornello.domain.money import digits_of
from ritornello.domain.programme import Programme
from ritornello.service import log, models, overview, programmes, settlement_files
from ritornello.service.context import Context

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PublicPage:
    """Sums only: no party, no recording. `totals`: by programme and currency, ledger units as text with `minor_digits`."""

    programmes: tuple[Programme, ...]
    totals: tuple[Row, ...]
    models: tuple[Row, ...]
    snapshots: tuple[Row, ...]
    checkpoint: str
    vkey: str
    as_of_us: int


def read(context: Context) -> PublicPage:
    """The public page as of now."""
    checkpoint, vkey = log.checkpoint(context)
    return PublicPage(
        tuple(programmes.list_all(context)),
        tuple(_totals(context)),
        tuple(models.list_runs(context)),
        tuple(overview.list_snapshots(context)),
        checkpoint,
        vkey,
        context.now_us(),
    )


def _totals(context: Context) -> list[Row]:
    """What settlements divided among parties and paid out to them, with all corrections."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    periods: dict[str, set[str]] = defaultdict(set)
    for kept in settlement_files.list_all(context):
        periods[kept.programme_id].add(kept.period_id)
        for row in settlement_files.read_table(context, kept.settlement_id, "statements"):
            earned_paid = sums[kept.programme_id, row["currency"]]
            earned_paid[0] += int(row["net_revenue_units"])
            earned_paid[1] += int(row["paid_units"])
    return [
        {
            "programme_id": programme_id,
            "currency": currency,
            "minor_digits": digits_of(currency),
            "earned_units": str(earned),
            "paid_units": str(paid),
            "periods": len(periods[programme_id]),
        }
        for (programme_id, currency), (earned, paid) in sorted(sums.items())
    ]
