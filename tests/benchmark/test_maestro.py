"""dattri's files, by a small stand-in in its format: the real ones can't be fetched here."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ritornello.benchmark.maestro import rate, read_maestro
from ritornello.domain.errors import BadInput


def _write(folder: Path) -> tuple[Path, np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    scores = random.normal(size=(8, 3))
    indices = np.stack([np.sort(random.choice(8, 4, replace=False)) for _ in range(30)])
    indices[0, -1] = 7
    values = np.stack([scores[row].sum(axis=0) for row in indices])
    place = folder / "benchmark" / "maestro_musictransformer" / "lds"
    place.mkdir(parents=True)
    torch.save(torch.from_numpy(values), place / "target_values_lds.pt")
    torch.save(torch.from_numpy(indices), place / "indices_lds.pt")
    return place, scores, values


def test_scores_that_made_the_truth_have_an_lds_of_one(tmp_path: Path) -> None:
    _, scores, _ = _write(tmp_path)
    truth = read_maestro(tmp_path)
    assert truth.halves.shape == (30, 8) and truth.halves.sum() >= 30 * 3
    np.save(tmp_path / "ours.npy", scores)
    torch.save(torch.from_numpy(-scores), tmp_path / "opposite.pt")
    assert rate(truth, tmp_path / "ours.npy").value == pytest.approx(1.0)
    assert rate(truth, tmp_path / "opposite.pt").value == pytest.approx(-1.0)


def test_dattri_itself_finds_the_same(tmp_path: Path) -> None:
    lds = pytest.importorskip("dattri.metric", reason="dattri is not installed").lds
    place, scores, values = _write(tmp_path)
    noisy = scores + np.random.default_rng(2).normal(size=scores.shape)
    np.save(tmp_path / "noisy.npy", noisy)
    theirs, _ = lds(torch.from_numpy(noisy), (torch.from_numpy(values), torch.load(place / "indices_lds.pt")))
    assert rate(read_maestro(tmp_path), tmp_path / "noisy.npy").value == pytest.approx(float(theirs.mean()))


def test_every_problem_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"target_values_lds.pt: is not in"):
        read_maestro(tmp_path)
    place, scores, _ = _write(tmp_path)
    np.save(tmp_path / "few.npy", scores[:5])
    with pytest.raises(BadInput, match=r"shape \(8, 3\)"):
        rate(read_maestro(tmp_path), tmp_path / "few.npy")
    torch.save(torch.zeros(30), place / "target_values_lds.pt")
    torch.save(torch.full((2, 4), -1), place / "indices_lds.pt")
    with pytest.raises(BadInput) as found:
        read_maestro(tmp_path)
    assert [problem.file for problem in found.value.problems] == ["target_values_lds.pt", "indices_lds.pt"]
    (place / "indices_lds.pt").write_bytes(b"no archive")
    with pytest.raises(BadInput, match="can't be read as an array"):
        read_maestro(tmp_path)
