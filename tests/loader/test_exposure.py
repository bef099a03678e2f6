"""The exposure log: nothing that was read is lost when a process is killed, and nothing that was recorded can be changed unnoticed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from ritornello.domain.errors import BadInput
from ritornello.loader import Dataset, ExposureLog, open_dataset, read_log, read_logs, write_run_file
from tests.loader.datasets import TODAY, make_dataset

ROOT = "ab" * 32
KILLED = """
import sys
from pathlib import Path
from ritornello.loader import ExposureLog
log = ExposureLog(Path(sys.argv[1]), "p-s1", "ab" * 32)
for number in range(10**9):
    log.add(number % 7, number // 1000, 480, 48000)
    print(number + 1, flush=True)
"""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return open_dataset(make_dataset(tmp_path_factory.mktemp("exposure") / "dataset"), today=TODAY)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    with ExposureLog(tmp_path, "p-s1", ROOT) as log:
        for number in range(5):
            log.add(number % 2, 0, 1000 + number, 44_100)
    return log.path


def test_what_was_read_is_what_is_recorded(dataset: Dataset, tmp_path: Path) -> None:
    with dataset.open_log(tmp_path) as log:
        for epoch in range(3):
            for passage in dataset.iterate(log=log, epoch=epoch, passage_ms=333):
                assert passage.samples.shape[1] == 2
        next(dataset.read(dataset.assets[1], log=log, epoch=3, length_ms=100))
    (recorded,) = read_logs(tmp_path)
    wanted = {(epoch, asset.number): asset.duration_ms for epoch in range(3) for asset in dataset.assets}
    assert recorded.milliseconds() == {**wanted, (3, 1): 100}
    assert recorded.sealed
    assert recorded.head == log.close()


def test_a_passage_that_nobody_took_is_not_recorded(dataset: Dataset, tmp_path: Path) -> None:
    with dataset.open_log(tmp_path) as log:
        passages = dataset.iterate(log=log, passage_ms=100)
        for _ in range(3):
            next(passages)
    assert sum(read_log(log.path).milliseconds().values()) == 300


def test_a_killed_process_loses_nothing_it_recorded(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 2000:
            process.send_signal(signal.SIGKILL)
            break
    told = max([int(line), *(int(rest) for rest in process.stdout if rest.endswith("\n"))])
    process.wait()
    (recorded,) = read_logs(tmp_path)
    assert not recorded.sealed
    assert told <= sum(recorded.frames.values()) / 480 <= told + 1


def test_a_log_cut_at_any_byte_keeps_its_whole_lines(log: Path) -> None:
    data = log.read_bytes()
    for length in range(len(data) + 1):
        log.write_bytes(data[:length])
        recorded = read_log(log)
        whole = data[:length].count(b"\n")
        assert sum(recorded.frames.values()) == sum(1000 + number for number in range(min(5, max(0, whole - 1))))
        assert recorded.dropped_bytes == length - (data[:length].rfind(b"\n") + 1)
        assert recorded.sealed == (length == len(data))
    log.write_bytes(data[:300] + bytes(5000))  # what a file system may leave after a power cut
    assert read_log(log).dropped_bytes > 5000


def test_every_flipped_bit_is_found(log: Path) -> None:
    data = log.read_bytes()
    for at in range(len(data) - 1):
        harmed = bytearray(data)
        harmed[at] ^= 1
        log.write_bytes(harmed)
        with pytest.raises(BadInput, match="the log"):
            read_log(log)


def _lines(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[bytes], bytes]:
    return lambda data: b"".join(change(data.splitlines(keepends=True)))


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(_lines(lambda lines: [*lines[:2], *lines[3:]]), id="line taken out"),
        pytest.param(_lines(lambda lines: [*lines[:3], lines[2], *lines[3:]]), id="line repeated"),
        pytest.param(_lines(lambda lines: [lines[0], lines[2], lines[1], *lines[3:]]), id="lines swapped"),
        pytest.param(_lines(lambda lines: lines[1:]), id="first line taken out"),
        pytest.param(_lines(lambda lines: [*lines, lines[-1]]), id="end repeated"),
        pytest.param(lambda data: data.replace(b"1003", b"9003"), id="number changed"),
        pytest.param(lambda data: data + b"0" * 64 + b' {"end":9}\n', id="line added"),
        pytest.param(lambda data: b"\n" * 20 + data, id="empty lines"),
        pytest.param(lambda data: b"x" * 10_000 + data, id="endless line"),
    ],
)
def test_tampering_is_found(log: Path, harm: Callable[[bytes], bytes]) -> None:
    log.write_bytes(harm(log.read_bytes()))
    with pytest.raises(BadInput):
        read_log(log)


def test_only_the_head_betrays_a_log_that_was_cut_or_rewritten(log: Path, tmp_path: Path) -> None:
    head = read_log(log).head
    assert read_log(log, head).sealed
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-2]))
    assert not read_log(log).sealed
    with pytest.raises(BadInput, match="not in the head you gave"):
        read_log(log, head)
    with ExposureLog(tmp_path / "forged", "p-s1", ROOT) as forged:
        forged.add(0, 0, 1, 44_100)
    with pytest.raises(BadInput, match="not in the head you gave"):
        read_log(forged.path, head)


def test_a_log_belongs_to_one_process(tmp_path: Path) -> None:
    log = ExposureLog(tmp_path, "p-s1", ROOT)
    child = os.fork()
    if not child:
        try:
            log.add(0, 0, 1, 44_100)
        except RuntimeError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    log.close()
    with pytest.raises(RuntimeError):
        log.add(0, 0, 1, 44_100)


def test_a_restart_has_its_own_log(tmp_path: Path) -> None:
    names = [ExposureLog(tmp_path, "p-s1", ROOT, writer).path.name for writer in ("main", "main", "worker-1")]
    assert names == ["main-000000.exposure", "main-000001.exposure", "worker-1-000000.exposure"]
    with pytest.raises(ValueError, match="identifier"):
        ExposureLog(tmp_path, "p-s1", ROOT, "../main")


def test_a_full_disk_ends_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = ExposureLog(tmp_path, "p-s1", ROOT)
    log.add(0, 0, 5, 44_100)

    def fail(handle: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", fail)
        with pytest.raises(OSError, match="No space"):
            log.add(0, 0, 7, 44_100)
    with pytest.raises(RuntimeError):
        log.add(0, 0, 9, 44_100)
    assert sum(read_log(log.path).frames.values()) == 5


def test_the_run_file_adds_all_logs_up(dataset: Dataset, tmp_path: Path) -> None:
    first, second = dataset.open_log(tmp_path / "logs", "rank-0"), dataset.open_log(tmp_path / "logs", "rank-1")
    for _ in range(3):
        first.add(0, 0, 44, 44_100)  # 0.998 ms each: together 2.993
    second.add(0, 1, 8, 8_000)
    second.add(2, 1, 80_000, 8_000)
    second.close()
    arguments = {
        "run_id": "run-1",
        "model_version": "m-1",
        "code_sha256": "a" * 64,
        "weights_sha256": "b" * 64,
        "trained_on": date(2026, 10, 6),
    }
    written = write_run_file(tmp_path / "run.json", datasets=[dataset], logs=read_logs(tmp_path / "logs"), **arguments)
    assert (written.assets, written.exposure_ms, written.unsealed) == (2, 10_003, ("rank-0-000000.exposure",))
    run = json.loads((tmp_path / "run.json").read_bytes())
    assert run["snapshot_ids"] == ["p-s1"]
    wanted = sorted([(dataset.assets[0].asset_id, 3), (dataset.assets[2].asset_id, 10_000)])
    assert [(row["asset_id"], row["exposure_ms"]) for row in run["exposure"]] == wanted

    with ExposureLog(tmp_path / "others", "q-s1", "cd" * 32) as other:
        other.add(0, 0, 1, 8_000)
    with pytest.raises(BadInput, match="none of the datasets"):
        write_run_file(tmp_path / "run.json", datasets=[dataset], logs=read_logs(tmp_path / "others"), **arguments)
    with pytest.raises(ValueError, match="hex digits"):
        write_run_file(tmp_path / "run.json", datasets=[dataset], logs=[], **{**arguments, "code_sha256": "A" * 64})
    with pytest.raises(BadInput, match="holds no exposure log"):
        read_logs(tmp_path / "nowhere")
