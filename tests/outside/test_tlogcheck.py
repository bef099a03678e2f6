"""A published log passes the Go project's own note and tlog packages, and what is changed doesn't (golang.org/x/mod/sumdb)."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ritornello.service import witness as witnesses
from tests.service.published import grow, make_home, publish_home

LIBRARIES = Path("/usr/share/gocode")  # where Debian's golang-golang-x-mod-dev puts them
SOURCE = Path(__file__).parent / "tlogcheck"
NOW_US = 1_800_000_000_000_000

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tlogcheck(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checker, built without fetching anything."""
    if shutil.which("go") is None:
        pytest.skip("Go is not installed (Debian: golang-go)")
    if not (LIBRARIES / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("golang.org/x/mod is not installed (Debian: golang-golang-x-mod-dev)")
    place = tmp_path_factory.mktemp("go")
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": str(LIBRARIES),
        "GOCACHE": str(place / "cache"),
        "CGO_ENABLED": "0",
        "GOFLAGS": "",
    }
    subprocess.run(["go", "build", "-o", str(place / "tlogcheck"), "."], cwd=SOURCE, env=environment, check=True)
    return place / "tlogcheck"


def test_go_agrees(tlogcheck: Path, tmp_path: Path) -> None:
    home, folder = make_home(tmp_path / "home", 0), tmp_path / "folder"
    vkey = witnesses.make_key("w.example.org/1", tmp_path / "w1")
    kept: list[Path] = []
    for more in (1, 254, 1, 1, 900, 64_000, 1, 5_000):
        grow(home, more)
        publish_home(home, folder)
        kept.append(shutil.copy(folder / "checkpoint", tmp_path / f"kept{len(kept)}"))
    log_key = (folder / "log.vkey").read_text().strip()
    witnesses.witness(folder, (tmp_path / "w1").read_text(), tmp_path / "state", NOW_US, log_key)
    command = [str(tlogcheck), str(folder), log_key, "-witness", vkey]
    done = subprocess.run([*command, *(part for path in kept for part in ("-old", str(path)))], capture_output=True, text=True, check=True)
    said = done.stdout.splitlines()
    assert said[:2] == ["signatures 2", "records 70158"]
    assert said[2:] == [f"consistent {size}" for size in (1, 255, 256, 257, 1157, 65_157, 65_158, 70_158)]


@pytest.mark.parametrize("path", ["tile/0/001", "tile/entries/001", "checkpoint"])
def test_go_refuses_what_was_changed(tlogcheck: Path, tmp_path: Path, path: str) -> None:
    home, folder = make_home(tmp_path / "home", 700), tmp_path / "folder"
    publish_home(home, folder)
    data = bytearray((folder / path).read_bytes())
    data[40] ^= 1
    (folder / path).write_bytes(data)
    done = subprocess.run(
        [str(tlogcheck), str(folder), (folder / "log.vkey").read_text().strip()], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout
