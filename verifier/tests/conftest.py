"""A complete bundle, written by hand in `bundle_maker`, and ways to look at it."""

import contextlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bundle_maker.result import make_contents
from bundle_maker.signing import Signer
from bundle_maker.worlds import WORLDS, find_world
from bundle_maker.writing import Contents, write_bundle
from ritornello_verify.command import run
from ritornello_verify.tables import TABLES

SIGNER = Signer("log.example", b"s" * 32)
Outcome = tuple[int, dict[str, Any]]


@pytest.fixture(params=[pytest.param(7, id="some"), pytest.param(1, id="all", marks=pytest.mark.slow)])
def step(request: pytest.FixtureRequest) -> int:
    """Of a long list of forgeries, one in seven (seven divides no such list evenly, so every way and every table has its turn); all when slow."""
    return int(request.param)


@pytest.fixture
def contents() -> Contents:
    return make_contents()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Contents], Path]:
    return lambda contents: write_bundle(tmp_path / "bundle", contents, SIGNER)


@pytest.fixture
def bundle(write: Callable[[Contents], Path], contents: Contents) -> Path:
    return write(contents)


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For every table a bundle in which it has rows, written once: a test that touches one puts it back."""
    folder = tmp_path_factory.mktemp("bundles")
    written = {make: write_bundle(folder / make.__name__, make(), SIGNER) for make in WORLDS}
    return {path: written[find_world(path)] for path in TABLES}


@pytest.fixture
def signer() -> Signer:
    return SIGNER


@pytest.fixture
def verify() -> Callable[..., Outcome]:
    """Run the command with --json: exit code and the object printed."""

    def call(folder: Path, *options: str) -> Outcome:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            code = run([str(folder), "--json", *options])
        return code, json.loads(printed.getvalue())

    return call
