"""Small random worlds of consent: one recording, three owners, a programme that names two classes, and events in any order."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from hashlib import sha256

from hypothesis import strategies as st

from ritornello.domain.catalogue import Asset, Claim, Recording
from ritornello.domain.consent import Answer, ConsentEvent, Mandate, Terms, fold, held_assets, judge
from ritornello.domain.licensee_class import Admission, LicenseeClass, find_footings
from ritornello.domain.programme import Programme
from ritornello.formats.class_toml import read_class
from ritornello.formats.programme_toml import read_programme

DAY = date(2026, 9, 1)
KNOWN_US = int(datetime(2026, 9, 1, 12, tzinfo=UTC).timestamp()) * 1_000_000
MICROSECONDS_A_DAY = 86_400_000_000
PARTIES = ("ana", "ben", "cleo")
PURPOSES = ("ai_training", "data_mining")
ASSET = Asset("sha256:" + "11" * 32, "r1", "recording", "", "one.flac", 1, 1000)
RECORDING = Recording("r1", "First", "Ana", None, "w1")


def _document(class_id: str, notice_days: int) -> bytes:
    return f"""format = "ritornello-class-1"
class_id = "{class_id}"
version = 1
title = "t"
summary = "s"
licensors = ["Licensor"]
purposes = ["ai_training", "data_mining"]
valid_from = 2020-01-01
valid_to = 2099-12-31
objection_days = 14
notice_days = {notice_days}
tail_days = 30
quorum = {{ master = {{ share_ppm = 500_000 }} }}
""".encode()


ONE, TWO, STRICT = _document("one", 30), _document("two", 40), _document("two", 5)  # the programme's notice is 30 days: too long for STRICT
OTHER_HASH = "0" * 64


def make_programme(second: bytes) -> bytes:
    return f"""format = "ritornello-programme-1"
programme_id = "p"
version = 1
title = "t"
licensor = "Licensor"
licensee = "Licensee"
purposes = ["ai_training", "data_mining"]
licence = "l"
valid_from = 2020-01-01
valid_to = 2099-12-31
notice_days = 30
tail_days = 30
quorum = {{ master = {{ share_ppm = 600_000 }}, publishing = "everyone" }}
classes = {{ one = "{sha256(ONE).hexdigest()}", two = "{sha256(second).hexdigest()}" }}

[lanes]
master = 1_000_000

[[income]]
name = "fee"
amount = "1.00"
currency = "EUR"
divide_by = "exposure"
""".encode()


@dataclass(frozen=True)
class World:
    """Everything that decides whether the asset may be used."""

    programme_bytes: bytes
    documents: tuple[bytes, ...]
    admissions: tuple[Admission, ...]
    mandates: tuple[Mandate, ...]
    claims: tuple[Claim, ...]
    events: tuple[ConsentEvent, ...]

    def terms(self) -> Terms:
        programme = _programme(self.programme_bytes)
        documents: dict[str, LicenseeClass] = {(one := _class(data)).sha256: one for data in self.documents}
        own = programme.terms()
        footings = find_footings(programme, documents, self.admissions, DAY, KNOWN_US)
        return replace(own, footings=footings)

    def ask(self) -> Answer:
        terms = self.terms()
        state = fold(self.events, self.mandates, terms, DAY, KNOWN_US)
        return judge(ASSET, RECORDING, self.claims, state, terms, held_assets(state).get(ASSET.asset_id, ()))


@lru_cache
def _programme(data: bytes) -> Programme:
    return read_programme("p.toml", data)


@lru_cache
def _class(data: bytes) -> LicenseeClass:
    return read_class("c.toml", data)


def claim(party: str, lane: str, share: int, territory: str = "WW") -> Claim:
    subject = ("work", "w1") if lane == "publishing" else ("recording", "r1")
    return Claim(f"c-{party}-{lane}-{territory}", *subject, lane, party, share, territory, date(2000, 1, 1), None, 1)


CLAIMS = st.sampled_from(
    [
        (claim("ana", "master", 60_000_000), claim("ben", "master", 40_000_000), claim("ana", "publishing", 100_000_000)),
        (
            *(claim(party, "master", 33_330_000) for party in PARTIES),
            claim("cleo", "publishing", 50_000_000),
            claim("ben", "publishing", 50_000_000),
        ),
        (claim("ana", "master", 100_000_000), claim("ben", "publishing", 90_000_000)),
        (claim("ana", "master", 100_000_000), claim("ben", "publishing", 100_000_000), claim("cleo", "publishing", 40_000, "DE")),
    ]
)
MANDATES = tuple(
    Mandate(f"m-{scope}", "ana", "ben", ("master", "publishing"), tuple(sorted(PURPOSES)), scope, date(2020, 1, 1), None, 1)
    for scope in ("*", "p", "class:one")
)


@st.composite
def admissions(draw: st.DrawFn, second: bytes, programme: bytes) -> tuple[Admission, ...]:
    found = []
    for class_id, document in (("one", ONE), ("two", second)):
        if draw(st.sampled_from([True] * 7 + [False])):
            recorded = DAY - timedelta(days=draw(st.sampled_from([60] * 8 + [20, 3])))
            begins = recorded + timedelta(days=draw(st.sampled_from([14] * 8 + [13, 30])))
            ended = draw(st.sampled_from([None] * 6 + [DAY, DAY + timedelta(days=1)]))
            at_us = int(datetime(recorded.year, recorded.month, recorded.day, tzinfo=UTC).timestamp()) * 1_000_000
            found.append(
                Admission(
                    f"a-{class_id}",
                    class_id,
                    sha256(document).hexdigest(),
                    "p",
                    sha256(programme).hexdigest(),
                    "seen",
                    begins,
                    None,
                    at_us,
                    ended,
                    at_us + MICROSECONDS_A_DAY if ended else None,
                )
            )
    return tuple(found)


@st.composite
def events(draw: st.DrawFn, programme: bytes, second: bytes, most: int = 5) -> tuple[ConsentEvent, ...]:
    """A base of grants, so that yes is not rare, then anything."""
    hashes = {"p": sha256(programme).hexdigest(), "class:one": sha256(ONE).hexdigest(), "class:two": sha256(second).hexdigest()}
    found: list[ConsentEvent] = []

    def add(party: str, purpose: str, scope: str, decision: str, *, odd: bool) -> None:
        terms = draw(st.sampled_from([hashes[scope]] * 3 + [OTHER_HASH])) if odd else hashes[scope]
        actor, mandate = (
            draw(st.sampled_from([(party, None)] * 4 + [("ben", "m-*"), ("ben", "m-p"), ("ben", "m-class:one")])) if odd else (party, None)
        )
        number = len(found) + 1
        found.append(
            ConsentEvent(
                number,
                f"e{number:03d}",
                decision,
                party,
                actor,
                mandate,
                ASSET.asset_id,
                "r1",
                purpose,
                scope,
                terms,
                draw(st.sampled_from(["WW"] * 5 + ["DE"])) if odd else "WW",
                DAY + timedelta(days=draw(st.sampled_from([-5, -5, 0, 1]))) if odd else DAY - timedelta(days=9),
                draw(st.sampled_from([None] * 4 + [DAY, DAY - timedelta(days=1)])) if odd else None,
                KNOWN_US - draw(st.sampled_from([100, 100, 100, -1])) if odd else KNOWN_US - 200,
                "test",
                "test",
                None,
                "0" * 64,
            )
        )

    for party in PARTIES:
        scope = draw(st.sampled_from(["p", "class:one", "class:two", "both", "both", "class:one", None]))
        for named in {"both": ("class:one", "class:two"), None: ()}.get(scope, (str(scope),)):
            for purpose in PURPOSES:
                add(party, purpose, named, "grant", odd=False)
    for _ in range(draw(st.integers(0, most))):
        add(
            draw(st.sampled_from(PARTIES)),
            draw(st.sampled_from(PURPOSES)),
            draw(st.sampled_from(list(hashes))),
            draw(st.sampled_from(["grant"] * 4 + ["withdraw", "hold", "release"])),
            odd=True,
        )
    return tuple(found)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    second = draw(st.sampled_from([TWO, TWO, STRICT]))
    programme = make_programme(second)
    return World(
        programme,
        draw(st.sampled_from([(ONE, second)] * 9 + [(ONE,)])),
        draw(admissions(second, programme)),
        MANDATES,
        draw(CLAIMS),
        draw(events(programme, second)),
    )
