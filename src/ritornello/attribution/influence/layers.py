"""Which layers of a model are looked at, and the gradient of each sample with respect to each of them.

A layer's gradient is a sum over places of (gradient of the output) × (input, with a 1 where there is a bias), so that one pass forward and back over
a batch gives every sample's gradient: no pass of its own for each (I. Goodfellow, "Efficient Per-Example Gradient Computations", 2015). Convolutions
are linear layers over patches (R. Grosse and J. Martens, "A Kronecker-factored approximate Fisher matrix for convolution layers", ICML 2016).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer by its name in the model. Its gradient has the shape (outputs, inputs); the last of `inputs` is the bias where there is one."""

    name: str
    inputs: int
    outputs: int

    @property
    def size(self) -> int:
        return self.inputs * self.outputs


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """What went into a layer, (n, places, inputs), and the gradient of the summed loss by what came out, (n, places, outputs)."""

    inputs: Tensor
    gradients: Tensor

    def per_sample(self) -> Tensor:
        """(n, outputs, inputs)"""
        return self.gradients.transpose(1, 2) @ self.inputs


def find_layers(model: nn.Module, only: Sequence[str] | None = None) -> tuple[Layer, ...]:
    """The layers of a model that can be looked at, in its order: Linear, Conv1d, Conv2d and GPT-2's transposed Conv1D, as far as they are trained.

    With `only`, those names, which may also be embeddings (as a matrix over the vocabulary: keep to small ones). Raises ValueError for a name that
    can't be looked at, or where no layer is left.
    """
    modules = dict(model.named_modules())
    found = []
    for name in modules if only is None else only:
        module = modules.get(name)
        layer = _describe(name, module) if module is not None else None
        if layer is None and only is not None:
            raise ValueError(
                f"{name!r} is no layer of the model whose gradients can be taken: a trained Linear, Conv1d, Conv2d or Embedding"
            )
        if layer is not None and (only is not None or not isinstance(module, nn.Embedding)):
            found.append(layer)
    if not found:
        raise ValueError("the model has no trained Linear, Conv1d or Conv2d layer")
    return tuple(found)


def _describe(name: str, module: nn.Module) -> Layer | None:
    weight = getattr(module, "weight", None)
    if not isinstance(weight, Tensor) or not weight.requires_grad:
        return None
    bias = int(getattr(module, "bias", None) is not None)
    if isinstance(module, nn.Linear):
        return Layer(name, module.in_features + bias, module.out_features)
    if isinstance(module, nn.Embedding):
        return Layer(name, module.num_embeddings, module.embedding_dim)
    if isinstance(module, nn.Conv1d | nn.Conv2d) and module.groups == 1 and module.padding_mode == "zeros":
        return Layer(name, weight[0].numel() + bias, module.out_channels)
    if type(module).__name__ == "Conv1D" and weight.ndim == 2:  # transformers' GPT-2: a linear layer whose weight lies the other way round
        return Layer(name, weight.shape[0] + bias, weight.shape[1])
    return None


@contextmanager
def tap(model: nn.Module, layers: Sequence[Layer]) -> Iterator[dict[str, list[Passage]]]:
    """While open, each backward pass leaves in the dict what passed through each layer; a layer called several times leaves several passages. Empty
    it between batches."""
    passed: dict[str, list[Passage]] = {layer.name: [] for layer in layers}
    modules = dict(model.named_modules())
    handles = [modules[layer.name].register_forward_hook(_make_hook(passed[layer.name])) for layer in layers]
    try:
        yield passed
    finally:
        for handle in handles:
            handle.remove()


def _make_hook(into: list[Passage]) -> Any:
    def after_forward(module: nn.Module, arguments: tuple[Any, ...], output: Tensor) -> None:
        if output.requires_grad:
            given = arguments[0].detach()
            output.register_hook(lambda gradient: into.append(_shape(module, given, gradient.detach())))

    return after_forward


def _shape(module: nn.Module, given: Tensor, gradient: Tensor) -> Passage:
    if isinstance(module, nn.Conv1d | nn.Conv2d):
        inputs, gradients = _patches(module, given), gradient.flatten(2).transpose(1, 2)
    elif isinstance(module, nn.Embedding):
        inputs = functional.one_hot(given, module.num_embeddings).to(gradient.dtype).reshape(len(given), -1, module.num_embeddings)
        gradients = gradient.reshape(len(gradient), -1, gradient.shape[-1])
    else:
        inputs = given.reshape(len(given), -1, given.shape[-1])
        gradients = gradient.reshape(len(gradient), -1, gradient.shape[-1])
    if getattr(module, "bias", None) is not None:
        inputs = torch.cat([inputs, inputs.new_ones((*inputs.shape[:2], 1))], dim=2)
    return Passage(inputs.float().cpu(), gradients.float().cpu())  # also of a model in half precision, or on a graphics card


def _patches(module: nn.Conv1d | nn.Conv2d, given: Tensor) -> Tensor:
    """Everything the kernel saw at each place, (n, places, channels × kernel)."""
    flat = isinstance(module, nn.Conv1d)
    size, stride, dilation = ((1, *part) if flat else part for part in (module.kernel_size, module.stride, module.dilation))
    # The padding that the layer keeps for itself, last dimension first: also right where it was given as "same" or "valid".
    padded = functional.pad(given, module._reversed_padding_repeated_twice)
    return functional.unfold(padded.unsqueeze(2) if flat else padded, size, dilation=dilation, stride=stride).transpose(1, 2)


def per_sample_gradients(passed: dict[str, list[Passage]], layers: Sequence[Layer], samples: int) -> dict[str, Tensor]:
    """Each layer's gradients, (samples, outputs, inputs). Raises ValueError where a layer didn't see the samples one by one along its first dimension."""
    gradients = {}
    for layer in layers:
        for passage in passed[layer.name]:
            if len(passage.inputs) != samples:
                raise ValueError(
                    f"{layer.name} does not see samples along its first dimension ({len(passage.inputs)} instead of {samples}): leave it out"
                )
        parts = [passage.per_sample() for passage in passed[layer.name]]
        gradients[layer.name] = sum(parts[1:], parts[0]) if parts else torch.zeros(samples, layer.outputs, layer.inputs)
    return gradients
