"""DDEX ERN messages on their way into the catalogue, alone or as a delivery of many: planned like any import, shown first if wished.

What deals say about training is kept as a declaration of whoever sent the message. It asks for consent in nobody's name, and gives none.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ritornello.domain.errors import Problem, raise_if_any
from ritornello.domain.matching import PartyFinder, RecordingFinder
from ritornello.domain.preference import SILENT, Preference
from ritornello.formats.canonical import iterate_files
from ritornello.formats.catalogue_csv import Table
from ritornello.formats.ern.message import Message, find_created, read_message
from ritornello.formats.ern.schema import Schema
from ritornello.formats.ern.tables import read_tables
from ritornello.formats.ern.taking import Finders
from ritornello.formats.mapping import TABLES
from ritornello.formats.preferences.ddex import decode_message
from ritornello.formats.preferences.losses import describe
from ritornello.service import registry
from ritornello.service.catalogue_plan import Plan, Sources, plan_catalogue, read_known
from ritornello.service.context import Context
from ritornello.store import declarations


@dataclass(frozen=True, slots=True)
class Declared:
    """What one message says about one recording and AI: how much of it AI made, and what deals allow. No consent."""

    recording_id: str
    contains_ai: str | None
    contributions: tuple[tuple[str, str | None], ...]  # party, how much of its contribution AI made
    preferences: dict[str, dict[str, Any]]  # purpose → use and conditions


@dataclass(slots=True)
class Delivery:
    """Messages as one import, and what of them has no place in the catalogue."""

    messages: list[dict[str, str]] = field(default_factory=list)  # file, message_id, version, sender, created, sha256
    declared: list[tuple[str, Declared]] = field(default_factory=list)  # message's sha256, what it says
    deals: Counter[str] = field(default_factory=Counter)  # terms in words → how many
    statements: Counter[str] = field(default_factory=Counter)  # what deals say about AI, in words → for how many recordings
    left_out: Counter[str] = field(default_factory=Counter)  # what of the deals our words don't hold
    not_taken: Counter[str] = field(default_factory=Counter)  # path of elements → how many
    notes: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)  # other XML files of the folder
    files: list[Path] = field(default_factory=list)
    tables: dict[str, list[Table]] = field(default_factory=lambda: {table: [] for table in TABLES})


def import_ern(context: Context, place: Path, schema: Path | None = None) -> tuple[registry.ImportReport, Delivery]:
    """Take in a message, or every message below a folder in the order of their creation, all or nothing. Raises BadInput with every problem."""
    plan, delivery = _plan(context, place, schema)
    raise_if_any(plan.problems)
    report = registry.write_plan(context, plan)
    now = context.now_us()
    rows = [
        {
            "recording_id": one.recording_id,
            "message_sha256": sha256,
            "contains_ai": one.contains_ai,
            "ai_contributions": json.dumps(one.contributions),
            "preferences": json.dumps(one.preferences, sort_keys=True, default=str),
            "recorded_at_us": now,
        }
        for sha256, one in delivery.declared
    ]
    declarations.add(context.connection, rows)
    for path, message in zip(delivery.files, delivery.messages, strict=True):
        context.files.put(path.read_bytes())
        context.record("import", path.name, message["sha256"])
    return report, delivery


def preview_ern(context: Context, place: Path, schema: Path | None = None) -> tuple[registry.Preview, Delivery]:
    """What :func:`import_ern` would do, writing nothing."""
    plan, delivery = _plan(context, place, schema)
    return registry.preview_plan(context, plan), delivery


def _plan(context: Context, place: Path, schema: Path | None) -> tuple[Plan, Delivery]:
    delivery = read_delivery(context, place, Schema(schema) if schema else None)
    root = place if place.is_dir() else place.parent
    sources = Sources(
        parties=tuple(delivery.tables["parties"]),
        recordings=tuple(delivery.tables["recordings"]),
        audio=root,
        releases=tuple(delivery.tables["releases"]),
        contributions=tuple(delivery.tables["contributions"]),
        claims=tuple(delivery.tables["claims"]),
        names_all_audio=False,
    )
    plan = plan_catalogue(context, sources)
    plan.problems = delivery.problems + plan.problems
    plan.notes += _tell_kept(context, plan)
    plan.notes += [f"{text} ({times:,} times)" if times > 1 else text for text, times in delivery.notes.items()]
    return plan, delivery


def _tell_kept(context: Context, plan: Plan) -> list[str]:
    """An update that no longer names a claim doesn't take it back: others may have made it."""
    given = {registry.claim_key(registry.new_claim(row, 0)) for row in plan.claims}
    spoken = {(row.subject_id, row.lane) for row in plan.claims}
    kept = [one for key, one in registry.read_current(context).items() if (one.subject_id, one.lane) in spoken and key not in given]
    if not kept:
        return []
    names = ", ".join(f"{one.subject_id} {one.lane} {one.party_id} {one.territory}" for one in kept[:5])
    return [f"{len(kept)} claims that are known about these recordings and works are not in the messages and stay: {names}"]


def read_delivery(context: Context, place: Path, schema: Schema | None) -> Delivery:
    """Every message as tables. Each is read by itself and let go: a delivery may be larger than memory."""
    known, delivery = read_known(context), Delivery()
    finders = Finders(
        PartyFinder(known.parties.values()),
        RecordingFinder(known.recordings.values(), known.works.values()),
        {one.barcode: name for name, one in known.releases.items() if one.barcode},
    )
    root = place if place.is_dir() else place.parent
    paths = [path for path in iterate_files(place) if path.suffix.lower() == ".xml"] if place.is_dir() else [place]
    ordered = sorted(paths, key=lambda path: (find_created(path), str(path)))
    for number, path in enumerate(ordered, 1):
        if number % 20 == 0:
            context.tell(f"reading messages {number}/{len(ordered)}")
        name = str(path.relative_to(root))
        message, problems = read_message(path, name, strangers_too=place.is_dir())
        delivery.problems += problems
        if message is None:
            delivery.strangers += [] if problems else [name]
            continue
        if schema:
            delivery.problems += schema.check(path.read_bytes(), name)
        _take(message, finders, root, delivery)
    if not delivery.messages and not delivery.problems:
        delivery.problems.append(
            Problem(str(place.name), None, None, "holds no ERN message", "name a NewReleaseMessage, or a folder with some")
        )
    return delivery


def _take(message: Message, finders: Finders, root: Path, delivery: Delivery) -> None:
    tables = read_tables(message, finders, root)
    preferences = decode_message(message.source, message.root)
    delivery.problems += [*tables.problems, *message.source.problems]
    for table, sheet in tables.sheets.items():
        delivery.tables[table].append(sheet)
    delivery.messages.append(
        {name: str(getattr(message, name)) for name in ("file", "message_id", "version", "sender", "created", "sha256")}
    )
    delivery.files.append(message.path)
    delivery.notes.update(tables.notes)
    delivery.deals.update(deal.describe() for deal in tables.deals)
    delivery.left_out.update(loss.sentence for loss in message.source.losses)
    delivery.not_taken.update(message.not_taken())
    by_isrc = {isrc: recording_id for recording_id, isrc in tables.recordings.items()}
    said = {by_isrc[one.subject.isrc]: one for one in preferences if one.subject.isrc in by_isrc}
    for recording_id in sorted({*said, *tables.flags}):
        flags, preference = tables.flags.get(recording_id), said.get(recording_id)
        statements = _statements(preference) if preference else {}
        delivery.statements.update(f"{purpose} {text}" for purpose, text in statements.items())
        delivery.declared.append(
            (
                message.sha256,
                Declared(
                    recording_id,
                    flags.contains_ai if flags else None,
                    flags.contributions if flags else (),
                    _rows(preference) if preference else {},
                ),
            )
        )


def _statements(preference: Preference) -> dict[str, str]:
    return {purpose: describe(one) for purpose, one in preference.statements.items() if one.use != SILENT}


def _rows(preference: Preference) -> dict[str, dict[str, Any]]:
    return {
        purpose: {"use": one.use, **(one.constraint.conditions() if one.constraint else {})}
        for purpose, one in preference.statements.items()
        if one.use != SILENT
    }


def read_declared(context: Context, recording_id: str) -> Sequence[dict[str, Any]]:
    """What messages have declared about a recording, the latest first."""
    return declarations.read(context.connection, recording_id)
