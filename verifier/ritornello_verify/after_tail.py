"""Step 9 of settlement.md: models that earn or are used although the tail of a withdrawal was over before the period."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta

from ritornello_verify.bundle import Bundle
from ritornello_verify.period import Period
from ritornello_verify.programme import Programme
from ritornello_verify.reading import Values
from ritornello_verify.receipts import Receipt
from ritornello_verify.report import Malformed

CONSENTS, MANIFEST, EXPOSURE = "period/consents.jsonl", "period/manifest.jsonl", "period/exposure.jsonl"

Answers = dict[tuple[str, str, str, str], Values]
"""Party, asset, purpose, programme or class → the latest answer."""
Over = frozenset[tuple[str, str]]
"""Model version and recording."""


def list_after_tail(bundle: Bundle, period: Period, receipts: Iterable[Receipt]) -> list[Values]:
    """Rows of after_tail.jsonl, ascending by key."""
    answers, givers = load_answers(bundle, period)
    granted: dict[str, list[Values]] = defaultdict(list)
    for row in bundle.read_rows(MANIFEST):
        granted[row.values["snapshot_id"]].append(row.values)
    read = {(row.values["model_version"], row.values["asset_id"]) for row in bundle.read_rows(EXPOSURE) if row.values["exposure_ms"] > 0}
    used = {receipt.model_version for receipt in receipts} | {period.outputs.get(output_id, "") for output_id, _, _ in period.usage}
    days: dict[tuple[str, str, str], str] = {}
    for model_version in used & period.runs.keys():
        for snapshot_id in period.runs[model_version].snapshot_ids:
            for values in granted[snapshot_id]:
                if (model_version, values["asset_id"]) not in read:
                    continue
                for party_id in {givers[event_id] for event_id in values["consent_events"] if event_id in givers}:
                    left = find_day(answers, period.find_terms(model_version), party_id, values["asset_id"])
                    key = model_version, values["recording_id"], party_id
                    if left:
                        days[key] = min(left, days.get(key, left))
    rows: list[Values] = []
    for (model_version, recording_id, party_id), day in sorted(days.items()):
        until = add_tail(day, period.find_terms(model_version))
        if until < period.header.first_day:
            names = {"model_version": model_version, "recording_id": recording_id, "party_id": party_id}
            rows.append({**names, "withdrawn_from": day, "tail_until": until})
    return rows


def load_answers(bundle: Bundle, period: Period) -> tuple[Answers, dict[str, str]]:
    """Each party's latest answers on D as known at K, and who gave each grant."""
    answers: Answers = {}
    givers: dict[str, str] = {}
    for row in bundle.read_rows(CONSENTS):
        event = row.values
        if event["decision"] == "grant":
            givers[event["event_id"]] = event["party_id"]
        counts = event["recorded_at_us"] <= period.header.known_at_us and event["effective_from"] <= period.header.last_day
        if event["decision"] in ("grant", "withdraw") and counts:
            answers[event["party_id"], event["asset_id"], event["purpose"], event["programme_id"]] = event
    return answers, givers


def find_day(answers: Answers, terms: Programme, party_id: str, asset_id: str) -> str:
    """The earliest day of a withdrawal that is the answer for some purpose; nothing where none is."""
    days = []
    for purpose in terms.purposes:
        own = answers.get((party_id, asset_id, purpose, terms.programme_id))
        others = [answers.get((party_id, asset_id, purpose, f"class:{name}")) for name in terms.licensing.classes]
        days += [event["effective_from"] for event in (others if own is None else [own]) if event and event["decision"] == "withdraw"]
    return min(days, default="")


def add_tail(day: str, terms: Programme) -> str:
    try:
        return (date.fromisoformat(day) + timedelta(days=terms.licensing.tail_days)).isoformat()
    except OverflowError:
        raise Malformed("period/programme.toml", "tail_days leads beyond the calendar") from None
