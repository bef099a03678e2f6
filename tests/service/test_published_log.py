"""A published log can be hosted anywhere, grows cheaply, and every attack on it is caught and named."""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from ritornello.domain import merkle
from ritornello.domain.errors import Refused
from ritornello.formats import checkpoint as notes
from ritornello.formats import tiles
from ritornello.service import audit as audits
from ritornello.service import witness as witnesses
from ritornello.wiring import open_context
from tests.service.published import ORIGIN, grow, make_entry, make_home, publish_home

Run = Callable[..., str]
SIZE, LARGE = 5_000, 70_000
NOW_US = 1_800_000_000_000_000


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """home/, and folder/ with its log; nobody changes them."""
    place = tmp_path_factory.mktemp("published")
    make_home(place / "home", SIZE)
    publish_home(place / "home", place / "folder")
    return place


@pytest.fixture(scope="session")
def large_original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a log with three levels of tiles; nobody changes it."""
    place = tmp_path_factory.mktemp("large")
    make_home(place / "home", LARGE)
    publish_home(place / "home", place / "folder")
    return place / "folder"


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return shutil.copytree(original / "folder", tmp_path / "folder")


@pytest.fixture
def large(large_original: Path, tmp_path: Path) -> Path:
    return shutil.copytree(large_original, tmp_path / "large")


def audit(folder: Path, **options: object) -> dict[str, object]:
    return audits.audit(folder, NOW_US, **options)  # type: ignore[arg-type]


def caught(folder: Path, code: str, says: str = "", **options: object) -> None:
    with pytest.raises(Refused) as refusal:
        audit(folder, **options)
    assert refusal.value.code == code and says in str(refusal.value), refusal.value


def resign(home: Path, folder: Path, size: int, root: bytes) -> None:
    with open_context(home, None, print) as context:
        (folder / "checkpoint").write_text(notes.sign(notes.Checkpoint(ORIGIN, size, root), context.read_key()))


def test_the_folder_is_as_the_specification_counts(large: Path) -> None:
    """c2sp.org/tlog-tiles: 70,000 entries are 273 full tiles and one of 112, one full and one of 17, and one of 1."""
    found = {str(path.relative_to(large)) for path in large.rglob("*") if path.is_file()}
    level_0 = {f"tile/0/{number:03d}" for number in range(273)} | {"tile/0/273.p/112"}
    bundles = {path.replace("tile/0/", "tile/entries/") for path in level_0}
    assert found == level_0 | bundles | {"tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1", "checkpoint", "log.vkey"}
    answer = audit(large)
    assert answer["entries"] == LARGE and answer["foreign"] == [] and answer["key_from_folder"]


@pytest.mark.parametrize(
    ("steps", "partial"),
    [
        ((0, 1, 254, 1, 1, 300, 0, 600), {"tile/0/004.p", "tile/entries/004.p", "tile/1/000.p"}),
        pytest.param(
            (0, 1, 254, 1, 1, 300, 0, 64_900, 600),
            {"tile/0/258.p", "tile/entries/258.p", "tile/1/001.p", "tile/2/000.p"},
            marks=pytest.mark.slow,
        ),
    ],
    ids=["two-levels", "three-levels"],
)
def test_it_grows_by_what_is_new_alone(tmp_path: Path, steps: tuple[int, ...], partial: set[str]) -> None:
    home, folder = make_home(tmp_path / "home", 0), tmp_path / "folder"
    kept: list[str] = []
    for more in steps:
        grow(home, more)
        before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file() and ".p" not in str(path)}
        publish_home(home, folder)
        changed = {path.name for path, at in before.items() if path.stat().st_mtime_ns != at}
        assert changed <= {"checkpoint"}, "a full tile was written again"
        answer = audit(folder, earlier=kept)
        assert answer["consistent_with"] == sorted({notes.parse_checkpoint(note).size for note in kept})
        kept.append((folder / "checkpoint").read_text())
    assert {str(path.relative_to(folder)) for path in folder.rglob("*.p")} == partial


def test_an_interrupted_publication_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, folder = make_home(tmp_path / "home", 300), tmp_path / "folder"
    publish_home(home, folder)
    old = (folder / "checkpoint").read_text()
    grow(home, 700)
    real, calls = Path.replace, []

    def cut(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == 3:
            raise OSError("power is gone")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", cut)
    with pytest.raises(OSError, match="power"):
        publish_home(home, folder)
    monkeypatch.undo()
    assert (folder / "checkpoint").read_text() == old and audit(folder)["entries"] == 300
    publish_home(home, folder)
    assert audit(folder, earlier=[old])["entries"] == 1000


def test_commands(home: Path, run: Run, tmp_path: Path) -> None:
    folder, vkey = tmp_path / "public", tmp_path / "public" / "log.vkey"
    run("--home", home, "log", "publish", folder)
    run("log", "witness-key", "w.example.org/1", tmp_path / "w1")
    assert (tmp_path / "w1").stat().st_mode & 0o777 == 0o600
    signing = ("log", "witness", folder, "--key", tmp_path / "w1", "--state", tmp_path / "seen" / "w1.json")
    assert "unknown_log" in run(*signing, expect=3)
    assert "seen for the first time" in run(*signing, "--vkey", vkey)
    shutil.copy(folder / "checkpoint", tmp_path / "kept")
    grow(home, 300)
    run("--home", home, "log", "publish", folder)
    assert "quorum_missed" in run("log", "audit", folder, "--witness", tmp_path / "w1.vkey", expect=3)
    assert "grown from" in run(*signing)
    answer = json.loads(
        run(
            "--json",
            "log",
            "audit",
            folder,
            "--vkey",
            vkey.read_text(),
            "--checkpoint",
            tmp_path / "kept",
            "--witness",
            tmp_path / "w1.vkey",
        )
    )
    assert [each["witness"] for each in answer["witnesses"]] == ["w.example.org/1"] and not answer["key_from_folder"]
    before = (folder / "checkpoint").read_bytes()
    run("--home", home, "log", "publish", folder)
    assert (folder / "checkpoint").read_bytes() == before, "publishing nothing new keeps the cosignatures"
    assert "bad_witness_key" in run("log", "witness-key", "two words", tmp_path / "w2", expect=3)
    assert "out_exists" in run("log", "witness-key", "w", tmp_path / "w1", expect=3)


def test_split_view(original: Path, folder: Path, tmp_path: Path) -> None:
    """Two logs with one key, of one size and of different sizes: whoever holds a checkpoint of each has the proof."""
    for entries, code in ((SIZE, "split_view"), (SIZE + 5, "log_rewritten")):
        other = make_home(tmp_path / f"home{entries}", entries, key_of=original / "home", mark="x")
        with pytest.raises(Refused) as refusal:
            publish_home(other, folder)
        assert refusal.value.code == code
        publish_home(other, tmp_path / f"folder{entries}")
        caught(tmp_path / f"folder{entries}", code, earlier=[(folder / "checkpoint").read_text()])


def test_truncation(original: Path, folder: Path, tmp_path: Path) -> None:
    short = make_home(tmp_path / "home", SIZE - 1000, key_of=original / "home")
    with pytest.raises(Refused, match="5000 entries, the log has 4000"):
        publish_home(short, folder)
    publish_home(short, tmp_path / "short")
    caught(tmp_path / "short", "log_truncated", earlier=[(folder / "checkpoint").read_text()])


def test_time_travel(tmp_path: Path) -> None:
    """An older checkpoint is served while the newer tiles are there."""
    home, folder = make_home(tmp_path / "home", 500), tmp_path / "folder"
    publish_home(home, folder)
    old = (folder / "checkpoint").read_text()
    grow(home, 500)
    publish_home(home, folder)
    new = (folder / "checkpoint").read_text()
    (folder / "checkpoint").write_text(old)
    assert audit(folder)["entries"] == 500, "a beginning is right as far as it goes"
    caught(folder, "stale_checkpoint", "1000", earlier=[new])


def rewrite_entry(folder: Path, position: int) -> bytes:
    """Another entry in its bundle; returns its leaf hash."""
    tile = tiles.Tile(tiles.ENTRIES, position // 256)
    entries = tiles.read_bundle(folder, tile)
    entries[position % 256] = make_entry(position, "forged")
    (folder / tile.path).write_bytes(tiles.encode_bundle(entries))
    return merkle.leaf_hash(entries[position % 256])


def test_a_rewritten_entry_is_named(folder: Path) -> None:
    rewrite_entry(folder, 1234)
    caught(folder, "bad_entry", "entry 1234 (tile/entries/004, place 210)")


def test_an_entry_rewritten_with_its_tile_is_named(folder: Path) -> None:
    leaf = rewrite_entry(folder, 1234)
    path = folder / "tile/0/004"
    path.write_bytes(path.read_bytes()[: 32 * 210] + leaf + path.read_bytes()[32 * 211 :])
    caught(folder, "log_rewritten", "entries 1024 to 1279")


def test_an_entry_rewritten_all_the_way_up(original: Path, folder: Path, tmp_path: Path) -> None:
    """Entry and all tiles over it agree; only the signature stands in the way, and after it old checkpoints."""
    old = (folder / "checkpoint").read_text()
    rewrite_entry(folder, 1234)
    bundles = [tiles.read_bundle(folder, tiles.Tile(-1, tile.number, tile.width)) for tile in tiles.list_tiles(SIZE, 0)]
    hashes, level = [merkle.leaf_hash(entry) for bundle in bundles for entry in bundle], 0
    root = merkle.root(hashes)
    while hashes:
        for tile in tiles.list_tiles(SIZE, level):
            (folder / tile.path).write_bytes(b"".join(hashes[tile.number * 256 : tile.number * 256 + tile.width]))
        hashes = [merkle.layers(hashes[place : place + 256])[-1][0] for place in range(0, len(hashes) // 256 * 256, 256)]
        level += 1
    caught(folder, "log_rewritten", "agree with each other")
    resign(original / "home", folder, SIZE, root)
    assert audit(folder)["root"] == root.hex(), "alone, it looks like any log"
    caught(folder, "split_view", earlier=[old])


@pytest.mark.parametrize(
    ("path", "place"), [("tile/0/004", 7), ("tile/0/273.p/112", 3), ("tile/1/000", 9), ("tile/1/001.p/17", 16), ("tile/2/000.p/1", 0)]
)
def test_a_changed_tile_is_named(large: Path, path: str, place: int) -> None:
    data = bytearray((large / path).read_bytes())
    data[32 * place] ^= 1
    (large / path).write_bytes(data)
    caught(large, "bad_tile", f"{path}: its hash {place} is wrong")


def test_swapped_tiles(folder: Path) -> None:
    for level, code, says in (("0", "bad_tile", "tile/0/004: its hash 0 is wrong"), ("entries", "log_rewritten", "entries 1024 to 1279")):
        place = folder / "tile" / level
        (place / "004").rename(place / "kept")
        (place / "005").rename(place / "004")
        (place / "kept").rename(place / "005")
        caught(folder, code, says)


def test_a_partial_tile_that_disagrees(folder: Path) -> None:
    (folder / "tile/0/004.p").mkdir()
    (folder / "tile/0/004.p/3").write_bytes((folder / "tile/0/004").read_bytes()[:96])
    assert audit(folder)["foreign"] == []
    (folder / "tile/0/004.p/3").write_bytes((folder / "tile/0/005").read_bytes()[:96])
    caught(folder, "bad_tile", "tile/0/004.p/3: disagrees with tile/0/004")
    shutil.rmtree(folder / "tile/0/004.p")
    (folder / "tile/entries/019.p/1").write_bytes(tiles.encode_bundle([b"something else"]))
    caught(folder, "bad_tile", "tile/entries/019.p/1: disagrees with tile/entries/019.p/136")


def test_a_duplicated_entry(tmp_path: Path) -> None:
    home, folder = make_home(tmp_path / "home", 300), tmp_path / "folder"
    publish_home(home, folder)
    bundle = folder / "tile/entries/001.p/44"
    entries = tiles.decode_bundle(tiles.Tile(-1, 1, 44), bundle.read_bytes())
    bundle.write_bytes(tiles.encode_bundle([*entries, entries[3]]))
    caught(folder, "bad_tile", "tile/entries/001.p/44")
    bundle.write_bytes(tiles.encode_bundle([*entries[:-1], entries[3]]))
    caught(folder, "bad_entry", "entry 299")
    with sqlite3.connect(home / "ritornello.db") as connection:
        entry = make_entry(7).decode()
        connection.execute("INSERT INTO log_entry VALUES (300, ?, ?)", (entry, merkle.leaf_hash(entry.encode())))
    connection.close()
    publish_home(home, tmp_path / "again")
    caught(tmp_path / "again", "duplicate_entry", "entry 300 is entry 7 once more")


def test_a_second_membership_map_is_caught(tmp_path: Path) -> None:
    """Whoever logs two maps of one snapshot can show two answers; of two snapshots, that is as it should be."""
    home = make_home(tmp_path / "home", 300)
    with open_context(home, None, print) as context:
        for name in ("p-s1", "p-s2"):
            context.record("membership", name, "00" * 32)
            context.record("snapshot", name, "00" * 32)
    publish_home(home, tmp_path / "folder")
    audit(tmp_path / "folder")
    with open_context(home, None, print) as context:
        context.record("membership", "p-s1", "11" * 32)
    publish_home(home, tmp_path / "folder")
    caught(tmp_path / "folder", "two_maps", "entries 300 and 304 are both the membership map of p-s1")


def test_forged_signatures_and_checkpoints(folder: Path) -> None:
    note = (folder / "checkpoint").read_text()
    lines = note.split("\n")
    forged = [
        note.replace("\n5000\n", "\n4999\n"),
        note.replace("\n5000\n", "\n05000\n"),
        note.replace("\n5000\n", f"\n{10**30}\n"),
        note.replace("\n5000\n", "\n5_000\n"),
        note.replace(ORIGIN, "other.example.org/log"),
        "\n".join([*lines[:3], "", ""]),
        note.replace("— ", "- "),
        note + "x",
        note.replace("\n\n", "\n\x00\n\n"),
        note * 2000,
        "",
    ]
    for text in forged:
        assert text != note
        (folder / "checkpoint").write_text(text)
        caught(folder, "bad_checkpoint")
    (folder / "checkpoint").write_bytes(b"\xff\xfe")
    caught(folder, "bad_checkpoint")


HOSTILE: dict[str, Callable[[Path, Path], object]] = {
    "is missing": lambda tile, _: tile.unlink(),
    "is a link": lambda tile, outside: (tile.unlink(), tile.symlink_to(outside)),
    "behind one": lambda tile, outside: (
        shutil.move(tile.parent, outside.parent / "moved"),
        tile.parent.symlink_to(outside.parent / "moved"),
    ),
    "is not a plain file": lambda tile, _: (tile.unlink(), os.mkfifo(tile)),
    "not a plain": lambda tile, _: (tile.unlink(), tile.mkdir()),
    "is the most it may have": lambda tile, _: os.truncate(tile, 1 << 40),
    "0 bytes, not 8192": lambda tile, _: tile.write_bytes(b""),
    "8191 bytes, not 8192": lambda tile, _: os.truncate(tile, 8191),
}


@pytest.mark.parametrize("says", HOSTILE)
def test_hostile_tiles(folder: Path, tmp_path: Path, says: str) -> None:
    shutil.copy(folder / "tile/0/004", tmp_path / "outside")
    HOSTILE[says](folder / "tile/0/004", tmp_path / "outside")
    caught(folder, "bad_tile", says)


def test_hostile_bundles_and_names(folder: Path) -> None:
    bundle = folder / "tile/entries/004"
    kept = bundle.read_bytes()
    for data, says in (
        (b"\xff\xff" + kept, "tile/entries/004"),
        (kept[:-1], "entry 1279 is cut off"),
        (kept + b"\x00", "not exactly 256"),
        (b"\x00" * 512, "tile/0/004"),
    ):
        bundle.write_bytes(data)
        with pytest.raises(Refused) as refusal:
            audit(folder)
        assert refusal.value.code in ("bad_tile", "bad_entry")
        assert says in str(refusal.value) or refusal.value.code == "bad_entry"
    os.truncate(bundle, 1 << 40)
    caught(folder, "bad_tile", "is the most it may have")
    bundle.write_bytes(kept)
    for name in ("\x1b[2J", "300", "x001", "04", "..."):
        (folder / "tile/0" / name).write_bytes(b"")
    (folder / "tile/0/\x1b[31mred").mkdir()
    (folder / "tile/0/\x1b[31mred/x").write_bytes(b"")
    foreign = audit(folder)["foreign"]
    assert isinstance(foreign, list) and "tile/0/\\x1b[2J" in foreign and all(name.isprintable() for name in foreign)
    resign_size = (folder / "checkpoint").read_text().replace("\n5000\n", f"\n{2**62}\n")
    (folder / "checkpoint").write_text(resign_size)
    caught(folder, "bad_checkpoint")


def test_a_signed_but_absurd_size(original: Path, folder: Path) -> None:
    resign(original / "home", folder, 2**62, bytes(32))
    caught(folder, "bad_tile", "tile/")


def test_publishing_never_goes_over_something_else(original: Path, folder: Path, tmp_path: Path) -> None:
    home = original / "home"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("hello")
    foreign = make_home(tmp_path / "foreign", 3)
    for place, who, code in ((tmp_path / "site", home, "not_empty"), (folder, foreign, "bad_checkpoint")):
        with pytest.raises(Refused) as refusal:
            publish_home(who, place)
        assert refusal.value.code == code
    (tmp_path / "half" / "tile" / "0").mkdir(parents=True)
    (tmp_path / "half" / "tile" / "0" / "000").write_bytes(bytes(8192))
    with pytest.raises(Refused, match="not what this log says"):
        publish_home(home, tmp_path / "half")


def make_witness(place: Path, name: str) -> tuple[str, str]:
    vkey = witnesses.make_key(name, place / name.replace("/", "-"))
    return (place / name.replace("/", "-")).read_text(), vkey


def test_witnesses_and_quorum(tmp_path: Path) -> None:
    home, folder = make_home(tmp_path / "home", 400), tmp_path / "folder"
    publish_home(home, folder)
    log_key = (folder / "log.vkey").read_text()
    keys = [make_witness(tmp_path, f"w.example.org/{number}") for number in range(3)]
    for number, (key, _) in enumerate(keys[:2]):
        witnesses.witness(folder, key, tmp_path / f"state{number}", NOW_US, log_key)
    told = audit(folder, witnesses=[vkey for _, vkey in keys], quorum=2)["witnesses"]
    assert told == [{"witness": f"w.example.org/{number}", "at_s": NOW_US // 1_000_000} for number in range(2)]
    caught(folder, "quorum_missed", "3 witnesses must have cosigned; 2 did", witnesses=[vkey for _, vkey in keys])
    caught(folder, "quorum_missed", witnesses=[keys[0][1]] * 2, quorum=2)
    witnesses.witness(folder, keys[0][0], tmp_path / "state0", NOW_US + 5_000_000)
    note = (folder / "checkpoint").read_text()
    assert note.count("— w.example.org/0 ") == 1
    key, forged = notes.parse_key(keys[1][1], 4), note.splitlines(keepends=True)
    third = notes.parse_key(keys[2][1], 4)
    stolen = notes.Signature(third.name, third.key_id, notes.split_note(note)[1][1].value)
    (folder / "checkpoint").write_text("".join(forged) + stolen.line())
    caught(folder, "bad_cosignature", "does not fit it", witnesses=[vkey for _, vkey in keys], quorum=2)
    assert len(audit(folder, witnesses=[keys[0][1], keys[1][1]])["witnesses"]) == 2, "lines of strangers are ignored"  # type: ignore[arg-type]
    later = notes.Signature(key.name, key.key_id, (2**40).to_bytes(8, "big") + bytes(64))
    (folder / "checkpoint").write_text(note + later.line())
    caught(folder, "bad_cosignature", witnesses=[keys[1][1]])
    witnesses.witness(folder, keys[0][0], tmp_path / "state0", NOW_US + 10**12)
    caught(folder, "bad_cosignature", "future", witnesses=[keys[0][1]])
    caught(folder, "bad_cosignature", "not a verifier key", witnesses=["nonsense"])


def test_a_witness_signs_one_history_only(original: Path, folder: Path, tmp_path: Path) -> None:
    log_key = (folder / "log.vkey").read_text()
    key, vkey = make_witness(tmp_path, "w")
    state = tmp_path / "state"
    witnesses.witness(folder, key, state, NOW_US, log_key)

    def refused(place: Path, code: str, seen: Path = state, log: str | None = None) -> None:
        before = (place / "checkpoint").read_bytes(), seen.read_bytes()
        with pytest.raises(Refused) as refusal:
            witnesses.witness(place, key, seen, NOW_US, log)
        assert refusal.value.code == code
        assert ((place / "checkpoint").read_bytes(), seen.read_bytes()) == before

    for entries, mark, code in ((SIZE, "x", "split_view"), (SIZE + 300, "x", "log_rewritten"), (SIZE - 300, "", "log_truncated")):
        other = make_home(tmp_path / f"home-{code}", entries, key_of=original / "home", mark=mark)
        publish_home(other, tmp_path / code)
        refused(tmp_path / code, code)
    refused(folder, "unknown_log", log=vkey)
    (tmp_path / "broken").write_text("{}")
    refused(folder, "bad_state", seen=tmp_path / "broken")
    data = bytearray((folder / "tile/1/000.p/19").read_bytes())
    data[0] ^= 1
    (folder / "tile/1/000.p/19").write_bytes(data)
    refused(folder, "bad_tile")


@pytest.fixture(scope="session")
def small_original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("small")
    make_home(place / "home", 700)
    publish_home(place / "home", place / "folder")
    return place / "folder"


@pytest.mark.parametrize("seed", range(8))
def test_any_flipped_bit_in_any_file_is_caught(small_original: Path, tmp_path: Path, seed: int) -> None:
    folder, random = shutil.copytree(small_original, tmp_path / "folder"), Random(seed)
    key = (folder / "log.vkey").read_text()
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "log.vkey")
    for path in files:
        kept = path.read_bytes()
        for harm in (_flip, _cut, _repeat):
            path.write_bytes(harm(kept, random))
            with pytest.raises(Refused) as refusal:
                audit(folder, vkey=key)
            assert refusal.value.code in ("bad_checkpoint", "bad_tile", "bad_entry")
            if refusal.value.code == "bad_tile":
                assert path.name in str(refusal.value)
        path.write_bytes(kept)
    assert audit(folder, vkey=key)["entries"] == 700


def _flip(data: bytes, random: Random) -> bytes:
    place = random.randrange(8 * len(data))
    return data[: place >> 3] + bytes([data[place >> 3] ^ 1 << (place & 7)]) + data[(place >> 3) + 1 :]


def _cut(data: bytes, random: Random) -> bytes:
    return data[: random.randrange(len(data))]


def _repeat(data: bytes, random: Random) -> bytes:
    return data + data[random.randrange(len(data)) :]
