"""The real catalogue's source: what is believed, what is refused, and what is said when it can't be had."""

import hashlib
import stat
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ritornello.demo import real_catalogue
from ritornello.demo.debian import CatalogueUnavailable, Package, fetch_packages, is_believed
from ritornello.settings import read_settings

CONTENT = b"a whole package\n"
PACKAGE = Package("tune-data", "1.0-1", hashlib.sha256(CONTENT).hexdigest())
GOOD_APT = 'case "$*" in *" download "*) echo "a whole package" > tune-data_1.0-1_all.deb;; esac'


def put_tool(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def quiet(_: str) -> None:
    pass


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH of nothing but what the test puts there, and the shell's own mkdir."""
    folder = tmp_path / "tools"
    put_tool(folder, "dpkg-deb", '[ "$1" = -x ] && /bin/mkdir "$3" && echo sound > "$3/tune.ogg"')
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_without_apt_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CatalogueUnavailable, match="apt-get is not on this machine"):
        real_catalogue.fetch(tmp_path / "cache", tmp_path / "folder", quiet)


def test_fetched_once_then_no_tool_is_needed(tmp_path: Path, tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_tool(tools, "apt-get", GOOD_APT)
    roots, downloaded = fetch_packages([PACKAGE], tmp_path / "cache", quiet)
    assert downloaded and (roots["tune-data"] / "tune.ogg").read_text() == "sound\n"
    monkeypatch.setenv("PATH", "")
    assert fetch_packages([PACKAGE], tmp_path / "cache", quiet) == (roots, False)


def test_a_package_with_an_epoch_bears_the_name_that_apt_gives_it() -> None:
    assert Package("tune-data", "1:1.0-1", "").file == "tune-data_1%3a1.0-1_all.deb"


def test_another_hash_is_refused_and_removed(tmp_path: Path, tools: Path) -> None:
    put_tool(tools, "apt-get", GOOD_APT.replace("whole", "swapped"))
    with pytest.raises(CatalogueUnavailable, match=r"tune-data_1\.0-1_all\.deb was refused"):
        fetch_packages([PACKAGE], tmp_path / "cache", quiet)
    assert list((tmp_path / "cache").rglob("*.deb")) == []


def test_a_half_file_in_the_cache_is_not_believed(tmp_path: Path, tools: Path) -> None:
    put_tool(tools, "apt-get", GOOD_APT)
    half = tmp_path / "cache" / PACKAGE.file
    half.parent.mkdir()
    half.write_bytes(CONTENT[:5])
    assert not is_believed(half, PACKAGE.sha256) and not half.exists()
    half.write_bytes(CONTENT[:5])
    assert fetch_packages([PACKAGE], tmp_path / "cache", quiet)[1]
    assert half.read_bytes() == CONTENT


def test_an_interrupted_download_leaves_nothing_to_believe(tmp_path: Path, tools: Path) -> None:
    put_tool(tools, "apt-get", GOOD_APT.replace(" package", "") + "; echo 'E: Connection lost' >&2; exit 100")
    with pytest.raises(CatalogueUnavailable, match=r"could not download tune-data=1\.0-1: Connection lost"):
        fetch_packages([PACKAGE], tmp_path / "cache", quiet)
    assert list((tmp_path / "cache").rglob("*.deb")) == []


def test_empty_package_lists_are_filled_without_root(tmp_path: Path, tools: Path) -> None:
    script = """case "$*" in
      *Dir::State::Lists=*/cache/lists*" update"*) echo > "$CACHE/lists/known";;
      *Dir::State::Lists=*/cache/lists*" download "*) [ -f "$CACHE/lists/known" ] && echo "a whole package" > tune-data_1.0-1_all.deb;;
      *) echo 'E: Unable to locate package tune-data' >&2; exit 100;;
    esac"""
    put_tool(tools, "apt-get", script.replace("$CACHE", str(tmp_path / "cache")))
    assert fetch_packages([PACKAGE], tmp_path / "cache", quiet)[1]


def test_a_recording_is_the_sum_of_its_stems(tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    stems = []
    for name, frames in (("guitar", 4_000), ("rest", 3_000)):
        samples = random.integers(-16_000, 16_000, (frames, 2)).astype(np.int16)
        soundfile.write(tmp_path / f"{name}.wav", samples, 44_100)
        stems.append(samples.astype(np.int64))
    real_catalogue.mix_stems([tmp_path / "guitar.wav", tmp_path / "rest.wav"], tmp_path / "one.flac")
    real_catalogue.mix_stems([tmp_path / "guitar.wav", tmp_path / "rest.wav"], tmp_path / "two.flac")
    assert (tmp_path / "one.flac").read_bytes() == (tmp_path / "two.flac").read_bytes()
    mixed, rate_hz = soundfile.read(tmp_path / "one.flac", dtype="int16")
    whole = stems[0].copy()
    whole[:3_000] += stems[1]
    assert rate_hz == 44_100 and mixed.shape == (4_000, 2)
    assert np.abs(mixed - real_catalogue.MIX_GAIN * whole).max() <= 0.51


def test_stems_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((10, 2)), 44_100)
    soundfile.write(tmp_path / "b.wav", np.zeros((10, 2)), 48_000)
    with pytest.raises(CatalogueUnavailable, match="does not fit"):
        real_catalogue.mix_stems([tmp_path / "a.wav", tmp_path / "b.wav"], tmp_path / "mix.flac")


@pytest.mark.skipif(
    not all((read_settings().cache / package.file).is_file() for package in real_catalogue.PACKAGES),
    reason="the real music is not in the cache (RITORNELLO_CACHE); `ritornello demo` fetches it",
)
def test_the_cached_catalogue_needs_no_network(tmp_path: Path) -> None:
    assert real_catalogue.fetch(read_settings().cache, tmp_path, quiet) is False
    rows = (tmp_path / "recordings.csv").read_text(encoding="utf-8").splitlines()
    assert len([path for path in (tmp_path / "audio").rglob("*") if path.is_file()]) == len(rows) - 1 == 39
