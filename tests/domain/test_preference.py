"""What is allowed: silence is a no, the order means what it says, and a meet permits only what both do."""

from datetime import date
from random import Random

import pytest

from ritornello.domain.consent import PURPOSES
from ritornello.domain.preference import (
    NO,
    NOTHING,
    UNKNOWN,
    YES,
    Constraint,
    Preference,
    Question,
    Subject,
    at_most,
    constrain,
    meet,
    meet_overlapping,
    permits,
)
from tests.formats.preferences.random_preferences import some_question, some_statement, some_subject

SONG = Subject(isrc="DEABC2600001")
ASKED = Question("ai_training", SONG, "DE", date(2026, 6, 1))


@pytest.mark.parametrize(
    "statement", [NO, NOTHING, UNKNOWN, constrain(Constraint(licensee="L")), constrain(Constraint(territories=("SE",)))]
)
def test_what_is_not_plainly_allowed_is_refused(statement: object) -> None:
    assert not permits([Preference(SONG, {"ai_training": statement})], ASKED)  # type: ignore[dict-item]


def test_no_record_and_no_name_permit_nothing() -> None:
    assert not permits([], ASKED)
    assert not permits([Preference(Subject(), {"ai_training": YES})], ASKED)
    assert permits([Preference(SONG, {"ai_training": YES})], ASKED)
    assert not permits([Preference(SONG, {"ai_training": YES}), Preference(SONG, {})], ASKED)


def test_the_order_and_the_meet_agree_with_the_answers() -> None:
    random, ordered = Random(1), 0
    for _ in range(10_000):
        one, other = some_statement(random), some_statement(random)
        both = meet((one, other))
        assert at_most(both, one) and at_most(both, other) and at_most(one, one)
        question = some_question(random, "ai_training", SONG)
        answers = [permits([Preference(SONG, {"ai_training": statement})], question) for statement in (one, other, both)]
        assert not answers[2] or (answers[0] and answers[1])
        if at_most(one, other):
            ordered += 1
            assert answers[1] or not answers[0]
    assert ordered > 3000


def test_the_order_is_transitive_and_the_meet_is_the_best_of_what_is_below_both() -> None:
    random = Random(2)
    for _ in range(10_000):
        one, other, third = (some_statement(random) for _ in range(3))
        if at_most(one, other) and at_most(other, third):
            assert at_most(one, third)
        if at_most(third, one) and at_most(third, other):
            assert at_most(third, meet((one, other)))


def test_records_about_one_thing_are_read_together() -> None:
    wide, narrow = Subject(location="/music/"), Subject(location="/music/open/")
    found = meet_overlapping([Preference(wide, {"data_mining": NO}), Preference(narrow, {"data_mining": YES})])
    assert [one.says("data_mining") for one in found] == [NO, NO]
    found = meet_overlapping([Preference(wide, {"data_mining": YES}), Preference(narrow, {"data_mining": NO})])
    assert [one.says("data_mining") for one in found] == [YES, NO]
    assert all(meet([]) == NOTHING for _ in PURPOSES)


def test_many_records_are_joined_as_pairs_would_be() -> None:
    random = Random(5)
    for _ in range(200):
        records = [Preference(some_subject(random), {"data_mining": some_statement(random)}) for _ in range(8)]
        for one, joined in zip(records, meet_overlapping(records), strict=True):
            about = [other.says("data_mining") for other in records if other is one or other.subject.overlaps(one.subject)]
            assert joined.says("data_mining") == meet(about)
