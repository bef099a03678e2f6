"""Months of life from seeds: a few in the quick suite, many more in CI. RITORNELLO_SEEDS=1000 plays so many; a failure names its seed."""

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.simulation.world import make_world, play

QUICK, MANY = 3, int(os.environ.get("RITORNELLO_SEEDS", "60"))


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, catalogue_folder: Path) -> Path:
    return make_world(tmp_path_factory.mktemp("world"), catalogue_folder)


def test_a_few_lives(world: Path, tmp_path: Path) -> None:
    done: Counter[str] = Counter()
    for seed in range(QUICK):
        done += play(world, tmp_path, seed, events=20).done
        shutil.rmtree(tmp_path / f"seed-{seed}")
    assert done["crashes"] and done["_correct"] and done["_settle"], done


def test_a_seed_can_be_played_again(world: Path, tmp_path: Path) -> None:
    first, second = (play(world, tmp_path / name, 11, events=8) for name in ("a", "b"))
    assert first.fingerprint() == second.fingerprint() and first.done == second.done


@pytest.mark.slow
def test_many_lives(world: Path, tmp_path: Path) -> None:
    done: Counter[str] = Counter()
    for seed in range(QUICK, QUICK + MANY):
        done += play(world, tmp_path, seed).done
        shutil.rmtree(tmp_path / f"seed-{seed}")
    print(f"{MANY} seeds: {dict(done.most_common())}")
