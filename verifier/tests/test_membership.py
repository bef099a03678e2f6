"""`ritornello-verify membership`: something is, or is not, in a snapshot; and every way we know to bend that answer."""

import json
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from bundle_maker.membership import PLACE, SIZE, Map, evaluate, make_log, make_proof, text_of, walk
from bundle_maker.signing import L, P, Signer
from bundle_maker.writing import canonical, leaf
from ritornello_verify import ecvrf, ed25519
from ritornello_verify.command import run

PACKAGE = Path(__file__).resolve().parent.parent / "ritornello_verify"
SIGNER, FORGER = Signer("log.example", b"s" * 32), Signer("log.example", b"forger".ljust(32))
SECRET, OTHER_SECRET = Signer("map", b"m" * 32), Signer("map", b"n" * 32)
MEMBER, STRANGER = ("recording", "r1"), ("recording", "r9")
ASSET, ISRC = ("asset", "sha256:" + "11" * 32), ("isrc", "DEABC2600001")
ROWS = {name: [leaf(name[1].encode())] for name in (MEMBER, ("recording", "r2"), ("recording", "r3"), ASSET, ISRC)} | {
    ("recording", "r4"): [leaf(b"mix"), leaf(b"stem")]
}
WORLD = Map("p-s1", SECRET, ROWS)

Values = dict[str, Any]
Check = Callable[..., tuple[int, Values]]


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """Check a proof, or any bytes, with the log's key from elsewhere unless other options are given."""

    def call(proof: Values | bytes, *options: str) -> tuple[int, Values]:
        file = tmp_path / "proof.json"
        file.write_bytes(proof if isinstance(proof, bytes) else canonical(proof) + b"\n")
        code = run(["membership", str(file), "--json", *(options or ("--key", SIGNER.vkey()))])
        found: Values = json.loads(capsys.readouterr().out)
        assert found["verified"] == (code == 0)
        assert found["verified"] == ("answer" in found)
        return code, found

    return call


@pytest.fixture(scope="module")
def proofs() -> tuple[Values, Values]:
    return make_proof(WORLD, MEMBER, SIGNER), make_proof(WORLD, STRANGER, SIGNER)


@pytest.fixture
def inside(proofs: tuple[Values, Values]) -> Values:
    return deepcopy(proofs[0])


@pytest.fixture
def outside(proofs: tuple[Values, Values]) -> Values:
    return deepcopy(proofs[1])


RFC_9381 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "",
        "8657106690b5526245a92b003bb079ccd1a92130477671f6fc01ad16f26f723f26f8a57ccaed74ee1b190bed1f479d9727d2d0f9b005a6e456a35d4fb0daab1268a1b0db10836d9826a528ca76567805",
        "90cf1df3b703cce59e2a35b925d411164068269d7b2d29f3301c03dd757876ff66b71dda49d2de59d03450451af026798e8f81cd2e333de5cdf4f3e140fdd8ae",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "72",
        "f3141cd382dc42909d19ec5110469e4feae18300e94f304590abdced48aed5933bf0864a62558b3ed7f2fea45c92a465301b3bbf5e3e54ddf2d935be3b67926da3ef39226bbc355bdc9850112c8f4b02",
        "eb4440665d3891d668e7e0fcaf587f1b4bd7fbfe99d0eb2211ccec90496310eb5e33821bc613efb94db5e5b54c70a848a0bef4553a41befc57663b56373a5031",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "af82",
        "9bc0f79119cc5604bf02d23b4caede71393cedfbb191434dd016d30177ccbf8096bb474e53895c362d8628ee9f9ea3c0e52c7a5c691b6c18c9979866568add7a2d41b00b05081ed0f58ee5e31b3a970e",
        "645427e5d00c62a23fb703732fa5d892940935942101e456ecca7bb217c61c452118fec1219202a0edcf038bb6373241578be7217ba85a2687f7a0310b2df19f",
    ),
]
"""Appendix B.3, examples 16–18: secret, input, proof, output."""


@pytest.mark.parametrize(("secret", "text", "proof", "output"), RFC_9381)
def test_the_vectors_of_rfc_9381(secret: str, text: str, proof: str, output: str) -> None:
    signer, data, right = Signer("n", bytes.fromhex(secret)), bytes.fromhex(text), bytes.fromhex(proof)
    assert evaluate(signer, data) == (right, bytes.fromhex(output))
    key = signer.public_key()
    assert ecvrf.verify(key, data, right) == bytes.fromhex(output)
    assert ecvrf.verify(key, data + b"x", right) is None
    assert ecvrf.verify(SECRET.public_key(), data, right) is None
    for place in range(80):
        wrong = bytearray(right)
        wrong[place] ^= 1 << place % 8
        assert ecvrf.verify(key, data, bytes(wrong)) is None


SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
]
"""Points of order 1, 2, 4 and 8."""


def test_keys_and_proofs_that_are_not_read() -> None:
    """With a key of small order nothing would bind the output; a proof has one encoding."""
    right, _ = evaluate(SECRET, b"x")
    key = SECRET.public_key()
    for small in map(bytes.fromhex, SMALL_ORDER):
        assert ed25519.decode(small) is not None
        assert ecvrf.verify(small, b"x", right) is None
        assert ecvrf.verify(small, b"x", small + bytes(48)) is None
        assert ecvrf.verify(key, b"x", small + right[32:]) is None
    larger = int.from_bytes(right[48:], "little") + L
    assert ecvrf.verify(key, b"x", right[:48] + larger.to_bytes(32, "little")) is None
    for wrong in (b"", right[:-1], right + b"\0", b"\xff" * 80):
        assert ecvrf.verify(key, b"x", wrong) is None
    for wrong in (b"", key[:-1], b"\xff" * 32, (P + 3).to_bytes(32, "little"), (2).to_bytes(32, "little")):
        assert ecvrf.verify(wrong, b"x", right) is None


def test_in_and_not_in(check: Check, inside: Values, outside: Values) -> None:
    code, report = check(inside)
    assert code == 0
    assert report["verdict"] == (
        f'VERIFIED: recording r1 is in snapshot "p-s1" (1 row of its manifest); map root {WORLD.find_root()}, manifest root {"ab" * 32}, '
        'in the log "log.example" as entry 5 of 9'
    )
    assert report["answer"] == {
        "snapshot_id": "p-s1",
        "kind": "recording",
        "identifier": "r1",
        "statement": "in",
        "root": WORLD.find_root(),
    }
    code, report = check(outside)
    assert (code, report["answer"]["statement"]) == (0, "not_in")
    assert report["verdict"].startswith('VERIFIED: recording r9 is NOT in snapshot "p-s1"; map root ')


def test_every_kind_of_identifier_and_maps_of_every_size(check: Check) -> None:
    for count in range(len(ROWS) + 1):
        world = Map("p-s1", SECRET, dict(list(ROWS.items())[:count]))
        for name in [*ROWS, STRANGER, ("isrc", "SE1234500000"), ("asset", "sha256:" + "22" * 32)]:
            code, report = check(make_proof(world, name, SIGNER))
            assert (code, report["answer"]["statement"]) == (0, "in" if name in world.rows else "not_in"), (count, name)


def test_it_prints_text_and_runs_with_nothing_but_python(outside: Values, tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(canonical(outside) + b"\n")
    (tmp_path / "key").write_text(f"{SIGNER.vkey()}\n")
    (tmp_path / "checkpoint").write_text(outside["checkpoint"])
    command = [sys.executable, "-I", str(PACKAGE), "membership", "mine"]
    asked = ["--key", "key", "--checkpoint", "checkpoint", "--snapshot", "p-s1", "--recording", "r9"]
    done = subprocess.run([*command, *asked], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith('VERIFIED: recording r9 is NOT in snapshot "p-s1"')
    assert "Note" not in done.stdout
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "the key came from the proof itself" in done.stdout
    assert "it was not said what was asked" in done.stdout


def flip(proof: Values, places: range) -> list[bytes]:
    data = canonical(proof) + b"\n"
    flipped = []
    for place in places:
        changed = bytearray(data)
        changed[place // 8] ^= 1 << place % 8
        flipped.append(bytes(changed))
    return flipped


@pytest.mark.parametrize("start", range(2))
def test_a_flipped_bit_in_some_places(check: Check, proofs: tuple[Values, Values], start: int) -> None:
    """Even with the key that the proof itself carries."""
    proof = proofs[start]
    for data in flip(proof, range(start, 8 * len(canonical(proof)), 97)):
        assert check(data, "--json")[0] == 1, data


@pytest.mark.slow
@pytest.mark.parametrize("which", range(2))
def test_a_flipped_bit_anywhere(check: Check, proofs: tuple[Values, Values], which: int) -> None:
    proof = proofs[which]
    for data in flip(proof, range(8 * (len(canonical(proof)) + 1))):
        assert check(data, "--json")[0] == 1, data


def test_an_answer_turned_round(check: Check, inside: Values, outside: Values) -> None:
    """`in` relabelled `not_in` and the other way, with all that either proof offers."""
    key, value = WORLD.find_key(MEMBER).hex(), WORLD.find_value(MEMBER).hex()
    pair = {"key": key, "value": value}
    bare = {"opening": None, "rows": None}
    shown = {"opening": inside["opening"], "rows": inside["rows"], "found": None}
    tail = bytes.fromhex(key)[:-1] + bytes([bytes.fromhex(key)[-1] ^ 1])
    attempts = [
        {**inside, "statement": "not_in"},
        {**inside, "statement": "not_in", **bare},
        {**inside, "statement": "not_in", **bare, "found": pair},
        {**inside, "statement": "not_in", **bare, "found": {**pair, "key": tail.hex()}},
        {**inside, "statement": "not_in", **bare, "found": outside["found"], "siblings": outside["siblings"]},
        {**inside, "statement": "not_in", **bare, "siblings": inside["siblings"][:-1]},
        {**inside, "statement": "not_in", **bare, "siblings": [*inside["siblings"], "00" * 32]},
        {**outside, "statement": "in"},
        {**outside, "statement": "in", **shown},
        {**outside, "statement": "in", **shown, "siblings": inside["siblings"]},
        {**inside, "identifier": "r9"},
        {**inside, "identifier": "r9", "vrf_proof": outside["vrf_proof"]},
        {**outside, "identifier": "r1"},
        {**outside, "identifier": "r1", "vrf_proof": inside["vrf_proof"]},
        {**outside, "identifier": "r1", "vrf_proof": inside["vrf_proof"], "siblings": inside["siblings"]},
        {**outside, "kind": "isrc"},
        {**inside, "rows": [], "opening": None},
        {**inside, "rows": ["00" * 32]},
        {**inside, "rows": inside["rows"] * 2},
        {**inside, "opening": "00" * 32},
        {**inside, "siblings": inside["siblings"][::-1] if len(inside["siblings"]) > 1 else []},
        {**inside, "manifest_root": "00" * 32},
        {**outside, "found": None},
    ]
    for number, attempt in enumerate(attempts):
        code, report = check(attempt)
        if attempt != inside and attempt != outside:
            assert code == 1, number
            assert report["verdict"].startswith("FAILED: "), number


def test_a_key_that_the_operator_changes_afterwards(check: Check, inside: Values) -> None:
    """Under another key the member would be at another place, where nothing is; but the root commits to the key."""
    other = Map("p-s1", OTHER_SECRET, ROWS)
    siblings, end = walk(WORLD.find_pairs(), other.find_key(MEMBER))
    forged = {
        **inside,
        "statement": "not_in",
        "vrf_public_key": OTHER_SECRET.public_key().hex(),
        "vrf_proof": evaluate(OTHER_SECRET, text_of(MEMBER))[0].hex(),
        "siblings": [node.hex() for node in siblings],
        "opening": None,
        "rows": None,
        "found": {"key": end[0][0].hex(), "value": end[0][1].hex()} if end else None,
    }
    assert check(forged)[1]["verdict"].startswith("FAILED: log_proof: its log entry has hash ")
    forged["vrf_public_key"] = inside["vrf_public_key"]
    assert check(forged)[1]["verdict"].startswith("FAILED: proof: vrf_proof is wrong")


def test_a_proof_about_something_else_is_no_answer(check: Check, inside: Values, outside: Values) -> None:
    right = ("--key", SIGNER.vkey(), "--snapshot", "p-s1")
    code, report = check(inside, *right, "--recording", "r1")
    assert (code, report["notes"]) == (0, [])
    for proof, options, message in (
        (outside, ("--recording", "r1"), 'identifier is "r9", you asked about "r1"'),
        (make_proof(WORLD, ASSET, SIGNER), ("--asset", "sha256:" + "33" * 32), "identifier is "),
        (make_proof(WORLD, ("recording", ISRC[1]), SIGNER), ("--isrc", ISRC[1]), 'kind is "recording", you asked about "isrc"'),
        (make_proof(Map("p-s2", SECRET, {}), MEMBER, SIGNER), ("--recording", "r1"), 'snapshot_id is "p-s2", you asked about "p-s1"'),
    ):
        code, report = check(proof, *right, *options)
        assert code == 1
        assert report["verdict"].startswith(f"FAILED: proof: {message}"), report["verdict"]
    code, report = check(make_proof(WORLD, ISRC, SIGNER), *right, "--isrc", "de-abc-26-00001")
    assert (code, report["answer"]["identifier"]) == (0, "DEABC2600001")


@pytest.mark.parametrize(
    ("kind", "identifier"),
    [
        ("isrc", "DE-ABC-26-00001"),
        ("isrc", "deabc2600001"),
        ("isrc", "DEABC260000١"),
        ("asset", "SHA256:" + "11" * 32),
        ("asset", "sha256:" + "AA" * 32),
        ("asset", "sha256:" + "11" * 32 + "\n"),
        ("asset", "11" * 32),
        ("recording", "r1 "),
        ("recording", ""),
        ("recording", "r\u0000001"),
        ("recording", "x" * 65),
        ("work", "w1"),
    ],
)
def test_a_misspelling_is_in_no_snapshot_and_proves_nothing(check: Check, kind: str, identifier: str) -> None:
    code, report = check(make_proof(WORLD, (kind, identifier), SIGNER))
    assert code == 1
    assert report["verdict"].startswith("FAILED: proof: "), report["verdict"]


def test_another_snapshots_map_or_log_entry(check: Check, inside: Values, outside: Values) -> None:
    other = Map("p-s2", SECRET, {name: rows for name, rows in ROWS.items() if name != MEMBER})
    elsewhere = make_proof(other, MEMBER, SIGNER)
    assert check(elsewhere)[1]["answer"]["snapshot_id"] == "p-s2"
    assert check({**elsewhere, "snapshot_id": "p-s1"})[0] == 1
    assert check({**outside, **make_log("p-s2", WORLD.find_root(), SIGNER)})[1]["verdict"] == (
        'FAILED: log_proof: its log entry has id "p-s2", not "p-s1"'
    )
    assert check({**inside, **make_log("p-s1", other.find_root(), SIGNER)})[1]["verdict"].startswith(
        "FAILED: log_proof: its log entry has hash "
    )
    entry = inside["log_proof"]["entry"].replace('"membership"', '"snapshot"')
    assert 'has kind "snapshot"' in check({**inside, "log_proof": {**inside["log_proof"], "entry": entry}})[1]["verdict"]


def test_a_changed_way_to_the_checkpoint(check: Check, inside: Values) -> None:
    proof = inside["log_proof"]
    changes: list[Values] = [
        {"index": PLACE - 1},
        {"index": SIZE},
        {"tree_size": SIZE + 1},
        {"hashes": []},
        {"hashes": proof["hashes"][::-1]},
        {"hashes": ["00" * 32] * 500},
        {"hashes": ["é" * 64]},
        {"entry": proof["entry"].replace('"at_us":4', '"at_us":5')},
        {"entry": proof["entry"] + " "},
        {"entry": "{}"},
    ]
    for change in changes:
        code, report = check({**inside, "log_proof": {**proof, **change}})
        assert code == 1
        assert report["verdict"].startswith("FAILED: log_proof: its "), change


def test_a_checkpoint_and_a_key_from_elsewhere(check: Check, inside: Values, tmp_path: Path) -> None:
    key = ("--key", SIGNER.vkey())
    kept = tmp_path / "kept"

    def keep(log: Values) -> tuple[str, ...]:
        kept.write_text(log["checkpoint"])
        return (*key, "--checkpoint", str(kept))

    assert check(inside, *keep(inside))[0] == 0
    assert check({**inside, "checkpoint": "nonsense", "vkey": "nonsense"}, *keep(inside))[0] == 0
    assert check({**inside, "checkpoint": "nonsense"})[1]["verdict"].startswith("FAILED: checkpoint: the checkpoint is not three lines")
    assert check({**inside, "vkey": "nonsense"}, "--json")[1]["verdict"].startswith("FAILED: vkey: ")
    other = make_log("p-s1", "00" * 32, SIGNER)
    assert check(inside, *keep(other))[1]["verdict"] == "FAILED: log_proof: its proof does not lead to the checkpoint's root"
    larger = make_log("p-s1", WORLD.find_root(), SIGNER, SIZE + 1)
    assert check(inside, *keep(larger))[1]["verdict"] == "FAILED: log_proof: its proof is for a tree of 9 entries, the checkpoint has 10"
    forged = {**inside, **make_log("p-s1", WORLD.find_root(), FORGER)}
    assert check(forged, "--json")[0] == 0
    assert check(forged)[1]["verdict"].startswith("FAILED: checkpoint: the checkpoint bears no signature of the key log.example+")
    assert check(inside, *keep(forged))[1]["verdict"].startswith("FAILED: the checkpoint given: the checkpoint bears no signature")
    kept.write_bytes(b"\xff")
    assert check(inside, *key, "--checkpoint", str(kept))[1]["verdict"] == "FAILED: the checkpoint given: the checkpoint is not UTF-8"
    changed = inside["checkpoint"].replace("\n9\n", "\n8\n")
    assert check({**inside, "checkpoint": changed})[1]["verdict"].startswith("FAILED: checkpoint: the signature of the key")


def test_a_root_from_elsewhere(check: Check, inside: Values) -> None:
    assert check(inside, "--root", WORLD.find_root())[0] == 0
    code, report = check(inside, "--root", "00" * 32)
    assert code == 1
    assert report["verdict"] == f"FAILED: proof: leads to the map's root {WORLD.find_root()}, not to {'00' * 32} as given"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\xff\xfe\n",
        b"null\n",
        b"[]\n",
        b"{}\n",
        b"[" * 100_000 + b"]" * 100_000 + b"\n",
        b'{"rows":' * 100_000 + b"\n",
        b'{"index":' + b"9" * 500_000 + b"}\n",
        b'{"format":1.5}\n',
        b'{"format":"\\ud800"}\n',
        b'{"a":1,"a":1}\n',
        b'{"a":"' + b"x" * (1 << 20) + b'"}\n',
        b" " * (1 << 22),
    ],
)
def test_what_is_no_proof(check: Check, data: bytes) -> None:
    code, report = check(data)
    assert code == 1
    assert report["verdict"].startswith("FAILED: proof: ")


def test_long_lists_are_bounded(check: Check, inside: Values) -> None:
    """The longest proof that is read at all."""
    for change in ({"siblings": ["00" * 32] * 256}, {"siblings": ["00" * 32] * 257}, {"rows": ["00" * 32] * 15_000}):
        assert check({**inside, **change})[0] == 1
    assert check({**inside, "siblings": ["00" * 32] * 257})[1]["verdict"] == "FAILED: proof: has 257 siblings, more than a key has bits"


NONSENSE: list[object] = [None, True, -1, 1 - 2**53, "", "x", [], [[1]], ["x"], {}, {"a": {"b": []}}]


@pytest.mark.parametrize("part", ["", "log_proof", "found"])
def test_missing_unknown_and_mistyped_fields(check: Check, inside: Values, outside: Values, part: str) -> None:
    proof = outside if part == "found" else inside
    whole = proof[part] if part else proof
    for name in [*whole, "surprise"]:
        for value in [*NONSENSE, ...]:
            wrong = {other: old for other, old in whole.items() if other != name} if value is ... else {**whole, name: value}
            if wrong != whole and name != "vkey":
                code, report = check({**proof, part: wrong} if part else wrong)
                assert code == 1, (name, value)
                assert report["verdict"].startswith("FAILED: "), (name, value)


def test_a_proof_is_written_canonically(check: Check, inside: Values) -> None:
    assert "has no line end" in check(canonical(inside))[1]["verdict"]
    assert "not canonical" in check(json.dumps(inside, indent=1).encode() + b"\n")[1]["verdict"]
    assert "not canonical" in check(canonical(inside) + b"\n\n")[1]["verdict"]


@pytest.mark.parametrize(
    "options",
    [
        ["/nonexistent"],
        ["/"],
        [__file__, "--key", "nonsense"],
        [__file__, "--checkpoint", "/nonexistent"],
        [__file__, "--root", "00"],
        [__file__, "--isrc", "r1"],
        [__file__, "--asset", "r1"],
        [__file__, "--recording", "é"],
    ],
)
def test_what_cannot_be_read_is_exit_two(capsys: pytest.CaptureFixture[str], options: list[str]) -> None:
    assert run(["membership", *options]) == 2
    assert capsys.readouterr().err.startswith("Could not verify: ")
    assert run(["membership", *options, "--json"]) == 2
    assert '"verified": false' in capsys.readouterr().out


def test_bad_usage_is_exit_two() -> None:
    for arguments in (["membership"], ["membership", "one", "two"], ["membership", "one", "--isrc", "a", "--asset", "b"]):
        with pytest.raises(SystemExit) as stop:
            run(arguments)
        assert stop.value.code == 2
