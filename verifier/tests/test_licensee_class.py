"""Classes of licensees: grants under a class document count only where the programme names it, meets it, and was admitted in time."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bundle_maker.period import ASSET_1, CLASS, PROGRAMME, RECORDED, chain
from bundle_maker.writing import Contents
from ritornello_verify.licensee_class import read_document

Verify = Callable[..., tuple[int, dict[str, Any]]]
Write = Callable[[Contents], Path]
CLASS_HASH = sha256(CLASS).hexdigest()
PAGE = Path(__file__).resolve().parents[2] / "docs" / "formats" / "licensee-class.md"


@pytest.fixture
def classed(contents: Contents) -> Contents:
    """alice answers for r1 through the class alone: her two grants of the programme are grants to the class."""
    for row in contents.period["consents.jsonl"]:
        if (row["party_id"], row["asset_id"]) == ("alice", ASSET_1):
            row.update(programme_id="class:research", terms_sha256=CLASS_HASH)
    chain(contents.period["consents.jsonl"])
    return contents


def problems(verify: Verify, folder: Path) -> list[str]:
    _, report = verify(folder)
    (step,) = [step for step in report["steps"] if step["name"].startswith("Consent")]
    return [problem["message"] for problem in step["problems"]]


def add(contents: Contents, **changes: Any) -> None:
    """One more event, like alice's first grant to the class."""
    rows = contents.period["consents.jsonl"]
    number = max(row["seq"] for row in rows) + 2
    rows.append({**rows[1], "seq": number, "event_id": f"e{number}", **changes})


def use_terms(contents: Contents, programme: bytes, document: bytes = CLASS) -> None:
    """Another programme or class document, from the beginning."""
    old, programme = CLASS_HASH.encode(), programme.replace(CLASS_HASH.encode(), sha256(document).hexdigest().encode())
    contents.programme = programme
    contents.period["snapshots.jsonl"][0]["programme_sha256"] = sha256(programme).hexdigest()
    contents.period["classes.jsonl"][0].update(class_sha256=sha256(document).hexdigest(), text=document.decode())
    contents.period["admissions.jsonl"][0].update(class_sha256=sha256(document).hexdigest(), programme_sha256=sha256(programme).hexdigest())
    for row in contents.period["consents.jsonl"]:
        to_class = row["terms_sha256"] == old.decode()
        row["terms_sha256"] = sha256(document if to_class else programme).hexdigest()
    chain(contents.period["consents.jsonl"])


def test_the_pages_example_is_understood() -> None:
    document = read_document(PAGE.read_text("utf-8").partition("```toml\n")[2].partition("```")[0].encode())
    assert (document.class_id, document.rate_ppm, document.amounts) == ("research", 200_000, {"EUR": 100_000_000})


def test_a_grant_to_the_class_counts(classed: Contents, write: Write, verify: Verify) -> None:
    assert problems(verify, write(classed)) == []


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (b'licensor = "Society"', b'licensor = "Other"', 'licensor is "Other"'),
        (b'licensee = "Company"', b'licensee = "Elsewhere"', None),
        (b"notice_days = 30", b"notice_days = 31", "notice_days is 31"),
        (b"tail_days = 365", b"tail_days = 364", "tail_days is 364"),
        (b"valid_to = 2027-12-31", b"valid_to = 2028-01-01", "its term is 2026-01-01 to 2028-01-01"),
        (b"research = ", b"others = ", "granted"),
    ],
)
def test_the_programme_must_meet_it(
    classed: Contents, write: Write, verify: Verify, before: bytes, after: bytes, message: str | None
) -> None:
    use_terms(classed, PROGRAMME.replace(before, after))
    found = problems(verify, write(classed))
    if message is None:
        assert found == []
    elif message == "granted":
        assert "has decided nothing" in found[0], "a class that the programme does not name is not asked"
    else:
        assert message in found[0]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (b'purposes = ["ai_training", "ai_use"]', b'purposes = ["ai_training"]', 'it is for "ai_use"'),
        (b"valid_from", b'territory = "DE"\nvalid_from', "territory is WW"),
        (b"valid_from", b'licences = ["L"]\nvalid_from', "licence is"),
        (b"valid_from", b'licensees = ["University"]\nvalid_from', 'licensee is "Company"'),
        (b'["master"]', b'["master", "voice"]', "its quorum asks 0 ppm of voice"),
        (b'["master"]\n', b'["master"]\nlanes = { master = 600_001 }\n', "lane master of fee gets 600000 ppm"),
        (b'["master"]\n', b'["master"]\nincome = { rate = "0.500001" }\n', "its rates total 500000 ppm"),
        (b'["master"]\n', b'["master"]\nincome = { amounts = { EUR = "10.01" } }\n', "its amounts in EUR total 10000000 units"),
        (b'["master"]\n', b'["master"]\nattribution = { max_error_ppm = 199_999 }\n', "max_error_ppm of share is 200000"),
        (b'["master"]\n', b'["master"]\nattribution = { unattributed = ["exposure"] }\n', "unattributed of share is reserve"),
        (b"objection_days = 14", b"objection_days = 66", "no admission of the programme to it counts"),
        (b"objection_days = 14", b"objection_days = 99_999_999", "no admission of the programme to it counts"),
    ],
)
def test_the_document_may_demand_more(classed: Contents, write: Write, verify: Verify, before: bytes, after: bytes, message: str) -> None:
    document = CLASS.replace(before, after, 1)
    assert document != CLASS
    use_terms(classed, PROGRAMME, document)
    assert message in problems(verify, write(classed))[0]


@pytest.mark.parametrize(
    "change",
    [
        {"class_id": "other"},
        {"class_sha256": "00" * 32},
        {"programme_id": "other"},
        {"programme_sha256": "00" * 32},
        {"valid_from": "2026-09-02"},
        {"valid_from": "2026-06-10"},
        {"valid_to": "2026-08-31"},
        {"recorded_at_us": 2**53 - 1},
        {"ended_from": "2026-09-01", "ended_at_us": RECORDED},
    ],
)
def test_an_admission_that_does_not_count(classed: Contents, write: Write, verify: Verify, change: dict[str, Any]) -> None:
    classed.period["admissions.jsonl"][0].update(change)
    assert "no admission of the programme to it counts on that day" in problems(verify, write(classed))[0]


def test_an_end_that_was_recorded_later_or_begins_later_counts_later(classed: Contents, write: Write, verify: Verify) -> None:
    row = classed.period["admissions.jsonl"][0]
    for change in ({"ended_from": "2026-09-01", "ended_at_us": 2**53 - 1}, {"ended_from": "2026-09-02", "ended_at_us": RECORDED}):
        row.update(change)
        assert problems(verify, write(classed)) == []


def test_a_document_that_is_not_what_its_row_says(classed: Contents, write: Write, verify: Verify) -> None:
    row = classed.period["classes.jsonl"][0]
    for change in ({"text": row["text"] + "\n"}, {"class_id": "other"}, {"text": "x = 1"}):
        classed.period["classes.jsonl"][0] = {**row, **change}
        assert len(problems(verify, write(classed))) == 2, change
    classed.period["classes.jsonl"] = []
    assert any("classes.jsonl has no document of it" in problem for problem in problems(verify, write(classed)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decision": "withdraw", "programme_id": "mosaic", "terms_sha256": sha256(PROGRAMME).hexdigest()}, "is a withdrawal"),
        ({"programme_id": "mosaic", "terms_sha256": "00" * 32}, "was given under other terms"),
        ({"decision": "withdraw"}, "is a withdrawal"),
        ({"terms_sha256": "00" * 32}, "was given under other terms"),
        ({"territory": "DE"}, "is for territory DE alone"),
        ({"effective_to": "2026-08-31"}, "ended on 2026-08-31"),
        ({"actor_id": "bob", "mandate_id": "d1"}, "without a mandate"),
        ({"decision": "hold", "party_id": "nobody"}, "holds it in class:research"),
        ({"decision": "withdraw", "effective_from": "2026-09-02"}, None),
    ],
)
def test_what_outweighs_a_grant_to_the_class(
    classed: Contents, write: Write, verify: Verify, change: dict[str, Any], message: str | None
) -> None:
    add(classed, **change)
    found = problems(verify, write(classed))
    assert found == [] if message is None else message in found[-1], found


def test_a_withdrawal_from_the_programme_counts_even_before_the_grant_to_the_class(classed: Contents, write: Write, verify: Verify) -> None:
    first = classed.period["consents.jsonl"][0]
    first.update(party_id="alice", actor_id="alice", decision="withdraw")
    chain(classed.period["consents.jsonl"])
    assert "is a withdrawal (seq 10)" in problems(verify, write(classed))[0]


def test_a_mandate_must_name_the_class(classed: Contents, write: Write, verify: Verify) -> None:
    classed.period["consents.jsonl"][1].update(actor_id="bob", mandate_id="d1")
    chain(classed.period["consents.jsonl"])
    assert "without a mandate" in problems(verify, write(classed))[0]
    classed.period["mandates.jsonl"][0]["programme_id"] = "class:research"
    assert problems(verify, write(classed)) == []


def test_a_no_to_one_class_outweighs_a_yes_to_another(classed: Contents, write: Write, verify: Verify) -> None:
    other = CLASS.replace(b"research", b"any").replace(b"objection_days = 14", b"objection_days = 0")
    name = sha256(other).hexdigest()
    use_terms(classed, PROGRAMME.replace(b"[classes]\n", f'[classes]\nany = "{name}"\n'.encode()))
    classed.period["classes.jsonl"] += [{"class_sha256": name, "class_id": "any", "text": other.decode()}]
    classed.period["classes.jsonl"].sort(key=lambda row: str(row["class_sha256"]))
    assert problems(verify, write(classed)) == []
    add(classed, decision="withdraw", programme_id="class:any", terms_sha256=name)
    assert "is a withdrawal" in problems(verify, write(classed))[0]


def test_an_older_snapshot_is_judged_by_the_classes_of_its_own_terms(classed: Contents, write: Write, verify: Verify) -> None:
    classed.programme, classed.terms = PROGRAMME.replace(b"research = ", b"others = "), [PROGRAMME]
    assert problems(verify, write(classed)) == []
    classed.period["admissions.jsonl"][0]["programme_sha256"] = sha256(classed.programme).hexdigest()
    assert "no admission of the programme to it counts" in problems(verify, write(classed))[0]
