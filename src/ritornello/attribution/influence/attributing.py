"""`attribute()`: how much each recording of the training data influenced outputs, from a cache, without the training data."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from ritornello.attribution.influence import weights
from ritornello.attribution.influence.caching import Cache
from ritornello.attribution.influence.curvature import Loss
from ritornello.attribution.influence.methods import Method
from ritornello.attribution.influence.recording import Checkpoint
from ritornello.attribution.influence.rows import Floats, Rows
from ritornello.domain.errors import Refused


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """`values` (outputs, recordings), positive where training on the recording made the output more likely; columns in the order of `recording_ids`."""

    values: Floats
    recording_ids: tuple[str, ...]


def attribute(
    cached: Cache, model: nn.Module, loss: Loss, outputs: Iterable[Any], method: Method, *, parents: Sequence[Cache] = ()
) -> Scores:
    """Score batches of outputs, in the form that `loss(model, batch)` takes. A recording's score is the sum of its segments'.

    `parents` are caches of the runs that this one's model was made from, the nearest first: their recordings get scores too, and one that was read
    by several runs gets the sum.
    Batches are gone through once for each checkpoint; for outputs that come one by one see `attribute_each`. Raises Refused (`degenerate_scores`) where scores
    say nothing: all the same, or not finite. ValueError for a cache made with other settings, or parents that are not this run's.
    """
    batches = list(outputs)
    _check_chain(cached, parents, method)
    ids = tuple(sorted({name for each in (cached, *parents) for name in each.recording.recording_ids}))
    columns = {name: number for number, name in enumerate(ids)}
    before, training = {name: value.clone() for name, value in model.state_dict().items()}, model.training
    total: npt.NDArray[np.float64] | None = None
    try:
        model.eval()
        for each in (cached, *parents):
            owners = {segment.segment_id: columns[segment.recording_id] for segment in each.recording.segments}
            places = np.array([owners[name] for name in each.segment_ids])
            for checkpoint, weight in _weigh(each, method):
                scores = weight * _score(each, checkpoint, model, loss, batches, method)
                if total is None:
                    total = np.zeros((len(scores), len(ids)))
                np.add.at(total.T, places, scores.T)
    finally:
        model.load_state_dict(before)
        model.train(training)
    assert total is not None
    check(total)
    return Scores(total.astype(np.float32), ids)


def attribute_each(
    cached: Cache, model: nn.Module, loss: Loss, outputs: Iterable[Any], method: Method, *, parents: Sequence[Cache] = ()
) -> Iterator[Scores]:
    """The same for a stream: scores of each batch as soon as it comes, in memory that doesn't grow. The same figures, at the price of reading every
    checkpoint for every batch."""
    for batch in outputs:
        yield attribute(cached, model, loss, [batch], method, parents=parents)


def check(values: npt.NDArray[np.floating[Any]]) -> None:
    """Raise Refused (`degenerate_scores`) where scores say nothing about any output."""
    if not np.isfinite(values).all():
        raise Refused("degenerate_scores", "scores are not finite", "use a larger damping, or look at the loss")
    if values.size and values.shape[1] > 1 and (np.ptp(values, axis=1) <= 1e-12 * np.abs(values).max(axis=1)).all():
        what = "every recording has the same score: a damping far above the curvature's eigenvalues, or a loss without gradient, does that"
        raise Refused("degenerate_scores", what, "choose the damping on held-out outputs (choose_damping)")


def _check_chain(cached: Cache, parents: Sequence[Cache], method: Method) -> None:
    for each in (cached, *parents):
        if each.settings != method.settings:
            raise ValueError(f"the cache in {each.folder} was made with other settings than {method.name} takes")
    for child, parent in zip((cached, *parents), parents, strict=False):
        if child.recording.parent_sha256 != parent.recording.sha256:
            raise ValueError(f"{parent.recording.folder} does not hold the run that {child.recording.folder} began from")


def _weigh(cached: Cache, method: Method) -> list[tuple[Checkpoint, float]]:
    chosen = list(cached.checkpoints())
    if method.last:
        return [(chosen[-1], 1.0)]
    if not method.by_rate:
        return [(each, 1.0) for each in chosen]
    most = max(each.rate_e12 for each in chosen) or 1
    return [(each, each.rate_e12 / most) for each in chosen if each.rate_e12]


def _score(cached: Cache, checkpoint: Checkpoint, model: nn.Module, loss: Loss, batches: list[Any], method: Method) -> Floats:
    """Products (outputs, segments) at one checkpoint."""
    weights.load_into(model, cached.recording.folder / checkpoint.file, checkpoint.sha256)
    describer = cached.describer(checkpoint.step)
    rows = cached.rows(checkpoint.step, describer.dimensions)
    queries = np.concatenate([vectors.numpy() for vectors in describer.describe(model, batches, loss)])
    if method.ridge:
        return _ridge(queries, rows, method.ridge)
    return np.concatenate([queries @ vectors.T for _, vectors in rows.blocks()], axis=1)


def _ridge(queries: Floats, rows: Rows, part: float) -> Floats:
    """q (ΦᵀΦ + ρ)⁻¹ Φᵀ, solved among the fewer of segments and dimensions, in double precision."""
    count, dimensions = rows.vectors.shape
    if count <= dimensions:
        every = np.concatenate([vectors for _, vectors in rows.blocks()]).astype(np.float64)
        gram = every @ every.T
        gram[np.diag_indices(count)] += part * np.trace(gram) / count
        return np.asarray(np.linalg.solve(gram, every @ queries.T.astype(np.float64)).T, dtype=np.float32)
    gram = np.zeros((dimensions, dimensions))
    for _, vectors in rows.blocks():
        gram += vectors.T.astype(np.float64) @ vectors
    gram[np.diag_indices(dimensions)] += part * np.trace(gram) / count
    turned = np.linalg.solve(gram, queries.T.astype(np.float64)).T.astype(np.float32)
    return np.concatenate([turned @ vectors.T for _, vectors in rows.blocks()], axis=1)
