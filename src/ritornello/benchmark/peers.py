"""The methods of dattri 0.3.0 over the same checkpoints: peers that we didn't write. Extra `peers`.

J. Deng and others, "dattri: A Library for Efficient Data Attribution", NeurIPS 2024.
"""

from collections.abc import Mapping
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.data import DataLoader, TensorDataset

from ritornello.attribution.influence import weights
from ritornello.benchmark import methods, model
from ritornello.benchmark.methods import Material, Scored
from ritornello.benchmark.training import name_segments

NAMES = ("dattri TracIn", "dattri TRAK")
DIMENSIONS = 512  # the library's default; random numbers for more take minutes on a processor
BATCH = 512
REGULARIZATION = (
    1e-5  # the first value tried, on the tuning world; without any, scores say nothing: there are fewer segments than dimensions
)


def is_installed() -> bool:
    return find_spec("dattri") is not None


def score(material: Material, name: str) -> Scored:
    """Scores of one of `NAMES`; what was computed before is read from the folder."""
    kept = material.folder / f"{name.replace(' ', '-')}.npz"
    if not kept.is_file():
        before = methods.cpu_seconds()
        values = methods.add_up(_run(material, name), material.pieces)
        np.savez(kept.with_suffix(".part.npz"), values=values, cost=np.array([methods.cpu_seconds() - before, 0]))
        kept.with_suffix(".part.npz").replace(kept)
    with np.load(kept, allow_pickle=False) as file:
        return Scored(file["values"], float(file["cost"][0]), int(file["cost"][1]))


def _run(material: Material, name: str) -> npt.NDArray[np.float64]:
    """Scores (outputs, segments)."""
    from dattri.algorithm.tracin import TracInAttributor
    from dattri.algorithm.trak import TRAKAttributor
    from dattri.task import AttributionTask

    run = material.run
    _, segments = name_segments(material.pieces)
    states, rates = [], []
    for checkpoint in run.recording.checkpoints:
        weights.load_into(run.model, run.recording.folder / checkpoint.file, checkpoint.sha256)
        states.append({key: value.clone() for key, value in run.model.state_dict().items()})
        rates.append(checkpoint.rate_e12 / 1e12)

    def loss(parameters: dict[str, torch.Tensor], data: tuple[torch.Tensor, ...]) -> torch.Tensor:
        return _loss(run.model, parameters, data[0])

    task = AttributionTask(loss_func=loss, model=run.model, checkpoints=states)
    read = DataLoader(TensorDataset(torch.from_numpy(segments)), batch_size=BATCH, shuffle=False)
    asked = DataLoader(TensorDataset(torch.from_numpy(material.outputs)), batch_size=BATCH, shuffle=False)
    project = {"proj_dim": DIMENSIONS, "proj_max_batch_size": BATCH, "proj_seed": material.seed, "device": "cpu"}
    with sdpa_kernel(SDPBackend.MATH):  # the only attention that can be mapped over samples in one go
        if name == "dattri TracIn":
            tracin = TracInAttributor(task=task, weight_list=torch.tensor(rates), normalized_grad=False, projector_kwargs=project)
            found = tracin.attribute(read, asked)
        else:
            trak = TRAKAttributor(
                task=task,
                correct_probability_func=lambda parameters, data: torch.exp(-_loss(run.model, parameters, data[0]) / (data[0] != 0).sum()),
                projector_kwargs=project,
                regularization=REGULARIZATION,
            )
            trak.cache(read)
            found = trak.attribute(asked)
    run.model.load_state_dict(states[-1])
    return np.asarray(found.T.detach().double().numpy())


class _Losses(torch.nn.Module):  # type: ignore[misc]
    """The model's loss as a module, since dattri's functions take parameters as an argument."""

    def __init__(self, trained: torch.nn.Module) -> None:
        super().__init__()
        self.inner = trained

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return model.losses(self.inner, rows)


def _loss(trained: torch.nn.Module, parameters: Mapping[str, torch.Tensor], segment: torch.Tensor) -> torch.Tensor:
    """The loss of one segment, summed over its tokens."""
    named = {f"inner.{key}": value for key, value in parameters.items()}
    lost: torch.Tensor = torch.func.functional_call(_Losses(trained), named, (segment.unsqueeze(0),)).sum()
    return lost
