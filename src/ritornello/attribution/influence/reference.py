"""Another implementation of EK-FAC, kronfluence (R. Grosse and others, 2023), behind a function of ours: to check our scores by, and to compare with
in benchmarks. Needs the extra `peers`."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.utils.data import Dataset

from ritornello.attribution.influence.curvature import Loss
from ritornello.attribution.influence.layers import find_layers
from ritornello.attribution.influence.rows import Floats


def score_with_kronfluence(
    model: nn.Module, loss: Loss, segments: Any, outputs: Any, folder: Path, *, only: Sequence[str] | None = None, batch: int = 32
) -> Floats:
    """Influence (outputs, segments) at the weights that the model has, in full precision, with the empirical Fisher matrix and a damping of a tenth
    of each layer's mean eigenvalue.

    `segments` and `outputs` are sequences of samples, a tensor or a list, that stack to what `loss` takes as a batch. `folder` is for kronfluence's
    own files, and should be new.
    """
    from kronfluence.analyzer import Analyzer, prepare_model
    from kronfluence.arguments import FactorArguments, ScoreArguments
    from kronfluence.task import Task

    names = [layer.name for layer in find_layers(model, only)]

    class Same(Task):  # type: ignore[misc]  # kronfluence is optional, so unknown where types are checked
        """Both sides are the loss that was trained with."""

        def compute_train_loss(self, batch: Any, model: nn.Module, sample: bool = False) -> Tensor:
            return loss(model, batch).sum()

        def compute_measurement(self, batch: Any, model: nn.Module) -> Tensor:
            return loss(model, batch).sum()

        def get_influence_tracked_modules(self) -> list[str]:
            return names

    task = Same()
    prepared = prepare_model(copy.deepcopy(model).eval(), task)
    analyzer = Analyzer("influence", prepared, task, cpu=True, output_dir=str(folder), disable_tqdm=True)
    analyzer.fit_all_factors(
        "factors", _Samples(segments), per_device_batch_size=batch, factor_args=FactorArguments("ekfac", use_empirical_fisher=True)
    )
    analyzer.compute_pairwise_scores(
        "scores",
        "factors",
        _Samples(outputs),
        _Samples(segments),
        per_device_query_batch_size=batch,
        per_device_train_batch_size=batch,
        score_args=ScoreArguments(damping_factor=None),
    )
    return np.asarray(analyzer.load_pairwise_scores("scores")["all_modules"].numpy(), dtype=np.float32)


class _Samples(Dataset):  # type: ignore[misc]
    def __init__(self, samples: Any) -> None:
        self._samples = samples

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, number: int) -> Any:
        return self._samples[number]
