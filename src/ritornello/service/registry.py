"""The catalogue's way in: audio files, their tags and the operator's tables become parties, recordings, assets and claims. All or nothing; looked at first."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ritornello.domain.catalogue import Claim
from ritornello.domain.errors import Problem, raise_if_any
from ritornello.domain.period import claims_by_lane
from ritornello.domain.splits import AGREED, divide_lane, format_share
from ritornello.formats.canonical import hash_file
from ritornello.formats.catalogue_csv import ClaimRow
from ritornello.service import exact_copies, payees
from ritornello.service.catalogue_plan import Plan, Sources, plan_catalogue
from ritornello.service.contests import contest_claims
from ritornello.service.context import Context
from ritornello.store import catalogue, renditions


@dataclass(slots=True)
class ImportReport:
    """What an import did, and what the operator should know that is no mistake."""

    parties: int = 0
    recordings: int = 0
    assets: int = 0
    releases: int = 0
    contributions: int = 0
    claims_added: int = 0
    claims_replaced: int = 0
    claims_unchanged: int = 0
    generated: dict[str, str] = field(default_factory=dict)  # file → why AI made it, by its own word or ours
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that an import would add or change. `fields`: what changes, before and after (before is null for new things)."""

    kind: str  # party, recording, work, file, release, contribution, claim
    name: str
    new: bool
    fields: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do: every change, how much stays as it is, and every problem. Nothing was written."""

    changes: tuple[Change, ...]
    unchanged: Mapping[str, int]
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]


def import_catalogue(context: Context, sources: Sources) -> ImportReport:
    """Take in everything the sources hold. Raises BadInput with every problem of every source; then nothing was taken."""
    plan = plan_catalogue(context, sources)
    raise_if_any(plan.problems)
    report = write_plan(context, plan)
    for path in sources.files:
        context.record("import", path.name, hash_file(path))
    return report


def preview_catalogue(context: Context, sources: Sources) -> Preview:
    """What :func:`import_catalogue` would do with these sources."""
    return preview_plan(context, plan_catalogue(context, sources))


def write_plan(context: Context, plan: Plan) -> ImportReport:
    """Carry out a plan without problems: what is new or changed is written."""
    assert not plan.problems, "a plan with problems must not be carried out"
    connection, before, after, now = context.connection, plan.before, plan.after, context.now_us()
    catalogue.write_parties(connection, [one for name, one in sorted(after.parties.items()) if before.parties.get(name) != one], now)
    report = ImportReport(notes=list(plan.notes))
    accounts, kept = payees.take_references(context, plan.references, by="list of parties")
    for parties, note in ((accounts.changed, "payout accounts changed for"), (kept, "a typed payout account stays in use for")):
        if parties:
            report.notes.append(f"{note} {len(parties)} parties: {', '.join(parties[:20])}")
    catalogue.write_works(connection, [one for name, one in sorted(after.works.items()) if before.works.get(name) != one], now)
    catalogue.write_recordings(
        connection, [one for name, one in sorted(after.recordings.items()) if before.recordings.get(name) != one], now
    )
    catalogue.add_assets(connection, [(one, plan.files[name]) for name, one in after.assets.items() if name not in before.assets])
    renditions.add_generated_flags(connection, plan.generated, context.now_us())
    report.generated = {after.assets[name].file: term for name, term in plan.generated.items()}
    catalogue.write_releases(connection, [one for name, one in sorted(after.releases.items()) if before.releases.get(name) != one])
    catalogue.add_contributions(connection, plan.contributions.values())
    _record_claims(context, plan.claims, report)
    if plan.claims:
        contest_claims(context, {row.subject_id for row in plan.claims})
    exact_copies.record_copies(context, [(copy.original.asset_id, copy.recording_id) for copy in plan.copies])
    report.parties, report.recordings, report.assets = len(plan.parties), len(plan.recordings), len(plan.files)
    report.releases, report.contributions = len(plan.releases), len(plan.contributions)
    return report


def preview_plan(context: Context, plan: Plan) -> Preview:
    before, after = plan.before, plan.after
    changes: list[Change] = []
    unchanged: dict[str, int] = {}
    for kind, old, new, touched in (
        ("party", before.parties, after.parties, plan.parties),
        ("work", before.works, after.works, {after.recordings[name].work_id for name in plan.recordings} - {None}),
        ("recording", before.recordings, after.recordings, plan.recordings),
        ("release", before.releases, after.releases, plan.releases),
    ):
        for name in sorted(str(one) for one in touched):
            _compare(kind, name, old.get(name), new.get(name), changes, unchanged)
    for name in plan.files:
        asset = after.assets[name]
        old_file = before.assets.get(name)
        _compare("file", f"{asset.recording_id} {asset.file}", old_file, old_file or asset, changes, unchanged)
    present = {(one.recording_id, one.party_id, one.role): one for one in catalogue.read_contributions(context.connection)}
    for key, one in plan.contributions.items():
        _compare("contribution", " ".join(key), present.get(key), one, changes, unchanged)
    current = read_current(context)
    for row in plan.claims:
        name = f"{row.subject_id} {row.lane} {row.party_id} {row.territory} from {row.valid_from}"
        earlier = current.get(claim_key(new_claim(row, 0)))
        _compare("claim", name, _bare(earlier), _bare(new_claim(row, 0)), changes, unchanged)
    return Preview(tuple(changes), unchanged, tuple(plan.notes), tuple(plan.problems))


def describe_incomplete(claims: Iterable[Claim], at_us: int) -> list[str]:
    """One sentence for each lane whose claims, known now, don't total 100 % worldwide."""
    sentences = []
    for (_, subject_id, lane), found in sorted(claims_by_lane([claim for claim in claims if claim.known_at(at_us)]).items()):
        split = divide_lane(claim for claim in found if claim.applies_in("WW") and claim.valid_to is None)
        if split.status not in AGREED:
            sentences.append(f"{subject_id}, {lane}: claims total {format_share(split.total_e8)} % ({split.status})")
    return sentences


def _compare(kind: str, name: str, old: Any, new: Any, changes: list[Change], unchanged: dict[str, int]) -> None:
    if new is None or old == new:
        unchanged[kind] = unchanged.get(kind, 0) + 1
        return
    pairs = {one.name: (getattr(old, one.name, None), getattr(new, one.name)) for one in fields(new)}
    changes.append(Change(kind, name, old is None, {column: pair for column, pair in pairs.items() if pair[0] != pair[1]}))


def _record_claims(context: Context, rows: Iterable[ClaimRow], report: ImportReport) -> None:
    """Add what is new; a changed claim retracts the one it replaces, which stays on record."""
    now = context.now_us()
    current = read_current(context)
    added, retracted = [], []
    for row in rows:
        claim = new_claim(row, now)
        old = current.get(claim_key(claim))
        if old and _bare(old) == _bare(claim):
            report.claims_unchanged += 1
            continue
        if old:
            retracted.append(old.claim_id)
        added.append(claim)
    catalogue.add_claims(context.connection, added)
    catalogue.retract_claims(context.connection, retracted, now)
    report.claims_added, report.claims_replaced = len(added) - len(retracted), len(retracted)
    report.notes += describe_incomplete(catalogue.read_claims(context.connection), now)


def read_current(context: Context) -> dict[tuple[object, ...], Claim]:
    """Claims that aren't retracted, by what they are about."""
    return {claim_key(claim): claim for claim in catalogue.read_claims(context.connection) if claim.retracted_at_us is None}


def claim_key(claim: Claim) -> tuple[object, ...]:
    return (claim.subject_kind, claim.subject_id, claim.lane, claim.party_id, claim.territory, claim.valid_from)


def _bare(claim: Claim | None) -> Claim | None:
    """The claim without what only says when it was recorded."""
    return replace(claim, claim_id="", recorded_at_us=0) if claim else None


def new_claim(row: ClaimRow, now: int) -> Claim:
    kind = "work" if row.lane == "publishing" else "recording"
    text = "\n".join((row.subject_id, row.lane, row.party_id, row.territory, str(row.valid_from), str(now)))
    claim_id = "c" + hashlib.sha256(text.encode()).hexdigest()[:15]
    return Claim(claim_id, kind, row.subject_id, row.lane, row.party_id, row.share_e8, row.territory, row.valid_from, row.valid_to, now)
