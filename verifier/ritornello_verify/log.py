"""Step 2 of bundle.md: every file is in the log, and the log's checkpoint is signed."""

from dataclasses import dataclass

from ritornello_verify.bundle import REPORT_FORM, Bundle
from ritornello_verify.canonical import NotCanonical, parse
from ritornello_verify.folder import Folder
from ritornello_verify.kinds import HASH, HASH_FORM, INTEGER, TEXT
from ritornello_verify.merkle import follow_path, hash_leaf
from ritornello_verify.note import NOTE_LIMIT, BadNote, Checkpoint, Key, check_signature, read_checkpoint, read_key
from ritornello_verify.reading import Row, Values, find_key, find_wrong_column, read_lines, read_row
from ritornello_verify.report import Malformed, Report, Step, show
from ritornello_verify.tables import PROOFS, TABLES

CHECKPOINT = "checkpoint.txt"
KEY = "log.vkey"
ENTRY_COLUMNS = {"at_us": INTEGER, "hash": HASH, "id": TEXT, "kind": TEXT}
PROOF_COLUMNS = {name: kind for name, kind in TABLES[PROOFS].columns.items() if name != "path"}
"""A proof on its own, as receipts and proofs of membership have it."""
PATH_LIMIT = 64
"""Hashes an audit path may have: trees have fewer than 2^53 entries."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What the caller brought along from elsewhere than the bundle."""

    key: Key | None = None
    checkpoint: bytes | None = None


def check_log(bundle: Bundle, trust: Trust, report: Report) -> None:
    step = report.begin("Log: the checkpoint is signed, and each file's entry is in the tree it names")
    checkpoint = find_checkpoint(bundle.folder, trust, step, report)
    proved: set[str] = set()
    last: tuple[str, ...] = ()
    try:
        for number, line in enumerate(read_lines(bundle.folder, PROOFS), 1):
            row = read_row(line, PROOFS, number)
            key = find_key(row.values, TABLES[PROOFS])
            if last and key <= last:
                raise Malformed(PROOFS, "the row repeats a path or is out of order", number, f"path {show(key[0])}")
            last = key
            if check_proof(bundle, row, checkpoint, step):
                proved.add(key[0])
    except Malformed as error:
        step.add(error.problem)
    for path in bundle.entries:
        if path not in proved:
            step.fail(path, "has no proof in proofs.jsonl that leads to its hash")


def find_checkpoint(folder: Folder, trust: Trust, step: Step, report: Report) -> Checkpoint | None:
    """Read the checkpoint and check its signature; None when it cannot be read."""
    name = CHECKPOINT if trust.checkpoint is None else "the checkpoint given"
    try:
        key = find_key_of_log(folder, trust, report)
        data = folder.read(CHECKPOINT, NOTE_LIMIT) if trust.checkpoint is None else trust.checkpoint
        checkpoint = read_checkpoint(data)
    except Malformed as error:
        step.add(error.problem)
        return None
    except BadNote as error:
        step.fail(name, str(error))
        return None
    if key is None:
        step.fail(KEY, "cannot be read as a key, so no signature was checked")
        return checkpoint
    try:
        check_signature(checkpoint, key)
        step.count("signatures checked")
    except BadNote as error:
        step.fail(name, str(error))
    return checkpoint


def find_key_of_log(folder: Folder, trust: Trust, report: Report) -> Key | None:
    """The caller's key, or the bundle's own, which says little about who signed."""
    own = read_own_key(folder)
    if trust.key is None:
        report.notes.append(
            "no --key was given: the key came from the bundle itself. The signature shows that bundle and checkpoint belong together, "
            "not who signed them; whoever forges a bundle can put a key of their own into it"
        )
        return own
    if own != trust.key:
        report.notes.append("log.vkey of the bundle is not the key given; the key given was used")
    return trust.key


def read_own_key(folder: Folder) -> Key | None:
    try:
        return read_key(folder.read(KEY, NOTE_LIMIT).decode("utf-8"))
    except (BadNote, UnicodeDecodeError):
        return None


def check_proof(bundle: Bundle, row: Row, checkpoint: Checkpoint | None, step: Step) -> bool:
    """One file's log entry and its way to the root. A wrong one is noted at the file it is about."""
    path = row.values["path"]
    if path not in bundle.entries:
        step.fail(PROOFS, f"path {show(path)} is not listed in bundle.json", row.number)
        return False
    problem = find_wrong_entry(row.values["entry"], expect_entry(bundle, path)) or find_wrong_path(row.values, checkpoint)
    if problem:
        step.fail(path, f"{problem} (proofs.jsonl row {row.number})")
        return False
    step.count("inclusion proofs followed")
    return True


def expect_entry(bundle: Bundle, path: str) -> Values:
    """What a file's log entry must say."""
    match = REPORT_FORM.fullmatch(path)
    return {
        "kind": "report" if match else path,
        "id": match[1] if match else bundle.settlement_id,
        "hash": bundle.hashes.get(path, bundle.entries[path].hash),
    }


def find_wrong_entry(text: str, expected: Values) -> str | None:
    try:
        entry = parse(text.encode("utf-8", "surrogatepass"))
    except NotCanonical as error:
        return f"its log entry is wrong: {error}"
    wrong = find_wrong_column(entry, ENTRY_COLUMNS) if type(entry) is dict else "not an object"
    if wrong or type(entry) is not dict:
        return f"its log entry is wrong: {wrong}"
    for name, value in expected.items():
        if entry[name] != value:
            return f"its log entry has {name} {show(entry[name])}, not {show(value)}"
    return None


def find_wrong_path(proof: Values, checkpoint: Checkpoint | None) -> str | None:
    """A proof has the columns `entry`, `index`, `tree_size` and `hashes` of proofs.jsonl; its entry was found right."""
    if checkpoint is None:
        return "its proof leads nowhere, since there is no readable checkpoint"
    if proof["tree_size"] != checkpoint.size:
        return f"its proof is for a tree of {proof['tree_size']} entries, the checkpoint has {checkpoint.size}"
    hashes = proof["hashes"]
    if len(hashes) > PATH_LIMIT or not all(HASH_FORM.fullmatch(text) for text in hashes):
        return f"its proof is not a list of at most {PATH_LIMIT} hashes in hex"
    leaf = hash_leaf(proof["entry"].encode())
    root = follow_path(leaf, proof["index"], checkpoint.size, [bytes.fromhex(text) for text in hashes])
    return None if root == checkpoint.root else "its proof does not lead to the checkpoint's root"
