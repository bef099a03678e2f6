"""Whom held money goes to once it is released, by hand (docs/formats/settlement.md, Release)."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ritornello.domain.errors import BadInput
from ritornello.domain.period import Dispute, Member, Run
from ritornello.domain.programme import HeldRule
from ritornello.formats.period_folder import read_period
from ritornello.settlement.settle import settle
from tests.settlement.folders import random_folder
from tests.settlement.periods import FEE, claim, exposure, period, programme, revenue, share_income

LATER = 10**15 + 5


def earned(released_at_us: int | None, reserve: str | None = None, **changes: Any) -> dict[str, int]:
    """90 units over r1 (a has 60 %), r2 (nobody's) and r3 (b's), and 40 units kept in reserve; in a correction of nothing."""
    terms = programme(
        replace(FEE, amount_units=90), replace(share_income(1_000_000), fallback="reserve"), held=HeldRule(1, reserve), thresholds={}
    )
    values: dict[str, Any] = {
        "claims": [claim("r1", "a", 60_000_000), claim("r3", "b", 100_000_000)],
        "exposures": [exposure("r1", 1), exposure("r2", 1), exposure("r3", 1)],
        "runs": {"m": Run("m", (), ("s1",))},
        "members": [Member("s1", f"x{name}", name, 9) for name in ("r1", "r2", "r3")],
        "revenue": [revenue(40)],
        "known_at_us": LATER,
        "corrects": "s0",
        "released_at_us": released_at_us,
    }
    result = settle(period(terms, **{**values, **changes}))
    return {row["account"]: int(row["earned_units"]) for row in result.tables["balances"]}


def test_what_waits_goes_to_those_who_are_known() -> None:
    assert earned(None) == {"party:a": 18, "party:b": 30, "held:suspense": 42, "held:reserve": 40}
    assert earned(LATER) == {"party:a": 45, "party:b": 45, "held:reserve": 40}
    assert earned(LATER, "exposure") == earned(LATER, "count") == {"party:a": 65, "party:b": 65}


def test_claims_that_come_later_come_too_late_and_disputes_count_as_they_stand() -> None:
    late = claim("r2", "c", 100_000_000, recorded_at_us=LATER)
    claims = [claim("r1", "a", 60_000_000), claim("r3", "b", 100_000_000), late]
    assert earned(LATER - 1, claims=claims) == {"party:a": 45, "party:b": 45, "held:reserve": 40}
    disputed = [Dispute("d", "c-r3-master-b-WW", 0, None)]
    assert earned(LATER, disputes=disputed) == {"party:a": 45, "held:dispute": 45, "held:reserve": 40}
    assert earned(LATER, disputes=[replace(disputed[0], resolved_at_us=LATER)]) == earned(LATER)


def test_where_nobody_is_known_it_goes_on_waiting() -> None:
    assert earned(LATER, claims=[]) == {"held:suspense": 90, "held:reserve": 40}


def test_a_release_needs_a_correction_and_its_day(tmp_path: Path) -> None:
    folder = random_folder(random.Random(5))
    folder.older, folder.programme = None, folder.programme.split("[held]")[0] + "[held]\nrelease_after_days = 1\n"
    for number, more in enumerate(({"corrects": None}, {"corrects": "p-2026-09", "released_at_us": 1})):
        folder.header |= {"released_at_us": folder.header["known_at_us"], **more}
        with pytest.raises(BadInput) as error:
            read_period(folder.write(tmp_path / str(number)))
        assert any(problem.field == "released_at_us" for problem in error.value.problems), error.value.problems
