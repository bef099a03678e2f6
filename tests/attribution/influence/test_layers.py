"""Gradients of samples are what differentiating each sample by itself gives."""

from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("safetensors", reason="safetensors is not installed")

from torch import nn  # noqa: E402

from ritornello.attribution.influence.curvature import run_backward  # noqa: E402
from ritornello.attribution.influence.layers import find_layers, per_sample_gradients, tap  # noqa: E402


class Mean(nn.Module):
    def forward(self, rows: "torch.Tensor") -> "torch.Tensor":
        return rows.flatten(2).mean(dim=2)


class Twice(nn.Module):
    """One layer, used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, rows: "torch.Tensor") -> "torch.Tensor":
        return self.layer(torch.tanh(self.layer(rows)))


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "linear, several places": (lambda: nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2, bias=False)), (5, 7, 3)),
    "one layer twice": (Twice, (5, 3)),
    "conv1d": (lambda: nn.Sequential(nn.Conv1d(2, 3, 4, stride=2, padding=1, dilation=2), Mean()), (4, 2, 20)),
    "conv1d, same": (lambda: nn.Sequential(nn.Conv1d(2, 3, 4, padding="same"), Mean()), (4, 2, 9)),
    "conv2d": (
        lambda: nn.Sequential(nn.Conv2d(2, 3, (2, 3), stride=(1, 2), padding=(0, 1)), nn.Tanh(), nn.Conv2d(3, 2, 2), Mean()),
        (4, 2, 8, 9),
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_gradients(name: str) -> None:
    torch.manual_seed(0)
    make, shape = MODELS[name]
    model, batch = make(), torch.randn(shape)

    def loss(model: nn.Module, rows: "torch.Tensor") -> "torch.Tensor":
        return model(rows).square().flatten(1).sum(dim=1)

    layers = find_layers(model)
    with tap(model, layers) as passed:
        run_backward(model, batch, loss, passed)
        found = per_sample_gradients(passed, layers, len(batch))
    modules = dict(model.named_modules())
    for sample in range(len(batch)):
        model.zero_grad()
        loss(model, batch[sample : sample + 1]).sum().backward()
        for layer in layers:
            module = modules[layer.name]
            wanted = module.weight.grad.flatten(1)
            if module.bias is not None:
                wanted = torch.cat([wanted, module.bias.grad[:, None]], dim=1)
            assert torch.allclose(found[layer.name][sample], wanted, atol=1e-5), layer.name


def test_embedding_on_request_and_names_that_cannot_be_looked_at() -> None:
    model = nn.Sequential(nn.Embedding(6, 3), nn.LayerNorm(3), nn.Linear(3, 2))
    assert [layer.name for layer in find_layers(model)] == ["2"]
    layers = find_layers(model, ["0", "2"])
    with tap(model, layers) as passed:
        run_backward(model, torch.tensor([[1, 2, 2], [3, 0, 5]]), lambda model, rows: model(rows).square().flatten(1).sum(1), passed)
        found = per_sample_gradients(passed, layers, 2)
    assert torch.allclose(found["0"].sum(0).T, _whole(model, torch.tensor([[1, 2, 2], [3, 0, 5]])), atol=1e-5)
    with pytest.raises(ValueError, match="'1' is no layer"):
        find_layers(model, ["1"])


def _whole(model: nn.Module, rows: "torch.Tensor") -> "torch.Tensor":
    model.zero_grad()
    model(rows).square().sum().backward()
    return model[0].weight.grad


def test_a_layer_that_mixes_samples_up_is_named() -> None:
    model = nn.Sequential(nn.Linear(3, 3))
    layers = find_layers(model)
    with tap(model, layers) as passed:
        run_backward(model, torch.randn(7, 2, 3), lambda model, rows: model(rows).sum(dim=(0, 2)), passed)
        with pytest.raises(ValueError, match="0 does not see samples along its first dimension"):
            per_sample_gradients(passed, layers, 2)
