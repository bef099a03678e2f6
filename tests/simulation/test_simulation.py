"""Months of life from seeds: a few in the quick suite, many more in CI. RITORNELLO_SEEDS=1000 plays so many; a failure names its seed."""

import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from ritornello.service import rates
from ritornello.wiring import open_context
from tests.conftest import PROGRAMME, make_home, train
from tests.simulation.simulator import Life

TERMS = """
[conversion]
currency = "EUR"

[[fee]]
name = "administration"
rate = "0.10"

[reserve]
rate = "0.20"
release_after_days = 40
"""
QUICK, MANY = 3, int(os.environ.get("RITORNELLO_SEEDS", "60"))


@pytest.fixture
def world(database: str, tmp_path: Path, catalogue_folder: Path, run: Callable[..., str]) -> Path:
    """A trained home whose terms convert, take fees and withhold reserves."""
    terms = tmp_path / "programme.toml"
    terms.write_text(PROGRAMME.replace("[payout]", f'{TERMS}\n[payout]\nfees = {{ EUR = "0.35" }}'))
    home = train(make_home(tmp_path, catalogue_folder, run, terms), tmp_path, run)
    (tmp_path / "rates.csv").write_text("currency,into,day,rate,source\nSEK,EUR,2026-10-01,0.091234,test\nSEK,EUR,2027-01-15,0.0887,test\n")
    with open_context(home, None, lambda _: None) as context:
        rates.import_rates(context, tmp_path / "rates.csv")
    return home


def play(world: Path, folder: Path, seed: int, events: int = 30) -> Life:
    home = folder / f"seed-{seed}"
    shutil.copytree(world, home)
    life = Life(home, seed)
    life.live(events)
    return life


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
