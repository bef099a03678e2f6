"""What disclosures are made from: models with their ancestors and all that they read, what ended since, and the log's entry of each; checked while it is gathered."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import select

from ritornello.domain.consent import CLASS, ConsentEvent, State, fold, held_assets
from ritornello.domain.errors import Refused
from ritornello.formats.disclosures.document import Evidence, join
from ritornello.formats.disclosures.material import Ended, Material, Part, Trained, check
from ritornello.service import classes, membership, models, programmes, snapshots
from ritornello.service.context import Context
from ritornello.store import catalogue, consents, log, schema


def gather(context: Context, model_versions: Sequence[str] | None) -> Material:
    """Models (None: all there are) with every ancestor, and all that they read; checked against the log and against itself."""
    names = list(model_versions) if model_versions is not None else list(context.connection.scalars(select(schema.run.c.model_version)))
    found: dict[str, Trained] = {}
    waiting = [(name, False) for name in sorted(set(names))]
    while waiting:
        name, inherited = waiting.pop(0)
        if name not in found:
            run = models.find_run(context, name)
            found[name] = Trained(run, {row["asset_id"]: row["exposure_ms"] for row in models.read_exposure(context, name)}, inherited)
            waiting += [(parent, True) for parent in run["parents"]]
    if model_versions is not None:
        _refuse_different(found, names)
        wanted = {name for model in found.values() for name in model.run["snapshot_ids"]}
    else:
        wanted = set(context.connection.scalars(select(schema.snapshot.c.snapshot_id)))
    events = consents.read_events(context.connection)
    parts = {name: _part(context, name, events) for name in sorted(wanted)}
    evidence = _find_evidence(context, parts, found)
    material = Material(
        tuple(found.values()), parts, catalogue.read_recordings(context.connection), catalogue.read_works(context.connection), evidence
    )
    check(material)
    return material


def find_evidence(context: Context, kind: str, name: str, digest: str) -> Evidence:
    """The log's entry of an artefact; one that the log knows with another hash is a broken promise."""
    index, entry = log.find(context.connection, kind, name)
    assert json.loads(entry)["hash"] == digest, f"{kind} {name} is not the one that was logged"
    return Evidence(kind, name, digest, index)


def read_stored(context: Context, material: Material) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Snapshot → its manifest, model version → its exposure: the bytes as they are stored."""
    manifest = dict(context.connection.execute(select(schema.snapshot.c.snapshot_id, schema.snapshot.c.manifest_sha256)).all())
    exposure = dict(context.connection.execute(select(schema.run.c.model_version, schema.run.c.exposure_sha256)).all())
    return (
        {name: context.files.get(manifest[name]) for name in material.parts},
        {model.model_version: context.files.get(exposure[model.model_version]) for model in material.models},
    )


def _refuse_different(found: Mapping[str, Trained], names: Iterable[str]) -> None:
    """One disclosure speaks of one content: model versions that were trained on different snapshots need one each."""
    contents = {name: (tuple(found[name].run["snapshot_ids"]), tuple(found[name].run["parents"])) for name in names}
    if len(set(contents.values())) > 1:
        told = [
            f"{name} on {join(ids)}" + (f", made from {join(parents)}" if parents else "")
            for name, (ids, parents) in sorted(contents.items())
        ]
        what = f"these model versions were trained differently: {'; '.join(told)}"
        raise Refused("different_content", what, "disclose them one by one")


def _part(context: Context, snapshot_id: str, events: Sequence[ConsentEvent]) -> Part:
    row = snapshots.find_row(context, snapshot_id)
    rows = snapshots.read_manifest(context, snapshot_id)
    programme = programmes.find_terms(context, row["programme_sha256"])
    known = {event.event_id: event for event in events}
    footings = classes.find_places(context, programme, context.today(), context.now_us())
    standing = fold(events, (), replace(programme.terms(), footings=footings), date.max, context.now_us())
    holds = held_assets(standing)
    ended: dict[str, Ended] = {}
    for each in rows:
        relied = [known[name] for name in each["consent_events"]]
        held = [event for event in holds.get(each["asset_id"], []) if event.purpose in row["purposes"]]
        if ends := _list_ends(relied, standing, held, context.today()):
            ended[each["asset_id"]] = min(ends, key=lambda one: (one.day, one.how))
    return Part(row, tuple(rows), programme, ended)


def _list_ends(relied: Iterable[ConsentEvent], standing: State, holds: Iterable[ConsentEvent], today: date) -> list[Ended]:
    """What took effect, or is announced, against the consents that a snapshot relied on. A grant made anew counts."""
    found = [Ended(event.effective_from, "held") for event in holds]
    for grant in relied:
        key = (grant.party_id, grant.asset_id, grant.purpose)
        table = standing.class_answers[grant.programme_id.removeprefix(CLASS)] if grant.programme_id.startswith(CLASS) else standing.answers
        latest = standing.answers.get(key) or table[key]  # an answer about the programme outweighs one to a class
        if latest.decision == "withdraw":
            found.append(Ended(latest.effective_from, "withdrawn"))
        elif latest.effective_to is not None and latest.effective_to < today:
            found.append(Ended(latest.effective_to + timedelta(days=1), "expired"))
    return found


def _find_evidence(context: Context, parts: Mapping[str, Part], found: Mapping[str, Trained]) -> dict[tuple[str, str], Evidence]:
    wanted = [("snapshot", name, str(part.snapshot["manifest_root"])) for name, part in parts.items()]
    wanted += [("run", name, str(model.run["exposure_root"])) for name, model in found.items()]
    wanted += [("programme", f"{part.programme.programme_id}/{part.programme.version}", part.programme.sha256) for part in parts.values()]
    wanted += [("membership", name, root) for name in parts if (root := membership.read_root(context, name))]
    return {(kind, name): find_evidence(context, kind, name, digest) for kind, name, digest in wanted}
