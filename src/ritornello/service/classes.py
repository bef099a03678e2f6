"""Classes of licensees: their documents are registered once; programmes are admitted to them, openly and early enough to object."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from ritornello.domain.consent import CLASS, Footing
from ritornello.domain.errors import BadInput, Problem, Refused, raise_if_any
from ritornello.domain.licensee_class import Admission, LicenseeClass, find_footings, find_shortfalls
from ritornello.domain.programme import Programme
from ritornello.formats.canonical import encode, fingerprint_document
from ritornello.formats.class_toml import read_class
from ritornello.service.context import Context
from ritornello.store import classes

MAX_BYTES = 1 << 20


def read_file(path: Path) -> tuple[LicenseeClass, bytes]:
    """A class document's file, checked. Raises BadInput."""
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise BadInput([Problem(path.name, None, None, "there is no such file, or it is larger than 1 MiB", "check the path")])
    data = path.read_bytes()
    return read_class(path.name, data), data


def register(context: Context, path: Path) -> LicenseeClass:
    """Keep a class document. The same bytes again change nothing; other bytes under a version that exists are refused."""
    found, data = read_file(path)
    known = dict(classes.find_hashes(context.connection, found.class_id))
    if known.get(found.version, found.sha256) != found.sha256:
        what = f"{found.class_id} version {found.version} is registered with other demands"
        raise Refused("terms_changed", what, "raise `version`: grants bind to the document that was shown")
    if not classes.is_registered(context.connection, found.sha256):
        context.files.put(data)
        classes.add_class(context.connection, found.class_id, found.version, found.sha256, context.now_us())
        context.record("class", f"{found.class_id}/{found.version}", found.sha256)
    return found


def find(context: Context, class_id: str) -> LicenseeClass:
    """The newest document of a class: what rights holders are shown. Raises Refused."""
    hashes = classes.find_hashes(context.connection, class_id)
    if not hashes:
        known = classes.list_ids(context.connection)
        todo = f"registered are: {', '.join(known)}" if known else "register one: ritornello class add FILE"
        raise Refused("unknown_class", f"there is no class {class_id!r}", todo)
    return _read(context, hashes[0][1])


def find_document(context: Context, sha256: str) -> LicenseeClass | None:
    """The class document with this hash, or None where that is none."""
    return _read(context, sha256) if classes.is_registered(context.connection, sha256) else None


def list_all(context: Context) -> list[tuple[LicenseeClass, list[Admission]]]:
    """The newest document of every class, with every admission to any version of it."""
    admissions = classes.read_admissions(context.connection)
    found = [find(context, class_id) for class_id in classes.list_ids(context.connection)]
    return [(one, [admission for admission in admissions if admission.class_id == one.class_id]) for one in found]


def check_programme(context: Context, programme: Programme, file: str) -> None:
    """Raise BadInput with everything that keeps a programme out of the classes that it names."""
    problems = []
    for class_id, sha256 in programme.classes.items():
        place, found = f"classes.{class_id}", find_document(context, sha256)
        if found is None or found.class_id != class_id:
            todo = "register the document: ritornello class add FILE; `ritornello class list` shows hashes"
            problems.append(Problem(file, None, place, f"no document of the class {class_id} has the hash {sha256[:16]}…", todo))
            continue
        problems += [
            Problem(file, None, place, what, "change the terms, or don't name the class") for what in find_shortfalls(found, programme)
        ]
    raise_if_any(problems)


def admit(
    context: Context, class_id: str, programme: Programme, basis: str, *, valid_from: date | None = None, valid_to: date | None = None
) -> Admission:
    """Record that this version of a programme belongs to a class that it names. Raises BadInput when it doesn't meet it, Refused otherwise."""
    sha256 = programme.classes.get(class_id)
    if sha256 is None:
        todo = f"register a version with classes = {{ {class_id} = … }}"
        raise Refused("not_in_class", f"{programme.programme_id} version {programme.version} does not name the class {class_id!r}", todo)
    check_programme(context, programme, f"{programme.programme_id}.toml")
    found = _read(context, sha256)
    if not basis.strip():
        raise Refused("no_basis", "an admission says why", "write what was seen, such as a charter or a contract")
    now = context.now_us()
    text = "\n".join((class_id, sha256, programme.programme_id, programme.sha256, str(now)))
    admission = Admission(
        "a" + hashlib.sha256(text.encode()).hexdigest()[:15],
        class_id,
        sha256,
        programme.programme_id,
        programme.sha256,
        basis.strip(),
        date.min,
        valid_to,
        now,
    )
    earliest = admission.earliest(found.objection_days)
    admission = replace(admission, valid_from=valid_from or earliest)
    if admission.valid_from < earliest:
        what = f"rights holders have {found.objection_days} days to object: it can't count before {earliest}"
        raise Refused("bad_term", what, "choose a later first day")
    if valid_to and valid_to < admission.valid_from:
        raise Refused("bad_term", f"the last day {valid_to} is before the first, {admission.valid_from}", "correct one of the days")
    classes.add_admission(context.connection, admission)
    context.record("admission", admission.admission_id, fingerprint_document(encode(classes.admission_row(admission))).hash)
    return admission


def end(context: Context, admission_id: str, ended_from: date | None = None) -> Admission:
    """End an admission from a day on (default: today). Raises Refused when there is none that stands, or the day is past."""
    found = {one.admission_id: one for one in classes.read_admissions(context.connection)}.get(admission_id)
    if found is None or found.ended_at_us is not None:
        raise Refused("unknown_admission", f"there is no admission {admission_id!r} that could be ended", "see `ritornello class list`")
    day, now = ended_from or context.today(), context.now_us()
    if day < context.today():
        raise Refused("bad_term", f"{day} is past", "what was used until today was allowed; choose today or a later day")
    classes.end_admission(context.connection, admission_id, day, now)
    ended = replace(found, ended_from=day, ended_at_us=now)
    context.record("admission-end", admission_id, fingerprint_document(encode(classes.admission_row(ended))).hash)
    return ended


def find_places(context: Context, programme: Programme, day: date, known_at_us: int) -> tuple[Footing, ...]:
    """How a programme stands in each class that it names, on a day, as known at a moment."""
    if not programme.classes:
        return ()
    admissions = classes.read_admissions(context.connection, programme_sha256=programme.sha256)
    return find_footings(programme, read_documents(context, programme), admissions, day, known_at_us)


def read_documents(context: Context, programme: Programme) -> Mapping[str, LicenseeClass]:
    """The registered documents that a programme names, by hash."""
    found = (find_document(context, sha256) for sha256 in programme.classes.values())
    return {one.sha256: one for one in found if one is not None}


def read_text(context: Context, sha256: str) -> str:
    """A registered class document, byte for byte."""
    return context.files.get(sha256).decode("utf-8")


def class_of(scope: str) -> str | None:
    """The class that an event or command names in place of a programme."""
    return scope.removeprefix(CLASS) if scope.startswith(CLASS) else None


def _read(context: Context, sha256: str) -> LicenseeClass:
    return read_class("class.toml", context.files.get(sha256))
