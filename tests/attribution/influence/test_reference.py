"""Our EK-FAC beside kronfluence's, on a classifier and on a transformer: the same scores."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("safetensors", reason="safetensors is not installed")
pytest.importorskip("kronfluence", reason="kronfluence is not installed")

from tests.attribution.influence import world  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from ritornello.attribution.influence.curvature import measure_curvature  # noqa: E402
from ritornello.attribution.influence.features import Describer, Settings  # noqa: E402
from ritornello.attribution.influence.layers import find_layers  # noqa: E402
from ritornello.attribution.influence.reference import score_with_kronfluence  # noqa: E402

DAMPING = 0.1  # kronfluence's rule


class Tiny(nn.Module):
    """A causal transformer of one layer over 11 tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.mixed, self.out = nn.Embedding(11, 8), nn.Linear(8, 24), nn.Linear(8, 8, bias=False)
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 11)

    def forward(self, tokens: "torch.Tensor") -> "torch.Tensor":
        rows = self.embedding(tokens)
        query, key, value = self.mixed(rows).unflatten(2, (3, 1, 8)).permute(2, 0, 3, 1, 4)
        heard = functional.scaled_dot_product_attention(query, key, value, is_causal=True).squeeze(1)
        return self.head(self.norm(rows + self.out(heard)))


def _next_token(model: nn.Module, rows: "torch.Tensor") -> "torch.Tensor":
    return functional.cross_entropy(model(rows[:, :-1]).transpose(1, 2), rows[:, 1:], reduction="none").sum(dim=1)


def _ours(model: nn.Module, loss: object, segments: list[object], outputs: list[object]) -> np.ndarray:
    layers = find_layers(model)
    curvature = measure_curvature(model, layers, lambda: segments, loss)
    describer = Describer(layers, Settings(damping=DAMPING, dimensions=10**6), curvature)
    rows, queries = (torch.cat(list(describer.describe(model, batches, loss))) for batches in (segments, outputs))
    return (queries @ rows.T).numpy()


def test_a_transformer(tmp_path: Path) -> None:
    torch.manual_seed(3)
    model = Tiny()
    segments, outputs = torch.randint(11, (40, 12)), torch.randint(11, (9, 12))
    ours = _ours(model, _next_token, list(segments.split(16)), [outputs])
    theirs = score_with_kronfluence(model, _next_token, segments, outputs, tmp_path / "k", batch=16)
    assert np.abs(ours - theirs).max() < 1e-3 * np.abs(theirs).max()


def test_a_classifier(tmp_path: Path) -> None:
    model = world.build()
    points, labels = world.data(count=30)
    others = world.data(seed=7, count=9)
    ours = _ours(model, world.loss, [(points, labels)], [others])
    pairs = [list(zip(*part, strict=True)) for part in ((points, labels), others)]
    theirs = score_with_kronfluence(model, world.loss, pairs[0], pairs[1], tmp_path / "k")
    assert np.abs(ours - theirs).max() < 1e-3 * np.abs(theirs).max()
