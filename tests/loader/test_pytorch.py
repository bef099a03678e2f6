"""The PyTorch wrapper with several worker processes."""

import multiprocessing
from collections import Counter
from pathlib import Path

import pytest

from ritornello.loader import open_dataset, read_logs
from tests.loader.datasets import TODAY, make_dataset

torch = pytest.importorskip("torch", reason="PyTorch is not installed")


@pytest.mark.slow
@pytest.mark.parametrize("start", ["fork", "spawn"])
@pytest.mark.parametrize("form", ["folder", "webdataset"])
def test_two_workers_read_each_asset_once_an_epoch(tmp_path: Path, form: str, start: str) -> None:
    from ritornello.loader.pytorch import PassageStream

    dataset = open_dataset(make_dataset(tmp_path / "dataset", form), today=TODAY)
    stream = PassageStream(dataset, tmp_path / "logs", seed=1, passage_ms=300)
    context = multiprocessing.get_context(start)
    loader = torch.utils.data.DataLoader(stream, batch_size=None, num_workers=2, multiprocessing_context=context, persistent_workers=True)
    handed: Counter[tuple[int, str]] = Counter()
    for epoch in range(2):
        stream.set_epoch(epoch)
        for item in loader:
            assert item["samples"].dtype == torch.float32
            assert item["samples"].shape[0] == 2
            handed[epoch, item["asset_id"]] += item["samples"].shape[1] * 1000 // item["rate_hz"]
    logs = read_logs(tmp_path / "logs")
    assert len(logs) == 4
    assert all(log.sealed for log in logs)
    recorded: Counter[tuple[int, str]] = Counter()
    for log in logs:
        for (epoch, number), ms in log.milliseconds().items():
            recorded[epoch, dataset.assets[number].asset_id] += ms
    assert recorded == handed == {(epoch, asset.asset_id): asset.duration_ms for epoch in range(2) for asset in dataset.assets}


def test_without_workers(tmp_path: Path) -> None:
    from ritornello.loader.pytorch import PassageStream

    dataset = open_dataset(make_dataset(tmp_path / "dataset"), today=TODAY)
    parts = [list(PassageStream(dataset, tmp_path / "logs", seed=1, rank=rank, ranks=2)) for rank in range(2)]
    assert sorted(item["recording_id"] for part in parts for item in part) == ["r0", "r1", "r2", "r3"]
    assert [log.sealed for log in read_logs(tmp_path / "logs")] == [True, True]
