"""What one checkpoint makes of samples: a vector for each, so that the product of an output's vector and a segment's is the segment's influence
there.

`gradient`: the gradient of the sample's loss. `ek-fac`: that gradient in the curvature's coordinates, each divided by the square root of eigenvalue
plus damping, so that the product is gᵀ(H + λ)⁻¹g′ (P. W. Koh and P. Liang, "Understanding Black-box Predictions via Influence Functions", ICML 2017,
with H after George and others, 2018). `embedding`: the mean of what enters the last layer, of length 1. Vectors longer than `dimensions` are
sketched: each coordinate is added, with a random sign, to a random place (M. Charikar, K. Chen and M. Farach-Colton, "Finding Frequent Items in Data
Streams", 2002), which keeps products right on average.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ritornello.attribution.influence.curvature import Curvature, Loss, run_backward
from ritornello.attribution.influence.layers import Layer, per_sample_gradients, tap

KINDS = ("gradient", "ek-fac", "embedding")


@dataclass(frozen=True, slots=True)
class Settings:
    """`kind` of vectors; `damping` as a part of each layer's mean eigenvalue (`ek-fac` alone); `dimensions` of a vector; `layers` by name, or all;
    `seed` of the sketch."""

    kind: str = "ek-fac"
    damping: float = 1e-2
    dimensions: int = 4096
    layers: tuple[str, ...] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS or not self.damping > 0 or self.dimensions < 1:
            raise ValueError(f"a kind is one of {', '.join(KINDS)}; damping is above 0, and there is at least one dimension")


class Describer:
    """Makes vectors of samples at the checkpoint after `step` steps; the model holds its weights. `curvature` is needed for `ek-fac`."""

    def __init__(self, layers: Sequence[Layer], settings: Settings, curvature: Curvature | None, step: int = 0) -> None:
        self.layers = tuple(layers[-1:] if settings.kind == "embedding" else layers)
        self._settings, self._curvature = settings, curvature
        self._factors: dict[str, Tensor] = {}
        if curvature is not None:
            for layer in layers:
                eigenvalues = curvature[layer.name].eigenvalues
                damped = eigenvalues + settings.damping * eigenvalues.mean()
                self._factors[layer.name] = torch.where(damped > 0, damped, 1).rsqrt() * (damped > 0)
        self._places = _draw_places(layers, settings, step)
        self._firsts = dict(
            zip((layer.name for layer in self.layers), accumulate((layer.size for layer in self.layers), initial=0), strict=False)
        )
        self.dimensions = _count_dimensions(layers, settings)

    def describe(self, model: nn.Module, batches: Iterable[Any], loss: Loss, mix: Mapping[str, float] | None = None) -> Iterator[Tensor]:
        """Vectors (n, dimensions) of each batch; `mix` says how much each layer counts, if not all the same."""
        for turned, samples in self._turn(model, batches, loss):
            vectors = torch.zeros(samples, self.dimensions)
            for name, flat in turned:
                self._add(vectors, name, flat if mix is None else flat * mix[name])
            yield vectors

    def describe_layers(self, model: nn.Module, batches: Iterable[Any], loss: Loss) -> Iterator[Tensor]:
        """What each layer adds to the vectors of each batch, (layers, n, dimensions)."""
        for turned, samples in self._turn(model, batches, loss):
            parts = torch.zeros(len(self.layers), samples, self.dimensions)
            for part, (name, flat) in zip(parts, turned, strict=True):
                self._add(part, name, flat)
            yield parts

    def _turn(self, model: nn.Module, batches: Iterable[Any], loss: Loss) -> Iterator[tuple[list[tuple[str, Tensor]], int]]:
        """Each batch's layers with what they hold of each sample, (n, coordinates), and how many samples there are."""
        with tap(model, self.layers) as passed:
            for batch in batches:
                samples = run_backward(model, batch, loss, passed)
                if self._settings.kind == "embedding":
                    name = self.layers[0].name
                    yield [(name, nn.functional.normalize(passed[name][0].inputs.mean(dim=1)))], samples
                    continue
                turned = []
                for name, gradient in per_sample_gradients(passed, self.layers, samples).items():
                    if self._curvature is not None:
                        gradient = self._curvature[name].turn(gradient) * self._factors[name]
                    turned.append((name, gradient.flatten(1)))
                yield turned, samples

    def _add(self, vectors: Tensor, name: str, flat: Tensor) -> None:
        if self._places:
            places, signs = self._places[name]
            vectors.index_add_(1, places, flat * signs)
        else:
            first = self._firsts[name]
            vectors[:, first : first + flat.shape[1]] += flat


def _count_dimensions(layers: Sequence[Layer], settings: Settings) -> int:
    if settings.kind == "embedding":
        return layers[-1].inputs
    return min(settings.dimensions, sum(layer.size for layer in layers))


def _draw_places(layers: Sequence[Layer], settings: Settings, step: int) -> dict[str, tuple[Tensor, Tensor]]:
    """Each coordinate's place in the sketch and its sign, another one at each checkpoint, so that their errors cancel; nothing where vectors are
    short enough as they are."""
    if settings.kind == "embedding" or sum(layer.size for layer in layers) <= settings.dimensions:
        return {}
    drawn = {}
    for number, layer in enumerate(layers):
        random = np.random.default_rng([settings.seed, step, number])
        places = random.integers(settings.dimensions, size=layer.size, dtype=np.int32)
        signs = random.integers(2, size=layer.size, dtype=np.int8) * 2 - 1
        drawn[layer.name] = torch.from_numpy(places), torch.from_numpy(signs)
    return drawn
