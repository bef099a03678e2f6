"""The extraction check on small places: what is found in each kind of place, what its consent was, and what hostile places can't do."""

import bz2
import gzip
import io
import json
import os
import re
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from ritornello.formats.canonical import fingerprint, hash_file
from ritornello.service.extraction import scan
from ritornello.service.extraction.listener import Listener
from tests.conftest import RATE_HZ, tune

Run = Callable[..., str]
SURE = 18_000  # of evidence, in millidecades: tunes of one grid and one scale share more than any real music does


@pytest.fixture
def listening(home: Path, run: Run) -> Path:
    """The small world, listened to."""
    run("--home", home, "catalogue", "fingerprint")
    return home


@pytest.fixture
def place(tmp_path: Path, catalogue_folder: Path) -> Path:
    """A folder with a catalogue's file, an excerpt of another in bad quality, something else, and what isn't sound."""
    folder = tmp_path / "place"
    (folder / "a").mkdir(parents=True)
    shutil.copy(catalogue_folder / "audio" / "four.flac", folder / "a" / "exact.flac")
    (folder / "a" / "excerpt.ogg").write_bytes(excerpt(2))
    soundfile.write(folder / "other.wav", tune(90), RATE_HZ)
    (folder / "notes.txt").write_text("nothing")
    (folder / "blob").write_bytes(b"\0" * 100)
    return folder


def excerpt(seed: int) -> bytes:
    """All but the first half second of a recording as Ogg Vorbis, with noise behind it."""
    noise = np.random.default_rng(5).standard_normal(RATE_HZ).astype(np.float32) * 0.05
    data = io.BytesIO()
    soundfile.write(data, np.concatenate([tune(seed)[RATE_HZ // 2 :], noise]), RATE_HZ, format="OGG")
    return data.getvalue()


def audit(run: Run, home: Path, place: Path, out: Path, *more: object) -> dict[str, Any]:
    return dict(json.loads(run("--home", home, "--json", "audit", place, "--out", out, "--workers", 1, *more)))


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def found(out: Path) -> set[tuple[str, str, str]]:
    return {(row["item"], row["recording_id"], row["how"]) for row in sure(out)}


def sure(out: Path) -> list[dict[str, Any]]:
    return [row for row in read(out / "matches.jsonl") if row["how"] != "heard" or row["evidence_millidecades"] > SURE]


def test_a_folder_is_listened_to_and_told_apart_by_consent(listening: Path, place: Path, tmp_path: Path, run: Run) -> None:
    run("--home", listening, "snapshot", "freeze", "--programme", "p")
    out = tmp_path / "out"
    document = audit(run, listening, place, out)
    assert found(out) == {("a/exact.flac", "r4", "same_file"), ("a/excerpt.ogg", "r2", "heard")}
    outcomes = {row["item"]: row["outcome"] for row in read(out / "items.jsonl")}
    assert outcomes == {"a/exact.flac": "same_file", "a/excerpt.ogg": "heard", "blob": "not_sound", "other.wav": "heard"}
    (heard,) = (row for row in sure(out) if row["how"] == "heard")
    assert abs(heard["asset_start_ms"] - heard["start_ms"] - 500) < 100 and heard["end_ms"] <= 3700 and heard["false_match_ppb"] < 100_000
    states = {row["recording_id"]: row for row in read(out / "assets.jsonl")}
    assert states["r2"]["consent"] == "licensed" and "snapshot p-s1" in states["r2"]["says"]
    assert states["r4"]["consent"] == "no_consent"
    assert all(document["tables"][name] == fingerprint(name, (out / name).read_bytes()).hash for name in document["tables"])
    assert json.loads((out / "log" / "proof.json").read_text())["entry"].count(hash_file(out / "audit.json")) == 2
    assert any("model was trained" in sentence for sentence in document["does_not_show"])


def test_consent_is_told_as_of_the_day(listening: Path, place: Path, tmp_path: Path, run: Run) -> None:
    run("--home", listening, "snapshot", "freeze", "--programme", "p")
    run("--home", listening, "consent", "withdraw", "--party", "north", "--recording", "r2", "--purpose", "ai_training", "--programme", "p")
    out = tmp_path / "out"
    audit(run, listening, place, out)
    (row,) = (row for row in read(out / "assets.jsonl") if row["recording_id"] == "r2")
    assert row["consent"] == "licensed" and "a withdrawal takes effect on" in row["says"]
    ends = row["programmes"][0]["ends"]
    audit(run, listening, place, tmp_path / "later", "--day", ends)
    (row,) = (row for row in read(tmp_path / "later" / "assets.jsonl") if row["recording_id"] == "r2")
    assert row["consent"] == "withdrawn" and row["programmes"][0]["since"] == ends and "p-s1" in row["says"]
    assert "north" not in row["says"]
    refused = run("--home", listening, "audit", place, "--out", tmp_path / "x", "--licensee", "Nobody", expect=3)
    assert "unknown_licensee" in refused and not (tmp_path / "x").exists()
    audit(run, listening, place, tmp_path / "named", "--licensee", "licensee")


def test_archives_and_tables_give_what_the_folder_gives(listening: Path, place: Path, tmp_path: Path, run: Run) -> None:
    exact, cut = (place / "a" / "exact.flac").read_bytes(), (place / "a" / "excerpt.ogg").read_bytes()
    shards = tmp_path / "shards"
    shards.mkdir()
    long = "x" * 120
    for name, opened, form in (
        ("pax.tar", open, tarfile.PAX_FORMAT),
        ("gnu.tar.gz", gzip.open, tarfile.GNU_FORMAT),
        ("us.tar.bz2", bz2.open, tarfile.PAX_FORMAT),
    ):
        with opened(shards / name, "wb") as stream, tarfile.open(fileobj=stream, mode="w", format=form) as archive:
            for member, data in ((f"{long}/exact.flac", exact), ("../../excerpt.ogg", cut), ("one.json", b"{}")):
                info = tarfile.TarInfo(member)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    with zipfile.ZipFile(shards / "all.zip", "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("/abs/exact.flac", exact)
        bundle.writestr("excerpt.ogg", cut)
    rows = [
        {"bytes": exact, "path": "exact.flac"},
        {"bytes": cut, "path": None},
        {"bytes": None, "path": "side/excerpt.ogg"},
        {"bytes": None, "path": "../out.ogg"},
    ]
    pq.write_table(pa.table({"text": list("abcd"), "audio": rows}), shards / "hf.parquet")
    (shards / "side").mkdir()
    (shards / "side" / "excerpt.ogg").write_bytes(cut)
    (tmp_path / "out.ogg").write_bytes(cut)
    out = tmp_path / "out"
    audit(run, listening, shards, out)
    assert found(out) == {
        *((f"{name}/{long}/exact.flac", "r4", "same_file") for name in ("pax.tar", "gnu.tar.gz", "us.tar.bz2")),
        *((f"{name}/../../excerpt.ogg", "r2", "heard") for name in ("pax.tar", "gnu.tar.gz", "us.tar.bz2")),
        ("all.zip//abs/exact.flac", "r4", "same_file"),
        ("all.zip/excerpt.ogg", "r2", "heard"),
        ("hf.parquet/1/exact.flac", "r4", "same_file"),
        ("hf.parquet/2", "r2", "heard"),
        ("hf.parquet/3/side/excerpt.ogg", "r2", "heard"),
        ("side/excerpt.ogg", "r2", "heard"),
    }
    assert {row["item"]: row["detail"] for row in read(out / "items.jsonl") if row["outcome"] == "refused"} == {
        "hf.parquet/4/../out.ogg": "names a file outside of the place that is audited"
    }
    assert not list(tmp_path.glob("abs*")) and not (out / "spool").exists()


def test_a_list_is_matched_by_hash_and_isrc_alone(home: Path, tmp_path: Path, catalogue_folder: Path, run: Run) -> None:
    (tmp_path / "catalogue.csv").write_text("recording_id,isrc\n")
    named = hash_file(catalogue_folder / "audio" / "four.flac")
    (tmp_path / "list.csv").write_text(f"id,hash\n1,sha256:{named.upper()}\n2,{'0' * 64}\n\n3,nothing\n4,GB-ABC-12-34567\n")
    out = tmp_path / "out"
    document = audit(run, home, tmp_path / "list.csv", out)
    assert found(out) == {("list.csv/2", "r4", "listed_hash")}
    assert document["counts"]["lines"] == 3 and document["counts"]["refused"] == 1
    assert any("Nobody has listened" in sentence for sentence in document["shows"])
    assert read(out / "matches.jsonl")[0]["start_ms"] is None


def test_hostile_places_are_named_and_never_stop_the_run(listening: Path, tmp_path: Path, catalogue_folder: Path, run: Run) -> None:
    place = tmp_path / "hostile"
    place.mkdir()
    (place / "link.flac").symlink_to(catalogue_folder / "audio" / "one.flac")
    (place / "loop").symlink_to(tmp_path)
    os.mkfifo(place / "pipe.wav")
    (place / "empty.wav").touch()
    (place / "noise.mp3").write_bytes(np.random.default_rng(1).bytes(5000))
    (place / "fake.flac").write_bytes(b"fLaC" + bytes(2000))
    (place / "huge.wav").write_bytes(
        b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\1\0\2\0" + b"\x44\xac\0\0\x10\xb1\2\0\4\0\x10\0data\xff\xff\xff\xff" + bytes(64)
    )
    (place / ("bad\x1b[2J\udce9.wav")).write_bytes(b"RIFF")
    whole = (catalogue_folder / "audio" / "three.flac").read_bytes()
    (place / "cut.flac").write_bytes(whole[: len(whole) * 9 // 10])
    soundfile.write(place / "silence.wav", np.zeros(5 * RATE_HZ, np.float32), RATE_HZ)
    soundfile.write(place / "short.wav", np.zeros(3, np.float32), RATE_HZ)
    soundfile.write(place / "telephone.wav", tune(3)[: RATE_HZ * 3], RATE_HZ)
    wide = np.repeat(tune(2)[:, None], 8, axis=1)
    soundfile.write(place / "surround.wav", wide, RATE_HZ)
    soundfile.write(place / "fast.wav", np.repeat(tune(1), 4), RATE_HZ * 4)
    soundfile.write(place / "mac.aiff", tune(6), RATE_HZ)
    (place / "no.zip").write_bytes(b"PK\5\6 nothing")
    (place / "no.parquet").write_bytes(b"PAR1nothingPAR1")
    pq.write_table(pa.table({"x": [1]}), place / "mute.parquet")
    with zipfile.ZipFile(place / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big.wav", bytes(3 << 20))
        odd = zipfile.ZipInfo("link.wav")
        odd.external_attr = 0o120777 << 16
        archive.writestr(odd, "/etc/passwd")
    with tarfile.open(place / "odd.tar", "w") as tar:
        for name, kind in (("l.wav", tarfile.SYMTYPE), ("h.wav", tarfile.LNKTYPE), ("d.wav", tarfile.CHRTYPE), ("f.wav", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
    lying = tarfile.TarInfo("lying.wav")
    lying.size = 1 << 40
    (place / "lying.tar").write_bytes(lying.tobuf() + bytes(1024))
    (place / "broken.tar").write_bytes(b"x" * 2048)
    named = tarfile.TarInfo("n")
    named.type, named.size = tarfile.GNUTYPE_LONGNAME, 1 << 33
    (place / "name.tar").write_bytes(named.tobuf(tarfile.GNU_FORMAT) + bytes(512))
    (place / "cut.tar.gz").write_bytes(gzip.compress(lying.tobuf() + bytes(4096))[:-20])
    out = tmp_path / "out"
    document = audit(run, listening, place, out, "--item-limit", "1MB")
    items = {row["item"]: row for row in read(out / "items.jsonl")}
    told = {name: (row["outcome"], row["detail"]) for name, row in items.items()}
    for name, outcome, words in (
        ("link.flac", "refused", "link"),
        ("loop", "refused", "link"),
        ("pipe.wav", "refused", "pipe"),
        ("empty.wav", "refused", "empty"),
        ("noise.mp3", "refused", "not audio"),
        ("fake.flac", "refused", "decoded"),
        ("cut.flac", "heard_in_part", "to its end"),
        ("huge.wav", "heard_in_part", ""),
        ("silence.wav", "heard", ""),
        ("short.wav", "heard", ""),
        ("mac.aiff", "heard_in_part", ""),
        ("bad\\x1b[2J\\xe9.wav", "refused", ""),
        ("no.zip", "refused", "ZIP"),
        ("no.parquet", "refused", "Parquet"),
        ("mute.parquet", "refused", "column"),
        ("bomb.zip/big.wav", "refused", "limit"),
        ("bomb.zip/link.wav", "refused", "link"),
        ("odd.tar/l.wav", "refused", "link"),
        ("odd.tar/h.wav", "refused", "hard link"),
        ("odd.tar/d.wav", "refused", "device"),
        ("odd.tar/f.wav", "refused", "pipe"),
        ("lying.tar/lying.wav", "refused", "doesn't hold"),
        ("broken.tar", "refused", "damaged"),
        ("name.tar", "refused", "name"),
        ("cut.tar.gz", "refused", "cut off"),
    ):
        assert told[name][0] == outcome and words in told[name][1], (name, told[name])
    assert {(row["item"], row["recording_id"]) for row in sure(out)} == {
        ("cut.flac", "r3"),
        ("telephone.wav", "r3"),
        ("surround.wav", "r2"),
        ("fast.wav", "r1"),
        ("mac.aiff", "r5"),
    }
    assert document["counts"]["refused"] == sum(row["outcome"] == "refused" for row in items.values())


def test_nothing_is_listened_to_twice(listening: Path, place: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(place / "a" / "excerpt.ogg", place / "z-twin.ogg")
    out, heard = tmp_path / "out", list[str]()
    hear = Listener._hear

    def count(self: Listener, path: Path, sha256: str, name: str) -> Any:
        heard.append(sha256)
        return hear(self, path, sha256, name)

    monkeypatch.setattr(Listener, "_hear", count)
    monkeypatch.setattr("ritornello.service.extraction.journal.BATCH_ITEMS", 1)
    audit(run, listening, place, out)
    assert len(heard) == len(set(heard))
    first = {name: (out / name).read_bytes() for name in ("items.jsonl", "matches.jsonl", "assets.jsonl")}
    heard.clear()
    audit(run, listening, place, out)
    assert not heard and all((out / name).read_bytes() == data for name, data in first.items())
    (place / "other.wav").unlink()
    (place / "a" / "excerpt.ogg").write_bytes(excerpt(1))
    audit(run, listening, place, out)
    assert heard == [hash_file(place / "a" / "excerpt.ogg")]
    assert ("a/excerpt.ogg", "r1", "heard") in found(out) and ("z-twin.ogg", "r2", "heard") in found(out)
    assert "other.wav" not in {row["item"] for row in read(out / "items.jsonl")}


def test_an_interrupted_audit_goes_on_and_ends_the_same(
    listening: Path, place: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    audit(run, listening, place, whole)
    note, left = scan._note, [2]

    def stop(*arguments: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        note(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(scan, "_note", stop)
        run("--home", listening, "audit", place, "--out", cut, "--workers", 1, expect=130)
    assert not (cut / "audit.json").exists()
    audit(run, listening, place, cut)
    for name in ("items.jsonl", "matches.jsonl", "assets.jsonl"):
        assert (cut / name).read_bytes() == (whole / name).read_bytes()


def test_folders_that_are_something_else_are_refused(listening: Path, place: Path, tmp_path: Path, run: Run) -> None:
    assert "out_exists" in run("--home", listening, "audit", place, "--out", place.parent, expect=3)
    assert "out_inside" in run("--home", listening, "audit", place, "--out", place / "out", expect=3)


def test_without_an_index_it_says_so(home: Path, place: Path, tmp_path: Path, run: Run) -> None:
    assert "no_index" in run("--home", home, "audit", place, "--out", tmp_path / "out", expect=3)


def test_a_pack_holds_its_owners_passages_and_nothing_of_anybody_else(listening: Path, place: Path, tmp_path: Path, run: Run) -> None:
    out = tmp_path / "out"
    answer = audit(run, listening, place, out, "--packs")
    owners = {"ana": {"r1", "r2"}, "ben": {"r1", "r3", "r4"}, "cleo": {"r5", "r6"}, "north": {"r1", "r2", "r5"}, "songs": {"r2", "r6"}}
    titles = {"r1": "First", "r2": "Second", "r3": "Third", "r4": "Fourth", "r5": "Fifth", "r6": "Sixth"}
    assets = {row["recording_id"]: row for row in read(out / "assets.jsonl")}
    assert {"ben", "ana", "north", "songs"} <= set(answer["packs"])
    for party in answer["packs"]:
        for name in ("evidence.html", "evidence.json"):
            text = (out / "packs" / party / name).read_text()
            for recording in titles:
                mine = recording in owners[party] & set(assets)
                assert (titles[recording] in text) == mine, (party, name, recording)
                assert (f'"{recording}"' in text or f" {recording}<" in text) == mine, (party, name, recording)
                if recording in assets:
                    assert (assets[recording]["asset_id"] in text) == mine
            assert not [other for other in owners if other != party and (f'"{other}"' in text or f"({other})" in text)]
    page = (out / "packs" / "ana" / "evidence.html").read_text()
    assert page.count("<audio") >= 2 and page.count('class="wave"') >= 2 and "<script" not in page
    assert not re.findall(r"""(?:src|href)=["'](?!data:)""", page) and "default-src 'none'" in page
    pack = json.loads((out / "packs" / "ana" / "evidence.json").read_text())
    (passage,) = (one for one in pack["recordings"][-1]["assets"][0]["passages"] if one["times"]["evidence_millidecades"] > SURE)
    assert passage["clips"]["asset_from_ms"] - passage["clips"]["item_from_ms"] == pytest.approx(500, abs=100)
    assert pack["audit"]["sha256"] == hash_file(out / "audit.json") and pack["log"]["checkpoint"].startswith("ritornello.local/log\n")
    first = {path: path.read_bytes() for path in (out / "packs").rglob("*.html")}
    (place / "a" / "excerpt.ogg").touch()
    audit(run, listening, place, out, "--packs")
    assert set((out / "packs").rglob("*.html")) == set(first)
