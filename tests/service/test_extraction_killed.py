"""An audit by several processes: one of them is killed, then all of it, and what comes out in the end is what a single process finds in peace."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.conftest import RATE_HZ, tune

TABLES = ("items.jsonl", "matches.jsonl", "assets.jsonl")
FILES = 250  # several batches of the journal, however fast the machine is


@pytest.mark.slow
@pytest.mark.sqlite
def test_killed_audits_end_with_the_same_bytes(home: Path, tmp_path: Path, catalogue_folder: Path, run: Callable[..., str]) -> None:
    run("--home", home, "catalogue", "fingerprint")
    place = tmp_path / "place"
    place.mkdir()
    base = np.concatenate([tune(seed) for seed in range(1, 7)])
    for number in range(FILES):
        soundfile.write(place / f"{number}.flac", np.roll(base, number * RATE_HZ), RATE_HZ)
    shutil.copy(catalogue_folder / "audio" / "one.flac", place / "exact.flac")
    run("--home", home, "--quiet", "audit", place, "--out", tmp_path / "calm", "--workers", 1)

    out = tmp_path / "killed"
    command = [sys.executable, "-m", "ritornello", "--home", str(home), "--json", "audit", str(place), "--out", str(out), "--workers", "2"]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    wait_for(out, 2)
    (victim, *_) = listeners(running.pid)
    os.kill(victim, signal.SIGKILL)
    wait_for(out, heard(out) + 2)
    left = listeners(running.pid)
    running.kill()
    running.wait()
    assert not (out / "audit.json").exists()
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in left):
        assert time.monotonic() < deadline, "listening processes outlived the audit"
        time.sleep(0.2)

    before = heard(out)
    assert before < FILES + 1
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["counts"]["items"] == FILES + 1
    for name in TABLES:
        assert (out / name).read_bytes() == (tmp_path / "calm" / name).read_bytes()
    assert not (out / "spool").exists()


def heard(out: Path) -> int:
    if not (out / "journal.sqlite").exists():
        return 0
    with sqlite3.connect(f"file:{out / 'journal.sqlite'}?mode=ro", uri=True) as journal:
        try:
            return int(journal.execute("SELECT count(*) FROM item").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


def wait_for(out: Path, items: int) -> None:
    """Until so many items are durable: the journal commits them in batches."""
    deadline = time.monotonic() + 300
    while heard(out) < items:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def listeners(parent: int) -> list[int]:
    """The listening processes of an audit."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent and "spawn_main" in (stat.parent / "cmdline").read_text():
                found.append(int(stat.parent.name))
        except (OSError, ValueError):
            continue
    return found
