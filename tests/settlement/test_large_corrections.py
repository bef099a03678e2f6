"""A correction by an engine gives the same bytes as row by row: random folders with every rule, each corrected several times."""

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from ritornello.domain.errors import BadInput
from ritornello.service.large_settlement import Engine, settle_large
from ritornello.service.settlement import settle_folder
from ritornello.settlement import bulk
from tests.settlement.folders import correct, random_folder

CORRECTIONS = 3
SMALL = Engine(memory_bytes=1 << 29, spill_bytes=1 << 30)


def test_random_corrections_are_those_of_plain_integers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "CHUNK_LINES", 5)  # several chunks, and pools cut between payees
    counts = compare((2, 2022), tmp_path, SMALL)
    assert counts["amended"] > 2 and counts["deltas"] > 5, counts


@pytest.mark.slow
def test_many_random_corrections_are_those_of_plain_integers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "CHUNK_LINES", 5)
    counts = compare(range(2000, 2080), tmp_path, SMALL)  # the rules refuse about one world in four
    assert counts["amended"] > 90 and counts["kept lines"] > 500 and counts["refused"], counts


def compare(seeds: Iterable[int], place: Path, engine: Engine) -> Counter[str]:
    counts: Counter[str] = Counter()
    for seed in seeds:
        for number, period in enumerate(list_periods(seed, place / str(seed))):
            told: list[str] = []
            try:
                settle_large(period, period.parent / "large", engine, told.append)
            except BadInput:
                assert not (period.parent / "result").exists(), (seed, number)
                counts["refused"] += 1
                continue
            for path in (period.parent / "result").iterdir():
                assert (period.parent / "large" / path.name).read_bytes() == path.read_bytes(), (seed, number, path.name)
            counts["amended"] += "changes" in told
            rows = [json.loads(line) for line in (period.parent / "result" / "deltas.jsonl").read_text().splitlines()]
            counts["deltas"] += len(rows)
            if number:
                lines = (period.parent / "result" / "allocations.jsonl").read_text().count("\n")
                counts["kept lines"] += max(0, lines - len(rows))
    return counts


def list_periods(seed: int, place: Path) -> Iterator[Path]:
    """A random period folder and its corrections; beside each, its result row by row, unless it is refused."""
    source = random.Random(seed)
    folder = random_folder(source)
    for number in range(CORRECTIONS + 1):
        root = place / str(number)
        folder.write(root / "period")
        try:
            settle_folder(root / "period", root / "result")
        except BadInput:
            yield root / "period"
            return
        yield root / "period"
        folder = correct(source, folder, root / "result", number + 1)
