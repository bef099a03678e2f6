"""Tile names and bundles: what the specification says, and nothing else."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.formats.tiles import BadTile, Tile, decode_bundle, encode_bundle, list_tiles, parse_path

TILES = st.builds(Tile, st.integers(-1, 63), st.integers(0, 10**13), st.integers(1, 256))


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(0, 1234067, 8), "tile/0/x001/x234/067.p/8"),
        (Tile(-1, 0, 1), "tile/entries/000.p/1"),
        (Tile(63, 999), "tile/63/999"),
        (Tile(2, 1000), "tile/2/x001/000"),
    ],
)
def test_paths_of_the_specification(tile: Tile, path: str) -> None:
    assert tile.path == path and parse_path(path) == tile


@given(TILES)
def test_every_path_is_read_back(tile: Tile) -> None:
    assert parse_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    "tile/64/000,tile/00/000,tile/0/0,tile/0/0000,tile/0/x000/000,tile/0/001/000,tile/0/000.p/256,tile/0/000.p/0,tile/0/000.p/01,"
    "tile/0/000.p,/tile/0/000,tile/0/../0/000,tile/-1/000,tile/0/000\n,tile/0/٠٠٠,".split(","),
)
def test_other_paths_name_nothing(path: str) -> None:
    assert parse_path(path) is None


@given(st.integers(0, 200_000), st.integers(0, 200_000), st.integers(0, 2))
def test_tiles_of_two_sizes_leave_nothing_out(first: int, second: int, level: int) -> None:
    old, new = sorted((first, second))
    whole, more = set(list_tiles(new, level)), set(list_tiles(new, level, old))
    assert more <= whole and whole - more <= set(list_tiles(old, level))


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=20))
def test_bundles(entries: list[bytes]) -> None:
    data, tile = encode_bundle(entries), Tile(-1, 0, len(entries))
    assert decode_bundle(tile, data) == entries
    for wrong in (data + b"\x00", data[:-1], data + b"\x00\x00"):
        with pytest.raises(BadTile):
            decode_bundle(tile, wrong)
    with pytest.raises(BadTile):
        decode_bundle(Tile(-1, 0, len(entries) + 1), data)


@given(st.binary(max_size=200), st.integers(1, 256))
def test_any_bytes_are_a_bundle_or_refused(data: bytes, width: int) -> None:
    with contextlib.suppress(BadTile):
        assert encode_bundle(decode_bundle(Tile(-1, 0, width), data)) == data
