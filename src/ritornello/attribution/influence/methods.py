"""The methods that are compared: which vectors each takes, at which checkpoints, and how their products are added up."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ritornello.attribution.influence.features import Settings


@dataclass(frozen=True, slots=True)
class Mix:
    """How much each layer counts at each checkpoint, by the checkpoint's number from 0 and the layer's name (`mixing.fit_mix`)."""

    weights: Mapping[tuple[int, str], float]

    @property
    def checkpoints(self) -> int:
        return 1 + max(number for number, _ in self.weights)

    def at(self, number: int) -> dict[str, float]:
        """The weights of the layers at one checkpoint."""
        return {layer: weight for (at, layer), weight in self.weights.items() if at == number}


@dataclass(frozen=True, slots=True)
class Method:
    """`settings`: what is cached. `last`: the last checkpoint alone, or all. `by_rate`: checkpoints weigh as their learning rates, or all the same.

    `mix` says instead how much each layer counts at each checkpoint. `ridge`: above 0, what segments have in common is discounted: scores are q (ΦᵀΦ
    + ρ)⁻¹ Φᵀ, with ρ as this part of the mean squared length of the rows of Φ.
    """

    name: str
    version: str
    source: str
    settings: Settings
    last: bool = False
    by_rate: bool = False
    ridge: float = 0.0
    mix: Mix | None = None


_GRADIENT, _CURVED, _EMBEDDING = Settings("gradient"), Settings("ek-fac"), Settings("embedding")
_ALL = (
    Method("embedding", "1", "cosine of the model's own embeddings", _EMBEDDING, last=True),
    Method(
        "graddot", "1", "G. Charpiat and others, Input Similarity from the Neural Network Perspective, NeurIPS 2019", _GRADIENT, last=True
    ),
    Method(
        "tracin",
        "1",
        "G. Pruthi and others, Estimating Training Data Influence by Tracing Gradient Descent, NeurIPS 2020: TracInCP",
        _GRADIENT,
        by_rate=True,
    ),
    Method(
        "trak",
        "1",
        "S. M. Park and others, TRAK, ICML 2023, on gradients of the loss, over the checkpoints of one run",
        _GRADIENT,
        ridge=1.0,
    ),
    Method("ek-fac-last", "1", "R. Grosse and others, 2023, at the last checkpoint", _CURVED, last=True),
    Method("ek-fac", "1", "R. Grosse and others, 2023, at every checkpoint, weighed alike", _CURVED),
    Method("ritornello", "1", "EK-FAC at every checkpoint, weighed by learning rate (docs/influence.md)", _CURVED, by_rate=True),
)
METHODS: dict[str, Method] = {method.name: method for method in _ALL}


def with_damping(method: Method, damping: float) -> Method:
    """The same method with another damping; what was cached for one does not serve the other."""
    return replace(method, settings=replace(method.settings, damping=damping))
