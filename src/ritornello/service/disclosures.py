"""Disclosures: what laws and certifiers ask for, written from the records as a folder, and committed to the log."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import select

from ritornello.domain.catalogue import Asset, Claim
from ritornello.domain.consent import ConsentEvent
from ritornello.domain.errors import BadInput, Problem, Refused
from ritornello.formats.canonical import build_folder, encode_table, fingerprint, fingerprint_document, write_atomically
from ritornello.formats.disclosures import ab2013, eu_summary, work_notice
from ritornello.formats.disclosures.document import Disclosure, Enclosed, Evidence, encode_disclosure
from ritornello.formats.disclosures.fairly_trained import build_pack
from ritornello.formats.disclosures.material import Material, recount
from ritornello.formats.disclosures.owner_extract import Owner, build_owner_extract
from ritornello.formats.disclosures.pages import render_markdown, render_page
from ritornello.formats.disclosures.provider import MAX_BYTES, Provider, read_provider
from ritornello.service import consent, membership
from ritornello.service import log as logs
from ritornello.service.context import Context
from ritornello.service.disclosure_material import find_evidence, gather, read_stored
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
    material = gather(context, model_versions)
    found = _read_provider(provider, law, material)
    return _write(context, build(material, found, context.today()), material, folder, {})


def write_pack(context: Context, model_versions: Sequence[str], provider: Path, folder: Path) -> Written:
    """The evidence pack of a certification: the index, and the artefacts that it names. Raises as `disclose` does."""
    material = gather(context, model_versions)
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
    material = gather(context, None)
    claims = tuple(
        claim for claim in catalogue.read_claims(context.connection) if claim.party_id == party_id and claim.retracted_at_us is None
    )
    events = tuple(event for event in consents.read_events(context.connection) if event.party_id == party_id)
    assets = _find_assets(context, material, claims)
    logged = {event.event_id: _logged(context, event) for event in events}
    proofs = _prove_membership(context, material, [asset.asset_id for asset in assets])
    owner = Owner(party, claims, assets, events, logged, {key: path for key, (path, _) in proofs.items()})
    shown = [*(one for (kind, _), one in material.evidence.items() if kind in {"snapshot", "membership", "run"}), *logged.values()]
    files = dict(proofs.values()) | _prove_log(context, shown)
    enclosed = [_name(material, path, data) for path, data in sorted(files.items())]
    built = build_owner_extract(owner, material, enclosed, context.today())
    return _write(context, built, material, folder, files, frozenset(asset.asset_id for asset in assets))


def _find_assets(context: Context, material: Material, claims: Iterable[Claim]) -> tuple[Asset, ...]:
    """The files of the recordings that a party's claims are about, or whose works they are about; by recording."""
    subjects = {(claim.subject_kind, claim.subject_id) for claim in claims}
    owned = {name for name, one in material.recordings.items() if {("recording", name), ("work", one.work_id)} & subjects}
    found = [asset for asset in catalogue.read_assets(context.connection).values() if asset.recording_id in owned]
    return tuple(sorted(found, key=lambda asset: (asset.recording_id, asset.asset_id)))


def _read_provider(path: Path, law: str, material: Material) -> Provider:
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise BadInput([Problem(path.name, None, None, "there is no such file, or it is larger than 1 MiB", "check the path")])
    return read_provider(path.name, path.read_bytes(), law, material)


def _write(
    context: Context, built: Disclosure, material: Material, folder: Path, files: Mapping[str, bytes], only: frozenset[str] | None = None
) -> Written:
    """Count again from the stored tables, write the folder whole or not at all, and commit the disclosure's hash to the log."""
    recount(built.totals, *read_stored(context, material), only)
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


def _name(material: Material, path: str, data: bytes) -> Enclosed:
    """An enclosed file with its hash, and the log's entry where that has the same hash."""
    found = fingerprint(path, data).hash
    return Enclosed(path, found, next((one for one in material.evidence.values() if one.hash == found), None))


def _enclose(context: Context, material: Material) -> dict[str, bytes]:
    """The artefacts of a pack: terms, manifests, trainings, consents without names, proofs."""
    manifests, exposures = read_stored(context, material)
    terms = {part.programme.sha256: part.programme for part in material.parts.values()}
    files = {f"terms/{one.programme_id}-{one.version}.toml": context.files.get(sha256) for sha256, one in terms.items()}
    files |= {f"manifests/{name}.jsonl": data for name, data in manifests.items()}
    files |= {f"runs/{name}.jsonl": data for name, data in exposures.items()}
    files["runs.jsonl"] = encode_table([model.run for model in material.models], ("model_version",))
    relied = {event for part in material.parts.values() for row in part.rows for event in row["consent_events"]}
    assets = {row["asset_id"] for part in material.parts.values() for row in part.rows}
    events = [
        event
        for event in consents.read_events(context.connection)
        if event.event_id in relied or (event.asset_id in assets and event.decision != "grant")
    ]
    files["consents.jsonl"] = encode_table([_anonymous(context, event) for event in events], ("event_id",))
    return files | _prove_log(context, [*material.evidence.values(), *(_logged(context, event) for event in events)])


def _logged(context: Context, event: ConsentEvent) -> Evidence:
    return find_evidence(context, "consent", event.event_id, consent.hash_event(event))


def _anonymous(context: Context, event: ConsentEvent) -> dict[str, Any]:
    """A grant without who gave it: its hash stands in the log, its receipt shows the rest to whoever may see it."""
    row, logged = consents.event_row(event), _logged(context, event)
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
