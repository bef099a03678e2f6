"""Disclosures: gathers what the records hold about models, their parents and one owner; writes what laws and certifiers ask for; commits it to the log."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from ritornello.domain.consent import ConsentEvent, State, fold, held_assets
from ritornello.domain.errors import BadInput, Problem, Refused
from ritornello.formats.canonical import build_folder, encode_table, fingerprint, fingerprint_document, write_atomically
from ritornello.formats.disclosures import ab2013, eu_summary, work_notice
from ritornello.formats.disclosures.document import Disclosure, Enclosed, Evidence, encode_disclosure, join
from ritornello.formats.disclosures.fairly_trained import build_pack
from ritornello.formats.disclosures.material import Ended, Material, Part, Trained, check, recount
from ritornello.formats.disclosures.owner_extract import Owner, build_owner_extract
from ritornello.formats.disclosures.pages import render_markdown, render_page
from ritornello.formats.disclosures.provider import MAX_BYTES, Provider, read_provider
from ritornello.service import consent, membership, models, programmes, snapshots
from ritornello.service import log as logs
from ritornello.service.context import Context
from ritornello.store import catalogue, consents, log, schema

Build = Callable[[Material, Provider, date], Disclosure]
LAWS: Mapping[str, tuple[str, Build]] = {
    eu_summary.KIND: ("eu", eu_summary.build_eu_summary),
    ab2013.KIND: ("california", ab2013.build_ab2013),
    work_notice.KIND: ("clear", work_notice.build_work_notice),
}


@dataclass(frozen=True, slots=True)
class Written:
    """What was written, and how it is named in the log."""

    kind: str
    folder: str
    sha256: str  # of disclosure.json
    answered: int
    not_applicable: int
    totals: Mapping[str, Any]


def disclose(context: Context, kind: str, model_versions: Sequence[str], provider: Path, folder: Path) -> Written:
    """Write one of `LAWS` for model versions that were trained on the same snapshots.

    Raises BadInput with every problem of the provider's file, Refused when the models differ or something is unknown.
    Figures that don't agree with the manifests stop the program.
    """
    law, build = LAWS[kind]
    material = _gather(context, model_versions)
    found = _read_provider(provider, law, material)
    return _write(context, build(material, found, context.today()), material, folder, {})


def write_pack(context: Context, model_versions: Sequence[str], provider: Path, folder: Path) -> Written:
    """The evidence pack of a certification: the index, and the artefacts that it names. Raises as `disclose` does."""
    material = _gather(context, model_versions)
    found = _read_provider(provider, "fairly_trained", material)
    files = _enclose(context, material)
    enclosed = [_name(material, path, data) for path, data in sorted(files.items())]
    built = build_pack(material, found, {name: _count_refusals(context, name) for name in material.parts}, enclosed, context.today())
    return _write(context, built, material, folder, files)


def write_extract(context: Context, party_id: str, folder: Path) -> Written:
    """What one owner is told. Raises Refused when there is no such party."""
    party = catalogue.read_parties(context.connection).get(party_id)
    if party is None:
        raise Refused("unknown_party", f"there is no party {party_id!r}", "see `ritornello catalogue show`")
    material = _gather(context, None)
    claims = tuple(
        claim for claim in catalogue.read_claims(context.connection) if claim.party_id == party_id and claim.retracted_at_us is None
    )
    subjects = {(claim.subject_kind, claim.subject_id) for claim in claims}
    owned = {name for name, one in material.recordings.items() if {("recording", name), ("work", one.work_id)} & subjects}
    assets = tuple(
        sorted(
            (asset for asset in catalogue.read_assets(context.connection).values() if asset.recording_id in owned),
            key=lambda asset: (asset.recording_id, asset.asset_id),
        )
    )
    events = tuple(event for event in consents.read_events(context.connection) if event.party_id == party_id)
    positions = log.positions(context.connection)
    logged = {event.event_id: _evidence(positions, "consent", event.event_id, consent.hash_event(event)) for event in events}
    proofs = _prove_membership(context, material, [asset.asset_id for asset in assets])
    owner = Owner(party, claims, assets, events, logged, {key: path for key, (path, _) in proofs.items()})
    shown = [*(one for (kind, _), one in material.evidence.items() if kind in {"snapshot", "membership", "run"}), *logged.values()]
    files = dict(proofs.values()) | _prove_log(context, shown)
    enclosed = [_name(material, path, data) for path, data in sorted(files.items())]
    built = build_owner_extract(owner, material, enclosed, context.today())
    return _write(context, built, material, folder, files, frozenset(asset.asset_id for asset in assets))


def _gather(context: Context, model_versions: Sequence[str] | None) -> Material:
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
    standing = fold(events, (), row["programme_id"], date.max, context.now_us())
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
        latest = standing.answers[grant.party_id, grant.asset_id, grant.purpose]
        if latest.decision == "withdraw":
            found.append(Ended(latest.effective_from, "withdrawn"))
        elif latest.effective_to is not None and latest.effective_to < today:
            found.append(Ended(latest.effective_to + timedelta(days=1), "expired"))
    return found


def _find_evidence(context: Context, parts: Mapping[str, Part], found: Mapping[str, Trained]) -> dict[tuple[str, str], Evidence]:
    """The log's entries of everything gathered; an artefact that the log knows with another hash is a broken promise."""
    positions = log.positions(context.connection)
    wanted = [("snapshot", name, str(part.snapshot["manifest_root"])) for name, part in parts.items()]
    wanted += [("run", name, str(model.run["exposure_root"])) for name, model in found.items()]
    wanted += [("programme", f"{part.programme.programme_id}/{part.programme.version}", part.programme.sha256) for part in parts.values()]
    wanted += [("membership", name, root) for name in parts if (root := membership.read_root(context, name))]
    return {(kind, name): _evidence(positions, kind, name, digest) for kind, name, digest in wanted}


def _evidence(positions: Mapping[tuple[str, str], tuple[int, str]], kind: str, name: str, digest: str) -> Evidence:
    index, entry = positions[kind, name]
    assert json.loads(entry)["hash"] == digest, f"{kind} {name} is not the one that was logged"
    return Evidence(kind, name, digest, index)


def _read_provider(path: Path, law: str, material: Material) -> Provider:
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise BadInput([Problem(path.name, None, None, "there is no such file, or it is larger than 1 MiB", "check the path")])
    return read_provider(path.name, path.read_bytes(), law, material)


def _write(
    context: Context, built: Disclosure, material: Material, folder: Path, files: Mapping[str, bytes], only: frozenset[str] | None = None
) -> Written:
    """Count again from the stored tables, write the folder whole or not at all, and commit the disclosure's hash to the log."""
    recount(built.totals, *_stored_tables(context, material), only)
    data = encode_disclosure(built)
    with build_folder(folder) as building:
        for path, content in files.items():
            write_atomically(building / path, content)
        write_atomically(building / "disclosure.json", data)
        write_atomically(building / "disclosure.html", render_page(built))
        write_atomically(building / "disclosure.md", render_markdown(built))
    sha256 = fingerprint_document(data).hash
    context.record("disclosure", f"{built.kind}/{sha256[:16]}", sha256)
    return Written(built.kind, str(folder), sha256, *built.count(), built.totals)


def _stored_tables(context: Context, material: Material) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Snapshot → its manifest, model version → its exposure: the bytes as they are stored."""
    manifest = dict(context.connection.execute(select(schema.snapshot.c.snapshot_id, schema.snapshot.c.manifest_sha256)).all())
    exposure = dict(context.connection.execute(select(schema.run.c.model_version, schema.run.c.exposure_sha256)).all())
    return (
        {name: context.files.get(manifest[name]) for name in material.parts},
        {model.model_version: context.files.get(exposure[model.model_version]) for model in material.models},
    )


def _name(material: Material, path: str, data: bytes) -> Enclosed:
    """An enclosed file with its hash, and the log's entry where that has the same hash."""
    found = fingerprint(path, data).hash
    return Enclosed(path, found, next((one for one in material.evidence.values() if one.hash == found), None))


def _enclose(context: Context, material: Material) -> dict[str, bytes]:
    """The artefacts of a pack: terms, manifests, trainings, consents without names, proofs."""
    manifests, exposures = _stored_tables(context, material)
    terms = {part.programme.sha256: part.programme for part in material.parts.values()}
    files = {f"terms/{one.programme_id}-{one.version}.toml": context.files.get(sha256) for sha256, one in terms.items()}
    files |= {f"manifests/{name}.jsonl": data for name, data in manifests.items()}
    files |= {f"runs/{name}.jsonl": data for name, data in exposures.items()}
    files["runs.jsonl"] = encode_table([model.run for model in material.models], ("model_version",))
    positions = log.positions(context.connection)
    relied = {event for part in material.parts.values() for row in part.rows for event in row["consent_events"]}
    assets = {row["asset_id"] for part in material.parts.values() for row in part.rows}
    events = [
        event
        for event in consents.read_events(context.connection)
        if event.event_id in relied or (event.asset_id in assets and event.decision != "grant")
    ]
    files["consents.jsonl"] = encode_table([_anonymous(event, positions) for event in events], ("event_id",))
    return files | _prove_log(context, [*material.evidence.values(), *(_logged(event, positions) for event in events)])


def _logged(event: ConsentEvent, positions: Mapping[tuple[str, str], tuple[int, str]]) -> Evidence:
    return _evidence(positions, "consent", event.event_id, consent.hash_event(event))


def _anonymous(event: ConsentEvent, positions: Mapping[tuple[str, str], tuple[int, str]]) -> dict[str, Any]:
    """A grant without who gave it: its hash stands in the log, its receipt shows the rest to whoever may see it."""
    row, logged = consents.event_row(event), _logged(event, positions)
    kept = (
        "event_id",
        "decision",
        "asset_id",
        "purpose",
        "programme_id",
        "terms_sha256",
        "territory",
        "effective_from",
        "effective_to",
        "recorded_at_us",
    )
    return {**{name: row[name] for name in kept}, "event_sha256": logged.hash, "log_index": logged.log_index}


def _count_refusals(context: Context, snapshot_id: str) -> Counter[str]:
    """Reason → how many files stayed outside a snapshot for it; a file may have several."""
    sha256 = context.connection.scalar(select(schema.snapshot.c.refusals_sha256).where(schema.snapshot.c.snapshot_id == snapshot_id))
    assert sha256 is not None
    rows = [json.loads(line) for line in context.files.get(sha256).splitlines()]
    return Counter(reason for row in rows for reason in {missing["reason"] for missing in row["missing"]})


def _prove_membership(context: Context, material: Material, assets: Sequence[str]) -> dict[tuple[str, str], tuple[str, bytes]]:
    """(snapshot, asset) → the path and bytes of the proof that it is in or is not. Snapshots older than the maps have none."""
    found: dict[tuple[str, str], tuple[str, bytes]] = {}
    for name in (name for kind, name in material.evidence if kind == "membership"):
        opened = membership.open_map(context, name)
        for number, asset in enumerate(assets, 1):
            found[name, asset] = (f"proofs/{name}/{asset.removeprefix('sha256:')[:16]}.json", opened.prove("asset", asset))
            context.tell(f"proving {name} {number}/{len(assets)}")
    return found


def _prove_log(context: Context, wanted: Sequence[Evidence]) -> dict[str, bytes]:
    """Inclusion proofs of entries, with the checkpoint they lead to and the key that signed it."""
    entries = {index: entry for one in wanted for index, entry in log.read_entries(context.connection, one.log_index, 1)}
    rows = [{**asdict(proof), "hashes": list(proof.hashes)} for proof in log.prove(log.read_tree(context.connection), entries)]
    note, vkey = logs.checkpoint(context)
    return {
        "log/proofs.jsonl": encode_table(rows, ("index",)),
        "log/checkpoint.txt": note.encode(),
        "log/log.vkey": vkey.encode() + b"\n",
    }
