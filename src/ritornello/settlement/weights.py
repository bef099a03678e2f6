"""How much each recording counts in each pool: step 4 of docs/formats/settlement.md."""

from collections import defaultdict
from collections.abc import Sequence

from ritornello.domain.period import UNATTRIBUTED, Period
from ritornello.settlement import engine
from ritornello.settlement.engine import rank
from ritornello.settlement.pools import ANY_MODEL, Pool


def weigh(period: Period, pools: Sequence[Pool], backend: engine.Backend) -> dict[str, dict[str, int]]:
    """Pool name → recording → weight > 0."""
    exposure: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in period.exposures:
        if row.exposure_ms:
            exposure[row.model_version][row.recording_id] += row.exposure_ms
            exposure[ANY_MODEL][row.recording_id] += row.exposure_ms
    used = _attributed_use(period, backend) if any(pool.basis == "attribution" for pool in pools) else {}
    found: dict[str, dict[str, int]] = {}
    for pool in pools:
        if pool.basis == "attribution":
            found[pool.name] = used[pool.model_version, pool.territory]
        else:
            found[pool.name] = {} if pool.basis == "unattributed-reserve" else dict(exposure[pool.model_version])
    return found


def _attributed_use(period: Period, backend: engine.Backend) -> dict[tuple[str, str], dict[str, int]]:
    """(model version, territory) → recording → Σ uses × weight_ppm."""
    cells = sorted({(period.outputs[usage.output_id], usage.territory) for usage in period.usage})
    outputs = sorted(period.outputs)
    weights = [weight for weight in period.attribution if weight.recording_id != UNATTRIBUTED and weight.weight_ppm]
    recordings = sorted({weight.recording_id for weight in weights})
    cell_rank, output_rank, recording_rank = rank(cells), rank(outputs), rank(recordings)
    engine.prove_bounds([usage.uses for usage in period.usage], 1_000_000)
    rows = engine.sum_weights(
        backend,
        {
            "cell": [cell_rank[period.outputs[usage.output_id], usage.territory] for usage in period.usage],
            "output": [output_rank[usage.output_id] for usage in period.usage],
            "uses": [usage.uses for usage in period.usage],
        },
        {
            "output": [output_rank[weight.output_id] for weight in weights],
            "recording": [recording_rank[weight.recording_id] for weight in weights],
            "weight_ppm": [weight.weight_ppm for weight in weights],
        },
    )
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for cell, recording, weight in rows:
        found[cells[cell]][recordings[recording]] = weight
    return found
