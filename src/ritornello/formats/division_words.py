"""In plain words, what divided a pool and why: for statements and explanations."""

from collections.abc import Mapping
from typing import Any

from ritornello.domain.programme import HEARD

Row = Mapping[str, Any]
WEIGHT_PARTS = {
    "evidence_ppm": "was heard",
    "influence_ppm": "came from influence on the model",
    "exposure_ppm": "from exposure, as a filler",
}
_RULES = {
    "attribution": "heard in outputs",
    "user_centric": "heard in outputs, each user's money by that user's uses",
    "exposure": "used in training",
    "count": "each recording in the training dataset equally",
    "works": "each work in the training dataset equally",
    "seconds": "seconds in the training dataset",
    "points": "points given for the period",
    "reserve": "kept in reserve",
}
_REASONS = {
    "rule": "as the programme says",
    "lineage": "a model made from this one earned it, and owes part of it to what this one was trained on",
    "no_model_version": "this income belongs to no single model version, so attribution can't divide it",
    "no_measured_error": "nobody has measured how wrong attribution is for this model, so the fallback divides it",
    "error_above_limit": "attribution was measured to be too wrong to divide money by, so the fallback divides it",
    "no_usage": "no use of attributed outputs was reported here, so the fallback divides it",
    "nothing_heard": "no recording was heard in the outputs used, so the fallback divides it",
    "no_measured_noise": "nobody has measured how far attribution moves by chance for this model, so the fallback divides it",
    "unattributed": "the part of outputs that no recording explains",
    "gone": "this money is not in the period any more",
}
_FALLBACKS = {
    "exposure": "the money follows exposure",
    "count": "each recording in the training dataset gets the same",
    "seconds": "the money follows seconds in the training dataset",
    "reserve": "the money is kept in reserve",
}
_ORIGINS = {"unattributed-": "outputs no recording explains, divided by: ", "lineage-": "owed to the ancestors of a model, divided by: "}


def describe_basis(basis: str) -> str:
    """What a pool is divided by.

    >>> describe_basis("unattributed-exposure")
    'outputs no recording explains, divided by: used in training'
    """
    for origin, words in _ORIGINS.items():
        if basis.startswith(origin):
            return words + _RULES[basis.removeprefix(origin)]
    return _RULES[basis]


def describe_reason(pool: Row) -> str:
    """Why this basis and no other divides a pool: a row of pools.jsonl, or a line with its columns."""
    if pool["reason"] == "signal_below_noise":
        return f"{_compare(pool, 'would have moved')}; below the ratio {_ratio(pool)} that the programme declares, so {_FALLBACKS[pool['basis']]}"
    return _REASONS[pool["reason"]]


def describe_attribution(pool: Row, quality: Row | None) -> list[str]:
    """What stands behind the weights of a pool that attribution divides: where they come from, and by which figures it may. Nothing for other pools."""
    if pool["basis"] not in HEARD or pool["reason"] == "gone":
        return []
    found = []
    parts = [f"{show_ppm(quality[name])} {words}" for name, words in WEIGHT_PARTS.items() if quality and quality.get(name) is not None]
    if parts:
        found.append(f"of an output's weight, on average {', '.join(parts)}")
    if pool.get("signal_ppm") is not None:
        found.append(
            f"{_compare(pool, 'moves')}; at least the ratio {_ratio(pool)} that the programme declares, so the money follows attribution"
        )
    return found


def show_ppm(ppm: int) -> str:
    """Parts per million as a percentage, exactly."""
    return f"{ppm / 10_000:g} %"


def _compare(pool: Row, moves: str) -> str:
    between = " between owners' catalogues" if pool["compared_by"] == "catalogue" else ""
    return f"attribution {moves} {show_ppm(pool['signal_ppm'])} of this pool{between}, its measured noise is {show_ppm(pool['noise_ppm'])}"


def _ratio(pool: Row) -> str:
    return f"{pool['min_signal_to_noise_e3'] / 1000:g}"
