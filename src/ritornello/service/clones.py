"""The review queue of clones: verdicts on imported assets, and what people decided about them."""

import json
from dataclasses import asdict
from typing import Any

from ritornello.audio.likeness.verdict import Verdict
from ritornello.domain.clones import RECORDING
from ritornello.domain.errors import Refused
from ritornello.formats.canonical import encode, fingerprint_document
from ritornello.service.clone_checks import METHOD, Compared, Finding
from ritornello.service.contests import contest
from ritornello.service.context import Context
from ritornello.service.exact_copies import FORMAT, keep_verdict
from ritornello.store import catalogue, clones
from ritornello.store import disputes as stored_disputes
from ritornello.store.clones import StoredVerdict

GENERATED = "generated"


def record(context: Context, compared: Compared) -> list[StoredVerdict]:
    """Keep what a comparison found, with its evidence, and open disputes where two parties claim the same sound. Returns the new verdicts."""
    fresh = list[StoredVerdict]()
    known = {one.verdict_id for one in clones.read_verdicts(context.connection)}
    for finding in compared.findings:
        if stored := keep_verdict(context, _evidence(finding), known):
            fresh.append(stored)
    clones.add_checks(context.connection, compared.checked, METHOD, context.now_us())
    for one in fresh:
        contest(context, one)
    return fresh


def list_verdicts(context: Context, *, everything: bool = False) -> list[dict[str, Any]]:
    """Verdicts that wait for a person (or all), each with the recordings it is about and what it says."""
    recordings, assets = catalogue.read_recordings(context.connection), catalogue.read_assets(context.connection)

    def name_other(one: StoredVerdict) -> str | None:
        if one.other_kind == RECORDING:
            return one.other_id
        return assets[one.other_id].recording_id if one.other_id in assets else None

    found = [one for one in clones.read_verdicts(context.connection) if everything or one.decision is None]
    return [
        {
            **asdict(one),
            "recording_id": assets[one.asset_id].recording_id,
            "title": recordings[assets[one.asset_id].recording_id].title,
            "other_recording_id": name_other(one),
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
    contest(context, decided)
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
