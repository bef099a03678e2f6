"""The folder: what stays the same, and what happens to one that is broken."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.audio.fingerprint.sounds import noise, play

from ritornello.audio.fingerprint import RATE_HZ, FingerprintIndex, UnknownIndex, find, measure_blocks, measure_peaks
from ritornello.audio.fingerprint import index as index_module
from ritornello.audio.fingerprint.peaks import CHUNK_SECONDS

PIECES = [(f"piece {seed}", measure_peaks(play(seed, 12.0), 20)) for seed in range(7)]


def fingerprint_of(folder: Path) -> list[str]:
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.rglob("*")) if file.suffix in (".npy", ".jsonl")]


def test_peaks_are_the_same_in_blocks() -> None:
    sound = np.concatenate([play(1, CHUNK_SECONDS + 9.5), noise(2, 31.3)])
    whole = measure_peaks(sound, 30)
    for count in (3, 1000):
        parts = measure_blocks(np.array_split(sound, count), 30)
        assert parts.length == whole.length
        for name in ("frames", "pitches", "strengths"):
            assert np.array_equal(getattr(parts, name), getattr(whole, name))
    assert np.bincount(whole.frames // 50).max() <= 30 and (np.diff(whole.frames) >= 0).all()


def test_adding_one_by_one_ends_as_adding_at_once(tmp_path: Path) -> None:
    together = FingerprintIndex.open(tmp_path / "together").add(PIECES).compact()
    single = FingerprintIndex.open(tmp_path / "single")
    for piece in PIECES:
        single = single.add([piece])
        assert len(single.segments) <= 4
    assert set(single.assets) == set(together.assets) and single.hours == together.hours
    assert single.add(PIECES[:3]).names == single.names  # already there
    assert fingerprint_of(single.compact().folder) == fingerprint_of(together.folder)


def test_merging_leaves_out_what_was_removed(tmp_path: Path) -> None:
    index = FingerprintIndex.open(tmp_path / "a").add(PIECES).remove(frozenset({"piece 2", "piece 6"})).compact()
    without = FingerprintIndex.open(tmp_path / "b").add([PIECES[i] for i in (0, 1, 3, 4, 5)]).compact()
    assert index.removed == frozenset() and fingerprint_of(index.folder) == fingerprint_of(without.folder)


def test_a_writer_that_died_leaves_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = FingerprintIndex.open(tmp_path).add(PIECES[:5])

    def die(*_: object) -> FingerprintIndex:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(index_module, "_write", die)
        index.add(PIECES[5:])
    again = FingerprintIndex.open(tmp_path)
    assert set(again.assets) == {name for name, _ in PIECES[:5]}
    again = again.add(PIECES[5:])
    assert set(again.assets) == {name for name, _ in PIECES}
    assert {place.name for place in tmp_path.iterdir() if place.is_dir()} == set(again.names)


def test_a_reader_keeps_its_state(tmp_path: Path) -> None:
    before = FingerprintIndex.open(tmp_path).add(PIECES[:1])
    before.add(PIECES[1:])
    sound = play(0, 12.0)[: 6 * RATE_HZ]
    assert find(before, sound)[0].asset_sha256 == "piece 0" and set(before.assets) == {"piece 0"}


def test_a_broken_folder_is_named(tmp_path: Path) -> None:
    FingerprintIndex.open(tmp_path / "index").add(PIECES[:2])
    manifest = tmp_path / "index" / "index.json"
    whole = manifest.read_text()
    for text in ("{", "[]", whole.replace("index-1", "index-9"), whole.replace("000001", "000077")):
        manifest.write_text(text)
        with pytest.raises(UnknownIndex, match=r"index\.json"):
            FingerprintIndex.open(tmp_path / "index")
    manifest.write_text(whole)
    for file in sorted((tmp_path / "index" / "000001").glob("*.npy")):
        copy = tmp_path / "copy"
        shutil.copytree(tmp_path / "index", copy)
        broken = copy / "000001" / file.name
        broken.write_bytes(broken.read_bytes()[: max(10, file.stat().st_size // 2)])
        with pytest.raises(UnknownIndex):
            FingerprintIndex.open(copy)
        shutil.rmtree(copy)


def test_an_empty_index(tmp_path: Path) -> None:
    index = FingerprintIndex.open(tmp_path / "none")
    assert find(index, play(1, 5.0)) == () and index.hours == 0 and index.size_bytes == 0
    assert not (tmp_path / "none").exists() and index.compact().assets == {}
