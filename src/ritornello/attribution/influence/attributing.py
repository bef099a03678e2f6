"""`attribute()`: how much each recording of the training data influenced outputs, from a cache, without the training data."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ritornello.attribution.influence import weights
from ritornello.attribution.influence.caching import Cache
from ritornello.attribution.influence.curvature import Loss
from ritornello.attribution.influence.features import Describer
from ritornello.attribution.influence.layers import find_layers
from ritornello.attribution.influence.methods import Method
from ritornello.attribution.influence.recording import Checkpoint
from ritornello.attribution.influence.rows import Floats, Rows
from ritornello.domain.errors import BadInput, Problem, Refused

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """`values` (outputs, recordings), positive where training on the recording made the output more likely; columns in the order of `recording_ids`."""

    values: Floats
    recording_ids: tuple[str, ...]


def attribute(
    cached: Cache, model: nn.Module, loss: Loss, outputs: Iterable[Any], method: Method, *, parents: Sequence[Cache] = ()
) -> Scores:
    """Score batches of outputs, in the form that `loss(model, batch)` takes. A recording's score is the sum of its segments'.

    `parents` are caches of the runs that this one's model was made from, the nearest first: their recordings get scores too, and one that was read by
    several runs gets the sum. Batches are gone through once for each checkpoint; for outputs that come one by one see `attribute_each`. Raises
    Refused (`degenerate_scores`) where scores say nothing: all the same, or not finite. ValueError for a cache made with other settings, or parents
    that are not this run's.
    """
    batches = list(outputs)
    _check_chain(cached, parents, method)
    ids = tuple(sorted({name for each in (cached, *parents) for name in each.recording.recording_ids}))
    total: Doubles | None = None
    with weights.borrowed(model):
        for each in (cached, *parents):
            places = _owners(each, ids)
            for checkpoint, weight, mix in _weigh(each, method):
                describer = load_checkpoint(each, checkpoint, model)
                queries = np.concatenate([vectors.numpy() for vectors in describer.describe(model, batches, loss, mix)])
                if total is None:
                    total = np.zeros((len(ids), len(queries)))
                for first, scores in _multiply(queries, each.rows(checkpoint.step, describer.dimensions), method.ridge):
                    np.add.at(total, places[first : first + scores.shape[1]], weight * scores.T)
    assert total is not None
    check(total.T)
    return Scores(total.T.astype(np.float32), ids)


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


def score_parts(
    cached: Cache, model: nn.Module, loss: Loss, batches: list[Any], method: Method
) -> Iterator[tuple[int, str, float, Scores]]:
    """What `attribute` adds up: the scores of each layer at each checkpoint, with the checkpoint's number, the layer's name and the checkpoint's weight."""
    _check_chain(cached, (), method)
    ids = cached.recording.recording_ids
    places = _owners(cached, ids)
    known = {checkpoint: weight for checkpoint, weight, _ in _weigh(cached, method)}
    with weights.borrowed(model):
        for number, checkpoint in enumerate(cached.checkpoints()):
            describer = load_checkpoint(cached, checkpoint, model)
            rows = cached.rows(checkpoint.step, describer.dimensions)
            parts = torch.cat(list(describer.describe_layers(model, batches, loss)), dim=1)
            for layer, queries in zip(describer.layers, parts, strict=True):
                total = np.zeros((len(ids), len(queries)))
                for first, scores in _multiply(queries.numpy(), rows, 0.0):
                    np.add.at(total, places[first : first + scores.shape[1]], scores.T)
                yield number, layer.name, known.get(checkpoint, 0.0), Scores(total.T.astype(np.float32), ids)


def load_checkpoint(cached: Cache, checkpoint: Checkpoint, model: nn.Module) -> Describer:
    """Give the model the weights of a checkpoint; returns what makes vectors there. Raises BadInput where the cache is of other layers."""
    weights.load_into(model, cached.recording.folder / checkpoint.file, checkpoint.sha256)
    if find_layers(model, [layer.name for layer in cached.layers]) != cached.layers:
        raise BadInput([Problem(str(cached.folder), None, "layers", "are not those of the model", "make the cache again")])
    return cached.describer(checkpoint.step)


def _owners(cached: Cache, ids: Sequence[str]) -> npt.NDArray[np.int64]:
    """For each row of the cache the place of its recording in `ids`."""
    columns = {name: number for number, name in enumerate(ids)}
    owners = {segment.segment_id: columns[segment.recording_id] for segment in cached.recording.segments}
    return np.array([owners[name] for name in cached.segment_ids])


def _weigh(cached: Cache, method: Method) -> list[tuple[Checkpoint, float, dict[str, float] | None]]:
    """The checkpoints that a method looks at, with their weights and those of the layers."""
    chosen = list(cached.checkpoints())
    if method.mix:
        if method.mix.checkpoints != len(chosen):
            raise ValueError(f"the mix is of {method.mix.checkpoints} checkpoints, and {cached.folder} has {len(chosen)}")
        return [(each, 1.0, method.mix.at(number)) for number, each in enumerate(chosen)]
    if method.last:
        return [(chosen[-1], 1.0, None)]
    if not method.by_rate:
        return [(each, 1.0, None) for each in chosen]
    most = max(each.rate_e12 for each in chosen) or 1
    return [(each, each.rate_e12 / most, None) for each in chosen if each.rate_e12]


def _multiply(queries: Floats, rows: Rows, ridge: float) -> Iterator[tuple[int, Floats]]:
    """Products (outputs, segments), in blocks of segments, each with the number of its first."""
    count, dimensions = rows.vectors.shape
    if ridge and count <= dimensions:
        yield 0, _ridge_among_segments(queries, rows, ridge)
        return
    if ridge:
        queries = _ridge_among_dimensions(queries, rows, ridge)
    for first, vectors in rows.blocks():
        yield first, queries @ vectors.T


def _ridge_among_segments(queries: Floats, rows: Rows, part: float) -> Floats:
    """q Φᵀ (ΦΦᵀ + ρ)⁻¹, the same as q (ΦᵀΦ + ρ)⁻¹ Φᵀ."""
    every = np.concatenate([vectors for _, vectors in rows.blocks()]).astype(np.float64)
    gram = every @ every.T
    gram[np.diag_indices(len(gram))] += part * np.trace(gram) / len(every)
    return np.asarray(np.linalg.solve(gram, every @ queries.T.astype(np.float64)).T, dtype=np.float32)


def _ridge_among_dimensions(queries: Floats, rows: Rows, part: float) -> Floats:
    """q (ΦᵀΦ + ρ)⁻¹"""
    dimensions = queries.shape[1]
    gram = np.zeros((dimensions, dimensions))
    for _, vectors in rows.blocks():
        gram += vectors.T.astype(np.float64) @ vectors
    gram[np.diag_indices(dimensions)] += part * np.trace(gram) / len(rows.scales)
    return np.asarray(np.linalg.solve(gram, queries.T.astype(np.float64)).T, dtype=np.float32)
