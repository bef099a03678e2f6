"""A distributor's ERN 4.3 messages: what is taken, what is counted as not taken, what an update changes, and that no deal is ever consent."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
import soundfile

from ritornello.domain.matching import PartyFinder, RecordingFinder
from ritornello.formats.ern.message import read_message
from ritornello.formats.ern.tables import read_tables
from ritornello.formats.ern.taking import Finders
from ritornello.formats.preferences.ddex import decode_message
from tests.conftest import RATE_HZ, tune

Run = Callable[..., str]
ALBUM = (Path(__file__).parent.parent / "formats" / "ern" / "album.xml").read_text(encoding="utf-8")


@pytest.fixture
def empty(tmp_path: Path, run: Run) -> Path:
    run("--home", tmp_path / "empty", "init")
    return tmp_path / "empty"


@pytest.fixture
def delivery(tmp_path: Path) -> Path:
    """A folder as distributors send it: messages in folders of their releases, audio beside them, and other files."""
    folder = tmp_path / "batch"
    (folder / "4006381333931" / "resources").mkdir(parents=True)
    soundfile.write(folder / "4006381333931" / "resources" / "one.flac", tune(1, 1.0), RATE_HZ, subtype="PCM_16")
    (folder / "4006381333931" / "4006381333931.xml").write_text(ALBUM, encoding="utf-8")
    (folder / "BatchComplete_20260203.xml").write_text("<EchoMessage/>")
    return folder


def call(run: Run, home: Path, *arguments: object, expect: int = 0) -> dict:
    return json.loads(run("--home", home, "--json", "catalogue", *arguments, expect=expect))


def places(found: dict) -> set[tuple[object, object]]:
    return {(problem["file"], problem["field"]) for problem in found["problems"]}


def write(folder: Path, text: str, name: str = "message.xml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_a_message_becomes_parties_recordings_works_releases_and_claims(run: Run, empty: Path, delivery: Path) -> None:
    report = call(run, empty, "import-ern", delivery)
    assert (report["parties"], report["recordings"], report["assets"], report["releases"], report["claims_added"]) == (4, 3, 1, 1, 9)
    assert report["other_files"] == ["BatchComplete_20260203.xml"]
    found = call(run, empty, "show", "DEABC2600001")
    assert found["recording"] == {
        "recording_id": "DEABC2600001",
        "title": 'One & "Two"',
        "artist": "Ana Müller feat. Ben Example",
        "isrc": "DEABC2600001",
        "work_id": "T0345246801",
    }
    assert [asset["file"] for asset in found["assets"]] == ["4006381333931/resources/one.flac"]
    assert {one["role"] for one in found["contributions"]} == {"MainArtist", "FeaturedArtist", "Composer", "StudioProducer"}
    assert {one["role"] for one in call(run, empty, "show", "DEABC2600011")["contributions"]} >= {"Mixer"}  # of the immersive edition only
    master = found["splits"]["master"]
    assert master["status"] == "gap" and master["total_e8"] == 66_666_667  # worldwide; Ana's share is for two countries
    (release,) = call(run, empty, "releases")
    assert [(one["disc"], one["track"], one["recording_id"]) for one in release["tracks"]] == [
        (1, 1, "DEABC2600001"),
        (2, 1, "DEABC2600002"),
    ]


def test_shares_that_are_unknown_or_for_other_uses_make_no_claim(run: Run, empty: Path, delivery: Path) -> None:
    found = call(run, empty, "import-ern", delivery, "--preview")
    claims = {change["name"] for change in found["changes"] if change["kind"] == "claim"}
    assert not any("ben-example" in name for name in claims)  # streaming rights only
    assert not any(name.startswith("w-2") for name in claims)  # RightShareUnknown
    assert sum("ana-muller" in name and " master " in name for name in claims) == 4  # DE and AT, of two editions
    assert any("no country of today" in note for note in found["notes"])
    assert any("as the standard says" in note for note in found["notes"])


def test_a_deal_is_a_preference_of_its_sender_and_never_consent(run: Run, empty: Path, delivery: Path, catalogue_folder: Path) -> None:
    report = call(run, empty, "import-ern", delivery)
    said = {one["recording_id"]: one["preferences"] for one in report["declared"]}
    assert said["DEABC2600001"]["ai_training"] == {
        "use": "constrained",
        "licensee": "Example Music AI",
        "territories": ["AT", "DE"],
        "valid_from": "2026-02-10",
        "valid_to": "2028-12-31",
    }
    assert said["DEABC2600001"]["ai_generative_training"] == {
        "use": "constrained"
    }  # a subscription model is a condition that nobody here knows
    assert all(statement["use"] != "allowed" for preferences in said.values() for statement in preferences.values())
    assert "DEABC2600002" not in said or not said["DEABC2600002"]  # streaming deals say nothing of training
    shown = run("--home", empty, "catalogue", "show", "DEABC2600001")
    assert "no consent: ai_generative_training constrained under conditions that nobody here knows: not allowed" in shown
    run("--home", empty, "programme", "add", catalogue_folder / "programme.toml")
    checked = json.loads(run("--home", empty, "--json", "consent", "check", "--programme", "p"))
    assert checked and not any(one["allowed"] for one in checked)  # everybody is still to be asked


def test_everything_else_is_counted(run: Run, empty: Path, delivery: Path) -> None:
    found = call(run, empty, "import-ern", delivery, "--preview")
    assert found["not_taken"]["ResourceList/Image"] == 1 and found["not_taken"]["ResourceList/SoundRecording/ParentalWarningType"] == 2
    assert found["not_taken"]["DealList/ReleaseDeal/Deal/DealTerms/PriceInformation"] == 1
    assert found["not_taken"]["ResourceList/SoundRecording/DisplayTitleText"] == 1  # the German title
    assert found["not_taken"]["ResourceList/SoundRecording/ResourceRightsController"] == 1  # the delegation for streaming
    assert call(run, empty, "show") == []


def test_an_element_that_nobody_knows_is_named_wherever_it_stands(tmp_path: Path) -> None:
    tree = ElementTree.fromstring(ALBUM)
    elements = [element for element in tree.iter() if len(element) or element is tree]
    for number, element in enumerate(elements):
        ElementTree.SubElement(element, f"Surprise{number}").text = "x"
    path = write(tmp_path, ElementTree.tostring(tree, encoding="unicode"))
    message, problems = read_message(path, "m.xml")
    assert message is not None and problems == []
    read_tables(message, Finders(PartyFinder([]), RecordingFinder([], []), {}), tmp_path)
    decode_message(message.source, message.root)
    named = message.not_taken()
    for number, _ in enumerate(elements):
        own = [place for place in named if place.endswith(f"Surprise{number}")]
        above = [element for element in message.root.walk() if any(child.name == f"Surprise{number}" for child in element.children)]
        assert own or not any(id(one) in message.taken for parent in above for one in parent.walk()), number


def test_an_update_shows_what_it_changes(run: Run, empty: Path, delivery: Path, tmp_path: Path) -> None:
    call(run, empty, "import-ern", delivery)
    update = ALBUM.replace("M-2026-0001", "M-2026-0002").replace("2026-02-03T10", "2026-03-03T10")
    update = update.replace("66.666667", "60").replace(
        "<DisplayTitleText>Two</DisplayTitleText>", "<DisplayTitleText>Two (Remix)</DisplayTitleText>", 1
    )
    update = re.sub(r"<WorkRightsController>\s*<RightsControllerPartyReference>P_ANA.*?</WorkRightsController>", "", update, flags=re.S)
    folder = tmp_path / "update"
    folder.mkdir()
    found = call(run, empty, "import-ern", write(folder, update), "--preview")
    changes = {(change["kind"], change["name"].split(" ")[0]): change["fields"] for change in found["changes"]}
    assert changes["recording", "DEABC2600002"] == {"title": ["Two", "Two (Remix)"]}
    assert changes["claim", "DEABC2600001"] == {"share_e8": [66_666_667, 60_000_000]}
    assert not any(change["new"] for change in found["changes"])
    assert any("are not in the messages and stay: T0345246801 publishing ana-muller" in note for note in found["notes"])
    call(run, empty, "import-ern", folder / "message.xml")
    assert call(run, empty, "import-ern", folder / "message.xml", "--preview")["changes"] == []
    assert len(call(run, empty, "show", "DEABC2600001")["declared"]) == 2  # what the first message said stays on record


def test_a_release_that_gets_another_track(run: Run, empty: Path, tmp_path: Path) -> None:
    item = "<ResourceGroupContentItem><SequenceNumber>1</SequenceNumber><ReleaseResourceReference>A2</ReleaseResourceReference></ResourceGroupContentItem>"
    call(run, empty, "import-ern", write(tmp_path, ALBUM.replace(item, ""), "short.xml"))
    (change,) = call(run, empty, "import-ern", write(tmp_path, ALBUM), "--preview")["changes"]
    assert change["kind"] == "release" and change["fields"]["tracks"][1][1] == {"disc": 2, "track": 1, "recording_id": "DEABC2600002"}
    shown = run("--home", empty, "catalogue", "import-ern", tmp_path / "message.xml", "--preview")
    assert "release 4006381333931: tracks 1 tracks → 2 tracks" in shown


def test_messages_are_taken_in_the_order_of_their_creation(run: Run, empty: Path, tmp_path: Path) -> None:
    folder = tmp_path / "two"
    folder.mkdir()
    later = ALBUM.replace("2026-02-03T10", "2026-02-04T10").replace("M-2026-0001", "M-2").replace("All of it", "All of it (Deluxe)")
    write(folder, later, "a.xml")
    write(folder, ALBUM, "b.xml")
    call(run, empty, "import-ern", folder)
    assert call(run, empty, "releases")[0]["title"] == "All of it (Deluxe)"


def test_parties_are_known_again_by_identifier_and_name(run: Run, home: Path, tmp_path: Path) -> None:
    text = ALBUM.replace("<FullName>Ben Example</FullName>", "<FullName>BEN  Example</FullName>").replace(
        "<FullName>North Records</FullName>", "<FullName>North Records Example</FullName>"
    )
    found = call(run, home, "import-ern", write(tmp_path, text), "--preview")
    changed = {change["name"]: change["fields"] for change in found["changes"] if change["kind"] == "party" and not change["new"]}
    assert changed["ben"]["ipi"] == [None, "00014107338"] and changed["north"]["dpid"] == [None, "PADPIDA2016020202N"]
    assert {change["name"][:3] for change in found["changes"] if change["kind"] == "party" and change["new"]} == {
        "ana",
        "exa",
    }  # Ana Müller is not Ana Example


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (ALBUM.replace("xml/ern/432", "xml/ern/382"), "is ERN 3.8.2"),
        (ALBUM.replace("xml/ern/432", "xml/ern/42"), "is ERN 4.2"),
        (ALBUM.replace("http://ddex.net/xml/ern/432", "urn:other"), "no ERN message"),
        (ALBUM.replace("ern:NewReleaseMessage", "ern:PurgeReleaseMessage"), "brings no catalogue"),
        (ALBUM.replace("<MessageId>M-2026-0001</MessageId>", ""), "is missing"),
        (ALBUM[: len(ALBUM) // 2], "not well-formed"),
        ("", "not well-formed"),
        (ALBUM.replace("?>", '?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>', 1).replace("All of it", "&x;"), "document type"),
        (ALBUM.replace("<ResourceList>", "<a>" * 100 + "</a>" * 100 + "<ResourceList>"), "deep"),
        (ALBUM.replace("<ResourceList>", "<a/>" * 200_000 + "<ResourceList>"), "more than 200000 elements"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_refused(run: Run, empty: Path, tmp_path: Path, text: str, word: str) -> None:
    answer = call(run, empty, "import-ern", write(tmp_path, text), expect=1)
    assert word in answer["problems"][0]["what"]
    assert call(run, empty, "show") == []


def test_every_problem_of_a_message_at_once(run: Run, empty: Path, tmp_path: Path) -> None:
    text = (
        ALBUM.replace("<ISRC>DEABC2600002</ISRC>", "<ISRC>DE-ABC-26</ISRC>")
        .replace("0000000121032683", "0000000121032684")
        .replace(">66.666667<", ">166<")
        .replace("<ArtistPartyReference>P_BEN", "<ArtistPartyReference>P_NOBODY", 1)
        .replace("4006381333931", "4006381333932")
        .replace("<ContainsAI>Partly</ContainsAI>", "")  # a contributor's part is by AI, and the recording's isn't: the cross-field rule
    )
    found = call(run, empty, "import-ern", write(tmp_path, text), expect=1)
    assert {field for _, field in places(found)} >= {"isrc", "isni", "share_percent", "ArtistPartyReference", "barcode", "DEABC2600001"}
    assert any("AiContribution" in problem["what"] for problem in found["problems"])


def test_audio_must_have_the_hash_that_the_message_states(run: Run, empty: Path, delivery: Path) -> None:
    place = delivery / "4006381333931" / "4006381333931.xml"
    audio = (delivery / "4006381333931" / "resources" / "one.flac").read_bytes()
    for value, expect in ((hashlib.md5(audio).hexdigest().upper(), 0), ("0" * 32, 1)):  # DDEX's usual algorithm
        stated = f"<HashSum><Algorithm>MD5</Algorithm><HashSumValue>{value}</HashSumValue></HashSum>"
        place.write_text(ALBUM.replace("resources/one.flac</URI>", f"resources/one.flac</URI>{stated}"), encoding="utf-8")
        found = call(run, empty, "import-ern", delivery, "--preview", expect=expect)
        assert (("4006381333931/4006381333931.xml", "HashSum") in places(found)) == bool(expect)


def test_files_outside_the_folder_are_not_touched(run: Run, empty: Path, delivery: Path) -> None:
    place = delivery / "4006381333931" / "4006381333931.xml"
    for uri in ("../../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "https://music.example/one.flac"):
        place.write_text(ALBUM.replace("resources/one.flac", uri), encoding="utf-8")
        found = call(run, empty, "import-ern", delivery, "--preview")
        assert any("leads out of the folder" in note for note in found["notes"]), uri
        assert not any(change["kind"] == "file" for change in found["changes"])


SCHEMA = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:avs="urn:avs" targetNamespace="http://ddex.net/xml/ern/432">
<xs:import namespace="urn:avs" schemaLocation="http://ddex.example/somewhere/allowed-value-sets.xsd"/>
<xs:element name="NewReleaseMessage"><xs:complexType><xs:sequence>
<xs:element name="MessageHeader"><xs:complexType><xs:sequence>
<xs:element name="MessageId" type="avs:Id"/><xs:any processContents="skip" minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element>
<xs:any processContents="skip" minOccurs="0" maxOccurs="unbounded"/></xs:sequence><xs:anyAttribute processContents="skip"/></xs:complexType></xs:element></xs:schema>"""
VALUES = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:avs"><xs:simpleType name="Id"><xs:restriction base="xs:string">
<xs:pattern value="M-[0-9-]+"/></xs:restriction></xs:simpleType></xs:schema>"""


def test_a_schema_of_the_users_own_is_obeyed_and_nothing_is_fetched(run: Run, empty: Path, tmp_path: Path) -> None:
    schema = write(tmp_path, SCHEMA, "release-notification.xsd")
    valid = write(tmp_path, ALBUM.replace("<MessageThreadId>T-1</MessageThreadId>", ""), "valid.xml")
    missing = call(run, empty, "import-ern", valid, "--schema", schema, "--preview", expect=1)
    assert "no XML schema that can be used" in missing["problems"][0]["what"]  # its import is not beside it
    write(tmp_path, VALUES, "allowed-value-sets.xsd")
    call(run, empty, "import-ern", valid, "--schema", schema, "--preview")
    found = call(run, empty, "import-ern", write(tmp_path, ALBUM, "odd.xml"), "--schema", schema, "--preview", expect=1)
    assert places(found) == {("odd.xml", "schema")} and found["problems"][0]["row"] == 4
