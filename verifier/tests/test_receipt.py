"""`ritornello-verify receipt`: one decision, proved by its event, its log entry and a signed checkpoint."""

import json
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from bundle_maker.period import ASSET_1, make_consents
from bundle_maker.receipt import SIZE, make_effect, make_receipt
from bundle_maker.signing import Signer
from bundle_maker.writing import canonical
from ritornello_verify.command import run

PACKAGE = Path(__file__).resolve().parent.parent / "ritornello_verify"
SIGNER = Signer("log.example", b"s" * 32)
FORGER = Signer("log.example", b"forger".ljust(32))
WITHDRAWAL, GRANT = make_consents()[:2]

Values = dict[str, Any]
Check = Callable[..., tuple[int, Values]]


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """Check a receipt, or any bytes, with the log's key from elsewhere unless other options are given."""

    def call(receipt: Values | bytes, *options: str) -> tuple[int, Values]:
        file = tmp_path / "receipt.json"
        file.write_bytes(receipt if isinstance(receipt, bytes) else canonical(receipt) + b"\n")
        code = run(["receipt", str(file), "--json", *(options or ("--key", SIGNER.vkey()))])
        found: Values = json.loads(capsys.readouterr().out)
        assert found["verified"] == (code == 0)
        return code, found

    return call


@pytest.fixture
def receipt() -> Values:
    return deepcopy(make_receipt(GRANT, SIGNER))


def test_a_right_receipt_says_the_decision(check: Check, receipt: Values) -> None:
    code, report = check(receipt)
    assert (code, report["notes"]) == (0, [])
    assert report["verdict"] == (
        f'VERIFIED: party alice agreed to "ai_training" with recording r1 (asset {ASSET_1}) in programme "mosaic", territory WW, '
        f"from 2026-08-01 with no end, shown the terms {GRANT['terms_sha256']} that are in the receipt; decided by the party itself, "
        'recorded 2026-05-28 20:26:40 UTC as event "e11" (number 11), and in the log "log.example" as entry 7 of 11'
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"decision": "withdraw"}, 'alice withdrew its consent to "ai_training"'),
        ({"decision": "hold"}, 'alice put a hold on "ai_training"'),
        ({"decision": "release"}, 'alice released its hold on "ai_training"'),
        ({"effective_to": "2027-01-31", "territory": "DE"}, "territory DE, from 2026-08-01 up to 2027-01-31"),
        ({"actor_id": "bob", "mandate_id": "d1"}, 'decided for it by bob under mandate "d1"'),
        ({"actor_id": "bob"}, "decided for it by bob without a mandate"),
        ({"recorded_at_us": 1 - 2**53}, "recorded 1684-07-28"),
        ({"recorded_at_us": 2**53 - 1}, "recorded 2255-06-05"),
        ({"purpose": "a\n\x1b[2J"}, 'agreed to "a\\n\\u001b[2J" with'),
    ],
)
def test_other_decisions_in_plain_words(check: Check, change: Values, words: str) -> None:
    code, report = check(make_receipt({**GRANT, **change}, SIGNER))
    assert code == 0
    assert words in report["verdict"]


def test_it_prints_text_and_runs_with_nothing_but_python(receipt: Values, tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(canonical(receipt) + b"\n")
    (tmp_path / "key").write_text(f"{SIGNER.vkey()}\n")
    command = [sys.executable, "-I", str(PACKAGE), "receipt", "mine"]
    done = subprocess.run([*command, "--key", "key"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("VERIFIED: party alice agreed to ")
    assert "Note" not in done.stdout
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, "the key came from the receipt itself" in done.stdout) == (0, True)


def test_a_withdrawal_may_have_an_effect_which_proves_nothing(check: Check) -> None:
    receipt = make_receipt(WITHDRAWAL, SIGNER)
    assert check(receipt)[0] == 0
    receipt["effect"] = make_effect(WITHDRAWAL)
    code, report = check(receipt)
    assert (code, len(report["notes"])) == (0, 1)
    assert "not part of the proof" in report["notes"][0]
    for change in ({"recording_id": "r2"}, {"asset_id": "x"}, {"tail_until": "soon"}, {"models_holding": 1}, {"surprise": 1}):
        code, report = check({**receipt, "effect": {**receipt["effect"], **change}})
        assert code == 1
        assert report["verdict"].startswith("FAILED: effect: "), change


def test_only_a_withdrawal_has_an_effect(check: Check, receipt: Values) -> None:
    assert (
        check({**receipt, "effect": make_effect(GRANT)})[1]["verdict"] == "FAILED: effect: only a withdrawal has one, the event is a grant"
    )


@pytest.mark.parametrize("name", list(GRANT))
def test_each_column_of_the_event_is_bound(check: Check, receipt: Values, name: str) -> None:
    others: Values = {
        "seq": 12,
        "decision": "withdraw",
        "asset_id": "sha256:" + "33" * 32,
        "territory": "DE",
        "effective_from": "2026-08-02",
        "effective_to": "2026-08-02",
        "recorded_at_us": 0,
        "terms_sha256": "00" * 32,
        "evidence_sha256": "00" * 32,
        "previous_sha256": "00" * 32,
    }
    receipt["event"][name] = others.get(name, "other")
    code, report = check(receipt)
    assert code == 1
    assert report["verdict"].startswith(f"FAILED: event: its log entry has {'id' if name == 'event_id' else 'hash'} "), report["verdict"]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"kind":"consent"', '"kind":"else"', 'its log entry has kind "else", not "consent"'),
        ('"id":"e11"', '"id":"e12"', 'its log entry has id "e12", not "e11"'),
        ('"at_us":6', '"at_us":7', "its proof does not lead to the checkpoint's root"),
        ('"at_us":6', '"at_us":6.0', "its log entry is wrong: the number 6.0 is not an integer"),
        ('"at_us"', '"at"', "its log entry is wrong: the columns differ"),
        ("{", "{ ", "its log entry is wrong: not canonical JSON"),
    ],
)
def test_a_changed_entry(check: Check, receipt: Values, before: str, after: str, message: str) -> None:
    receipt["proof"]["entry"] = receipt["proof"]["entry"].replace(before, after)
    code, report = check(receipt)
    assert code == 1
    assert report["verdict"].startswith(f"FAILED: event: {message}")


def test_changed_terms(check: Check, receipt: Values) -> None:
    """Whoever keeps a receipt keeps what was agreed to; other terms are not what the event names."""
    receipt["terms"] = receipt["terms"].replace("tail_days = 365", "tail_days = 5")
    code, report = check(receipt)
    assert code == 1
    assert report["verdict"].startswith("FAILED: terms: SHA-256 is ")
    assert report["verdict"].endswith(f"the event has {GRANT['terms_sha256']}")


def test_a_changed_proof(check: Check, receipt: Values) -> None:
    hashes = receipt["proof"]["hashes"]
    changes: list[Values] = [
        {"index": 5},
        {"index": SIZE},
        {"index": 2**53 - 1},
        {"tree_size": SIZE + 1},
        {"hashes": []},
        {"hashes": hashes[1:]},
        {"hashes": hashes[::-1]},
        {"hashes": [*hashes, "00" * 32]},
        {"hashes": ["00" * 32] * 500},
        {"hashes": [hashes[0].upper(), *hashes[1:]]},
        {"hashes": ["é" * 64]},
    ]
    for change in changes:
        code, report = check({**receipt, "proof": {**receipt["proof"], **change}})
        assert code == 1
        assert report["verdict"].startswith("FAILED: event: its proof "), change


def test_a_checkpoint_of_another_size_or_root(check: Check, receipt: Values) -> None:
    receipt["checkpoint"] = SIGNER.checkpoint(SIZE + 1, b"\0" * 32).decode()
    assert check(receipt)[1]["verdict"] == "FAILED: event: its proof is for a tree of 11 entries, the checkpoint has 12"
    receipt["checkpoint"] = SIGNER.checkpoint(SIZE, b"\0" * 32).decode()
    assert check(receipt)[1]["verdict"] == "FAILED: event: its proof does not lead to the checkpoint's root"


def test_a_checkpoint_changed_or_cut_off(check: Check, receipt: Values) -> None:
    whole = receipt["checkpoint"]
    for wrong, message in (
        (whole.replace("\n11\n", "\n12\n"), "the signature of the key"),
        (whole[:40], "the checkpoint is not three lines"),
        ("", "the checkpoint is not three lines"),
        (whole.replace("log.example", "other"), "the checkpoint's origin is 'other'"),
        (whole.split("\n\n")[0] + "\n\n\u2014 witness AAAAAAAA\n", "the checkpoint bears no signature of the key"),
    ):
        code, report = check({**receipt, "checkpoint": wrong})
        assert code == 1
        assert report["verdict"].startswith(f"FAILED: checkpoint: {message}"), report["verdict"]


def test_whose_key_it_is(check: Check, receipt: Values) -> None:
    """A receipt signed by a forger is as good as any under its own key, and under no other."""
    forged = make_receipt(GRANT, FORGER)
    code, report = check(forged)
    assert code == 1
    assert report["verdict"].startswith("FAILED: checkpoint: the checkpoint bears no signature of the key log.example+")
    assert report["notes"] == ["vkey of the receipt is not the key given; the key given was used"]
    assert check(forged, "--json")[0] == 0
    assert check({**receipt, "vkey": FORGER.vkey()})[0] == 0
    assert check({**receipt, "vkey": FORGER.vkey()}, "--json")[0] == 1
    assert check({**receipt, "vkey": "nonsense"})[0] == 0
    assert check({**receipt, "vkey": "nonsense"}, "--json")[1]["verdict"].startswith(
        "FAILED: vkey: the key is not written NAME+HEXKEYID+BASE64"
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"hello\n",
        b"\xff\xfe\n",
        b"null\n",
        b"[]\n",
        b"{}\n",
        b"[" * 100_000 + b"]" * 100_000 + b"\n",
        b'{"event":' * 100_000 + b"\n",
        b'{"event":' * 900 + b"1" + b"}" * 900 + b"\n",
        b'{"format":1.5}\n',
        b'{"format":"\\ud800"}\n',
        b'{"a":1,"a":1}\n',
    ],
)
def test_what_is_no_receipt(check: Check, data: bytes) -> None:
    code, report = check(data)
    assert code == 1
    assert report["verdict"].startswith("FAILED: receipt: ")


def test_a_receipt_is_written_canonically(check: Check, receipt: Values) -> None:
    assert "has no line end" in check(canonical(receipt))[1]["verdict"]
    assert "not canonical" in check(json.dumps(receipt, indent=1).encode() + b"\n")[1]["verdict"]


NONSENSE: list[object] = [None, True, -1, 1 - 2**53, "", "x", [], [[1]], {}, {"a": {"b": []}}]


@pytest.mark.parametrize("part", ["", "event", "proof"])
def test_missing_unknown_and_mistyped_fields(check: Check, receipt: Values, part: str) -> None:
    whole = receipt[part] if part else receipt
    for name in [*whole, "surprise"]:
        for value in [*NONSENSE, ...]:
            wrong = {other: old for other, old in whole.items() if other != name} if value is ... else {**whole, name: value}
            if wrong != whole:
                code, report = check({**receipt, part: wrong} if part else wrong)
                assert code == 1 or (name, value) in (("vkey", ""), ("vkey", "x")), (name, value)
                assert report["verdict"].startswith("FAILED: ") or code == 0


@pytest.mark.parametrize("options", [["/nonexistent"], ["/"], ["a\0b"], [__file__, "--key", "nonsense"]])
def test_what_cannot_be_read_is_exit_two(capsys: pytest.CaptureFixture[str], options: list[str]) -> None:
    assert run(["receipt", *options]) == 2
    assert capsys.readouterr().err.startswith("Could not verify: ")
    assert run(["receipt", *options, "--json"]) == 2
    assert '"verified": false' in capsys.readouterr().out


def test_bad_usage_is_exit_two() -> None:
    for arguments in (["receipt"], ["receipt", "one", "two"], ["receipt", "one", "--checkpoint", "two"]):
        with pytest.raises(SystemExit) as stop:
            run(arguments)
        assert stop.value.code == 2


def test_a_bundle_named_receipt(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bundle.rename(bundle.parent / "receipt").parent)
    assert run(["./receipt"]) == 0
    assert run(["--key", SIGNER.vkey(), "receipt"]) == 0
