"""A stranger with a root alone learns whether something is in a snapshot, and nothing about anything else."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.cli import membership as commands
from ritornello.cli.main import program
from ritornello.domain import merkle, merkle_map
from ritornello.domain.errors import Refused
from ritornello.formats import membership
from ritornello.service import membership as service
from ritornello.service import snapshots
from ritornello.settings import read_settings
from ritornello.wiring import open_context

Run = Callable[..., str]


@pytest.fixture
def frozen(home: Path, run: Run) -> Path:
    for command in (commands.prove, commands.check_proof):
        program.commands["snapshot"].add_command(command)  # type: ignore[attr-defined]
    run("--home", home, "snapshot", "freeze", "--programme", "p")
    with open_context(home, read_settings().database, print) as context:
        if service.read_root(context, "p-s1") is None:
            manifest = context.files.get(context.connection.exec_driver_sql("SELECT manifest_sha256 FROM snapshot").scalar())
            service.commit(context, "p-s1", manifest)
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
        root = service.read_root(context, "p-s1")
        assert root is not None
        for number, row in enumerate(snapshots.read_manifest(context, "p-s1")):
            answer = service.prove(context, "p-s1", row["asset_id"], None, tmp_path / str(number))
            assert answer.included and answer.kind == "asset" and len(answer.rows) == 1
            assert service.check((tmp_path / str(number)).read_bytes(), root) == answer
        absent = service.prove(context, "p-s1", "de-abc-26-00001", None, tmp_path / "isrc")
        assert (absent.included, absent.kind, absent.identifier) == (False, "isrc", "DEABC2600001")
        with pytest.raises(Refused, match="not an ISRC"):
            service.prove(context, "p-s1", "r1", "isrc", tmp_path / "bad")


BLINDING = membership.derive_blinding(b"secret", "s")
HEADER = membership.Header("s", "00" * 32, BLINDING.public.hex())


def _world(names: set[str]) -> tuple[dict[tuple[str, str], list[bytes]], list[merkle_map.Entry], str]:
    rows = {("recording", name): [merkle.leaf_hash(name.encode())] for name in names}
    entries = merkle_map.sort_entries(list(membership.blind(BLINDING, rows).values()))
    return rows, entries, HEADER.root(merkle_map.root(entries))


@settings(deadline=None, max_examples=30)
@given(st.sets(st.text(max_size=8), max_size=12), st.text(max_size=8))
def test_random_sets(names: set[str], other: str) -> None:
    rows, entries, root = _world(names)
    for name in [*sorted(names)[:3], other]:
        leaves = rows.get(("recording", name), [])
        answer = membership.check_proof(membership.write_proof(HEADER, BLINDING, entries, "recording", name, leaves), root)
        assert answer.included == (name in names) and [bytes.fromhex(row) for row in answer.rows] == leaves


def _proofs() -> tuple[bytes, bytes, str]:
    rows, entries, root = _world({f"r{number}" for number in range(20)})
    inside = membership.write_proof(HEADER, BLINDING, entries, "recording", "r3", rows["recording", "r3"])
    return inside, membership.write_proof(HEADER, BLINDING, entries, "recording", "stranger", []), root


def test_any_flipped_bit_fails() -> None:
    inside, outside, root = _proofs()
    random = Random(1)
    for proof in (inside, outside):
        membership.check_proof(proof, root)
        places = random.sample(range(8 * len(proof)), 600)
        for place in places:
            changed = bytearray(proof)
            changed[place >> 3] ^= 1 << (place & 7)
            with pytest.raises(ValueError):
                membership.check_proof(bytes(changed), root)


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
    ]
    other = membership.derive_blinding(b"another secret", "s")
    forged = json.loads(membership.write_proof(membership.Header("s", "00" * 32, other.public.hex()), other, [], "recording", "r3", []))
    attempts += [forged, {**no, "identifier": "r3", "vrf_proof": forged["vrf_proof"], "vrf_public_key": forged["vrf_public_key"]}]
    for attempt in attempts:
        with pytest.raises(ValueError):
            membership.check_proof(membership.encode_document(attempt), root)
    for nonsense in (b"", b"[]\n", b"{}\n", b"[" * 100_000, b"\xff", inside + b" ", b"0" * (1 << 21)):
        with pytest.raises(ValueError):
            membership.check_proof(nonsense, root)


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
