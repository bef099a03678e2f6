"""Random period folders settled by the product and recomputed by the independent verifier, which shares nothing with it but the pages."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from ritornello.domain.errors import BadInput
from ritornello.service.settlement import settle_folder
from ritornello_verify.bundle import Bundle
from ritornello_verify.files import inspect_table
from ritornello_verify.folder import Folder as Reader
from ritornello_verify.leaves import hash_leaves
from ritornello_verify.money import check_money
from ritornello_verify.period import load_period
from ritornello_verify.references import check_references
from ritornello_verify.report import Malformed, Step
from ritornello_verify.tables import TABLES
from tests.settlement.folders import Folder, correct, measured_folder, random_folder, read_rows

CORRECTIONS = 3


def test_a_few_settlements_are_recomputed_row_for_row(tmp_path: Path) -> None:
    compare(range(12), tmp_path)


@pytest.mark.slow
def test_every_rule_and_its_corrections_are_recomputed_row_for_row(tmp_path: Path) -> None:
    counts = compare(range(1000, 1300), tmp_path)
    assert counts["settled"] > 180 and counts["corrected"] > 540
    for what in ("receipts", "allocation lines", "deltas", "reserves", "recoupments", "payouts", "statements", "uses after a tail"):
        assert counts[f"{what} recomputed"] > 100, what


def test_a_few_settlements_that_noise_decides_are_recomputed_row_for_row(tmp_path: Path) -> None:
    assert compare(range(18, 24), tmp_path, measured_folder)["partly moved"] > 5


@pytest.mark.slow
def test_settlements_that_noise_decides_are_recomputed_row_for_row(tmp_path: Path) -> None:
    counts = compare(range(2000, 2150), tmp_path, measured_folder)
    for what in ("rule", "unattributed", "signal_below_noise", "partly moved", "recording", "catalogue"):
        assert counts[what] > 100, what


def compare(seeds: range, place: Path, make: Callable[[random.Random], Folder] = random_folder) -> Counter[str]:
    """How many of what was compared. What one side refuses, the other must refuse."""
    counts: Counter[str] = Counter()
    for seed in seeds:
        for number, folder in enumerate(settle_and_correct(random.Random(seed), place / str(seed), make)):
            root = place / str(seed) / str(number)
            step = Step("money")
            recompute(root, folder.header["settlement_id"], step)
            if (root / "result").exists():
                assert not step.problems, (seed, number, step.problems)
                counts["corrected" if number else "settled"] += 1
                counts.update(step.counts)
                compared = [row for row in read_rows(root / "result" / "pools.jsonl") if "signal_ppm" in row]
                counts.update(row[name] for row in compared for name in ("reason", "compared_by"))
                counts["partly moved"] += sum(0 < row["signal_ppm"] < 1_000_000 for row in compared)
            else:
                refused = [problem for problem in step.problems if problem.path.startswith("period/")]
                assert refused, (seed, number, "only the product refuses the folder")
                counts["refused"] += 1
    return counts


def settle_and_correct(source: random.Random, place: Path, make: Callable[[random.Random], Folder] = random_folder) -> Iterator[Folder]:
    """A random folder and its corrections, each settled into `result` beside it, up to the first that is refused."""
    folder = make(source)
    for number in range(CORRECTIONS + 1):
        root = place / str(number)
        folder.write(root / "period")
        try:
            settle_folder(root / "period", root / "result")
        except BadInput:
            yield folder
            return
        yield folder
        folder = correct(source, folder, root / "result", number + 1)


def recompute(root: Path, settlement_id: str, step: Step) -> None:
    """Note what the verifier finds wrong with a period folder and its result, or that it refuses the folder."""
    try:
        hashes = hash_files(root)
        bundle = Bundle(Reader(root), settlement_id, {}, hashes, frozenset(hashes))
        check_references(bundle, step)
        check_money(bundle, load_period(bundle), step)
    except Malformed as error:
        step.add(error.problem)


def hash_files(root: Path) -> dict[str, str]:
    """Path → root or SHA-256, as bundle.json would list it."""
    hashes = {}
    for file in root.rglob("*"):
        path = file.relative_to(root).as_posix()
        if path in TABLES:
            inspection = inspect_table(Reader(root), path)
            assert inspection.problem is None, inspection.problem
            hashes[path] = hash_leaves(inspection.leaves)
        elif file.is_file():
            hashes[path] = sha256(file.read_bytes()).hexdigest()
    return hashes
