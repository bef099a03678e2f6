"""EK-FAC: the curvature of a model's loss at one checkpoint, as eigenvectors on both sides of each layer and one eigenvalue for each pair.

T. George and others, "Fast Approximate Natural Gradient Descent in a Kronecker-factored Eigenbasis", NeurIPS 2018; R. Grosse and others, "Studying
Large Language Model Generalization with Influence Functions", 2023, section 2.2. For a layer with inputs a (1 appended) and output gradients g over
all places of all samples, A = E[a aᵀ] and S = E[g gᵀ], with eigenvectors Q_A and Q_S; a gradient G (outputs, inputs) is turned to Q_Sᵀ G Q_A, and Λ =
E[(Q_Sᵀ G Q_A)²] over samples.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ritornello.attribution.influence.layers import Layer, Passage, per_sample_gradients, tap

Loss = Callable[[nn.Module, Any], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class LayerCurvature:
    """`input_vectors` (inputs, inputs) and `output_vectors` (outputs, outputs), an eigenvector a column; `eigenvalues` (outputs, inputs)."""

    input_vectors: Tensor
    output_vectors: Tensor
    eigenvalues: Tensor

    def turn(self, gradients: Tensor) -> Tensor:
        """Gradients (n, outputs, inputs) in the eigenvectors' coordinates."""
        return self.output_vectors.T @ gradients @ self.input_vectors


Curvature = dict[str, LayerCurvature]


def measure_curvature(model: nn.Module, layers: Sequence[Layer], batches: Callable[[], Iterable[Any]], loss: Loss) -> Curvature:
    """Two rounds over `batches()`: the covariances, then the eigenvalues. `loss(model, batch)` returns each sample's loss, (n,).

    With the loss of the training labels this is the empirical Fisher matrix; with labels drawn from the model's own predictions, the true one. The
    batches of both rounds must be the same.
    """
    inputs = {layer.name: torch.zeros(layer.inputs, layer.inputs, dtype=torch.float64) for layer in layers}
    outputs = {layer.name: torch.zeros(layer.outputs, layer.outputs, dtype=torch.float64) for layer in layers}
    places = dict.fromkeys(inputs, 0)
    with tap(model, layers) as passed:
        for batch in batches():
            run_backward(model, batch, loss, passed)
            for name, passages in passed.items():
                for passage in passages:
                    given, gradients = passage.inputs.flatten(0, 1), passage.gradients.flatten(0, 1)
                    inputs[name] += given.T @ given
                    outputs[name] += gradients.T @ gradients
                    places[name] += len(given)
    vectors = {name: (_eigenvectors(inputs[name], places[name]), _eigenvectors(outputs[name], places[name])) for name in inputs}
    del inputs, outputs
    eigenvalues = {layer.name: torch.zeros(layer.outputs, layer.inputs, dtype=torch.float64) for layer in layers}
    count = 0
    with tap(model, layers) as passed:
        for batch in batches():
            samples = run_backward(model, batch, loss, passed)
            count += samples
            for name, gradient in per_sample_gradients(passed, layers, samples).items():
                eigenvalues[name] += (vectors[name][1].T @ gradient @ vectors[name][0]).square().sum(dim=0)
    if not count:
        raise ValueError("there is no batch to measure the curvature on")
    return {name: LayerCurvature(*vectors[name], (eigenvalues[name] / count).float()) for name in vectors}


def run_backward(model: nn.Module, batch: Any, loss: Loss, passed: dict[str, list[Passage]]) -> int:
    """One pass forward and back; returns how many samples there were."""
    for passages in passed.values():
        passages.clear()
    model.zero_grad(set_to_none=True)
    losses = loss(model, batch)
    if losses.ndim != 1:
        raise ValueError(f"the loss function returns one loss for each sample, shape (n,), not {tuple(losses.shape)}")
    losses.sum().backward()
    model.zero_grad(set_to_none=True)
    return len(losses)


def _eigenvectors(total: Tensor, places: int) -> Tensor:
    covariance = total / max(places, 1)
    vectors: Tensor = torch.linalg.eigh((covariance + covariance.T) / 2)[1]
    return vectors.float().contiguous()
