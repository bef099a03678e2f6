"""What people really send: every problem at once, each with its place and what to do; nothing half taken."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.conftest import CLAIMS, PARTIES, RATE_HZ, tune

Run = Callable[..., str]


@pytest.fixture
def empty(tmp_path: Path, run: Run) -> Path:
    run("--home", tmp_path / "empty", "init")
    return tmp_path / "empty"


@pytest.fixture
def folder(tmp_path: Path, catalogue_folder: Path) -> Path:
    """A catalogue folder that a test may spoil."""
    return Path(shutil.copytree(catalogue_folder, tmp_path / "catalogue"))


def problems(run: Run, *arguments: object) -> list[dict[str, object]]:
    """The problems of a command that must fail with exit code 1, as (file, row, field) with their texts."""
    answer = json.loads(run(*arguments, expect=1))
    assert answer["error"] == "bad_input"
    assert all(problem["what"] and problem["todo"] for problem in answer["problems"])
    return list(answer["problems"])


def places(found: list[dict[str, object]]) -> set[tuple[object, object, object]]:
    return {(problem["file"], problem["row"], problem["field"]) for problem in found}


def count_recordings(run: Run, home: Path) -> int:
    return len(json.loads(run("--home", home, "--json", "catalogue", "show")))


def test_all_problems_of_all_sheets_at_once_and_nothing_taken(run: Run, empty: Path, folder: Path) -> None:
    (folder / "parties.csv").write_text(
        "party_id,name,kind,ipi,isni,country\n"
        "ana,Ana,person,00014107339,,DE\n"  # bad check digits
        "ben,,robot,,0000000121032684,XX\n"  # no name, unknown kind, bad ISNI, bad country
        "ana,Again,person,,,\n"  # duplicate
        "a b,Blank,person,,,\n"
    )
    (folder / "recordings.csv").write_text(
        "recording_id,file,kind,title,artist,isrc,work_id,iswc\n"
        "r1,one.flac,recording,First,Ana,QZ-XXX-99-123,w1,T-034.524.680-2\n"  # bad ISRC, bad ISWC
        "r2,../outside.flac,recording,Second,Ana,,w2,\n"  # leads out
        "r3,missing.flac,recording,Third,Ana,,w3,\n"
        "r4,four.flac,recording,,,,w4,\n"  # no title or artist anywhere
        "r4,five.flac,recording,Fourth,Ana,,w4,\n"  # two main files
    )
    (folder / "claims.csv").write_text(
        "subject,lane,party_id,share_percent,territory,valid_from,valid_to\n"
        "r1,master,nobody,50,,,\n"
        "r1,master,ana,0,,,\n"
        "r1,sync,ana,10,,,\n"
        "r1,publishing,ana,10,,,\n"  # publishing claims name works
        "r9,master,ana,10,,,\n"
        "r1,master,ana,1.1234567,,,\n"
        "r1,master,ana,10,,2026-05-01,2026-04-01\n"
        "r1,master,ana,10,,03/04/2026,\n"
    )
    found = problems(run, "--home", empty, "--json", "catalogue", "import", "--folder", folder)
    expected = {
        ("parties.csv", 2, "ipi"),
        ("parties.csv", 3, "name"),
        ("parties.csv", 3, "kind"),
        ("parties.csv", 3, "isni"),
        ("parties.csv", 3, "country"),
        ("parties.csv", 4, "party_id"),
        ("parties.csv", 5, "party_id"),
        ("recordings.csv", 2, "isrc"),
        ("recordings.csv", 2, "iswc"),
        ("recordings.csv", 3, "file"),
        ("recordings.csv", 4, "file"),
        ("recordings.csv", 5, "title"),
        ("recordings.csv", 5, "artist"),
        ("recordings.csv", 6, "recording_id"),
        ("claims.csv", 2, "party_id"),
        ("claims.csv", 3, "share_percent"),
        ("claims.csv", 4, "lane"),
        ("claims.csv", 5, "subject"),
        ("claims.csv", 6, "subject"),
        ("claims.csv", 7, "share_percent"),
        ("claims.csv", 8, "valid_to"),
        ("claims.csv", 9, "valid_from"),
    }
    assert expected <= places(found), expected - places(found)
    assert count_recordings(run, empty) == 0


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.flac", b""),
        ("text.mp3", b"this is not music at all\n" * 100),
        ("picture.wav", b"\x89PNG\r\n\x1a\n" + bytes(500)),
        ("zip.ogg", b"PK\x03\x04" + bytes(500)),
    ],
)
def test_files_that_are_no_audio(run: Run, empty: Path, folder: Path, name: str, content: bytes) -> None:
    (folder / "audio" / name).write_bytes(content)
    (folder / "recordings.csv").write_text(f"recording_id,file,title,artist\nx,{name},T,A\n")
    (problem,) = problems(
        run, "--home", empty, "--json", "catalogue", "import", "--recordings", folder / "recordings.csv", "--audio", folder / "audio"
    )
    assert (problem["file"], problem["row"], problem["field"]) == ("recordings.csv", 2, "file")


def test_truncated_audio_and_a_wav_that_lies(run: Run, empty: Path, folder: Path) -> None:
    audio = folder / "audio"
    soundfile.write(audio / "whole.wav", tune(1), RATE_HZ, subtype="PCM_16")
    soundfile.write(audio / "whole.ogg", tune(1), RATE_HZ, format="OGG", subtype="VORBIS")
    lying = bytearray((audio / "whole.wav").read_bytes())
    lying[40:44] = (2**31).to_bytes(4, "little")  # the data chunk's length
    (audio / "lying.wav").write_bytes(lying)
    for name in ("whole.ogg", "one.flac"):
        data = (audio / name).read_bytes()
        (audio / f"cut-{name}").write_bytes(data[: len(data) // 2])
    names = ["lying.wav", "cut-whole.ogg", "cut-one.flac", "whole.wav"]
    (folder / "recordings.csv").write_text(
        "recording_id,file,title,artist\n" + "".join(f"x{n},{name},T,A\n" for n, name in enumerate(names))
    )
    found = problems(run, "--home", empty, "--json", "catalogue", "import", "--recordings", folder / "recordings.csv", "--audio", audio)
    assert places(found) == {("recordings.csv", row, "file") for row in (2, 3, 4)}
    assert count_recordings(run, empty) == 0


def test_the_same_bytes_under_two_names(run: Run, empty: Path, folder: Path) -> None:
    shutil.copy(folder / "audio" / "one.flac", folder / "audio" / "copy.flac")
    (folder / "recordings.csv").write_text("recording_id,file,title,artist\na,one.flac,T,A\nb,copy.flac,T,A\n")
    (problem,) = problems(
        run, "--home", empty, "--json", "catalogue", "import", "--recordings", folder / "recordings.csv", "--audio", folder / "audio"
    )
    assert problem["row"] == 3 and "byte for byte" in str(problem["what"])


def test_a_link_out_of_the_folder_is_not_followed(run: Run, empty: Path, folder: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "secret.flac", np.zeros(1000), RATE_HZ)
    (folder / "audio" / "link.flac").symlink_to(tmp_path / "secret.flac")
    (folder / "recordings.csv").write_text("recording_id,file,title,artist\na,link.flac,T,A\n")
    (problem,) = problems(
        run, "--home", empty, "--json", "catalogue", "import", "--recordings", folder / "recordings.csv", "--audio", folder / "audio"
    )
    assert "leads out" in str(problem["what"])


@pytest.mark.parametrize(
    "write",
    [
        lambda text: ("\ufeff" + text).encode(),  # BOM
        lambda text: text.replace(",", ";").encode("utf-16"),
        lambda text: text.replace(",", "\t").replace("\n", "\r\n").encode("cp1252"),
        lambda text: text.replace("party_id,name", "Party ID,  NAME").encode(),
    ],
    ids=["bom", "utf-16 and semicolons", "windows-1252 and tabs", "other spelling of columns"],
)
def test_spreadsheets_as_people_save_them(run: Run, empty: Path, folder: Path, write: Callable[[str], bytes]) -> None:
    (folder / "parties.csv").write_bytes(write(PARTIES.replace("Ben Example", "Bén Exämple")))
    run("--home", empty, "catalogue", "import", "--folder", folder)
    shown = run("--home", empty, "--json", "catalogue", "show", "r1")
    assert {share["payee"] for share in json.loads(shown)["splits"]["master"]["shares"]} == {"party:ana", "party:ben", "party:north"}


@pytest.mark.parametrize(
    ("content", "place", "what"),
    [
        (b"", (None, None), "is empty"),
        (b"PK\x03\x04rest", (None, None), "Excel"),
        (b"party_id,name,kind,nmae\na,A,person,x\n", (1, "nmae"), "not a column"),
        (b"party_id,name\na,A\n", (1, "kind"), "missing"),
        (b"party_id,name,kind,kind\na,A,person,person\n", (1, "kind"), "twice"),
        (b"party_id,name,kind\na,Smith, John,person\n", (2, None), "cells"),
        (b'party_id,name,kind\na,"unfinished,person\n', (None, None), "breaks off"),
        (b"party_id,name,kind\na,A\x00B,person\n", (None, None), "not text"),
        (b"party_id,name,kind\n", (None, None), "no rows"),
    ],
)
def test_broken_sheets(run: Run, empty: Path, tmp_path: Path, content: bytes, place: tuple[object, object], what: str) -> None:
    (tmp_path / "parties.csv").write_bytes(content)
    found = problems(run, "--home", empty, "--json", "catalogue", "import", "--parties", tmp_path / "parties.csv")
    assert any(what in str(problem["what"]) and (place[0] is None or (problem["row"], problem["field"]) == place) for problem in found), (
        found
    )


@pytest.mark.parametrize("share", ['"1.234,5"', '"33,333"', "1e2", "50%", "1.000.0", "fifty", "-5", "101"])
def test_doubtful_shares_are_refused(run: Run, home: Path, tmp_path: Path, share: str) -> None:
    (tmp_path / "claims.csv").write_text(f"subject,lane,party_id,share_percent\nr6,master,ana,{share}\n")
    (problem,) = problems(run, "--home", home, "--json", "catalogue", "import", "--claims", tmp_path / "claims.csv")
    assert (problem["row"], problem["field"]) == (2, "share_percent")


def test_two_decimal_marks_in_one_column(run: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "claims.csv").write_text("subject;lane;party_id;share_percent\nr6;master;ana;12,5\nr6;master;ben;12.5\n")
    (problem,) = problems(run, "--home", home, "--json", "catalogue", "import", "--claims", tmp_path / "claims.csv")
    assert problem["row"] == 3 and "one decimal mark" in str(problem["what"])


def test_importing_twice_changes_nothing_and_a_new_share_replaces(run: Run, home: Path, catalogue_folder: Path, tmp_path: Path) -> None:
    answer = json.loads(run("--home", home, "--json", "catalogue", "import", "--folder", catalogue_folder))
    assert (answer["claims_added"], answer["claims_replaced"], answer["claims_unchanged"]) == (0, 0, CLAIMS.count("\n") - 1)
    (tmp_path / "claims.csv").write_text("subject,lane,party_id,share_percent\nr6,master,cleo,70\n")
    answer = json.loads(run("--home", home, "--json", "catalogue", "import", "--claims", tmp_path / "claims.csv"))
    assert (answer["claims_added"], answer["claims_replaced"]) == (0, 1)
    assert any("r6, master: claims total 70 % (gap)" in note for note in answer["notes"])


def test_shares_that_do_not_total_are_named(run: Run, empty: Path, folder: Path) -> None:
    notes = json.loads(run("--home", empty, "--json", "catalogue", "import", "--folder", folder))["notes"]
    assert "r5, master: claims total 110 % (overclaim)" in notes
    assert "w4, publishing: claims total 80 % (gap)" in notes
    assert not any(note.startswith("r1") for note in notes), "33.33 × 3 is completed"


def test_revenue_in_an_unknown_currency_and_sent_twice(run: Run, trained: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "revenue.csv"
    sheet.write_text(
        "line_id,product,model_version,territory,currency,net_amount\n"
        "l1,App,m,DE,EURO,10\n"
        "l2,App,m,DE,HRK,10\n"  # ended in 2022
        "l3,App,other,DE,EUR,10\n"
        "l3,App,m,Germany,EUR,10\n"
        "l4,App,m,DE,JPY,0.00001\n"
        "l5,App,m,DE,EUR,\n"
    )
    command = ("revenue", "import", sheet, "--programme", "p", "--period", "2026-10")
    found = problems(run, "--home", trained, "--json", *command)
    wanted = {
        (2, "currency"),
        (3, "currency"),
        (4, "model_version"),
        (5, "territory"),
        (5, "line_id"),
        (6, "net_amount"),
        (7, "net_amount"),
    }
    assert {(problem["row"], problem["field"]) for problem in found} == wanted
    sheet.write_text("line_id,product,model_version,territory,currency,net_amount\nl1,App,m,DE,EUR,10\n")
    run("--home", trained, *command)
    assert "report_twice" in run("--home", trained, *command, expect=3)
    sheet.write_text("line_id,product,model_version,territory,currency,net_amount\nl1,App,m,DE,EUR,10\nl2,App,m,DE,EUR,1\n")
    (problem,) = problems(run, "--home", trained, "--json", *command)
    assert problem["row"] == 2 and "reported in revenue.csv already" in str(problem["what"])


def test_a_period_settled_twice_posts_once(run: Run, settled: Path, tmp_path: Path) -> None:
    before = run("--home", settled, "--json", "log", "verify")
    assert "settled_already" in run("--home", settled, "settle", "--programme", "p", "--period", "2026-10", expect=3)
    assert "out_of_order" in run("--home", settled, "settle", "--programme", "p", "--period", "2026-09", expect=3)
    refused = run("--home", settled, "settle", "--programme", "p", "--period", "2027-11", "--early", expect=3)
    assert "periods_skipped" in refused and "2026-11-01 to 2027-10-31" in refused
    (tmp_path / "more.csv").write_text("line_id,product,model_version,territory,currency,net_amount\nl9,App,m,DE,EUR,10\n")
    assert "period_settled" in run(
        "--home", settled, "revenue", "import", tmp_path / "more.csv", "--programme", "p", "--period", "2026-10", expect=3
    )
    assert run("--home", settled, "--json", "log", "verify") == before


def test_training_on_what_nobody_licensed_is_refused(run: Run, home: Path, tmp_path: Path) -> None:
    run("--home", home, "snapshot", "freeze", "--programme", "p")
    document = {
        "format": "ritornello-run-1",
        "run_id": "run",
        "model_version": "m",
        "parents": ["ghost"],
        "snapshot_ids": ["p-s1"],
        "code_sha256": "a" * 64,
        "weights_sha256": "b" * 64,
        "trained_on": datetime.now(UTC).date().isoformat(),
        "exposure": [{"asset_id": "sha256:" + "0" * 64, "exposure_ms": 5}],
    }
    (tmp_path / "run.json").write_text(json.dumps(document))
    found = problems(run, "--home", home, "--json", "run", "register", tmp_path / "run.json")
    assert {problem["field"] for problem in found} == {"exposure", "parents"}
    (tmp_path / "run.json").write_text(
        json.dumps({**document, "weights_sha256": "short", "trained_on": "soon", "exposure": [{"asset_id": "x", "exposure_ms": -1}]})
    )
    found = problems(run, "--home", home, "--json", "run", "register", tmp_path / "run.json")
    assert {problem["field"] for problem in found} == {"exposure", "weights_sha256", "trained_on"}


def test_a_programme_with_many_mistakes(run: Run, empty: Path, tmp_path: Path) -> None:
    (tmp_path / "terms.toml").write_text(
        'format = "ritornello-programme-1"\nprogramme_id = "a/b"\nversion = "1"\ntitle = "T"\nlicensor = "L"\nlicence = "x"\npurposes = ["ai_trainig"]\n'
        "valid_from = 2026-01-01\nvalid_to = 2025-01-01\nnotice_days = -1\ntail_days = 1\nquorum = []\ntypo = 1\n"
        "[lanes]\nmaster = 500000\n"
        '[[income]]\nname = "Fee"\namount = 12.5\ncurrency = "EURO"\ndivide_by = "exposure"\nfallback = "exposure"\n'
        '[[income]]\nname = "s"\nrate = "1.5"\ndivide_by = "attribution"\n'
    )
    found = problems(run, "--home", empty, "--json", "programme", "add", tmp_path / "terms.toml")
    fields = {problem["field"] for problem in found}
    assert fields >= {
        "programme_id", "version", "licensee", "purposes", "valid_to", "notice_days", "quorum", "typo", "lanes", "income[1].name", "income[1].amount",
        "income[1].currency", "income[1].fallback", "income[2].rate", "income[2].unattributed", "income[2].max_error_ppm", "income[2].fallback",
    }  # fmt: skip


def test_terms_once_registered_do_not_change(run: Run, home: Path, catalogue_folder: Path, tmp_path: Path) -> None:
    changed = (catalogue_folder / "programme.toml").read_text().replace("0.30", "0.10")
    (tmp_path / "terms.toml").write_text(changed)
    assert "terms_changed" in run("--home", home, "programme", "add", tmp_path / "terms.toml", expect=3)
    run("--home", home, "programme", "add", catalogue_folder / "programme.toml")


def test_there_must_be_a_home_and_only_one(run: Run, tmp_path: Path) -> None:
    assert "no_home" in run("--home", tmp_path / "nowhere", "catalogue", "show", expect=3)
    run("--home", tmp_path / "h", "init")
    assert "home_exists" in run("--home", tmp_path / "h", "init", expect=3)
    assert (tmp_path / "h" / "keys" / "log.pem").stat().st_mode & 0o777 == 0o600
