"""Signed outputs through the commands: what is written, what is registered, going on after a cut, what is refused, and what comes back as a recording."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile

from ritornello.formats.canonical import hash_file
from ritornello.service import renditions
from tests.formats.provenance.authorities import Signer, make_signer
from tests.formats.provenance.sounds import make_m4a

Run = Callable[..., str]


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return make_signer(tmp_path / "signer", "ed25519")


def as_json(run: Run, *arguments: object, expect: int = 0) -> Any:
    return json.loads(run("--json", *arguments, expect=expect))


def test_a_signed_output_says_what_it_is_and_both_hashes_are_kept(trained: Path, run: Run, tmp_path: Path, signer: Signer) -> None:
    source, out = tmp_path / "o1.wav", tmp_path / "signed" / "o1.wav"
    answer = as_json(run, "--home", trained, "output", "sign", "o1", source, "--out", out, *signer.options)
    assert (answer["source_sha256"], answer["signed_sha256"]) == (hash_file(source), hash_file(out))
    assert answer["relation"] == "registered" and answer["signed_sha256"] != answer["registered_sha256"] == answer["source_sha256"]
    assert [path.name for path in out.parent.iterdir()] == ["o1.wav"]

    run("--home", trained, "log", "checkpoint", "--out", tmp_path / "note")
    found = as_json(run, "output", "provenance", out, "--trust", signer.root, "--vkey", tmp_path / "note.vkey")
    assert (found["state"], found["generated"], found["statement_problems"]) == ("trusted", "trainedAlgorithmicMedia", [])
    said = found["statement"]
    (snapshot,) = as_json(run, "--home", trained, "snapshot", "list")
    assert said["snapshots"] == [{"model_version": "m", "snapshot_id": "p-s1", "root": snapshot["manifest_root"]}]
    assert (said["model_version"], said["registered_sha256"]) == ("m", answer["registered_sha256"])
    entries = {(one["kind"], one["id"]): one["hash"] for one in as_json(run, "--home", trained, "log", "show")}
    assert said["attribution"]["root"] == entries["attribution", "m/1"] and "recording" not in json.dumps(said)
    assert found["disclosure"]["modelName"] == "m" and found["disclosure"]["modelType"] == "c2pa.types.model"

    text = run("output", "provenance", out)
    assert "whether their signer can be trusted was not established" in text and "its signature was not checked" not in text
    assert "whose signature was not checked: give --vkey" in text and "trained on snapshot p-s1" in text
    stranger = make_signer(tmp_path / "stranger")
    assert "untrusted" in run("output", "provenance", out, "--trust", stranger.root, expect=1)

    shown = as_json(run, "--home", trained, "output", "show", "o1")
    assert (shown["sha256"], shown["signed"][0]["signed_sha256"]) == (hash_file(source), hash_file(out))
    record = renditions.encode_document(shown["signed"][0])
    assert entries["rendition", "o1"] == renditions.fingerprint_document(record).hash, "the log commits to both hashes"
    assert "1 signed" in run("--home", trained, "output", "show")
    with sqlite3.connect(trained / "ritornello.db") as connection, pytest.raises(sqlite3.Error, match="append-only"):
        connection.execute("DELETE FROM rendition")
    connection.close()

    data = bytearray(out.read_bytes())
    data[9000] ^= 1
    out.write_bytes(data)
    text = run("output", "provenance", out, expect=1)
    assert "do NOT hold" in text and "is not repeated here" in text and "trained on" not in text


def test_an_output_that_is_not_attributed_yet_says_so(trained: Path, run: Run, tmp_path: Path, signer: Signer) -> None:
    shutil.copy(tmp_path / "o1.wav", tmp_path / "late.wav")
    soundfile.write(tmp_path / "late.wav", soundfile.read(tmp_path / "o1.wav")[0][:30_000], 22_050)
    (tmp_path / "late.csv").write_text("output_id,file,model_version,made_on\nlate,late.wav,m,2026-10-03\n")
    run("--home", trained, "output", "add", tmp_path / "late.csv")
    text = run("--home", trained, "output", "sign", "late", tmp_path / "late.wav", "--out", tmp_path / "s.wav", *signer.options)
    assert "no attribution batch holds it yet, and the copy says so" in text
    assert "in no attribution batch when it was signed" in run("output", "provenance", tmp_path / "s.wav")


def test_what_others_may_do_with_it_travels_along(trained: Path, run: Run, tmp_path: Path, signer: Signer) -> None:
    wishes = tmp_path / "cawg.json"
    wishes.write_text(
        '{"label":"cawg.training-mining","data":{"entries":{"cawg.ai_training":{"use":"notAllowed"},"cawg.ai_inference":{"use":"allowed"}}}}'
    )
    command = (
        "--home",
        trained,
        "output",
        "sign",
        "o1",
        tmp_path / "o1.wav",
        "--out",
        tmp_path / "s.wav",
        *signer.options,
        "--preferences",
    )
    run(*command, wishes)
    assert "ai_training notAllowed, ai_inference allowed" in run("output", "provenance", tmp_path / "s.wav")
    wishes.write_text('{"data":{"entries":{"cawg.ai_training":{"use":"perhaps"}}}}')
    (tmp_path / "s.wav").unlink()
    assert "is not known" in run(*command, wishes, expect=1)


def test_another_encoding_needs_the_operators_word(trained: Path, run: Run, tmp_path: Path, signer: Signer) -> None:
    (tmp_path / "o1.m4a").write_bytes(make_m4a(172))
    command = ("--home", trained, "output", "sign", "o1", tmp_path / "o1.m4a", "--out", tmp_path / "s.m4a", *signer.options)
    assert "not_the_output" in run(*command, expect=3)
    assert "nothing here checked that it sounds the same" in run(*command, "--encoded")
    text = run("output", "provenance", tmp_path / "s.m4a")
    assert f"signed from another encoding, {hash_file(tmp_path / 'o1.m4a')}: only the signer's word ties the two together" in text
    (signed,) = as_json(run, "--home", trained, "output", "show", "o1")["signed"]
    assert (signed["relation"], signed["container"]) == ("encoded", "m4a")


def test_a_folder_goes_on_where_it_was_cut(
    trained: Path, run: Run, tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = tmp_path / "outputs", tmp_path / "out"
    (folder / "deep").mkdir(parents=True)
    for name in ("o1", "o2", "o3"):
        shutil.copy(tmp_path / f"{name}.wav", folder / "deep" / f"any name of {name}.wav")
    soundfile.write(folder / "o4.flac", soundfile.read(tmp_path / "o4.wav")[0], 22_050)
    command = ("--home", trained, "output", "sign-folder", folder, "--out", out, *signer.options)
    assert "o4.flac: is not the file of a registered output" in run(*command, expect=1)
    assert not out.exists()

    monkeypatch.setattr("ritornello.cli.provenance.FILES_AT_ONCE", 1)
    place, calls = renditions.place, [0]

    def cut(signed: renditions.Signed) -> None:
        """The machine stops after the second file's registration was committed, before the file was put in place."""
        calls[0] += 1
        if calls[0] == 2:
            raise KeyboardInterrupt
        place(signed)

    monkeypatch.setattr("ritornello.service.renditions.place", cut)
    run(*command, "--encoded", expect=130)
    assert len(list(out.rglob("any*"))) == 1
    monkeypatch.setattr("ritornello.service.renditions.place", place)
    answer = as_json(run, *command, "--encoded")
    assert (answer["signed"], answer["signed_before"], answer["problems"]) == (2, 2, [])
    again = as_json(run, *command, "--encoded")
    assert (again["signed"], again["signed_before"]) == (0, 4)
    rows = as_json(run, "--home", trained, "output", "show")
    assert [row["signed_copies"] for row in rows] == [1, 1, 1, 1], "nothing was signed twice"
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()) == [
        "deep/any name of o1.wav",
        "deep/any name of o2.wav",
        "deep/any name of o3.wav",
        "o4.flac",
    ]
    (out / "o4.flac").write_bytes(b"something of the user's")
    assert "exists and is no copy signed here" in run(*command, "--encoded", expect=1)
    assert (out / "o4.flac").read_bytes() == b"something of the user's"
    assert "out_exists" in run("--home", trained, "output", "sign-folder", folder, "--out", folder / "x", *signer.options, expect=3)


def test_one_file_that_cannot_be_signed_stops_no_other(trained: Path, run: Run, tmp_path: Path, signer: Signer) -> None:
    folder = tmp_path / "outputs"
    folder.mkdir()
    shutil.copy(tmp_path / "o1.wav", folder / "o1.wav")
    (folder / "o2.wav").write_bytes(b"RIFF\xff\xff\xff\x00WAVEfmt \xff\xff\xff\x7f" + bytes(50))
    soundfile.write(folder / "o3.ogg", soundfile.read(tmp_path / "o3.wav")[0], 22_050)
    answer = as_json(
        run, "--home", trained, "output", "sign-folder", folder, "--out", tmp_path / "out", *signer.options, "--encoded", expect=1
    )
    assert answer["signed"] == 1 and {one["file"] for one in answer["problems"]} == {"o2.wav", "o3.ogg"}
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["o1.wav"]
    twice = (
        "--home",
        trained,
        "output",
        "sign",
        "o1",
        tmp_path / "out" / "o1.wav",
        "--out",
        tmp_path / "x.wav",
        *signer.options,
        "--encoded",
    )
    assert "carries Content Credentials already" in run(*twice, expect=1)


def test_refusals(trained: Path, run: Run, tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = tmp_path / "o1.wav", tmp_path / "s.wav"
    sign = ("--home", trained, "output", "sign")
    assert "unknown_output" in run(*sign, "o9", source, "--out", out, *signer.options, expect=3)
    assert "out_exists" in run(*sign, "o1", source, "--out", source, *signer.options, expect=3)
    old = make_signer(tmp_path / "old", days=(-9, -2))
    assert "not now" in run(*sign, "o1", source, "--out", out, *old.options, expect=1)
    assert "carries no Content Credentials" in run("output", "provenance", source)
    assert not out.exists() and not list(tmp_path.glob(".signing-*"))
    monkeypatch.setattr("ritornello.formats.provenance.reading.find_spec", lambda name: None)
    for command in ((*sign, "o1", source, "--out", out, *signer.options), ("output", "provenance", source)):
        assert "ritornello[provenance]" in run(*command, expect=3)


def test_what_ai_made_comes_back_as_a_recording_and_is_marked(trained: Path, run: Run, tmp_path: Path, signer: Signer) -> None:
    for name in ("o1", "o2"):
        suffix = "flac" if name == "o2" else "wav"
        source = tmp_path / f"{name}.{suffix}"
        soundfile.write(source, soundfile.read(tmp_path / f"{name}.wav")[0], 22_050)
        run("--home", trained, "output", "sign", name, source, "--out", tmp_path / f"s-{name}.{suffix}", *signer.options, "--encoded")
    other = tmp_path / "other-home"
    audio = tmp_path / "audio"
    audio.mkdir()
    for path, name in ((tmp_path / "s-o1.wav", "a.wav"), (tmp_path / "s-o2.flac", "b.flac"), (tmp_path / "o3.wav", "c.wav")):
        shutil.copy(path, audio / name)
    (tmp_path / "r.csv").write_text("recording_id,file,title,artist\nx1,a.wav,A,Me\nx2,b.flac,B,Me\nx3,c.wav,C,Me\n")
    run("--home", other, "init")
    answer = as_json(run, "--home", other, "catalogue", "import", "--recordings", tmp_path / "r.csv", "--audio", audio)
    assert answer["generated"] == {"a.wav": "trainedAlgorithmicMedia", "b.flac": "trainedAlgorithmicMedia"}
    assert any("AI made b.flac" in note for note in answer["notes"])
    assert "says that AI made it: trainedAlgorithmicMedia" in run("--home", other, "catalogue", "show", "x2")
    assert "AI made" not in run("--home", other, "catalogue", "show", "x3")
    # the home whose output it is knows it even without Content Credentials
    answer = as_json(run, "--home", trained, "catalogue", "import", "--recordings", tmp_path / "r.csv", "--audio", audio)
    assert answer["generated"]["c.wav"] == "registered output o3" and answer["generated"]["a.wav"] == "signed copy of output o1"
