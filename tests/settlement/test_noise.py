"""Attribution divides only what it moves beyond its noise, over catalogues if the programme says so, and no recording gets more than the cap."""

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest

from ritornello.domain.errors import BadInput
from ritornello.domain.period import Usage
from ritornello.formats.canonical import encode
from ritornello.formats.programme_toml import read_programme
from ritornello.service.large_settlement import Engine, settle_large
from ritornello.service.settlement import settle_folder
from ritornello.settlement.settle import Settlement, settle
from ritornello_verify.report import Step
from tests.settlement.folders import random_folder, read_rows
from tests.settlement.periods import attributed, claim, exposure, period, revenue
from tests.settlement.test_payout_rules import HEAD
from tests.settlement.test_second_opinion import recompute

RULE = 'unattributed = "exposure"\nmax_error_ppm = 1_000_000\nfallback = "exposure"\n'
INCOME = '[[income]]\nname = "s"\nrate = "1"\ndivide_by = "attribution"\n' + RULE
HALVES = {"a1": 500_000, "b1": 500_000}


def settled(more: str, weights: dict[str, int], noise: tuple[int | None, int | None] = (None, None), **facts: Any) -> Settlement:
    """1,000,000 units over a1 (read 100 ms), a2 (300) of A and b1 (600) of B, in one output."""
    measured = {("recording", "m"): noise[0], ("catalogue", "m"): noise[1]}
    facts = {
        "claims": [claim(name, name[0].upper(), 100_000_000) for name in ("a1", "a2", "b1")],
        "exposures": [exposure("a1", 100), exposure("a2", 300), exposure("b1", 600)],
        "outputs": {"o": "m"},
        "usage": [Usage("u", "o", "DE", 1)],
        "attribution": attributed("o", **weights),
        "error_ppm": {"m": 0},
        "noise_ppm": {key: ppm for key, ppm in measured.items() if ppm is not None},
        "revenue": [revenue(1_000_000)],
        **facts,
    }
    terms = read_programme("programme.toml", (HEAD.format(notice=30) + INCOME + more + "\n[lanes]\nmaster = 1_000_000").encode())
    return settle(period(terms, **facts))


def pools(result: Settlement) -> dict[str, tuple[str, int, dict[str, int], Any]]:
    """Basis → reason, units, weights, and what was compared."""
    weights: dict[str, dict[str, int]] = {}
    for line in result.tables["allocations"]:
        weights.setdefault(line["pool"], {})[line["recording_id"]] = int(line["weight"])
    compared = ("signal_ppm", "noise_ppm", "min_signal_to_noise_e3")
    return {
        row["basis"]: (row["reason"], int(row["amount_units"]), weights[row["pool"]], tuple(row[name] for name in compared if name in row))
        for row in result.tables["pools"]
    }


def test_attribution_divides_where_it_moves_at_least_the_ratio_of_its_noise() -> None:
    """Half and half against 10 : 30 : 60 moves 40 %: a1 gains all of it."""
    found = pools(settled('min_signal_to_noise = "2.0"', HALVES, (200_000, None)))
    assert found == {"attribution": ("rule", 1_000_000, HALVES, (400_000, 200_000, 2000))}


def test_below_it_the_fallback_pays_and_the_pool_says_why() -> None:
    found = pools(settled('min_signal_to_noise = "2.0"', HALVES, (200_001, None)))
    assert found == {"exposure": ("signal_below_noise", 1_000_000, {"a1": 100, "a2": 300, "b1": 600}, (400_000, 200_001, 2000))}
    found = pools(settled('min_signal_to_noise = "0"', HALVES))
    assert found["exposure"][0] == "no_measured_noise" and not found["exposure"][3], "noise that nobody measured is not taken for none"
    assert pools(settled("", HALVES))["attribution"][0] == "rule", "who asks for nothing is not refused"


def test_a_catalogue_gets_what_attribution_says_and_divides_it_by_exposure() -> None:
    """A gets a half, against 40 % by exposure: 10 % moves. Inside, a1 : a2 is 100 : 300."""
    by_catalogue = 'aggregate_by = "catalogue"\nmin_signal_to_noise = "2"'
    found = pools(settled(by_catalogue, HALVES, (1_000_000, 50_000)))
    assert found == {"attribution": ("rule", 1_000_000, {"a1": 125_000, "a2": 375_000, "b1": 500_000}, (100_000, 50_000, 2000))}
    assert pools(settled(by_catalogue, HALVES, (0, None)))["exposure"][0] == "no_measured_noise"


def test_of_two_levels_the_first_whose_signal_is_enough_divides() -> None:
    """By recording 40 % moves, by catalogue 10 %."""
    two = 'aggregate_by = ["recording", "catalogue"]\nmin_signal_to_noise = "2"'
    for noise, basis, reason, level, figures in (
        ((200_000, 0), "attribution", "rule", "recording", (400_000, 200_000)),
        ((200_001, 50_000), "attribution", "rule", "catalogue", (100_000, 50_000)),
        ((None, 50_000), "attribution", "rule", "catalogue", (100_000, 50_000)),
        ((200_001, 50_001), "exposure", "signal_below_noise", "catalogue", (100_000, 50_001)),
        ((200_001, None), "exposure", "signal_below_noise", "recording", (400_000, 200_001)),
    ):
        result = settled(two, HALVES, noise)
        (row,) = result.tables["pools"]
        assert (row["basis"], row["reason"], row["compared_by"], (row["signal_ppm"], row["noise_ppm"])) == (basis, reason, level, figures)
        weights = {"recording": HALVES, "catalogue": {"a1": 125_000, "a2": 375_000, "b1": 500_000}}[level]
        assert basis == "exposure" or pools(result)["attribution"][2] == weights
    assert pools(settled(two, HALVES))["exposure"][0] == "no_measured_noise"


def test_the_largest_owner_of_the_master_makes_a_catalogue_and_a_dispute_does_not_change_that() -> None:
    """Of a2, A and B own halves: A comes first. Nobody claims b1, which is therefore alone."""
    claims = [claim("a1", "A", 100_000_000), claim("a2", "A", 50_000_000), claim("a2", "B", 50_000_000)]
    found = pools(settled('aggregate_by = "catalogue"', {"a1": 500_001, "b1": 499_999}, claims=claims))
    assert found["attribution"][2] == {"a1": 125_000, "a2": 375_001, "b1": 499_999}


def test_a_cap_cuts_off_what_is_above_it_and_the_rest_goes_by_the_rule_for_what_nobody_explains() -> None:
    found = pools(settled("cap_ppm = 250_000", {"a1": 400_000, "b1": 200_000}))
    assert found["attribution"][1:3] == (450_000, {"a1": 250_000, "b1": 200_000})
    assert found["unattributed-exposure"][1:3] == (550_000, {"a1": 100, "a2": 300, "b1": 600})


def test_copies_of_one_sound_are_capped_together() -> None:
    found = pools(settled("cap_ppm = 250_000", {"a1": 300_000, "a2": 200_000}, cluster_of={"a1": "a1", "a2": "a1"}))
    assert found["attribution"][1:3] == (250_000, {"a1": 150_000, "a2": 100_000})


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('min_signal_to_noise = "2.0005"', "more than 3 digits"),
        ("min_signal_to_noise = 2.0", "is not text"),
        ('aggregate_by = "label"', "is not known"),
        ('aggregate_by = ["recording", "catalogue"]', "names two levels"),
        ('aggregate_by = ["catalogue", "recording"]', "is not known"),
        ("cap_ppm = 0", "is not between 1 and 1,000,000"),
        ('cap_ppm = 5\nunattributed = "attribution"', "cuts off what"),
    ],
)
def test_what_a_programme_gets_wrong_is_named(line: str, what: str) -> None:
    income = INCOME.replace('unattributed = "exposure"\n', "") if "unattributed" in line else INCOME
    with pytest.raises(BadInput) as refused:
        read_programme("programme.toml", (HEAD.format(notice=30) + income + line + "\n[lanes]\nmaster = 1_000_000").encode())
    assert any(what in problem.what for problem in refused.value.problems), refused.value.problems


def test_an_engine_divides_catalogues_capped_and_compared_the_same(tmp_path: Path) -> None:
    folders = settled_folders(tmp_path, lambda text: "user_centric" not in text and "cap_ppm" in text and '"catalogue"' in text)
    for root in islice(folders, 2):
        settle_large(root / "period", root / "large", Engine(memory_bytes=1 << 29))
        small, large = ({file.name: file.read_bytes() for file in (root / name).iterdir()} for name in ("result", "large"))
        assert small == large, root


def test_a_forged_figure_or_cent_is_found(tmp_path: Path) -> None:
    """Where noise decided, neither the money nor the figures can be other than they are."""
    for root in islice(settled_folders(tmp_path, lambda text: "min_signal_to_noise" in text), 100):
        rows = read_rows(root / "result" / "pools.jsonl")
        decided = next((row for row in rows if row["reason"] == "signal_below_noise" and row["recordings"]), None)
        if decided is not None:
            break
    assert decided is not None and not find_problems(root)
    for change in ({"signal_ppm": 1}, {"noise_ppm": -1}, {"min_signal_to_noise_e3": 1}):
        (column, by), *_ = change.items()
        assert find_problems(root, pools=[{**row, column: row[column] + by} if row is decided else row for row in rows]), column
    bare = {name: value for name, value in decided.items() if not name.startswith(("signal", "noise", "min_"))}
    assert find_problems(root, pools=[bare if row is decided else row for row in rows])
    lines = read_rows(root / "result" / "allocations.jsonl")
    paid = next(row for row in lines if row["pool"] == decided["pool"] and row["amount_units"] != "0")
    less = {**paid, "amount_units": str(int(paid["amount_units"]) - 1)}
    assert find_problems(root, allocations=[less if row is paid else row for row in lines])


def settled_folders(place: Path, wanted: Callable[[str], bool]) -> Iterator[Path]:
    """Random folders whose programme is wanted, each settled, in `period` and `result` of a path."""
    for seed in count():
        folder, root = random_folder(random.Random(seed)), place / str(seed)
        if wanted(folder.programme):
            folder.write(root / "period")
            with suppress(BadInput):
                settle_folder(root / "period", root / "result")
                yield root


def find_problems(root: Path, **forged: list[dict[str, Any]]) -> list[Any]:
    """What the verifier finds, with some tables of the result replaced for the moment."""
    files = {root / "result" / f"{name}.jsonl": rows for name, rows in forged.items()}
    kept = {file: file.read_bytes() for file in files}
    for file, rows in files.items():
        file.write_bytes(b"".join(encode(row) + b"\n" for row in rows))
    step = Step("money")
    recompute(root, "p-2026-10", step)
    for file, data in kept.items():
        file.write_bytes(data)
    return step.problems
