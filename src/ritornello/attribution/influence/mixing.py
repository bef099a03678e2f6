"""How much each layer counts at each checkpoint, fitted to a truth: lower layers tell more early in training, upper ones later.

Scores are sums over checkpoints and layers, so that what they foretell is linear in the weights of these parts. The weights are fitted by least
squares to what training again showed, each output's values brought to the same spread, and drawn towards the method's own (ridge regression: A. E.
Hoerl and R. W. Kennard, 1970).
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from torch import nn

from ritornello.attribution.influence.attributing import Doubles, score_parts
from ritornello.attribution.influence.caching import Cache
from ritornello.attribution.influence.curvature import Loss
from ritornello.attribution.influence.methods import Method, Mix
from ritornello.attribution.influence.truth import Truth

PULL = 0.1


def fit_mix(
    cached: Cache, model: nn.Module, loss: Loss, outputs: Iterable[Any], method: Method, truth: Truth, *, pull: float = PULL
) -> Mix:
    """Weights of layers at checkpoints that foretell `truth` of these `outputs` best. Use them on other outputs, or on another recording of a model
    with the same layers and as many checkpoints.

    Figures on the outputs that they were fitted to would flatter. `pull` is how strongly weights are drawn to those of `method`, as a part of the
    weight of the truth.
    """
    keys, weights, columns = [], [], []
    for number, layer, weight, scores in score_parts(cached, model, loss, list(outputs), method):
        keys.append((number, layer))
        weights.append(weight)
        columns.append(weight * _standard(truth.add_up(scores), truth).ravel())
    parts, target = np.stack(columns, axis=1), _standard(truth.values, truth).ravel()
    whole = parts.sum(axis=1)
    usual = float(whole @ target) / float(whole @ whole)
    sizes = parts.std(axis=0)
    sizes = np.where(sizes > 0, sizes, 1.0)
    parts /= sizes
    gram = parts.T @ parts
    gram[np.diag_indices(len(gram))] += pull * len(parts)
    change = np.linalg.solve(gram, parts.T @ (target - usual * whole)) / sizes
    return Mix({key: float(weight * (usual + more)) for key, weight, more in zip(keys, weights, change, strict=True)})


def _standard(values: Doubles, truth: Truth) -> Doubles:
    """Each output's column around its mean, in units of the spread of its true values."""
    spread = truth.values.std(axis=0)
    return np.asarray((values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0))
