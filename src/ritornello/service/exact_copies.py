"""A file that is known already, brought in as another party's recording: the recording is kept without a file, a verdict waits, and the claims are contested."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from ritornello.domain.clones import EXACT_COPY, RECORDING
from ritornello.formats.canonical import encode_document, fingerprint_document
from ritornello.service.contests import contest
from ritornello.service.context import Context
from ritornello.store import clones
from ritornello.store.clones import StoredVerdict

FORMAT = "ritornello-clone-evidence-1"
METHOD = "sha256"
SENTENCE = (
    "The same file, byte for byte, was brought in as another recording. It was not stored again: that recording is known without a file. "
    "It does not show who made it first, nor who may use it."
)


def record_copies(context: Context, copies: Iterable[tuple[str, str]]) -> None:
    """Keep a verdict for each (asset, recording under which it came again) and contest what is claimed. What has a verdict already keeps that."""
    stored = clones.read_verdicts(context.connection)
    known = {one.verdict_id: one for one in stored}
    for asset_id, recording_id in sorted(set(copies)):
        document = {
            "format": FORMAT,
            "method": METHOD,
            "asset_id": asset_id,
            "other_kind": RECORDING,
            "other_id": recording_id,
            "kind": EXACT_COPY,
            "sentence": SENTENCE,
            "passages": [],
        }
        contest(context, keep_verdict(context, document, known) or known[name_verdict(document)])


def keep_verdict(context: Context, document: Mapping[str, Any], known: Iterable[str]) -> StoredVerdict | None:
    """Store a verdict and its evidence (docs/formats/clones.md) and put it into the log; None where it is known: one is kept for each pair."""
    verdict_id = name_verdict(document)
    if verdict_id in known:
        return None
    evidence = encode_document(document)
    columns = ("asset_id", "other_kind", "other_id", "kind")
    row = {"verdict_id": verdict_id, **{name: document[name] for name in columns}, "evidence_sha256": context.files.put(evidence)}
    row["recorded_at_us"] = context.now_us()
    context.record("clone", verdict_id, fingerprint_document(evidence).hash)
    clones.add_verdicts(context.connection, [row])
    return StoredVerdict(**row, decision=None, decided_by=None, reason=None, decided_at_us=None)


def name_verdict(document: Mapping[str, Any]) -> str:
    text = "\n".join((document["asset_id"], document["other_kind"], document["other_id"]))
    return "v" + hashlib.sha256(text.encode()).hexdigest()[:15]
