"""The home that every life begins with: trained, under terms that convert, take fees and withhold reserves."""

import shutil
from pathlib import Path

from ritornello.service import rates
from ritornello.wiring import open_context
from tests.conftest import PROGRAMME, make_home, run_alone, train
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


def make_world(folder: Path, catalogue: Path) -> Path:
    terms = folder / "programme.toml"
    terms.write_text(PROGRAMME.replace("[payout]", f'{TERMS}\n[payout]\nfees = {{ EUR = "0.35" }}'))
    home = train(make_home(folder, catalogue, run_alone, terms), folder, run_alone)
    (folder / "rates.csv").write_text("currency,into,day,rate,source\nSEK,EUR,2026-10-01,0.091234,test\nSEK,EUR,2027-01-15,0.0887,test\n")
    with open_context(home, None, lambda _: None) as context:
        rates.import_rates(context, folder / "rates.csv")
    return home


def play(world: Path, folder: Path, seed: int, events: int = 30) -> Life:
    """One life in a copy of the world, which stays where the life fails."""
    home = folder / f"seed-{seed}"
    shutil.copytree(world, home)
    life = Life(home, seed)
    life.live(events)
    return life
