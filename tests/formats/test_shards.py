"""Tar shards: the same manifest gives the same bytes, and whatever a hostile tar tries is named."""

import io
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ritornello.domain.errors import BadInput
from ritornello.formats.shard_check import verify_shards
from ritornello.formats.shards import BLOCK_BYTES, END, plan_shards
from tests.loader.datasets import make_dataset


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("shards") / "dataset", "webdataset")


@pytest.fixture
def dataset(pristine: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / "dataset"))


def test_shards_are_bounded_plain_and_always_the_same(pristine: Path, tmp_path: Path) -> None:
    again = make_dataset(tmp_path / "again", "webdataset")
    shards = sorted((pristine / "shards").iterdir())
    assert [path.name for path in shards] == ["shard-000000.tar", "shard-000001.tar"]
    for path in shards:
        assert path.read_bytes() == (again / "shards" / path.name).read_bytes()
        assert path.stat().st_size <= 90_000
        with tarfile.open(path) as tar:
            members = tar.getmembers()
            assert [Path(member.name).suffix for member in members] == [".flac", ".json"] * (len(members) // 2)
            assert {(member.mtime, member.uid, member.gid, member.mode, member.uname) for member in members} == {(0, 0, 0, 0o644, "")}
    assert verify_shards(pristine) == (4, [])
    assert "not the root you gave" in str(verify_shards(pristine, "0" * 64)[1][0])


def _shard(dataset: Path) -> Path:
    return dataset / "shards" / "shard-000000.tar"


def _flip(at: int) -> Callable[[Path], None]:
    def harm(dataset: Path) -> None:
        data = bytearray(_shard(dataset).read_bytes())
        data[at] ^= 1
        _shard(dataset).write_bytes(data)

    return harm


def _truncate(dataset: Path) -> None:
    _shard(dataset).write_bytes(_shard(dataset).read_bytes()[:20_000])


def _lose_the_end(dataset: Path) -> None:
    _shard(dataset).write_bytes(_shard(dataset).read_bytes()[: -len(END)])


def _grow(dataset: Path) -> None:
    _shard(dataset).write_bytes(_shard(dataset).read_bytes() + b"more")


def _remove(dataset: Path) -> None:
    _shard(dataset).unlink()


def _slip_in_a_shard(dataset: Path) -> None:
    (dataset / "shards" / "shard-000009.tar").write_bytes(END)


def _swap_for_link(dataset: Path) -> None:
    shutil.move(_shard(dataset), dataset.parent / "elsewhere")
    _shard(dataset).symlink_to(dataset.parent / "elsewhere")


def _append(member: tarfile.TarInfo, data: bytes = b"") -> Callable[[Path], None]:
    def harm(dataset: Path) -> None:
        member.size = member.size or len(data)
        raw = member.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % BLOCK_BYTES)
        _shard(dataset).write_bytes(_shard(dataset).read_bytes()[: -len(END)] + raw + END)

    return harm


def _member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, link, size
    return member


def _repeat(dataset: Path) -> None:
    with tarfile.open(_shard(dataset)) as tar:
        first = tar.getmembers()[0]
        stream = tar.extractfile(first)
        assert stream is not None
        data = stream.read()
    _append(first, data)(dataset)


def _take_out(dataset: Path) -> None:
    """A tar without its first sample, written by an honest tool."""
    buffer = io.BytesIO()
    with tarfile.open(_shard(dataset)) as old, tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as new:
        for member in old.getmembers()[2:]:
            new.addfile(member, old.extractfile(member))
    _shard(dataset).write_bytes(buffer.getvalue())


def _forget_a_row(dataset: Path) -> None:
    path = dataset / "samples.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))


def _other_offset(dataset: Path) -> None:
    path = dataset / "samples.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"offset":512', b'"offset":513'))


@pytest.mark.parametrize(
    ("harm", "what"),
    [
        pytest.param(_flip(BLOCK_BYTES + 5000), "its bytes have changed", id="flipped byte of audio"),
        pytest.param(_flip(3), "has a damaged header at byte 0", id="flipped byte of a name"),
        pytest.param(_flip(-1), "after its end", id="flipped byte of the end"),
        pytest.param(_truncate, "is cut off at byte 20000", id="cut in the middle"),
        pytest.param(_lose_the_end, "is cut off", id="cut at the end"),
        pytest.param(_grow, "after its end", id="grown"),
        pytest.param(_remove, "is missing (", id="shard missing"),
        pytest.param(_slip_in_a_shard, "is not in the manifest", id="foreign shard"),
        pytest.param(_swap_for_link, "is a link", id="shard is a link"),
        pytest.param(_append(_member("bonus.flac"), b"fLaC"), "is not in the manifest", id="foreign member"),
        pytest.param(_append(_member("../../bonus.flac"), b"fLaC"), "leads out of the folder", id="path with dots"),
        pytest.param(_append(_member("/bonus.flac"), b"fLaC"), "leads out of the folder", id="absolute path"),
        pytest.param(_append(_member("soft", tarfile.SYMTYPE, "/")), "is a link", id="symbolic link"),
        pytest.param(_append(_member("hard", tarfile.LNKTYPE, "soft")), "is a hard link", id="hard link"),
        pytest.param(_append(_member("null", tarfile.CHRTYPE)), "is a device", id="device"),
        pytest.param(_append(_member("pipe", tarfile.FIFOTYPE)), "is a pipe", id="pipe"),
        pytest.param(_append(_member("sub", tarfile.DIRTYPE)), "is a folder", id="folder"),
        pytest.param(_append(_member("bomb", size=8**11 - 1)), "is cut off", id="states 8 GiB"),
        pytest.param(_append(_member("bomb", size=1 << 60)), "damaged header", id="states an exbibyte"),
        pytest.param(_append(_member("sparse", tarfile.GNUTYPE_SPARSE)), "no plain file", id="sparse"),
        pytest.param(_append(_member("././@LongLink", tarfile.GNUTYPE_LONGNAME), b"a" * 9000), "no plain file", id="long name"),
        pytest.param(_append(_member("././@PaxHeader", tarfile.XHDTYPE), b"22 path=../../out.flac\n"), "no plain file", id="pax header"),
        pytest.param(_repeat, "appears twice", id="repeated member"),
        pytest.param(_take_out, "is missing (r", id="sample taken out"),
        pytest.param(_forget_a_row, "does not say where", id="index row missing"),
        pytest.param(_other_offset, "does not say where", id="index row changed"),
    ],
)
def test_harm_is_named(dataset: Path, harm: Callable[[Path], None], what: str) -> None:
    harm(dataset)
    _, problems = verify_shards(dataset)
    assert any(what in str(problem) for problem in problems), [str(problem) for problem in problems]


def test_damage_stays_where_it_is(dataset: Path) -> None:
    """After a damaged header the rest of the shard is still checked."""
    _flip(3)(dataset)
    good, problems = verify_shards(dataset)
    assert (good, len(problems)) == (3, 1)


def test_every_byte_counts(dataset: Path) -> None:
    data = _shard(dataset).read_bytes()
    for at in [*range(0, 600, 7), *range(len(data) - 2 * BLOCK_BYTES - 300, len(data), 97)]:
        _shard(dataset).write_bytes(data)
        _flip(at)(dataset)
        assert verify_shards(dataset)[1], f"byte {at}"


def test_many_foreign_members_end_the_reading(dataset: Path) -> None:
    raw = _member("x").tobuf(tarfile.USTAR_FORMAT) * 5000
    _shard(dataset).write_bytes(_shard(dataset).read_bytes()[: -len(END)] + raw + END)
    assert len(verify_shards(dataset)[1]) < 1100


def test_a_member_beyond_ustar_is_refused() -> None:
    row = {"file": "audio/long.wav", "asset_id": "sha256:" + "a" * 64, "bytes": 8**11}
    with pytest.raises(BadInput, match="8 GiB"):
        plan_shards([row], "L")
