"""The command: what it prints, what it returns, whose key it takes."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bundle_maker.signing import Signer
from bundle_maker.worlds import WORLDS
from bundle_maker.writing import Contents
from ritornello_verify.command import run

PACKAGE = Path(__file__).resolve().parent.parent / "ritornello_verify"
Verify = Callable[..., tuple[int, dict[str, Any]]]


def test_a_right_bundle_is_verified(bundle: Path, verify: Verify) -> None:
    code, report = verify(bundle)
    assert (code, report["verified"]) == (0, True), report["verdict"]
    counts = {what: count for step in report["steps"] for what, count in step["counts"].items()}
    assert counts["rows read"] == 124
    assert counts["inclusion proofs followed"] == 45
    assert counts["consent decisions derived anew"] == 2
    assert counts["allocation lines recomputed"] == 16
    assert (counts["balances recomputed"], counts["payouts recomputed"], counts["statements recomputed"]) == (5, 2, 3)


@pytest.mark.parametrize("make", WORLDS)
def test_every_bundle_made_by_hand_is_verified(write: Callable[[Contents], Path], verify: Verify, make: Callable[[], Contents]) -> None:
    code, report = verify(write(make()))
    assert (code, report["verified"]) == (0, True), report["verdict"]


def test_it_runs_from_a_checkout_with_nothing_but_python(bundle: Path, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-I", str(PACKAGE), str(bundle)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "VERIFIED: every allocation and balance follows from the period folder"
    assert "the key came from the bundle itself" in done.stdout


def test_a_key_from_elsewhere_as_text_and_as_file(bundle: Path, tmp_path: Path, signer: Signer, verify: Verify) -> None:
    (tmp_path / "key").write_text(f"{signer.vkey()}\n")
    for key in (signer.vkey(), str(tmp_path / "key")):
        code, report = verify(bundle, "--key", key)
        assert (code, report["notes"]) == (0, [])


def test_a_wrong_key_fails(bundle: Path, verify: Verify) -> None:
    code, report = verify(bundle, "--key", Signer("log.example", b"t" * 32).vkey())
    assert code == 1
    assert report["verdict"].startswith("FAILED: checkpoint.txt: the checkpoint bears no signature of the key log.example+")
    assert verify(bundle, "--key", Signer("other", b"s" * 32).vkey())[0] == 1


def test_the_right_name_and_id_with_a_wrong_signature_fails(bundle: Path, verify: Verify) -> None:
    text = (bundle / "checkpoint.txt").read_text()
    body, _, line = text.partition("\n\n")
    lines = body.split("\n")
    (bundle / "checkpoint.txt").write_text("\n".join([lines[0], str(int(lines[1]) + 1), lines[2]]) + "\n\n" + line)
    code, report = verify(bundle)
    assert code == 1
    assert "the signature of the key" in report["verdict"]


def test_a_truncated_checkpoint_fails(bundle: Path, tmp_path: Path, verify: Verify) -> None:
    data = (bundle / "checkpoint.txt").read_bytes()
    for length in range(0, len(data), 7):
        (tmp_path / "checkpoint").write_bytes(data[:length])
        code, report = verify(bundle, "--checkpoint", str(tmp_path / "checkpoint"))
        assert (code, report["verified"]) == (1, False)
        assert report["verdict"].startswith("FAILED: the checkpoint given: ")
    (bundle / "checkpoint.txt").write_bytes(data[:50])
    assert verify(bundle)[1]["verdict"].startswith("FAILED: checkpoint.txt: the checkpoint is not three lines")


def test_a_checkpoint_from_elsewhere_replaces_the_bundles(bundle: Path, tmp_path: Path, signer: Signer, verify: Verify) -> None:
    (bundle / "checkpoint.txt").rename(tmp_path / "checkpoint")
    assert verify(bundle)[0] == 1
    assert verify(bundle, "--checkpoint", str(tmp_path / "checkpoint"))[0] == 0
    (tmp_path / "checkpoint").write_bytes(signer.checkpoint(46, b"\0" * 32))
    code, report = verify(bundle, "--checkpoint", str(tmp_path / "checkpoint"))
    assert code == 1
    assert "does not lead to the checkpoint's root" in report["verdict"]


@pytest.mark.parametrize(
    "options", [["/nonexistent"], ["--key", "nonsense"], ["--key", "a+00000000+AA=="], ["--checkpoint", "/nonexistent"]]
)
def test_what_cannot_be_read_is_exit_two(bundle: Path, capsys: pytest.CaptureFixture[str], options: list[str]) -> None:
    arguments = options if len(options) == 1 else [str(bundle), *options]
    assert run(arguments) == 2
    assert capsys.readouterr().err.startswith("Could not verify: ")
    assert run([*arguments, "--json"]) == 2
    assert '"verified": false' in capsys.readouterr().out


def test_bad_usage_is_exit_two() -> None:
    with pytest.raises(SystemExit) as stop:
        run([])
    assert stop.value.code == 2
