"""dattri's benchmark of piano music: 5,000 training and 178 test excerpts of MAESTRO, and a music transformer trained again on halves.

J. Deng and others, "dattri: A Library for Efficient Data Attribution", NeurIPS 2024. dattri keeps it in `benchmark/maestro_musictransformer/lds`
as `target_values_lds.pt` (subsets, test) and `indices_lds.pt` (subsets, size of a subset): the value of each test excerpt
under each model, and the numbers of the excerpts that the model read. Neither is part of dattri's package; `dattri.benchmark.load_benchmark` fetches them.
Scores are a NumPy or PyTorch array (training, test), as dattri's methods return them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ritornello.benchmark.judge import Figure, mean_of, measure_lds
from ritornello.domain.errors import BadInput, Problem, raise_if_any

Floats = npt.NDArray[np.float64]
PLACES = ("benchmark/maestro_musictransformer/lds", "maestro_musictransformer/lds", "lds", ".")
VALUES, INDICES = "target_values_lds.pt", "indices_lds.pt"
MOST_BYTES = 1 << 30
PUBLISHED = {  # LDS on this benchmark, as published; not measured here
    "TRAK-1 (Deng and others, 2024)": 0.068,
    "TRAK-10 (Deng and others, 2024)": 0.217,
    "TRAK-50 (Deng and others, 2024)": 0.318,
    "GraSS, SJLT (Hu and others, 2025)": 0.386,
    "GraSS, FJLT (Hu and others, 2025)": 0.401,
}
AGAIN = "get it again with dattri's load_benchmark"


@dataclass(frozen=True, slots=True, eq=False)
class Maestro:
    """`values` (subsets, test), `halves` (subsets, training): who was read."""

    values: Floats
    halves: npt.NDArray[np.bool_]


def read_maestro(folder: Path, training: int | None = None) -> Maestro:
    """The truth that dattri keeps in a folder; `training` is the number of training excerpts (by default as many as are named). Raises BadInput with every problem."""
    place = next((folder / one for one in PLACES if (folder / one / VALUES).is_file()), None)
    if place is None:
        raise BadInput([Problem(VALUES, None, None, f"is not in {folder}", AGAIN)])
    values, indices = (_load(place / name) for name in (VALUES, INDICES))
    problems = []
    if values.ndim != 2 or not np.isfinite(values).all():
        problems.append(Problem(VALUES, None, None, "is no table (subsets, test) of finite numbers", AGAIN))
    if indices.ndim != 2 or indices.shape[0] != len(values) or not np.equal(indices, np.floor(indices)).all() or (indices < 0).any():
        problems.append(Problem(INDICES, None, None, "is no table (subsets, size) of whole numbers, a row for each subset", AGAIN))
    raise_if_any(problems)
    numbers = indices.astype(np.int64)
    count = training or int(numbers.max()) + 1
    if numbers.max() >= count:
        raise BadInput([Problem(INDICES, None, None, f"names excerpt {numbers.max()} of {count}", AGAIN)])
    halves = np.zeros((len(numbers), count), dtype=np.bool_)
    np.put_along_axis(halves, numbers, True, axis=1)
    return Maestro(values.astype(np.float64), halves)


def rate(maestro: Maestro, path: Path) -> Figure:
    """The LDS of scores (training, test) in a file, as dattri computes it: the rank correlation of added scores with the value, here of loss with loss."""
    scores = _load(path)
    wanted = (maestro.halves.shape[1], maestro.values.shape[1])
    if scores.shape != wanted or not np.isfinite(scores).all():
        raise BadInput(
            [
                Problem(
                    path.name,
                    None,
                    None,
                    f"is no table of finite numbers of shape {wanted}",
                    "give scores (training, test) as dattri returns them",
                )
            ]
        )
    return mean_of(measure_lds(scores.T, maestro.halves, maestro.values))


def _load(path: Path) -> Floats:
    """An array from a file of NumPy or PyTorch; nothing in it is executed."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError("too large")
        if path.suffix == ".npy":
            found: Any = np.load(path, allow_pickle=False)
        else:
            import torch

            found = torch.load(path, map_location="cpu", weights_only=True)
            found = found.double().numpy()
        return np.asarray(found, dtype=np.float64)
    except Exception as error:  # torch raises anything for a file that is none
        raise BadInput([Problem(path.name, None, None, "can't be read as an array", AGAIN)]) from error
