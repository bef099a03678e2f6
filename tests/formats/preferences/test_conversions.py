"""No conversion permits more, through every format and every chain of two; nothing is lost in silence."""

from itertools import product
from random import Random

import pytest
from tests.formats.preferences.random_preferences import some_preference, some_question

from ritornello.domain.consent import PURPOSES
from ritornello.domain.errors import BadInput
from ritornello.domain.preference import NO, NOTHING, UNKNOWN, YES, Constraint, Preference, Subject, constrain, permits
from ritornello.formats.preferences import aipref_labels, ddex, rsl
from ritornello.formats.preferences.convert import CODECS, FORMATS, PATHS_ONLY, read, write

STRANGER = Subject(asset_id="sha256:" + "9" * 64, recording_id="other", isrc="USXXX2600009", location="https://other.example/x")


def through(form: str, preferences: list[Preference], subject: Subject) -> list[Preference]:
    """There and back; checks that every difference has its loss. The reader knows what the file was attached to."""
    try:
        data, losses = write(form, preferences)
    except BadInput:
        assert len(preferences) != 1 and not CODECS[form].names
        return []
    found = read(form, data, "file", subject)[0] if data else []
    for before in preferences:
        after = next((one for one in found if one.subject.overlaps(before.subject)), None)
        named = {loss.purpose for loss in losses}
        gone = any(loss.kind == "record" for loss in losses)
        for purpose in PURPOSES:
            if before.says(purpose) != (after.says(purpose) if after else before.says("")):
                assert purpose in named or gone, (form, purpose, before, after)
    return found


def check(random: Random, preference: Preference, *stages: list[Preference]) -> None:
    """No stage permits what the one before it didn't, and none speaks of something else."""
    for purpose in PURPOSES:
        for _ in range(2):
            question = some_question(random, purpose, preference.subject)
            answers = [permits(stage, question) for stage in ([preference], *stages)]
            assert answers == sorted(answers, reverse=True), (purpose, stages)
        assert not permits(stages[-1], some_question(random, purpose, STRANGER))


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_thousands_of_preferences_through_every_format_and_chain(count: int) -> None:
    """Each preference goes through one chain of two; every chain gets eight, of ten thousand more than eighty."""
    random, chains = Random(20_261_123), list(product(FORMATS, repeat=2))
    for number in range(count):
        preference, (first, second) = some_preference(random), chains[number % len(chains)]
        once = through(first, [preference], preference.subject)
        check(random, preference, once, through(second, once, preference.subject))


@pytest.mark.slow
def test_a_thousand_preferences_each_through_all() -> None:
    random = Random(7)
    for _ in range(1_000):
        preference = some_preference(random)
        for first in FORMATS:
            once = through(first, [preference], preference.subject)
            for second in FORMATS:
                check(random, preference, once, through(second, once, preference.subject))


@pytest.mark.parametrize(
    ("form", "word", "covered"),
    [
        ("aipref-header", "train-ai=y", aipref_labels.TRAIN.covers),
        ("aipref-header", "ai-use=y", aipref_labels.USE.covers),
        ("aipref-robots", "train-ai=y", aipref_labels.TRAIN.covers),
        ("tdmrep-headers", "tdm-reservation: 0", PURPOSES),
        ("tdmrep-html", 'content="0"', PURPOSES),
        ("rsl", '<permits type="usage">ai-train', rsl.TRAIN.covers),
        ("rsl", '<permits type="usage">all', PURPOSES),
        ("ddex", "UseForTrainingGenerativeAI", ddex.GENERATIVE.covers),
    ],
)
def test_a_wide_word_is_written_only_where_all_that_it_covers_is_allowed(form: str, word: str, covered: tuple[str, ...]) -> None:
    subject = Subject(isrc="DEABC2600001", location="/one")
    assert word in write(form, [Preference(subject, dict.fromkeys(covered, YES))])[0].decode()
    for purpose in covered:
        for statement in (NO, NOTHING, UNKNOWN, constrain(Constraint(terms_sha256="a" * 64)))[
            : 3 if form == "ddex" else 4
        ]:  # ddex can say it
            said = dict.fromkeys(PURPOSES, YES) | {purpose: statement}
            assert word not in write(form, [Preference(subject, said)])[0].decode()


def test_a_replay_gives_the_same_bytes() -> None:
    for form in FORMATS:
        preference = some_preference(Random(4))
        assert write(form, [preference]) == write(form, [preference])


@pytest.mark.parametrize("form", ["cawg", "c2pa", "odrl", "isrc-csv"])
def test_formats_with_room_lose_no_statement(form: str) -> None:
    random = Random(3)
    for _ in range(300):
        preference = some_preference(random)
        if CODECS[form].required and preference.subject.isrc is None:
            continue
        data, losses = write(form, [preference])
        back = {purpose: one.says(purpose) for one in read(form, data, "file", preference.subject)[0] for purpose in PURPOSES}
        for purpose in PURPOSES:
            kept = back.get(purpose, preference.says("")) == preference.says(purpose)
            assert kept or preference.says(purpose) == UNKNOWN, (form, purpose)
        assert all(loss.kind == "subject" or "nobody here knows" in loss.sentence for loss in losses)


def test_odrl_and_the_list_hold_every_name() -> None:
    subject = Subject("sha256:" + "1" * 64, "r1", "DEABC2600001", "ISCC:KACYPXW445FTYNJ3", "https://music.example/one.flac")
    for form in ("odrl", "isrc-csv"):
        data, losses = write(form, [Preference(subject, {"data_mining": YES})])
        assert read(form, data, "file")[0][0].subject == subject and not losses


@pytest.mark.parametrize("form", FORMATS)
def test_a_mean_neighbour_is_not_forgotten(form: str) -> None:
    """Two records that come under one name: the stricter counts."""
    shared = {"isrc": "DEABC2600001", "location": "/one"}
    for verdict in ("notAllowed", "silent"):
        strict = dict.fromkeys(
            PURPOSES, read("cawg", b'{"entries":{"cawg.ai_training":{"use":"notAllowed"}}}', "f")[0][0].says("ai_training")
        )
        records = [
            Preference(Subject(asset_id="sha256:" + "1" * 64, **shared), dict.fromkeys(PURPOSES, YES)),
            Preference(Subject(asset_id="sha256:" + "2" * 64, **shared), strict if verdict == "notAllowed" else {}),
        ]
        if not CODECS[form].names:
            with pytest.raises(BadInput):
                write(form, records)
            continue
        found = read(form, write(form, records)[0], "file", Subject(location="/one"))[0]
        assert not any(one.says(purpose).permits_something for one in found for purpose in PURPOSES)


@pytest.mark.parametrize("form", sorted(PATHS_ONLY))
def test_paths_speak_of_one_host(form: str) -> None:
    everything = dict.fromkeys(PURPOSES, YES)
    data, losses = write(form, [Preference(Subject(location="https://a.example/x"), everything)])
    assert any("https://a.example" in loss.sentence for loss in losses)
    assert read(form, data, "file", Subject(location="https://a.example/"))[0][0].subject.location == "https://a.example/x"
    with pytest.raises(BadInput):
        write(form, [Preference(Subject(location=f"https://{host}.example/x"), everything) for host in "ab"])
