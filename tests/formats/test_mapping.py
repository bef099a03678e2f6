"""Mappings: written and read alike, every mistake at once; guesses for tables as people name their columns; rows of others in our columns."""

from pathlib import Path

import pytest

from ritornello.domain.catalogue import Party, Recording
from ritornello.domain.errors import BadInput
from ritornello.domain.matching import PartyFinder, RecordingFinder, make_own
from ritornello.formats.mapped_table import Mapped, apply_mapping
from ritornello.formats.mapping import ColumnMapping, Origin, Section
from ritornello.formats.mapping_guess import guess_mapping
from ritornello.formats.mapping_toml import read_mapping, write_mapping
from ritornello.formats.raw_table import read_raw


def read_toml(path: Path, text: str) -> ColumnMapping:
    path.write_text(text, encoding="utf-8")
    return read_mapping(path)


def run(tmp_path: Path, table: str, mapping: str, parties: tuple[Party, ...] = (), recordings: tuple[Recording, ...] = ()) -> Mapped:
    (tmp_path / "t.csv").write_text(table, encoding="utf-8")
    found = read_toml(tmp_path / "m.toml", 'format = "ritornello-mapping-1"\n' + mapping)
    return apply_mapping(read_raw(tmp_path / "t.csv"), found, PartyFinder(parties), RecordingFinder(recordings, ()))


def rows(mapped: Mapped, table: str) -> list[dict[str, str]]:
    return [cells.texts for name, sheet in mapped.tables() if name == table for cells in sheet.rows]


def problems(mapped: Mapped) -> list[tuple[int | None, str | None]]:
    return [(problem.row, problem.field) for _, sheet in mapped.tables() for problem in sheet.problems]


def test_written_and_read_alike(tmp_path: Path) -> None:
    mapping = ColumnMapping(
        (
            Section("recordings", {"recording_id": Origin(("A", "ISRC"), make="recording"), "title": Origin(("T", "V"), "{T}[ ({V})]")}),
            Section("claims", {
                "subject": Origin(("A",), make="recording"),
                "lane": Origin(('Kind "of" right',), values={"Über\t": "master", "a b": "publishing"}),
                "party_id": Origin(("P",), split=(";", " / "), make="party", kind="organisation"),
                "share_percent": Origin(("S",), split=(";",), unit="ppm"),
                "valid_from": Origin(("D",), dates="DD.MM.YYYY"),
                "territory": Origin(value="WW"),
            }),
        ),
        ignore=("Genre\\",), header_row=3, delimiter="\t", encoding="cp1252", sheet="Blatt 1",
    )  # fmt: skip
    text = write_mapping(mapping)
    assert read_toml(tmp_path / "m.toml", text) == mapping
    assert write_mapping(mapping) == text


def test_every_mistake_at_once(tmp_path: Path) -> None:
    bad = """
format = "other"
surprise = 1
[file]
header_row = 0
delimiter = ";;"
quote = "x"
[[recordings]]
recording_id = { from = "A", make = "up" }
title = { template = "{A" }
artist = { from = "A", value = "B" }
colour = "A"
[[claims]]
subject = 5
valid_from = { from = "A", dates = "DD.MM.YY" }
share_percent = { from = "A", unit = "cents", split = [1] }
"""
    with pytest.raises(BadInput) as caught:
        read_toml(tmp_path / "m.toml", bad)
    places = {problem.field for problem in caught.value.problems}
    assert {
        "format", "surprise", "file.header_row", "file.delimiter", "file.quote", "recordings.recording_id.make", "recordings.title.template",
        "recordings.artist", "recordings.colour", "claims.subject", "claims.valid_from.dates", "claims.share_percent.unit",
        "claims.share_percent.split", "claims.lane", "claims.party_id",
    } <= places  # fmt: skip
    with pytest.raises(BadInput):
        read_toml(tmp_path / "m.toml", "not = [toml")


def test_split_cells_walk_in_step(tmp_path: Path) -> None:
    mapped = run(
        tmp_path,
        "ISRC|Owners|Shares\nDEABC2600001|Ana; Ben|60;40\nDEABC2600002|Ana;Ben;Cleo|50;50\nDEABC2600003|Ana|\n|| \n",
        """
[file]
delimiter = "|"
[[claims]]
subject = { from = "ISRC", make = "recording" }
lane = { value = "master" }
party_id = { from = "Owners", split = ";", make = "party" }
share_percent = { from = "Shares", split = ";" }
""",
    )
    claims = rows(mapped, "claims")
    assert [(claim["subject"], claim["share_percent"]) for claim in claims] == [
        ("DEABC2600001", "60"),
        ("DEABC2600001", "40"),
        ("DEABC2600003", ""),
    ]
    assert problems(mapped) == [(3, "party_id (from Owners)")]  # three owners, two shares
    assert [party["name"] for party in rows(mapped, "parties")] == ["Ana", "Ben"]


def test_names_find_the_parties_that_are_known(tmp_path: Path) -> None:
    known = (Party("p1", "Björk", "person"), Party("p2", "Sam", "person", isni="0000000121032683"), Party("p3", "Sam", "person"))
    mapped = run(
        tmp_path,
        "Rec,Artist,ISNI\nr1,Bjo\u0308rk,\nr2,BJÖRK ,\nr3,Sam,0000000121032683\nr4,Sam,\nr5,New One,\nr6,new one,\n",
        """
[[contributions]]
recording_id = "Rec"
party_id = { from = "Artist", make = "party" }
isni = "ISNI"
role = { value = "MainArtist" }
""",
        known,
    )
    found = {row["recording_id"]: row["party_id"] for row in rows(mapped, "contributions")}
    assert (found["r1"], found["r2"], found["r3"], found["r4"]) == ("p1", "p1", "p2", "")
    assert problems(mapped) == [(5, "party_id (from Artist)")]  # two Sams
    assert found["r5"] == found["r6"] and [party["name"] for party in rows(mapped, "parties")] == ["New One"]


def test_recordings_are_found_by_isrc_and_titles_made_of_columns(tmp_path: Path) -> None:
    mapped = run(
        tmp_path,
        "Code,Title,Mix\nde-abc-26-00001,One,Live\nDEABC2600002,Two,\nDEABC2600002,Two,\n",
        """
ignore = ["Mix"]
[[recordings]]
recording_id = { from = "Code", make = "recording" }
isrc = "Code"
title = { template = "{Title}[ ({Mix})]" }
artist = { value = "Ana" }
""",
        recordings=(Recording("r1", "One", "Ana", "DEABC2600001"),),
    )
    assert [(row["recording_id"], row["title"]) for row in rows(mapped, "recordings")] == [("r1", "One (Live)"), ("DEABC2600002", "Two")]
    assert mapped.repeated == 1 and mapped.untaken == []
    ((_, reason),) = mapped.repairs
    assert "separators" in reason


def test_columns_that_are_not_there_are_named(tmp_path: Path) -> None:
    mapped = run(tmp_path, "A,B\n1,2\n", '[[recordings]]\nrecording_id = "Nope"\ntitle = "a"\n')
    (problem,) = mapped.parties.problems
    assert problem.field == "Nope" and "A, B" in problem.todo


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            "Track ISRC,Track Title,Track Artist,UPC,Album Title,Track No",
            {"recordings": {"isrc", "title", "artist"}, "releases": {"barcode", "title", "track"}},
        ),
        ("ISRC;Titel;Interpret;Komponist;Strichcode;Dateiname", {"recordings": {"title", "artist", "file"}, "contributions": {"party_id"}}),
        ("Code ISRC;Titre;Artiste;Compositeur;Éditeur", {"recordings": {"isrc", "title", "artist"}, "contributions": {"role"}}),
        ("ISRC,Título,Intérprete,Autor", {"recordings": {"title", "artist"}}),
        ("ISRC\tTitolo Brano\tArtista\tCompositore", {"recordings": {"title", "artist"}}),
        ("ISRCコード,曲名,アーティスト名,作曲者", {"recordings": {"isrc", "title", "artist"}}),
        ("ISRC,Payee Name,Split %,Right Type,Start Date", {"claims": {"subject", "party_id", "share_percent", "lane", "valid_from"}}),
        ("ISWC,Rechteinhaber,Anteil %", {"claims": {"subject", "party_id", "share_percent"}}),
        ("Payee Name,IPI Number,Country Code", {"parties": {"name", "ipi", "country"}}),
    ],
)
def test_headers_of_several_languages_are_guessed(tmp_path: Path, header: str, expected: dict[str, set[str]]) -> None:
    (tmp_path / "t.csv").write_text(header + "\n", encoding="utf-8")
    found: dict[str, set[str]] = {}
    for section in guess_mapping(read_raw(tmp_path / "t.csv")).sections:
        found.setdefault(section.table, set()).update(section.origins)
    assert all(columns <= found.get(table, set()) for table, columns in expected.items()), found


def test_a_label_or_an_ampersand_is_no_share_and_no_second_artist(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('ISRC,Title,Artist,Label\nDEABC2600001,One,"Earth, Wind & Fire",North\n')
    mapping = guess_mapping(read_raw(tmp_path / "t.csv"))
    assert {section.table for section in mapping.sections} == {"recordings", "contributions"}
    assert all(not origin.split for section in mapping.sections for origin in section.origins.values())


def test_identifiers_that_are_made_are_ours_and_always_the_same() -> None:
    assert make_own("A-1.x") == "A-1.x"
    assert make_own("Ä/1") == make_own("A\u0308/1") != make_own("A/1")
    first = PartyFinder([]).find("Ana  Müller")
    assert first == PartyFinder([]).find("ANA MÜLLER") and first.startswith("ana-muller-")
