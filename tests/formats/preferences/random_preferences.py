"""Preferences and questions by chance, from small worlds in which things often coincide."""

from datetime import date, timedelta
from random import Random

from ritornello.domain.consent import PURPOSES
from ritornello.domain.preference import NO, NOTHING, UNKNOWN, YES, Constraint, Preference, Question, Statement, Subject, constrain

LICENSEES = ("Example Mosaic Audio", "Ältere & Söhne; GmbH", 'Quote "them", Ltd')
CLASSES = ("commercial", "education", "non-commercial", "archive")
COUNTRIES = ("DE", "JP", "SE")
TERMS = ("a" * 64, "b" * 64)
URLS = ("https://terms.example/1", "https://terms.example/two?a=b&c=d")
DAYS = tuple(date(2026, 1, 1) + timedelta(days=90 * number) for number in range(5))
ASSETS = tuple("sha256:" + digit * 64 for digit in "12")


def some_constraint(random: Random) -> Constraint:
    """Each condition is there or not; days are in order."""
    first, last = sorted(random.sample(DAYS, 2))
    return Constraint(
        random.choice((None, None, *LICENSEES)),
        tuple(sorted(random.sample(CLASSES, random.choice((0, 0, 1, 2))))),
        tuple(sorted(random.sample(COUNTRIES, random.choice((0, 0, 1, 2))))),
        random.choice((None, None, first)),
        random.choice((None, None, last)),
        random.choice((None, None, None, *TERMS)),
        random.choice((None, None, None, *URLS)),
    )


def some_statement(random: Random) -> Statement:
    kind = random.randrange(10)
    if kind < 4:
        return YES
    if kind < 7:
        constraint = some_constraint(random)
        return constrain(constraint) if constraint.conditions() else UNKNOWN
    return (NO, NOTHING, UNKNOWN)[kind - 7]


def some_statements(random: Random) -> dict[str, Statement]:
    """Sometimes all alike, which is what wide words can say; mostly not."""
    common = [some_statement(random) for _ in range(random.choice((1, 1, 2, 3)))]
    return {purpose: random.choice(common) for purpose in PURPOSES}


def some_subject(random: Random) -> Subject:
    place = random.choice((None, "/music/one.flac", "https://music.example/one.flac", "https://music.example/all/*.wav$", "/a%20b/"))
    isrc, asset = random.choice((None, "DEABC2600001", "SEXYZ2612345")), random.choice((None, *ASSETS))
    iscc = random.choice((None, None, "ISCC:KACYPXW445FTYNJ3CYSXHAFJMA2HUWULUNRFE3BLHRSCXYH2M5AEGQY"))
    return Subject(asset, random.choice((None, "r1")), isrc, iscc, place)


def some_preference(random: Random) -> Preference:
    return Preference(some_subject(random), some_statements(random))


def some_question(random: Random, purpose: str, subject: Subject) -> Question:
    """Mostly one that many constraints would say yes to."""
    return Question(
        purpose,
        subject,
        random.choice(COUNTRIES),
        random.choice(DAYS) + timedelta(days=random.randrange(-1, 2)),
        random.choice((None, *LICENSEES)),
        frozenset(random.sample(CLASSES, random.randrange(4))),
        frozenset(random.choice(((), TERMS, URLS, TERMS + URLS, (TERMS[0], URLS[0])))),
    )
