"""How much each recording counts in each pool: step 4 of docs/formats/settlement.md."""

from collections.abc import Iterable, Sequence

from ritornello.domain.errors import Problem, raise_if_any
from ritornello.domain.period import Period
from ritornello.domain.programme import HEARD
from ritornello.settlement.estimate import Estimate
from ritornello.settlement.pools import Pool, income_of
from ritornello.settlement.receipts import Part
from ritornello.settlement.trained import Trained, Weights


def weigh(period: Period, pools: Sequence[Pool], parts: Iterable[Part], estimate: Estimate, trained: Trained) -> dict[str, Weights]:
    """Pool name → recording → weight. Raises BadInput when a pool has nothing to be divided by."""
    own = {(part.income, part.model_version, part.currency, part.territory): part for part in parts if not part.upstream}
    found: dict[str, Weights] = {}
    for pool in pools:
        if pool.rule in HEARD:
            part = own[pool.income, pool.model_version, pool.currency, pool.territory]
            found[pool.name] = estimate.weights(income_of(period, pool), part)
        else:
            rule = period.programme.held.reserve if pool.rule == "reserve" and period.is_released and period.programme.held else None
            found[pool.name] = trained.weights(rule or pool.rule, pool.model_version, pool.terms_version)
    raise_if_any([_nothing_to_divide_by(pool) for pool in pools if pool.rule != "reserve" and not found[pool.name]])
    return found


def _nothing_to_divide_by(pool: Pool) -> Problem:
    what = f"the pool {pool.name} has no recording to be divided over by {pool.rule}"
    if pool.rule == "exposure":
        return Problem("exposure.jsonl", None, "exposure_ms", what, "register the run with what it read")
    if pool.rule == "points":
        return Problem("points.jsonl", None, "points", what, "import the period's points: ritornello points import")
    return Problem("manifest.jsonl", None, "recording_id", what, "register a run of this programme with its snapshot")
