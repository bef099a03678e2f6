"""What went in comes out, and in again, to the last identifier: a catalogue of 1,000 recordings with the names that people really have."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from ritornello.domain.catalogue import Claim
from ritornello.service.catalogue_plan import read_known
from ritornello.service.context import Context
from ritornello.service.registry import read_current
from ritornello.store import catalogue
from ritornello.wiring import open_context

Run = Callable[..., str]
NASTY = (
    "=1+1", "@SUM(A1)", "-", "+49", "'quoted'", '"', 'Say ""Hi""', "a,b;c\\d|e", "007", "1E5", "TRUE", "NULL", "#REF!", "####", "Ñandú", "Bjo\u0308rk",
    "作曲 家", "مرحبا بالعالم", "👩\u200d🎤 live", "\ufffd lost", "non\xa0breaking", "x" * 480, "Ana & Ben feat. Cleo", "50%", "12/11/10", "\u202eright to left", ".",
    "a\u200bb",
)  # fmt: skip
RECORDINGS, PARTIES, WITH_AUDIO = 1_000, 120, 25


def check_digit(digits: str) -> str:
    """GS1's, for UPC-A."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(digits))
    return str(-total % 10)


def iswc(number: int) -> str:
    digits = f"{number:09d}"
    return f"T{digits}{(10 - (1 + sum(place * int(digit) for place, digit in enumerate(digits, 1))) % 10) % 10}"


def ipi(number: int) -> str:
    digits = f"{number:09d}"
    remainder = sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), digits, strict=True)) % 101
    return f"{digits}{(101 - remainder) % 101 % 100:02d}"


def isni(number: int) -> str:
    total = 0
    for digit in f"{number:015d}":
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    return f"{number:015d}{'X' if check == 10 else check}"


def write_catalogue(folder: Path, seed: int) -> None:
    """Tables with every identifier there is, in our own columns."""
    rng = random.Random(seed)
    folder.mkdir()
    (folder / "audio" / "sub").mkdir(parents=True)

    def name() -> str:
        return rng.choice(NASTY) if rng.random() < 0.6 else f"{rng.choice(NASTY)[:40]} {rng.randrange(10_000)}"

    def quote(*cells: object) -> str:
        return ",".join('"' + str("" if cell is None else cell).replace('"', '""') + '"' for cell in cells) + "\r\n"

    tables: dict[str, list[tuple[object, ...]]] = {
        "parties": [("party_id", "name", "kind", "ipi", "isni", "dpid", "country")],
        "recordings": [("recording_id", "file", "kind", "label", "isrc", "title", "artist", "work_id", "work_title", "iswc")],
        "releases": [("release_id", "barcode", "title", "disc", "track", "recording_id")],
        "contributions": [("recording_id", "party_id", "role")],
        "claims": [("subject", "lane", "party_id", "share_percent", "territory", "valid_from", "valid_to")],
    }  # fmt: skip
    for number in range(PARTIES):
        kind = rng.choice(("person", "organisation"))
        dpid = f"PADPIDA{number:010d}X" if kind == "organisation" else None
        tables["parties"].append(
            (
                f"p.{number}_{rng.choice('aB-')}",
                name(),
                kind,
                ipi(number + 1) if number % 3 else None,
                isni(number) if number % 2 else None,
                dpid,
                rng.choice(("DE", "SE", None)),
            )
        )
    parties = [str(row[0]) for row in tables["parties"][1:]]
    for number in range(RECORDINGS):
        recording, work = f"r-{number}", f"w{number // 2}" if number % 5 else None
        file = None
        if number < WITH_AUDIO:
            file = f"{'sub/' if number % 2 else ''}a b, ö{number}.wav"
            soundfile.write(folder / "audio" / file, np.full(800, (number + 1) / 100, dtype=np.float32), 8_000, subtype="PCM_16")
        title, artist = name(), name()
        code = f"DEA{number % 36:02d}{number:07d}"[:12] if number % 7 else None
        tables["recordings"].append(
            (
                recording,
                file,
                "recording",
                None,
                code,
                title,
                artist,
                work,
                f"work {number // 2}" if work else None,
                iswc(number // 2) if work else None,
            )
        )
        tables["contributions"] += [
            (recording, party, role) for party, role in {rng.choice(parties): "MainArtist", rng.choice(parties): "Composer"}.items()
        ]
        first = rng.choice(parties)
        tables["claims"].append(
            (
                recording,
                "master",
                first,
                rng.choice(("33.333333", "0.000001", "100", "66.7")),
                rng.choice(("WW", "DE")),
                rng.choice(("", "2020-02-29")),
                rng.choice(("", "2030-01-01")),
            )
        )
        if work and number % 2 == 0:
            tables["claims"].append((work, "publishing", rng.choice(parties), "50", "WW", "", ""))
    for number in range(RECORDINGS // 10):
        body = f"{rng.randrange(10**11):011d}"
        barcode = body + check_digit(body)
        tables["releases"] += [
            (f"rel_{number}", barcode, f"{NASTY[number % len(NASTY)]} {number}", 1 + track // 8, 1 + track % 8, f"r-{number * 10 + track}")
            for track in range(10)
        ]
    for table, rows in tables.items():
        (folder / f"{table}.csv").write_text("".join(quote(*row) for row in rows), encoding="utf-8", newline="")


def read_all(home: Path) -> dict[str, Any]:
    """The whole catalogue, without the days on which its claims were recorded."""

    def bare(claim: Claim) -> tuple[object, ...]:
        return (
            claim.subject_kind,
            claim.subject_id,
            claim.lane,
            claim.party_id,
            claim.share_e8,
            claim.territory,
            claim.valid_from,
            claim.valid_to,
        )

    def read(context: Context) -> dict[str, Any]:
        known = read_known(context)
        claims = {bare(claim) for claim in read_current(context).values()}
        return {
            "parties": known.parties, "works": known.works, "recordings": known.recordings, "assets": known.assets, "releases": known.releases,
            "contributions": set(catalogue.read_contributions(context.connection)), "claims": claims,
        }  # fmt: skip

    with open_context(home, None, lambda text: None) as context:
        return read(context)


def test_a_thousand_recordings_come_through_two_installations_unchanged(run: Run, tmp_path: Path) -> None:
    write_catalogue(tmp_path / "catalogue", seed=20261)
    for home, source in (("one", "catalogue"), ("two", "exported")):
        run("--home", tmp_path / home, "init")
        run("--home", tmp_path / home, "catalogue", "import", "--folder", tmp_path / source)
        target = "exported" if home == "one" else "again"
        run("--home", tmp_path / home, "catalogue", "export", tmp_path / target, "--audio")
    first, second = read_all(tmp_path / "one"), read_all(tmp_path / "two")
    for part, content in first.items():
        assert content == second[part], part
    assert len(first["recordings"]) == RECORDINGS and len(first["assets"]) == WITH_AUDIO
    exported = sorted(path.relative_to(tmp_path / "exported") for path in (tmp_path / "exported").rglob("*") if path.is_file())
    assert len(exported) == 5 + WITH_AUDIO
    for path in exported:
        assert (tmp_path / "exported" / path).read_bytes() == (tmp_path / "again" / path).read_bytes(), path


def test_two_folders_with_files_of_one_name(run: Run, catalogue_folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "one"
    run("--home", home, "init")
    run("--home", home, "catalogue", "import", "--folder", catalogue_folder)
    (tmp_path / "other").mkdir()
    soundfile.write(tmp_path / "other" / "one.flac", np.full(4_000, 0.3, dtype=np.float32), 22_050)
    (tmp_path / "more.csv").write_text("recording_id,file,title,artist\nr7,one.flac,Seventh,Ana Example\n")
    run("--home", home, "catalogue", "import", "--recordings", tmp_path / "more.csv", "--audio", tmp_path / "other")
    run("--home", home, "catalogue", "export", tmp_path / "out", "--audio")
    run("--home", tmp_path / "two", "init")
    run("--home", tmp_path / "two", "catalogue", "import", "--folder", tmp_path / "out")
    first, second = read_all(home), read_all(tmp_path / "two")
    assert set(first["assets"]) == set(second["assets"]) and first["recordings"] == second["recordings"]


def test_a_folder_that_is_there_is_left_alone(run: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    assert "out_exists" in run("--home", home, "catalogue", "export", tmp_path / "out", expect=3)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]
