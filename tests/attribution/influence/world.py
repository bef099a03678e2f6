"""A tiny model and its training: a classifier of points, and 24 segments of six recordings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

import ritornello
from ritornello.attribution.influence.recording import Recording, open_recording
from ritornello.attribution.influence.segments import Segment

torch.set_num_threads(1)  # tiny models: a second thread only waits
COUNT, RECORDINGS, CLASSES, STEPS = 24, 6, 3, 20


def build(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, CLASSES))


def data(seed: int = 1, count: int = COUNT) -> tuple[torch.Tensor, torch.Tensor]:
    source = torch.Generator().manual_seed(seed)
    points = torch.randn(count, 4, generator=source)
    return points, (points[:, 0] > 0).long() + (points[:, 1] > 0.3).long()


def loss(model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    return functional.cross_entropy(model(batch[0]), batch[1], reduction="none")


def segments() -> list[Segment]:
    return [Segment(f"s{number:02}", f"a{number % RECORDINGS}", f"r{number % RECORDINGS}", 250) for number in range(COUNT)]


def batches(size: int = 10) -> list[tuple[list[str], Any]]:
    points, labels = data()
    return [
        (
            [f"s{number:02}" for number in range(first, min(first + size, COUNT))],
            (points[first : first + size], labels[first : first + size]),
        )
        for first in range(0, COUNT, size)
    ]


def train(model: nn.Module, after_step: Callable[[list[str], float], None], first: int = 0, last: int = STEPS) -> None:
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    every = batches()
    for step in range(first, last):
        ids, batch = every[step % len(every)]
        optimiser.zero_grad()
        loss(model, batch).mean().backward()
        optimiser.step()
        after_step(ids, 0.1)


def record(folder: Path, **options: Any) -> tuple[nn.Module, Recording]:
    """Train and record; returns the model and the recording."""
    model = build()
    options = {"checkpoints": [5, 12], **options}
    with ritornello.record(model, folder, segments=segments(), model_version="m-1", **options) as recording:
        train(model, recording.step)
    return model, open_recording(folder)
