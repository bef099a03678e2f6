"""A proof that something is, or is not, in a snapshot (merkle-map.md): its place in the map, and the map's root in the log."""

from dataclasses import dataclass
from hashlib import sha256

from ritornello_verify import ecvrf
from ritornello_verify.canonical import write
from ritornello_verify.carried import CHECKPOINT, VKEY, check_checkpoint, choose_key
from ritornello_verify.kinds import ASSET, HASH, HASHES, IDENTIFIER, ISRC, OBJECT, TEXT, Kind, allow_null, choose, match_hex
from ritornello_verify.log import PROOF_COLUMNS, Trust, find_wrong_entry, find_wrong_path
from ritornello_verify.merkle import find_root
from ritornello_verify.note import Checkpoint
from ritornello_verify.reading import Values, find_wrong_column, parse_document
from ritornello_verify.report import Malformed, Report, Step, show

PROOF, LOG_PROOF = "proof", "log_proof"
PROOF_LIMIT = 1 << 20
"""Bytes a proof may have."""
MAP_FORMAT, PROOF_FORMAT = "ritornello-membership-1", "ritornello-membership-proof-1"
IDENTIFIERS = {"asset": ASSET, "recording": IDENTIFIER, "isrc": ISRC}
KEY_BITS = 256
COLUMNS = {
    "format": TEXT,
    "snapshot_id": TEXT,
    "manifest_root": HASH,
    "vrf_public_key": HASH,
    "kind": choose(*IDENTIFIERS),
    "identifier": TEXT,
    "statement": choose("in", "not_in"),
    "vrf_proof": match_hex(ecvrf.PROOF_SIZE),
    "siblings": HASHES,
    "opening": allow_null(HASH),
    "rows": allow_null(HASHES),
    "found": allow_null(OBJECT),
    LOG_PROOF: OBJECT,
    CHECKPOINT: TEXT,
    VKEY: TEXT,
}
FOUND_COLUMNS: dict[str, Kind] = {"key": HASH, "value": HASH}
NOTHING = sha256(b"\x04").digest()


@dataclass(frozen=True, slots=True)
class Question:
    """What the caller asked, and the map's root if the caller has it from elsewhere; None: not said."""

    snapshot_id: str | None = None
    kind: str | None = None
    identifier: str | None = None
    root: str | None = None


def verify_membership(data: bytes, trust: Trust, question: Question) -> Report:
    """All checks of merkle-map.md, in the order of its page."""
    report = Report()
    step = report.begin("Proof: all fields are there and can be read, and it is about what was asked")
    try:
        values = read_proof(data)
    except Malformed as error:
        step.add(error.problem)
        return report
    check_question(values, question, step, report)
    step = report.begin("Map: the identifier has one place in it, and what stands there leads to the map's root")
    root = climb(values, step)
    if root is None:
        return report
    if question.root not in (None, root):
        step.fail(PROOF, f"leads to the map's root {root}, not to {question.root} as given")
    step = report.begin("Log: the checkpoint is signed, and the map's root is in the tree it names")
    checkpoint = check_log(values, root, trust, step, report)
    if checkpoint is not None:
        report.conclusion = describe(values, root, checkpoint)
        report.answer = {name: values[name] for name in ("snapshot_id", "kind", "identifier", "statement")} | {"root": root}
    return report


def read_proof(data: bytes) -> Values:
    if len(data) > PROOF_LIMIT:
        raise Malformed(PROOF, f"is longer than {PROOF_LIMIT:,} bytes")
    values = parse_document(data, PROOF, COLUMNS)
    if values["format"] != PROOF_FORMAT:
        raise Malformed(PROOF, f"format is {show(values['format'])}, not {PROOF_FORMAT}")
    form = IDENTIFIERS[values["kind"]]
    if not form.accepts(values["identifier"]):
        raise Malformed(PROOF, f"identifier is {show(values['identifier'])}, not {form.description}")
    refuse_contradiction(values)
    if len(values["siblings"]) > KEY_BITS:
        raise Malformed(PROOF, f"has {len(values['siblings'])} siblings, more than a key has bits")
    for name, columns in (("found", FOUND_COLUMNS), (LOG_PROOF, PROOF_COLUMNS)):
        wrong = None if values[name] is None else find_wrong_column(values[name], columns)
        if wrong:
            raise Malformed(name, wrong)
    return values


def refuse_contradiction(values: Values) -> None:
    """`opening` and `rows` stand for what is in, `found` for what is not."""
    shown = [name for name in ("opening", "rows", "found") if values[name] is not None]
    if values["statement"] == "in" and (shown != ["opening", "rows"] or not values["rows"]):
        raise Malformed(PROOF, "says `in`, so it needs opening and rows (at least one), and found must be null")
    if values["statement"] == "not_in" and shown not in ([], ["found"]):
        raise Malformed(PROOF, "says `not_in`, so opening and rows must be null")


def check_question(values: Values, question: Question, step: Step, report: Report) -> None:
    """A right proof about something else is no answer."""
    asked = {"snapshot_id": question.snapshot_id, "kind": question.kind, "identifier": question.identifier}
    for name, value in asked.items():
        if value not in (None, values[name]):
            step.fail(PROOF, f"{name} is {show(values[name])}, you asked about {show(value)}")
            return
    if None in asked.values():
        report.notes.append("it was not said what was asked (--snapshot, and --asset, --recording or --isrc): read what the proof is about")


def climb(values: Values, step: Step) -> str | None:
    """The map's root as it follows from the proof; None when the proof contradicts itself."""
    text = write({"format": MAP_FORMAT, "identifier": values["identifier"], "kind": values["kind"]})
    output = ecvrf.verify(bytes.fromhex(values["vrf_public_key"]), text, bytes.fromhex(values["vrf_proof"]))
    if output is None:
        step.fail(PROOF, "vrf_proof is wrong: it does not show where in the map this identifier belongs")
        return None
    step.count("values of the random function checked")
    key = output[: KEY_BITS // 8]
    siblings = [bytes.fromhex(text) for text in values["siblings"]]
    wrong = find_wrong_neighbour(values, key, len(siblings))
    if wrong:
        step.fail(PROOF, wrong)
        return None
    node = find_end(values, key)
    for depth in reversed(range(len(siblings))):
        pair = (siblings[depth], node) if take_bit(key, depth) else (node, siblings[depth])
        node = sha256(b"\x03" + pair[0] + pair[1]).digest()
    step.count("branches of the map followed", len(siblings))
    header = {
        "format": MAP_FORMAT,
        "manifest_root": values["manifest_root"],
        "snapshot_id": values["snapshot_id"],
        "tree_root": node.hex(),
        "vrf_public_key": values["vrf_public_key"],
    }
    return sha256(write(header)).hexdigest()


def find_wrong_neighbour(values: Values, key: bytes, depth: int) -> str | None:
    """Another key's leaf shows that ours is not there only where our bits lead."""
    if values["found"] is None:
        return None
    other = bytes.fromhex(values["found"]["key"])
    if other == key:
        return "says that the identifier is not in, and found is its own key"
    if any(take_bit(other, place) != take_bit(key, place) for place in range(depth)):
        return "found is a key that stands elsewhere in the map"
    return None


def find_end(values: Values, key: bytes) -> bytes:
    """What stands at the end of the path: our leaf, another one, or nothing."""
    if values["statement"] == "in":
        rows = find_root(bytes.fromhex(row) for row in values["rows"])
        return hash_leaf(key, sha256(b"\x05" + bytes.fromhex(values["opening"]) + rows).digest())
    if values["found"] is not None:
        return hash_leaf(bytes.fromhex(values["found"]["key"]), bytes.fromhex(values["found"]["value"]))
    return NOTHING


def hash_leaf(key: bytes, value: bytes) -> bytes:
    return sha256(b"\x02" + key + value).digest()


def take_bit(key: bytes, place: int) -> int:
    """The first byte's highest bit first."""
    return key[place // 8] >> (7 - place % 8) & 1


def check_log(values: Values, root: str, trust: Trust, step: Step, report: Report) -> Checkpoint | None:
    """The log's entry says this root of this snapshot, and is in the tree of the checkpoint, which may be the caller's own."""
    key = choose_key(values[VKEY], trust.key, PROOF, step, report)
    if trust.checkpoint is None:
        checkpoint = check_checkpoint(values[CHECKPOINT].encode(), CHECKPOINT, key, step)
    else:
        checkpoint = check_checkpoint(trust.checkpoint, "the checkpoint given", key, step)
    proof = values[LOG_PROOF]
    expected = {"kind": "membership", "id": values["snapshot_id"], "hash": root}
    problem = find_wrong_entry(proof["entry"], expected) or find_wrong_path(proof, checkpoint)
    if problem:
        step.fail(LOG_PROOF, problem)
    else:
        step.count("inclusion proofs followed")
    return checkpoint


def describe(values: Values, root: str, checkpoint: Checkpoint) -> str:
    """The answer in plain words."""
    rows = len(values["rows"] or ())
    named = f" ({rows} {'row' if rows == 1 else 'rows'} of its manifest)" if rows else ""
    return (
        f"{values['kind']} {values['identifier']} is {'in' if rows else 'NOT in'} snapshot {show(values['snapshot_id'])}{named}; "
        f"map root {root}, manifest root {values['manifest_root']}, "
        f"in the log {show(checkpoint.origin)} as entry {values[LOG_PROOF]['index'] + 1} of {checkpoint.size}"
    )
