"""What we sign validates with another implementation of C2PA too, and what is changed afterwards doesn't (npm: @trustnxt/c2pa-ts)."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ritornello.formats.provenance.containers import MIME
from ritornello.formats.provenance.statement import GENERATED
from tests.formats.provenance.authorities import make_signer
from tests.formats.provenance.sounds import write_all
from tests.formats.provenance.test_signing import sign

SOURCE = Path(__file__).parent / "c2pa-ts" / "validate.mjs"
PACKAGE = "@trustnxt/c2pa-ts@0.9.4"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def validator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package and our script in it."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node.js is not installed (Debian: nodejs npm)")
    place = tmp_path_factory.mktemp("c2pa-ts")
    (place / "package.json").write_text('{"private": true, "type": "module"}')
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE]
    done = subprocess.run(install, cwd=place, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        pytest.skip(f"npm can't install {PACKAGE}: {done.stderr.strip()[:200]}")
    shutil.copy(SOURCE, place)
    return place


def ask(validator: Path, *files: Path) -> list[dict[str, Any]]:
    done = subprocess.run(["node", SOURCE.name, *map(str, files)], cwd=validator, capture_output=True, text=True, check=True, timeout=120)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("kind", ["es256", "ed25519"])
def test_another_implementation_agrees(validator: Path, tmp_path: Path, kind: str) -> None:
    signer, sounds = make_signer(tmp_path / "signer", kind), write_all(tmp_path)
    files = [sign(sounds[name], tmp_path / f"signed-{sounds[name].name}", signer) for name in (*MIME, "fragmented")]
    for found in ask(validator, *files):
        assert (found["valid"], found["failures"], found["source"]) == (True, [], GENERATED)
        assert {"c2pa.actions.v2", "c2pa.ai-disclosure", "org.ritornello.output", "cawg.training-mining"} <= set(found["labels"])
    for file in files:
        data = bytearray(file.read_bytes())
        data[-20 if file.suffix != ".wav" else 5000] ^= 1
        file.write_bytes(data)
    assert {(found["valid"], found["failures"][0].partition(".")[0]) for found in ask(validator, *files)} == {(False, "assertion")}
