"""What one checkpoint makes of samples: a vector for each, so that the product of an output's vector and a segment's is the segment's influence there.

`gradient`: the gradient of the sample's loss. `ek-fac`: that gradient in the curvature's coordinates, each divided by the square root of eigenvalue
plus damping, so that
the product is gᵀ(H + λ)⁻¹g′ (P. W. Koh and P. Liang, "Understanding Black-box Predictions via Influence Functions", ICML 2017, with H after George
and others, 2018).
`embedding`: the mean of what enters the last layer, of length 1.
Vectors longer than `dimensions` are sketched: each coordinate is added, with a random sign, to a random place (M. Charikar, K. Chen and M.
Farach-Colton, "Finding Frequent
Items in Data Streams", 2002), which keeps products right on average.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
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
    damping: float = 1e-3
    dimensions: int = 4096
    layers: tuple[str, ...] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS or not self.damping > 0 or self.dimensions < 1:
            raise ValueError(f"a kind is one of {', '.join(KINDS)}; damping is above 0, and there is at least one dimension")


class Describer:
    """Makes vectors of samples at one checkpoint; the model holds its weights. `curvature` is needed for `ek-fac`."""

    def __init__(self, layers: Sequence[Layer], settings: Settings, curvature: Curvature | None) -> None:
        self._layers = layers[-1:] if settings.kind == "embedding" else layers
        self._settings, self._curvature = settings, curvature
        self._factors: dict[str, Tensor] = {}
        if curvature is not None:
            for layer in layers:
                eigenvalues = curvature[layer.name].eigenvalues
                damped = eigenvalues + settings.damping * eigenvalues.mean()
                self._factors[layer.name] = torch.where(damped > 0, damped, 1).rsqrt() * (damped > 0)
        self._places = _draw_places(layers, settings)
        self.dimensions = _count_dimensions(layers, settings)

    def describe(self, model: nn.Module, batches: Iterable[Any], loss: Loss) -> Iterator[Tensor]:
        """Vectors (n, dimensions) of each batch."""
        with tap(model, self._layers) as passed:
            for batch in batches:
                samples = run_backward(model, batch, loss, passed)
                if self._settings.kind == "embedding":
                    yield self._embed(passed[self._layers[0].name][0].inputs)
                else:
                    yield self._gather(per_sample_gradients(passed, self._layers, samples), samples)

    def _embed(self, inputs: Tensor) -> Tensor:
        return nn.functional.normalize(inputs.mean(dim=1))

    def _gather(self, gradients: dict[str, Tensor], samples: int) -> Tensor:
        vectors = torch.zeros(samples, self.dimensions)
        first = 0
        for layer in self._layers:
            gradient = gradients[layer.name]
            if self._curvature is not None:
                gradient = self._curvature[layer.name].turn(gradient) * self._factors[layer.name]
            flat = gradient.flatten(1)
            if self._places:
                places, signs = self._places[layer.name]
                vectors.index_add_(1, places, flat * signs)
            else:
                vectors[:, first : first + layer.size] = flat
                first += layer.size
        return vectors


def _count_dimensions(layers: Sequence[Layer], settings: Settings) -> int:
    if settings.kind == "embedding":
        return layers[-1].inputs
    return min(settings.dimensions, sum(layer.size for layer in layers))


def _draw_places(layers: Sequence[Layer], settings: Settings) -> dict[str, tuple[Tensor, Tensor]]:
    """Each coordinate's place in the sketch and its sign; nothing where vectors are short enough as they are."""
    if settings.kind == "embedding" or sum(layer.size for layer in layers) <= settings.dimensions:
        return {}
    drawn = {}
    for number, layer in enumerate(layers):
        random = np.random.default_rng([settings.seed, number])
        places = random.integers(settings.dimensions, size=layer.size, dtype=np.int32)
        signs = random.integers(2, size=layer.size, dtype=np.int8) * 2 - 1
        drawn[layer.name] = torch.from_numpy(places), torch.from_numpy(signs)
    return drawn
