"""Step 1 of bundle.md: every listed file is there and nothing else is, each hash is right, each table is canonical and sorted."""

from dataclasses import dataclass
from hashlib import sha256

from ritornello_verify.bundle import BUNDLE, FOLDERS, Bundle, Entry, read_listing
from ritornello_verify.canonical import NotCanonical, parse
from ritornello_verify.folder import Folder
from ritornello_verify.leaves import Difference, compare_leaves, hash_leaves, name_leaves, read_leaves
from ritornello_verify.merkle import hash_leaf
from ritornello_verify.reading import find_key, identify, read_lines, read_row
from ritornello_verify.report import Malformed, Problem, Report, Step
from ritornello_verify.tables import PROOFS, TABLES

STRANGERS_NAMED = 20
CHUNK = 1 << 20
TOP_FILES = {BUNDLE, PROOFS, "checkpoint.txt", "log.vkey"}


@dataclass(frozen=True, slots=True)
class Inspection:
    """A table as found: its leaf hashes, joined, and the first thing wrong with a row or the order of rows."""

    leaves: bytes
    problem: Problem | None
    readable: bool

    def count_rows(self) -> int:
        return len(self.leaves) // 32


def check_files(folder: Folder, report: Report) -> Bundle | None:
    """Read every byte once; None when bundle.json itself cannot be used."""
    step = report.begin("Files: all there, hashes right, tables canonical and sorted")
    try:
        settlement_id, entries = read_listing(folder, step)
    except Malformed as error:
        step.add(error.problem)
        return None
    hashes: dict[str, str] = {}
    well_formed = set()
    for entry in entries.values():
        try:
            if entry.kind == "document":
                hashes[entry.path] = check_document(folder, entry, step)
            else:
                inspection = inspect_table(folder, entry.path)
                hashes[entry.path] = check_table(folder, entry, inspection, step)
                if inspection.readable:
                    well_formed.add(entry.path)
        except Malformed as error:
            step.add(error.problem)
    find_strangers(folder, entries, step, report)
    return Bundle(folder, settlement_id, entries, hashes, frozenset(well_formed))


def check_document(folder: Folder, entry: Entry, step: Step) -> str:
    step.count("documents hashed")
    try:
        with folder.open(entry.path) as file:
            digest = sha256()
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise Malformed(entry.path, f"cannot be read: {error.strerror}") from None
    found = digest.hexdigest()
    if found != entry.hash:
        step.fail(entry.path, f"SHA-256 is {found}, bundle.json lists {entry.hash}: the document was changed")
    return found


def inspect_table(folder: Folder, path: str) -> Inspection:
    """Hash all lines; note the first line that is not well formed, out of order or a repeated key."""
    leaves = bytearray()
    problem: Problem | None = None
    readable, last = True, None
    try:
        for number, line in enumerate(read_lines(folder, path), 1):
            leaves += hash_leaf(line)
            if not readable:
                continue
            try:
                values = read_row(line, path, number).values
            except Malformed as error:
                problem, readable = problem or error.problem, False
                continue
            key = find_key(values, TABLES[path])
            if problem is None and last is not None and key <= last:
                what = "has the same key as the row before" if key == last else "is out of order"
                problem = Problem(path, f"the row {what}", number, identify(values, TABLES[path]))
            last = key
    except Malformed as error:
        if error.problem.row is None:
            raise
        problem, readable = problem or error.problem, False
    return Inspection(bytes(leaves), problem, readable)


def check_table(folder: Folder, entry: Entry, inspection: Inspection, step: Step) -> str:
    """Compare the root and number of rows with bundle.json, and the leaves file with both."""
    step.count("tables hashed")
    step.count("rows read", inspection.count_rows())
    found = hash_leaves(inspection.leaves)
    leaves = find_leaves(folder, entry, step)
    if found != entry.hash:
        problem = name_touched_row(folder, entry, inspection, leaves, found)
        if inspection.problem is not None:
            note = inspection.problem.message if inspection.problem.row == problem.row else inspection.problem.describe()
            problem = Problem(problem.path, f"{problem.message}; {note}", problem.row, problem.identity)
        step.add(problem)
    elif inspection.problem is not None:
        step.add(inspection.problem)
    elif inspection.count_rows() != entry.rows:
        step.fail(entry.path, f"has {inspection.count_rows()} rows, bundle.json lists {entry.rows}")
    if leaves is not None and hash_leaves(leaves) != entry.hash and leaves != inspection.leaves:
        difference = compare_leaves(leaves, inspection.leaves)
        step.fail(name_leaves(entry.path), "is not the leaf hash of this row of the table", difference.row if difference else None)
    return found


def find_leaves(folder: Folder, entry: Entry, step: Step) -> bytes | None:
    try:
        leaves = read_leaves(folder, name_leaves(entry.path))
    except Malformed as error:
        step.add(error.problem)
        return None
    step.count("leaf hashes read", len(leaves) // 32)
    return leaves


def name_touched_row(folder: Folder, entry: Entry, inspection: Inspection, leaves: bytes | None, found: str) -> Problem:
    roots = f"root is {found}, bundle.json lists {entry.hash}"
    if leaves is None or hash_leaves(leaves) != entry.hash:
        return Problem(entry.path, f"{roots}; no leaves file leads to the listed root, so the row cannot be told")
    difference = compare_leaves(leaves, inspection.leaves)
    assert difference is not None
    return Problem(entry.path, f"{difference.message}; {roots}", difference.row, name_row(folder, entry.path, difference))


def name_row(folder: Folder, path: str, difference: Difference) -> str:
    """The identity of the row a difference is about, as far as it can be read."""
    if not difference.present:
        return ""
    for number, line in enumerate(read_lines(folder, path), 1):
        if number == difference.row:
            try:
                values = parse(line)
            except NotCanonical:
                return ""
            return identify(values, TABLES[path]) if type(values) is dict else ""
    return ""


def find_strangers(folder: Folder, entries: dict[str, Entry], step: Step, report: Report) -> None:
    """Files that bundle.json does not list: wrong inside its three folders, worth a note elsewhere."""
    known = {*entries, *TOP_FILES, *(name_leaves(entry.path) for entry in entries.values() if entry.kind == "table")}
    strangers = others = 0
    for path in folder.list_paths():
        if path in known:
            continue
        if path.startswith(FOLDERS) or f"{path}/" in FOLDERS:
            strangers += 1
            if strangers <= STRANGERS_NAMED:
                step.fail(path, "is not listed in bundle.json")
        else:
            others += 1
    if strangers > STRANGERS_NAMED:
        report.notes.append(f"{strangers} files are not listed in bundle.json; the first {STRANGERS_NAMED} were named")
    if others:
        report.notes.append(f"{others} files beside the bundle's own were not looked at")
