"""What is recorded of training, what is refused, and how it goes on after an interruption."""

import subprocess
import sys
from pathlib import Path

import pytest

from ritornello.domain.errors import BadInput, Refused
from ritornello.loader import read_logs

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("safetensors", reason="safetensors is not installed")

from tests.attribution.influence import world  # noqa: E402

import ritornello  # noqa: E402
from ritornello.attribution.influence import weights  # noqa: E402
from ritornello.attribution.influence.recording import open_recording  # noqa: E402


def test_checkpoints_rates_and_exposure(tmp_path: Path) -> None:
    model, recording = world.record(tmp_path / "run", steps=None, checkpoints=[0, 5, 12])
    assert [(each.step, each.rate_sum_e12) for each in recording.checkpoints] == [
        (0, 0),
        (5, 5 * 10**11),
        (12, 7 * 10**11),
        (20, 8 * 10**11),
    ]
    assert recording.complete and recording.recording_ids == ("r0", "r1", "r2", "r3", "r4", "r5")
    last = recording.checkpoints[-1]
    kept = weights.load(tmp_path / "run" / last.file, last.sha256)
    assert all(torch.equal(kept[name], value) for name, value in model.state_dict().items())
    (log,) = read_logs(tmp_path / "run" / "exposure")
    assert log.sealed and log.manifest_root == recording.segments_root
    read = {number: ms for (_, number), ms in log.milliseconds().items()}
    assert read == {number: 250 * (7 if number < 20 else 6) for number in range(world.COUNT)}  # 20 steps over batches of 10, 10 and 4


def test_a_second_run_into_the_folder_is_refused(tmp_path: Path) -> None:
    world.record(tmp_path / "run")
    with pytest.raises(Refused, match="exists already"):
        ritornello.record(world.build(), tmp_path / "run", segments=world.segments(), steps=20)
    with pytest.raises(Refused, match="is complete"):
        ritornello.record(world.build(), tmp_path / "run", steps=20, resume_at=5)


def test_interrupted_training_goes_on(tmp_path: Path) -> None:
    _, whole = world.record(tmp_path / "whole")
    model = world.build()
    with (
        pytest.raises(KeyboardInterrupt),
        ritornello.record(model, tmp_path / "run", segments=world.segments(), model_version="m-1", checkpoints=[5, 12]) as recording,
    ):
        world.train(model, recording.step, last=14)
        raise KeyboardInterrupt
    with pytest.raises(Refused, match="was interrupted"):
        open_recording(tmp_path / "run")
    known = open_recording(tmp_path / "run", unfinished=True)
    assert [each.step for each in known.checkpoints] == [5, 12]
    with pytest.raises(ValueError, match="14 steps were recorded"):
        ritornello.record(model, tmp_path / "run", checkpoints=[5, 12], resume_at=15)
    weights.load_into(model, tmp_path / "run" / known.checkpoints[0].file, known.checkpoints[0].sha256)
    with ritornello.record(model, tmp_path / "run", checkpoints=[5, 12], resume_at=5) as recording:
        world.train(model, recording.step, first=5)
    assert open_recording(tmp_path / "run").checkpoints == whole.checkpoints
    assert len(read_logs(tmp_path / "run" / "exposure")) == 2  # what was read before the interruption was read


def test_a_segment_that_was_not_announced(tmp_path: Path) -> None:
    recording = ritornello.record(world.build(), tmp_path / "run", segments=world.segments(), steps=20)
    with pytest.raises(ValueError, match="doesn't name"):
        recording.step(["s00", "elsewhere"], 0.1)


def test_changed_folders_are_refused(tmp_path: Path) -> None:
    _, recording = world.record(tmp_path / "run")
    file = tmp_path / "run" / recording.checkpoints[0].file
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(BadInput, match="was changed"):
        weights.load_into(world.build(), file, recording.checkpoints[0].sha256)
    rows = tmp_path / "run" / "segments.jsonl"
    rows.write_bytes(rows.read_bytes().replace(b'"r5"', b'"r4"', 1))
    with pytest.raises(BadInput, match="rows were changed"):
        open_recording(tmp_path / "run")
    for text in (b"", b"[]", b"{}", b'{"format":1}', b"[" * 100_000):
        (tmp_path / "run" / "recording.json").write_bytes(text)
        with pytest.raises(BadInput, match=r"recording\.json"):
            open_recording(tmp_path / "run")
    with pytest.raises(BadInput, match="name a folder"):
        open_recording(tmp_path)


def test_another_model_is_named_tensor_by_tensor(tmp_path: Path) -> None:
    _, recording = world.record(tmp_path / "run")
    other = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Tanh(), torch.nn.Linear(6, 3))
    with pytest.raises(BadInput) as caught:
        weights.load_into(other, tmp_path / "run" / recording.checkpoints[0].file, recording.checkpoints[0].sha256)
    assert [problem.field for problem in caught.value.problems] == ["0.bias", "0.weight", "2.weight"]


def test_importing_ritornello_leaves_torch_alone() -> None:
    code = "import sys, ritornello, ritornello.attribution.influence; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
