"""Plays many lives and can be stopped and started again: `python -m tests.simulation SEEDS LOG` goes on with the seeds that LOG lacks.

A line of LOG for each seed: what happened in it as JSON, or how it failed; a failed seed is played again by the next run. Exit 1 when one failed.
"""

import json
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

from tests.conftest import write_catalogue
from tests.simulation.world import make_world, play


def main(seeds: int, log: Path) -> int:
    played = {row["seed"] for row in map(json.loads, log.read_text().splitlines()) if "failed" not in row} if log.exists() else set()
    failed = 0
    with tempfile.TemporaryDirectory() as name, log.open("a") as written:
        folder = Path(name)
        world = make_world(folder, write_catalogue(folder / "catalogue"))
        for seed in sorted(set(range(seeds)) - played):
            try:
                row = {"seed": seed, "done": dict(sorted(play(world, folder, seed).done.items()))}
            except Exception as error:
                failed += 1
                row = {"seed": seed, "failed": repr(error), "where": traceback.format_exc()}
            shutil.rmtree(folder / f"seed-{seed}")
            print(json.dumps(row), file=written, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]), Path(sys.argv[2])))
