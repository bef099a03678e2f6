"""The review queue of clones: verdicts on imported assets, what people decided about them, the clusters that follow, and disputes where two parties claim one sound."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ritornello.audio.likeness.verdict import Verdict
from ritornello.domain.catalogue import Claim
from ritornello.domain.errors import Refused
from ritornello.formats.canonical import encode, encode_document, fingerprint_document
from ritornello.service import clusters, disputes
from ritornello.service.clone_checks import METHOD, Compared, Finding
from ritornello.service.context import Context
from ritornello.store import catalogue, clones
from ritornello.store import disputes as stored_disputes
from ritornello.store.clones import StoredVerdict

FORMAT = "ritornello-clone-evidence-1"
GENERATED = "generated"
OPENED_BY = "comparison at import"


def record(context: Context, compared: Compared) -> list[StoredVerdict]:
    """Keep what a comparison found, with its evidence, and open disputes where two parties claim the same sound. Returns the new verdicts."""
    now, rows = context.now_us(), []
    known = {one.verdict_id for one in clones.read_verdicts(context.connection)}
    for finding in compared.findings:
        evidence = encode_document(_evidence(finding))
        text = "\n".join((finding.asset_id, finding.other_kind, finding.other_id))
        verdict_id = "v" + hashlib.sha256(text.encode()).hexdigest()[:15]
        if verdict_id in known:  # another import compared the same at the same time
            continue
        row = {
            "verdict_id": verdict_id,
            "asset_id": finding.asset_id,
            "other_kind": finding.other_kind,
            "other_id": finding.other_id,
            "kind": _kind(finding),
            "evidence_sha256": context.files.put(evidence),
            "recorded_at_us": now,
        }
        context.record("clone", verdict_id, fingerprint_document(evidence).hash)
        rows.append(row)
    clones.add_verdicts(context.connection, rows)
    clones.add_checks(context.connection, compared.checked, METHOD, now)
    fresh = {row["verdict_id"] for row in rows}
    stored = [one for one in clones.read_verdicts(context.connection) if one.verdict_id in fresh] if fresh else []
    for one in stored:
        _contest(context, one)
    return stored


def list_verdicts(context: Context, *, everything: bool = False) -> list[dict[str, Any]]:
    """Verdicts that wait for a person (or all), each with the recordings it is about and what it says."""
    recordings, assets = catalogue.read_recordings(context.connection), catalogue.read_assets(context.connection)

    def name(asset_id: str) -> str | None:
        return assets[asset_id].recording_id if asset_id in assets else None

    found = [one for one in clones.read_verdicts(context.connection) if everything or one.decision is None]
    return [
        {
            **asdict(one),
            "recording_id": name(one.asset_id),
            "title": recordings[assets[one.asset_id].recording_id].title,
            "other_recording_id": name(one.other_id),
        }
        for one in found
    ]


def show_verdict(context: Context, verdict_id: str) -> dict[str, Any]:
    """A verdict with its evidence and the disputes it opened."""
    one = _find(context, verdict_id)
    row = next(row for row in list_verdicts(context, everything=True) if row["verdict_id"] == verdict_id)
    opened = [dict(row._mapping) for row in stored_disputes.read_disputes(context.connection) if verdict_id in row.reason.split()]
    return {**row, "evidence": json.loads(context.files.get(one.evidence_sha256)), "disputes": opened}


def decide(context: Context, verdict_id: str, decision: str, decided_by: str, reason: str) -> StoredVerdict:
    """Confirm or dismiss a verdict. A later decision replaces an earlier one, which stays on record. A confirmed copy of another party's sound opens disputes."""
    one = _find(context, verdict_id)
    if one.decision == decision:
        raise Refused("decided_already", f"{verdict_id} is {decision} already", "see it: ritornello clones show")
    now = context.now_us()
    clones.add_decision(context.connection, verdict_id, decision, decided_by, reason, now)
    row = {"verdict_id": verdict_id, "decision": decision, "decided_by": decided_by, "reason": reason, "decided_at_us": now}
    context.record("clone-decision", f"{verdict_id}/{now}", fingerprint_document(encode(row)).hash)
    decided = _find(context, verdict_id)
    _contest(context, decided)
    return decided


def _find(context: Context, verdict_id: str) -> StoredVerdict:
    for one in clones.read_verdicts(context.connection):
        if one.verdict_id == verdict_id:
            return one
    raise Refused("unknown_verdict", f"there is no verdict {verdict_id!r}", "see them: ritornello clones list --all")


def _kind(finding: Finding) -> str:
    return GENERATED if finding.verdict is None or finding.other_kind == "output" else finding.verdict.kind


def _evidence(finding: Finding) -> dict[str, Any]:
    """The document behind a verdict (docs/formats/clones.md)."""
    return {
        "format": FORMAT,
        "method": METHOD,
        "asset_id": finding.asset_id,
        "other_kind": finding.other_kind,
        "other_id": finding.other_id,
        "kind": _kind(finding),
        "sentence": _sentence(finding),
        **_measures(finding.verdict),
    }


def _sentence(finding: Finding) -> str:
    if finding.verdict is None:
        return f"AI made the file, by its own word or ours: {finding.other_id}. It does not show which recordings that AI had heard."
    if finding.other_kind == "output":
        return f"It sounds like the registered output {finding.other_id}, which AI made. {finding.verdict.sentence}"
    return finding.verdict.sentence


def _measures(verdict: Verdict | None) -> dict[str, Any]:
    if verdict is None:
        return {"passages": []}
    row = {
        "passages": [asdict(one) for one in verdict.passages],
        "file_covered_ppm": verdict.file_covered_ppm,
        "asset_covered_ppm": verdict.asset_covered_ppm,
        "shared": asdict(verdict.shared),
        "false_match_ppb": min((one.false_match_ppb for one in verdict.passages), default=None),
    }
    if verdict.alignment:
        row["alignment"] = {"score_milli": round(1000 * verdict.alignment.score), "transposed": verdict.alignment.transposed}
    return row


def _contest(context: Context, one: StoredVerdict) -> None:
    """Two parties claim one sound: contest what the later comer claims, or both where they came at once. Nobody's money is held by a copy that somebody else brings.

    A claim that was contested for this verdict is not contested again: how that ended stands.
    """
    if not clusters.joins(one):
        return
    assets = catalogue.read_assets(context.connection)
    sides = [_claims_of(context, assets[name].recording_id) for name in (one.asset_id, one.other_id)]
    contested = [claim for claim in _later(sides) if (others := _others(sides, claim)) and claim.party_id not in others]
    known = {
        row.claim_id
        for row in stored_disputes.read_disputes(context.connection)
        if row.resolved_at_us is None or one.verdict_id in row.reason.split()
    }
    names = " and ".join(assets[name].recording_id for name in (one.asset_id, one.other_id))
    for claim in contested:
        if claim.claim_id not in known:
            reason = f"{names} are the same sound and claimed by different parties: verdict {one.verdict_id} (evidence: SHA-256 {one.evidence_sha256})"
            disputes.open_dispute(context, claim.claim_id, OPENED_BY, reason)


def _claims_of(context: Context, recording_id: str) -> list[Claim]:
    return [
        claim
        for claim in catalogue.read_claims(context.connection, [recording_id])
        if claim.subject_kind == "recording" and claim.retracted_at_us is None
    ]


def _later(sides: Sequence[Sequence[Claim]]) -> list[Claim]:
    """The claims of the side that was claimed later; of both where neither was. None where one side is claimed by nobody."""
    if not all(sides):
        return []
    first = [min(claim.recorded_at_us for claim in side) for side in sides]
    return [claim for side, at_us in zip(sides, first, strict=True) if at_us == max(first) for claim in side]


def _others(sides: Sequence[Sequence[Claim]], claim: Claim) -> set[str]:
    """Parties with a share in the same lane of the other side."""
    return {one.party_id for side in sides if claim not in side for one in side if one.lane == claim.lane}
