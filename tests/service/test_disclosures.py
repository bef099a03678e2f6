"""Disclosures: complete, in agreement with the manifests, and silent about everybody whom they are not about."""

import contextlib
import hashlib
import io
import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ritornello.cli.main import main
from ritornello.domain import merkle
from ritornello.formats import checkpoint
from ritornello.formats.canonical import fingerprint, iterate_files
from tests.service.disclosing import CLAIMS, PARTIES, PROVIDER, RECORDINGS, TODAY, Run, build_home, read_manifest

KINDS = ("eu-summary", "ab2013", "works", "fairly-trained")


def _call(*arguments: object) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        main([str(argument) for argument in arguments])
    return out.getvalue()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, catalogue_folder: Path) -> Path:
    folder = tmp_path_factory.mktemp("disclosing")
    build_home(folder, catalogue_folder / "audio", catalogue_folder / "programme.toml", _call)
    return folder


@pytest.fixture
def world(made: Path, tmp_path: Path) -> Path:
    """A copy of that home and its provider's file, to do with as one likes."""
    shutil.copytree(made, tmp_path / "world")
    return tmp_path / "world"


def _disclose(world: Path, run: Run, kind: str, *models: str, out: str = "out") -> dict[str, Any]:
    run("--home", world / "home", "disclose", kind, *models, "--provider", world / "provider.toml", "--out", world / out)
    return dict(json.loads((world / out / "disclosure.json").read_bytes()))


def _items(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["number"]: item for section in document["sections"] for item in section["items"]}


# Complete


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_stays_blank_and_each_answer_says_whose_word_it_is(world: Path, run: Run, kind: str) -> None:
    items = _items(_disclose(world, run, kind, "tuned"))
    assert all(bool(item["answer"]) != bool(item["not_applicable"]) for item in items.values())
    assert all(item["basis"] in {"records", "provider", "both"} for item in items.values() if item["answer"])
    page = (world / "out" / "disclosure.html").read_text()
    text = (world / "out" / "disclosure.md").read_text()
    for item in items.values():
        assert item["number"] in page and item["number"] in text


def test_the_eu_summary_has_every_section_of_the_template(world: Path, run: Run) -> None:
    document = _disclose(world, run, "eu-summary", "basis")
    assert document["provider_sha256"] == hashlib.sha256(PROVIDER.encode()).hexdigest()
    assert [section["number"] for section in document["sections"]] == (
        "0 1.1 1.2 1.3 2.1 2.2.1 2.2.2 2.3 2.4.1 2.4.2 2.5 2.6 3.1 3.2 3.3".split()
    )
    items = _items(document)
    assert items["1.2.b"]["answer"] == "None: no parent model is registered."
    assert items["1.3.c"]["answer"][0].startswith("Training data size: Less than 10 000 hours (3 files of 3 recordings, 12.000 s")
    assert items["1.3.f"]["answer"] == f"{TODAY:%m/%Y}"
    assert items["2.2.1.a"]["answer"] == "Yes" and items["2.3.a"]["answer"] == "No"
    assert items["2.3.b"]["not_applicable"] == "the answer to 2.3.a is no"


def test_california_has_its_twelve_items(world: Path, run: Run) -> None:
    items = _items(_disclose(world, run, "ab2013", "basis"))
    assert list(items) == [f"({number})" for number in range(1, 13)]
    assert items["(3)"]["answer"] == ["3 audio files of 3 recordings, 12.000 s"]
    assert str(TODAY) in items["(11)"]["answer"][0]


def test_other_sources_are_asked_about_in_full(world: Path, run: Run) -> None:
    text = PROVIDER.replace(
        "in_union = true", 'in_union = false\nrepresentative = "Somebody, Union"\nreservations = "robots.txt is obeyed"'
    )
    text = text.replace(
        "crawled = { used = false }",
        'crawled = { used = true, names = ["bot"], purposes = "music", behaviour = "polite", first_month = "01/2025", last_month = "12/2099",'
        ' content = "songs and texts", modalities = ["audio", "text"], audio_hours = 20_000, domains = "one.example" }',
    )
    text = text.replace(
        "synthetic = { used = false }", 'synthetic = { used = true, modalities = ["audio"], audio_hours = 1, other_models = "our own" }'
    )
    text = text.replace(
        "[california]",
        '[eu.sizes.text]\nsize = "Less than 1 billion tokens"\ncontent = "lyrics"\n\n[california]\nother_data_points = "about a million"',
    )
    (world / "provider.toml").write_text(text)
    items = _items(_disclose(world, run, "eu-summary", "basis"))
    assert items["1.1.b"]["answer"] == "Somebody, Union"
    assert items["1.3.a"]["answer"] == ["Training data size: Less than 1 billion tokens", "Types of content: lyrics"]
    assert items["1.3.c"]["answer"][0].startswith("Training data size: 10 000 to 1 million hours (")
    assert items["1.3.f"]["answer"] == "12/2099"
    assert [items[f"2.3.{letter}"]["answer"] for letter in "abei"] == ["Yes", ["bot"], "01/2025", "one.example"]
    assert items["2.3.j"]["not_applicable"] and items["2.5.d"]["answer"] == "our own"
    california = _items(_disclose(world, run, "ab2013", "basis", out="california"))
    assert california["(12)"]["answer"] == ["Yes"] and "from other sources: about a million" in california["(3)"]["answer"]
    assert any("crawled" in line for line in california["(6)"]["answer"])
    assert "whose works these records don't know" in _items(_disclose(world, run, "works", "basis", out="works"))["1.d"]["answer"]


# In agreement with the manifests


@pytest.mark.parametrize("kind", KINDS)
def test_totals_are_those_of_the_manifests(world: Path, run: Run, kind: str) -> None:
    totals = _disclose(world, run, kind, "tuned")["totals"]
    manifests = {name: read_manifest(world / "home", name) for name in ("p-s1", "p-s2")}
    for stated in totals["snapshots"]:
        rows = manifests[stated["snapshot_id"]]
        assert stated["assets"] == len(rows) and stated["duration_ms"] == sum(row["duration_ms"] for row in rows)
        assert stated["recordings"] == len({row["recording_id"] for row in rows})
    every = {row["asset_id"]: row for rows in manifests.values() for row in rows}
    assert (totals["all"]["assets"], totals["all"]["vocal_take_assets"]) == (len(every), 1) == (6, 1)
    assert totals["all"]["duration_ms"] == sum(row["duration_ms"] for row in every.values())
    exposures = {"basis": 100 * (1 + 2), "tuned": 100 * (1 + 2 + 3 + 4 + 5)}
    assert {row["model_version"]: row["exposure_ms"] for row in totals["models"]} == exposures
    assert {row["model_version"]: row["assets_read"] for row in totals["models"]} == {"basis": 2, "tuned": 5}
    assert totals["all"]["exposure_ms"] == sum(exposures.values())


@pytest.mark.parametrize("column", ["assets", "duration_ms"])
def test_a_disagreement_stops_the_run(world: Path, run: Run, column: str) -> None:
    with sqlite3.connect(world / "home" / "ritornello.db") as connection:
        connection.execute(f"UPDATE snapshot SET {column} = {column} + 1 WHERE snapshot_id = 'p-s1'")
    connection.close()
    arguments = ("--home", world / "home", "disclose")
    for kind in KINDS:
        answer = run(*arguments, kind, "tuned", "--provider", world / "provider.toml", "--out", world / "out", expect=4)
        assert "they disagree" in answer and "p-s1" in answer
    assert "they disagree" in run(*arguments, "owner", "ironbark", "--out", world / "out", expect=4)
    assert not (world / "out").exists()


def test_an_exposure_other_than_the_logged_one_stops_the_run(world: Path, run: Run) -> None:
    with sqlite3.connect(world / "home" / "ritornello.db") as connection:
        other = connection.execute("SELECT exposure_root, exposure_sha256 FROM run WHERE model_version = 'tuned'").fetchone()
        connection.execute("UPDATE run SET exposure_root = ?, exposure_sha256 = ? WHERE model_version = 'basis'", other)
    connection.close()
    arguments = ("disclose", "ab2013", "basis", "--provider", world / "provider.toml", "--out", world / "out")
    assert "fault of the program" in run("--home", world / "home", *arguments, expect=4)
    assert not (world / "out").exists()


def test_figures_that_were_miscounted_are_caught() -> None:
    from ritornello.formats.disclosures.material import recount

    manifest = b'{"asset_id":"a","duration_ms":5,"recording_id":"r"}\n'
    exposure = b'{"asset_id":"a","exposure_ms":7}\n'
    right = {"assets": 1, "recordings": 1, "duration_ms": 5}
    totals = {
        "snapshots": [{"snapshot_id": "s", **right}],
        "models": [{"model_version": "m", "assets_read": 1, "exposure_ms": 7}],
        "all": {**right, "exposure_ms": 7},
    }
    recount(totals, {"s": manifest}, {"m": exposure}, None)
    for place, key in (("all", "duration_ms"), ("all", "exposure_ms"), ("all", "assets")):
        wrong = {**totals, place: {**totals[place], key: 8}}
        with pytest.raises(AssertionError):
            recount(wrong, {"s": manifest}, {"m": exposure}, None)
    with pytest.raises(AssertionError):
        recount({**totals, "models": [{"model_version": "m", "assets_read": 1, "exposure_ms": 8}]}, {"s": manifest}, {"m": exposure}, None)


# Lineage, and what ended since


def test_parents_and_their_snapshots_are_disclosed_as_such(world: Path, run: Run) -> None:
    document = _disclose(world, run, "eu-summary", "tuned")
    items = _items(document)
    assert items["1.2.b"]["answer"] == [
        "Basis One (version basis): parent of tuned; no public summary of it is stated; its snapshots are disclosed here"
    ]
    rows = {row[0]: row for row in items["2.2.1.c"]["answer"]["rows"]}
    assert rows["p-s1"][1] == "basis, a parent" and rows["p-s2"][1] == "tuned"
    assert [(row["model_version"], row["inherited"]) for row in document["totals"]["models"]] == [("tuned", False), ("basis", True)]
    assert "through its parents: basis" in document["summary"]


def test_what_was_withdrawn_since_is_shown(world: Path, run: Run) -> None:
    document = _disclose(world, run, "eu-summary", "basis")
    assert document["totals"]["all"]["ended_recordings"] == 1
    assert "Consent to 1 recording (1 file) was withdrawn" in _items(document)["3.3.b"]["answer"]
    works = _disclose(world, run, "works", "basis", out="works")["works"]
    ended = {work["id"]: [file["ended"] for file in work["files"]] for work in works if work["type"] == "sound recording"}
    assert ended["amberfall"] == [None] and ended["cinder"][0].startswith("withdrawn: out of new snapshots from ")


def test_a_grant_made_anew_stands_again_and_a_hold_does_not(world: Path, run: Run) -> None:
    home = world / "home"
    run("--home", home, "consent", "grant", "--programme", "p", "--party", "marrowgate", "--recording", "cinder")
    run("--home", home, "consent", "hold", "--programme", "p", "--party", "ironbark", "--recording", "bracken")
    works = {work["id"]: work for work in _disclose(world, run, "works", "basis")["works"]}
    assert works["cinder"]["files"][0]["ended"] is None
    assert works["bracken"]["files"][0]["ended"].startswith("on hold since ")


def test_models_trained_differently_are_disclosed_one_by_one(world: Path, run: Run) -> None:
    arguments = ("disclose", "eu-summary", "basis", "tuned", "--provider", world / "provider.toml", "--out", world / "out")
    assert "different_content" in run("--home", world / "home", *arguments, expect=3)


# Nobody else in an owner's extract


def _words(folder: Path) -> str:
    return "\n".join(f"{path.name}\n{path.read_text()}" for path in iterate_files(folder))


def _names_of_everybody(home: Path) -> dict[str, set[str]]:
    """Party → every identifier, name, title and hash that is only theirs: of themselves, their recordings, files, claims and decisions."""
    parties = {row.split(",")[0]: row.split(",")[1] for row in PARTIES.splitlines()[1:]}
    recordings = [dict(zip(RECORDINGS.splitlines()[0].split(","), row.split(","), strict=True)) for row in RECORDINGS.splitlines()[1:]]
    owners: dict[str, set[str]] = {}
    for row in CLAIMS.splitlines()[1:]:
        subject, _, party, _ = row.split(",")
        owners.setdefault(subject, set()).add(party)
    names: dict[str, set[str]] = {party: {party, name, *name.split()[:1]} for party, name in parties.items()}
    for row in recordings:
        whole = next(other for other in recordings if other["recording_id"] == row["recording_id"])
        for party in owners[row["recording_id"]] | owners[whole["work_id"]]:
            names[party] |= {whole["recording_id"], whole["title"], whole["isrc"]}
        for party in owners[whole["work_id"]]:
            names[party] |= {whole["work_id"], whole["work_title"], whole["iswc"]}
    with sqlite3.connect(home / "ritornello.db") as connection:
        for asset_id, recording_id in connection.execute("SELECT asset_id, recording_id FROM asset"):
            for party in parties:
                if recording_id in names[party]:
                    names[party] |= {asset_id, asset_id.removeprefix("sha256:"), asset_id[7:23]}
        for claim_id, party in connection.execute("SELECT claim_id, party_id FROM claim"):
            names[party].add(claim_id)
        events = connection.execute("SELECT event_id, party_id FROM consent_event").fetchall()
        entries = [json.loads(row[0]) for row in connection.execute("SELECT entry FROM log_entry")]
    connection.close()
    hashes = {entry["id"]: entry["hash"] for entry in entries if entry["kind"] == "consent"}
    for event_id, party in events:
        names[party] |= {event_id, hashes[event_id]}
    return {party: {name for name in found if name} for party, found in names.items()}


@pytest.mark.parametrize("party", ["quillfeather", "marrowgate", "thistlewick", "ironbark", "lanternhill"])
def test_an_extract_names_its_owner_and_nobody_else(world: Path, run: Run, party: str) -> None:
    run("--home", world / "home", "disclose", "owner", party, "--out", world / "out")
    everybody, text = _names_of_everybody(world / "home"), _words(world / "out")
    foreign = set().union(*everybody.values()) - everybody[party]
    assert len(foreign) > 40
    found = {name for name in foreign if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text, re.IGNORECASE)}
    assert found == set()
    own = {name for name in everybody[party] if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)}
    assert everybody[party] - own == set(), "everything of theirs is in it"


@pytest.fixture
def extract(world: Path, run: Run) -> Iterator[tuple[Path, dict[str, Any]]]:
    run("--home", world / "home", "disclose", "owner", "quillfeather", "--out", world / "out")
    yield world / "out", json.loads((world / "out" / "disclosure.json").read_bytes())


def test_an_extract_says_where_how_long_and_on_which_consent(extract: tuple[Path, dict[str, Any]], world: Path) -> None:
    _, document = extract
    items = _items(document)
    (asset,) = [row["asset_id"] for row in read_manifest(world / "home", "p-s1") if row["recording_id"] == "amberfall"]
    assert [row[0] for row in items["1.d"]["answer"]["rows"]] == ["p-s1", "p-s2"]
    place = {name: [row["asset_id"] for row in reversed(read_manifest(world / "home", name))].index(asset) for name in ("p-s1", "p-s2")}
    rows = {row[0]: row for row in items["1.f"]["answer"]["rows"]}
    assert rows["tuned"][3] == f"{place['p-s2'] / 10:.3f}" and rows["tuned"][4] == ("basis" if place["p-s1"] else "no")
    assert [row[0] for row in items["1.g"]["answer"]["rows"]] == ["grant"]
    assert document["totals"]["all"]["assets"] == 1


def test_an_extracts_proofs_hold(extract: tuple[Path, dict[str, Any]], run: Run) -> None:
    folder, document = extract
    roots = {one["id"]: one["hash"] for one in document["evidence"] if one["kind"] == "membership"}
    proofs = [path for path in iterate_files(folder) if path.parent.parent.name == "proofs"]
    assert len(proofs) == 2
    for path in proofs:
        assert " is in p-s" in run("snapshot", "check-proof", path, "--root", roots[path.parent.name])
    note = checkpoint.open_note((folder / "log" / "checkpoint.txt").read_text(), (folder / "log" / "log.vkey").read_text().strip())
    rows = [json.loads(line) for line in (folder / "log" / "proofs.jsonl").read_text().splitlines()]
    entries = {row["index"]: json.loads(row["entry"]) for row in rows}
    for row in rows:
        path = [bytes.fromhex(step) for step in row["hashes"]]
        assert merkle.verify_inclusion(merkle.leaf_hash(row["entry"].encode()), row["index"], note.size, path, note.root)
    for one in document["evidence"]:
        if one["log_index"] in entries:
            assert (entries[one["log_index"]]["kind"], entries[one["log_index"]]["hash"]) == (one["kind"], one["hash"])
    assert {one["log_index"] for one in document["evidence"]} <= set(entries)


def test_who_owns_nothing_that_was_used_is_shown_that_it_was_not(world: Path, run: Run) -> None:
    home = world / "home"
    (world / "parties.csv").write_text("party_id,name,kind\nnobody,Nobody Yet,person\n")
    run("--home", home, "catalogue", "import", "--parties", world / "parties.csv")
    run("--home", home, "disclose", "owner", "nobody", "--out", world / "none")
    assert json.loads((world / "none" / "disclosure.json").read_bytes())["totals"]["all"]["assets"] == 0
    assert "unknown_party" in run("--home", home, "disclose", "owner", "stranger", "--out", world / "out", expect=3)
    run("--home", home, "disclose", "owner", "lanternhill", "--out", world / "songs")
    items = _items(json.loads((world / "songs" / "disclosure.json").read_bytes()))
    number = next(number for number, item in items.items() if item["answer"] and "Fallowtide (fallow)" in item["answer"])[0]
    assert items[f"{number}.d"]["not_applicable"] == "none of its files is in a snapshot"
    root = json.loads(run("--home", home, "--json", "snapshot", "prove", "p-s1", "fallow", "--out", world / "x.json"))["root"]
    proof = world / "songs" / next(path for path in items[f"{number}.e"]["files"] if "p-s1" in path)
    assert "NOT in p-s1" in run("snapshot", "check-proof", proof, "--root", root)


def test_a_representative_is_not_named(world: Path, run: Run) -> None:
    home = world / "home"
    given = json.loads(run("--home", home, "--json", "mandate", "give", "--party", "thistlewick", "--to", "lanternhill"))
    run("--home", home, "consent", "withdraw", "--programme", "p", "--party", "thistlewick", "--by", "lanternhill", "--recording", "ember")
    run("--home", home, "consent", "grant", "--programme", "p", "--party", "thistlewick", "--by", "lanternhill", "--recording", "ember")
    run("--home", home, "snapshot", "freeze", "--programme", "p")
    run("--home", home, "disclose", "owner", "thistlewick", "--out", world / "out")
    text = _words(world / "out")
    assert "lanternhill" not in text.lower() and given["mandate_id"] in text


# Works, and the pack


def test_works_are_listed_one_by_one_with_their_registrations(world: Path, run: Run) -> None:
    provider = world / "provider.toml"
    provider.write_text(
        PROVIDER.replace(
            "[clear]", '[clear]\ndataset_url = "https://licensee.example/data"\nregistrations = { amberfall = "SR0000000001" }'
        )
    )
    document = _disclose(world, run, "works", "basis")
    works = {work["id"]: work for work in document["works"]}
    assert set(works) == {"amberfall", "bracken", "cinder", "wk-amber", "wk-bracken", "wk-cinder"}
    assert works["amberfall"]["registration"] == "SR0000000001" and works["wk-amber"]["registration"] is None
    assert works["wk-amber"]["iswc"] == "T0345246801" and works["wk-amber"]["recordings"] == ["amberfall"]
    assert _items(document)["1.e"]["answer"] == "https://licensee.example/data"
    provider.write_text(PROVIDER.replace("[clear]", '[clear]\nregistrations = { dapple = "SR1", amberfall = 5 }'))
    arguments = ("--home", world / "home", "--json", "disclose", "works", "basis", "--provider", provider, "--out", world / "x")
    fields = {problem["field"] for problem in json.loads(run(*arguments, expect=1))["problems"]}
    assert fields == {"clear.registrations.dapple", "clear.registrations.amberfall"}


def test_each_statement_of_the_pack_is_linked_to_an_artefact(world: Path, run: Run) -> None:
    document = _disclose(world, run, "fairly-trained", "tuned")
    listed = {file["path"]: file for file in document["files"]}
    on_disk = {str(path.relative_to(world / "out")) for path in iterate_files(world / "out")}
    assert on_disk == set(listed) | {"disclosure.json", "disclosure.html", "disclosure.md"}
    for path, file in listed.items():
        assert fingerprint(path, (world / "out" / path).read_bytes()).hash == file["hash"]
    rows = [json.loads(line) for line in (world / "out" / "log" / "proofs.jsonl").read_text().splitlines()]
    logged = {(entry["kind"], entry["id"]): entry["hash"] for entry in (json.loads(row["entry"]) for row in rows)}
    for path, kind, name in (
        ("manifests/p-s1.jsonl", "snapshot", "p-s1"),
        ("runs/basis.jsonl", "run", "basis"),
        ("terms/p-1.toml", "programme", "p/1"),
    ):
        assert listed[path]["logged"]["hash"] == listed[path]["hash"] == logged[kind, name]
    consents = [json.loads(line) for line in (world / "out" / "consents.jsonl").read_text().splitlines()]
    assert all(logged["consent", row["event_id"]] == row["event_sha256"] for row in consents)
    assert {row["decision"] for row in consents} == {"grant", "withdraw"}
    for item in _items(document).values():
        assert set(item["files"]) <= set(listed)
        assert item["files"] or item["basis"] != "records" or item["number"] == "4.b"


def test_a_pack_names_no_party(world: Path, run: Run) -> None:
    _disclose(world, run, "fairly-trained", "tuned")
    text = _words(world / "out").lower()
    for row in PARTIES.splitlines()[1:]:
        party, name, _ = row.split(",")
        assert party not in text and name.lower() not in text


# What the provider writes


def test_every_problem_of_a_providers_file_at_once(world: Path, run: Run) -> None:
    text = PROVIDER.replace('name = "Licensee"', 'name = "Somebody else"\nfax = "1"')
    text = text.replace("other = { used = false }", 'other = { used = true, modalities = ["smell", "audio"] }').replace(
        "crawled = { used = false }\n", ""
    )
    text = text.replace("in_union = true", 'in_union = false\ncode = "x"').replace("code_of_practice = false", 'code_of_practice = "no"')
    text = text.replace(f"union_market = {TODAY}", "union_market = 2001-01-01").replace(
        'languages = "None: instrumental"', 'languages = "\\u202e"'
    )
    text += '\n[[model]]\nversion = "basis"\nname = "Again"\n'
    (world / "provider.toml").write_text(text)
    arguments = (
        "--home",
        world / "home",
        "--json",
        "disclose",
        "eu-summary",
        "tuned",
        "--provider",
        world / "provider.toml",
        "--out",
        world / "out",
    )
    problems = json.loads(run(*arguments, expect=1))["problems"]
    assert {problem["field"] for problem in problems} == {
        "provider.fax",
        "provider.name",
        "sources.crawled",
        "sources.other.description",
        "sources.other.modalities",
        "sources.other.audio_hours",
        "eu.code",
        "eu.code_of_practice",
        "eu.languages",
        "eu.representative",
        "eu.reservations",
        "eu.sizes.smell",
        "model[3].version",
        "model.union_market",
    }
    assert not (world / "out").exists()


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("x", None),
        ("", "format"),
        (PROVIDER.replace("[eu]", "[eu2]"), "eu"),
        (PROVIDER.replace('version = "tuned"', 'version = "other"'), "model"),
        (PROVIDER.replace('"Plucked tones"', '"' + "x" * 5000 + '"'), "eu.audio_content"),
    ],
)
def test_a_providers_file_that_is_none(world: Path, run: Run, text: str, field: str | None) -> None:
    (world / "provider.toml").write_text(text)
    arguments = (
        "--home",
        world / "home",
        "--json",
        "disclose",
        "eu-summary",
        "tuned",
        "--provider",
        world / "provider.toml",
        "--out",
        world / "out",
    )
    assert field in {problem["field"] for problem in json.loads(run(*arguments, expect=1))["problems"]}


def test_the_documented_file_serves_every_law(world: Path, run: Run) -> None:
    page = (Path(__file__).parents[2] / "docs" / "formats" / "disclosures.md").read_text()
    text = (
        page.split("```toml")[1]
        .split("```")[0]
        .replace('version = "mosaic-1"', 'version = "basis"')
        .replace('["Mosaic Audio"]', '["Licensee"]')
    )
    text = text.replace("2026-12-01", str(TODAY)).replace("2026-11-24", str(TODAY))
    (world / "provider.toml").write_text(text)
    for kind in KINDS:
        _disclose(world, run, kind, "basis", out=kind)


def test_what_somebody_wrote_stays_text(world: Path, run: Run) -> None:
    evil = "<script>alert(1)</script> | [x](javascript:y) `z`"
    (world / "provider.toml").write_text(PROVIDER.replace("Plucked tones", evil))
    _disclose(world, run, "eu-summary", "tuned")
    page, text = (world / "out" / "disclosure.html").read_text(), (world / "out" / "disclosure.md").read_text()
    assert "<script" not in page and "&lt;script&gt;" in page and 'href="javascript' not in page
    assert r"\<script\>alert(1)\</script\> \| \[x\](javascript:y) \`z\`" in text


def test_a_disclosure_is_committed_to_the_log(world: Path, run: Run) -> None:
    written = json.loads(
        run(
            "--home", world / "home", "--json", "disclose", "ab2013", "basis", "--provider", world / "provider.toml", "--out", world / "out"
        )
    )
    assert written["sha256"] == hashlib.sha256((world / "out" / "disclosure.json").read_bytes()).hexdigest()
    last = json.loads(run("--home", world / "home", "--json", "log", "show"))[-1]
    assert (last["kind"], last["hash"]) == ("disclosure", written["sha256"])
    assert "basis" not in last["id"] and "out_exists" in run(
        "--home", world / "home", "disclose", "owner", "ironbark", "--out", world / "out", expect=3
    )
