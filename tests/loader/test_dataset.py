"""Opening and reading an exported dataset as a licensee does."""

import pickle
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ritornello.domain.errors import BadInput, Refused
from ritornello.loader import Dataset, open_dataset
from tests.loader.datasets import RATE_HZ, TODAY, make_dataset


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {form: make_dataset(tmp_path_factory.mktemp(form) / "dataset", form) for form in ("folder", "webdataset")}


def _sound(dataset: Dataset, number: int, **limits: int | None) -> np.ndarray:
    return np.concatenate([passage.samples for passage in dataset.read(dataset.assets[number], log=None, **limits)])


@pytest.mark.parametrize("form", ["folder", "webdataset"])
def test_every_form_gives_the_same_sound(folders: dict[str, Path], form: str) -> None:
    dataset, plain = open_dataset(folders[form], today=TODAY), open_dataset(folders["folder"], today=TODAY)
    for number, asset in enumerate(dataset.assets):
        wanted, rate_hz = soundfile.read(folders["folder"] / plain.assets[number].file, dtype="float32", always_2d=True)
        assert wanted.shape[1] == 2
        assert np.array_equal(_sound(dataset, number, passage_ms=None), wanted)
        assert np.array_equal(_sound(dataset, number, passage_ms=300), wanted)
        assert np.array_equal(_sound(dataset, number, start_ms=250, length_ms=500, passage_ms=77), wanted[rate_hz // 4 : rate_hz * 3 // 4])
        assert len(wanted) * 1000 // rate_hz == asset.duration_ms


def test_a_dataset_travels_to_other_processes(folders: dict[str, Path]) -> None:
    dataset = pickle.loads(pickle.dumps(open_dataset(folders["webdataset"], today=TODAY)))
    assert len(_sound(dataset, 0)) == dataset.assets[0].duration_ms * RATE_HZ // 1000


def test_parts_are_each_asset_once(folders: dict[str, Path]) -> None:
    dataset = open_dataset(folders["folder"], today=TODAY)
    parts = [dataset.shuffle(3, seed=7, part=part, parts=3) for part in range(3)]
    assert sorted(asset.number for part in parts for asset in part) == [0, 1, 2, 3]
    assert dataset.shuffle(3, seed=7) == dataset.shuffle(3, seed=7) != dataset.shuffle(4, seed=7)
    assert dataset.shuffle(0, seed=7, dataset_split="test") == []


def test_only_on_its_days(folders: dict[str, Path]) -> None:
    for day in (date(2026, 9, 30), date(2027, 1, 1)):
        with pytest.raises(Refused, match="may be used from 2026-10-01 to 2026-12-31"):
            open_dataset(folders["folder"], today=day)


def test_the_root_is_checked_before_use(folders: dict[str, Path], tmp_path: Path) -> None:
    root = open_dataset(folders["folder"], today=TODAY).manifest_root
    assert open_dataset(folders["folder"], today=TODAY, expected_root=root).manifest_root == root
    with pytest.raises(BadInput, match="not the expected one"):
        open_dataset(folders["folder"], today=TODAY, expected_root="0" * 64)
    copy = Path(shutil.copytree(folders["folder"], tmp_path / "copy"))
    (copy / "manifest.jsonl").write_bytes((copy / "manifest.jsonl").read_bytes().replace(b'"r1"', b'"r9"'))
    with pytest.raises(BadInput, match="rows were changed"):
        open_dataset(copy, today=TODAY)
    with pytest.raises(BadInput, match="is it an exported dataset"):
        open_dataset(tmp_path, today=TODAY)


@pytest.mark.parametrize("form", ["folder", "webdataset"])
def test_changed_sound_is_not_read(folders: dict[str, Path], form: str, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folders[form], tmp_path / "copy"))
    dataset = open_dataset(copy, today=TODAY)
    asset = dataset.assets[0]
    victim = copy / (asset.file if form == "folder" else "shards/shard-000000.tar")
    data = bytearray(victim.read_bytes())
    data[9000] ^= 1
    victim.write_bytes(data)
    with pytest.raises(BadInput, match="its bytes have changed"):
        list(dataset.read(asset, log=None))
    victim.unlink()
    with pytest.raises(BadInput, match="is missing"):
        list(dataset.read(asset, log=None))
    victim.symlink_to("/dev/zero")
    with pytest.raises(BadInput, match="is a link"):
        list(dataset.read(asset, log=None))
