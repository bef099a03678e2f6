"""A stranger with a root alone learns whether something is in a snapshot, and nothing about anything else."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.domain import merkle, merkle_map
from ritornello.domain.errors import Refused
from ritornello.formats import checkpoint as notes
from ritornello.formats import membership
from ritornello.formats.canonical import encode, encode_document
from ritornello.service import membership as service
from ritornello.service import snapshots
from ritornello.settings import read_settings
from ritornello.wiring import open_context

Run = Callable[..., str]


@pytest.fixture
def frozen(home: Path, run: Run) -> Path:
    run("--home", home, "snapshot", "freeze", "--programme", "p")
    return home


def test_in_and_not_in(frozen: Path, run: Run, tmp_path: Path) -> None:
    inside = json.loads(run("--home", frozen, "--json", "snapshot", "prove", "p-s1", "r1", "--out", tmp_path / "in.json"))
    outside = json.loads(run("--home", frozen, "--json", "snapshot", "prove", "p-s1", "r6", "--out", tmp_path / "out.json"))
    assert inside["included"] and not outside["included"] and inside["root"] == outside["root"]
    logged = [entry for entry in json.loads(run("--home", frozen, "--json", "log", "show")) if entry["kind"] == "membership"]
    assert [(entry["id"], entry["hash"]) for entry in logged] == [("p-s1", inside["root"])]
    assert "recording r1 is in p-s1" in run("snapshot", "check-proof", tmp_path / "in.json", "--root", inside["root"])
    assert "recording r6 is NOT in p-s1" in run("snapshot", "check-proof", tmp_path / "out.json", "--root", inside["root"])
    assert "bad_proof" in run("snapshot", "check-proof", tmp_path / "in.json", "--root", "0" * 64, expect=3)
    assert "out_exists" in run("--home", frozen, "snapshot", "prove", "p-s1", "r1", "--out", tmp_path / "in.json", expect=3)
    assert "unknown_snapshot" in run("--home", frozen, "snapshot", "prove", "p-s9", "r1", "--out", tmp_path / "x", expect=3)


def test_every_member_and_its_rows(frozen: Path, tmp_path: Path) -> None:
    with open_context(frozen, read_settings().database, print) as context:
        for number, row in enumerate(snapshots.read_manifest(context, "p-s1")):
            answer = service.prove(context, "p-s1", row["asset_id"], None, tmp_path / str(number))
            assert answer.included and answer.kind == "asset" and len(answer.rows) == 1
            assert service.check((tmp_path / str(number)).read_bytes(), root=answer.root) == answer
        absent = service.prove(context, "p-s1", "de-abc-26-00001", None, tmp_path / "isrc")
        assert (absent.included, absent.kind, absent.identifier) == (False, "isrc", "DEABC2600001")
        with pytest.raises(Refused, match="not an ISRC"):
            service.prove(context, "p-s1", "r1", "isrc", tmp_path / "bad")
        for wrong in ("sha256:AB", "sha256:" + "AA" * 32, "r1 ", ""):
            with pytest.raises(Refused, match="not written as one"):
                service.prove(context, "p-s1", wrong, None, tmp_path / "bad")


def test_an_auditor_with_a_checkpoint_alone(frozen: Path, run: Run, tmp_path: Path) -> None:
    """Kept before the log grew; the proof is asked for over it, and read by a program that shares no code with this one."""
    kept, key = tmp_path / "kept", tmp_path / "kept.vkey"
    run("--home", frozen, "log", "checkpoint", "--out", kept)
    run("--home", frozen, "consent", "hold", "--programme", "p", "--party", "ana", "--recording", "r1")
    for name, words in (("r1", 'recording r1 is in snapshot "p-s1"'), ("r6", 'recording r6 is NOT in snapshot "p-s1"')):
        proof, newer = tmp_path / f"{name}.json", tmp_path / f"{name}-newer.json"
        run("--home", frozen, "snapshot", "prove", "p-s1", name, "--checkpoint", kept, "--out", proof)
        asked = ("--key", str(key), "--checkpoint", str(kept), "--snapshot", "p-s1", "--recording", name)
        assert f"VERIFIED: {words}" in _verify(proof, *asked)
        assert "you gave" in run("snapshot", "check-proof", proof, "--vkey", key, "--checkpoint", kept)
        run("--home", frozen, "snapshot", "prove", "p-s1", name, "--out", newer)
        assert f"VERIFIED: {words}" in _verify(newer, "--key", str(key))
        assert "FAILED: log_proof: its proof is for a tree of" in _verify(newer, *asked)
        assert "ask for a proof over it" in run("snapshot", "check-proof", newer, "--checkpoint", kept, expect=3)
    assert 'FAILED: proof: identifier is "r6", you asked about "r1"' in _verify(tmp_path / "r6.json", "--recording", "r1")


def test_a_checkpoint_that_is_not_of_this_log_or_too_old(frozen: Path, home: Path, run: Run, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    run("--home", frozen, "log", "checkpoint", "--out", kept)
    run("--home", frozen, "snapshot", "freeze", "--programme", "p")
    prove = ("--home", frozen, "snapshot", "prove", "p-s2", "r1", "--out", tmp_path / "proof", "--checkpoint", kept)
    assert "not_logged_yet" in run(*prove, expect=3)
    kept.write_text(kept.read_text().replace("\n\n", "\n", 1))
    assert "bad_checkpoint" in run(*prove, expect=3)
    run("--home", tmp_path / "other", "init")
    run("--home", tmp_path / "other", "log", "checkpoint", "--out", tmp_path / "foreign")
    assert "bad_checkpoint" in run(*prove[:-1], tmp_path / "foreign", expect=3)
    assert not (tmp_path / "proof").exists()


def test_an_empty_key_or_checkpoint_is_no_key_and_no_checkpoint(frozen: Path, run: Run, tmp_path: Path) -> None:
    """Never the proof's own in place of what somebody gave."""
    proof, receipt, empty = tmp_path / "proof", tmp_path / "receipt", tmp_path / "empty"
    empty.write_text("")
    run("--home", frozen, "snapshot", "prove", "p-s1", "r1", "--out", proof)
    run("--home", frozen, "consent", "receipt", "e000000001", "--out", receipt)
    run("--home", frozen, "log", "publish", tmp_path / "log")
    for options in (("--vkey", empty), ("--vkey", ""), ("--checkpoint", empty), ("--root", "")):
        assert "bad_proof" in run("snapshot", "check-proof", proof, *options, expect=3)
    for key in (empty, ""):
        assert "is not a verifier key" in run("consent", "check-receipt", receipt, "--vkey", key, expect=1)
        assert "bad_checkpoint" in run("log", "audit", tmp_path / "log", "--vkey", key, expect=3)


def _verify(proof: Path, *options: str) -> str:
    command = [sys.executable, "-m", "ritornello_verify", "membership", str(proof), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


BLINDING = membership.derive_blinding(b"secret", "s")
HEADER = membership.Header("s", "00" * 32, BLINDING.public.hex())
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
NAMES = st.from_regex("[A-Za-z0-9][A-Za-z0-9._-]{0,7}", fullmatch=True)


def _log(root: str, snapshot_id: str = "s") -> dict[str, Any]:
    """A log with one other entry and the map's."""
    entries = [encode({"at_us": 0, "hash": root, "id": snapshot_id, "kind": kind}) for kind in ("else", "membership")]
    leaves = [merkle.leaf_hash(entry) for entry in entries]
    return {
        "log_proof": {"entry": entries[1].decode(), "index": 1, "tree_size": 2, "hashes": [leaves[0].hex()]},
        "checkpoint": notes.sign(notes.Checkpoint("log.example", 2, merkle.root(leaves)), KEY),
        "vkey": notes.verifier_key("log.example", KEY.public_key()),
    }


def _world(names: set[str]) -> tuple[dict[tuple[str, str], list[bytes]], list[merkle_map.Entry], str]:
    rows = {("recording", name): [merkle.leaf_hash(name.encode())] for name in names}
    entries = merkle_map.sort_entries(list(membership.blind(BLINDING, rows).values()))
    return rows, entries, HEADER.root(merkle_map.root(entries))


@settings(deadline=None, max_examples=30)
@given(st.sets(NAMES, max_size=12), NAMES)
def test_random_sets(names: set[str], other: str) -> None:
    rows, entries, root = _world(names)
    for name in [*sorted(names)[:3], other]:
        leaves = rows.get(("recording", name), [])
        proof = membership.write_proof(HEADER, BLINDING, entries, "recording", name, leaves, _log(root))
        answer = membership.check_proof(proof, root=root)
        assert answer.included == (name in names) and [bytes.fromhex(row) for row in answer.rows] == leaves


def _proofs() -> tuple[bytes, bytes, str]:
    rows, entries, root = _world({f"r{number}" for number in range(20)})
    inside = membership.write_proof(HEADER, BLINDING, entries, "recording", "r3", rows["recording", "r3"], _log(root))
    return inside, membership.write_proof(HEADER, BLINDING, entries, "recording", "stranger", [], _log(root)), root


def test_any_flipped_bit_fails() -> None:
    inside, outside, root = _proofs()
    random = Random(1)
    for proof in (inside, outside):
        membership.check_proof(proof, root=root)
        places = random.sample(range(8 * len(proof)), 600)
        for place in places:
            changed = bytearray(proof)
            changed[place >> 3] ^= 1 << (place & 7)
            with pytest.raises(ValueError):
                membership.check_proof(bytes(changed))


def test_statements_cant_be_turned_round() -> None:
    inside, outside, root = _proofs()
    yes, no = json.loads(inside), json.loads(outside)
    attempts = [
        {**yes, "statement": "not_in", "opening": None, "rows": None},
        {**yes, "statement": "not_in", "opening": None, "rows": None, "found": no["found"], "siblings": no["siblings"]},
        {**yes, "identifier": "stranger"},
        {**yes, "identifier": "stranger", "vrf_proof": no["vrf_proof"]},
        {**no, "statement": "in", "found": None, "opening": yes["opening"], "rows": yes["rows"]},
        {**no, "identifier": "r3"},
        {**no, "identifier": "r3", "vrf_proof": yes["vrf_proof"]},
        {**no, "kind": "isrc"},
        {**yes, "rows": ["00" * 32]},
        {**yes, "rows": []},
        {**yes, "extra": 1},
        {**yes, **_log(root, "another")},
        {**yes, **_log("00" * 32)},
        {**yes, "log_proof": {**yes["log_proof"], "entry": yes["log_proof"]["entry"].replace(":", ": ")}},
        {**yes, "log_proof": {**yes["log_proof"], "index": True}},
        {**yes, "log_proof": {**yes["log_proof"], "hashes": [1]}},
        {**yes, "log_proof": {}},
        {**yes, "checkpoint": ""},
        {**yes, "vkey": ""},
    ]
    other = membership.derive_blinding(b"another secret", "s")
    header = membership.Header("s", "00" * 32, other.public.hex())
    forged = json.loads(membership.write_proof(header, other, [], "recording", "r3", [], _log(root)))
    attempts += [forged, {**no, "identifier": "r3", "vrf_proof": forged["vrf_proof"], "vrf_public_key": forged["vrf_public_key"]}]
    for attempt in attempts:
        with pytest.raises(ValueError):
            membership.check_proof(encode_document(attempt))
    for nonsense in (b"", b"[]\n", b"{}\n", b"[" * 100_000, b"\xff", inside + b" ", b"0" * (1 << 21)):
        with pytest.raises(ValueError):
            membership.check_proof(nonsense)


def test_a_proof_names_nothing_else_and_guessing_is_of_no_use() -> None:
    """The neighbour that a proof shows is blinded: hashing guesses with all that the proof reveals never hits it."""
    _, outside, _ = _proofs()
    assert not any(f'"r{number}"' in outside.decode() for number in range(20))
    proof = json.loads(outside)
    assert "opening" in proof and proof["opening"] is None and proof["rows"] is None
    if proof["found"]:
        stranger = membership.derive_blinding(b"a guess", "s")
        guesses = membership.blind(stranger, {("recording", f"r{number}"): [] for number in range(20)})
        assert proof["found"]["key"] not in {key.hex() for key, _ in guesses.values()}
