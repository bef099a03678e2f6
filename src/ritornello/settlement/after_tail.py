"""Models in use although the tail of a withdrawal is over: step 9 of docs/formats/settlement.md. The money is owed all the same; it is shown."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from ritornello.domain.consent import CLASS
from ritornello.domain.period import Decision, Period, Reported
from ritornello.domain.programme import Programme
from ritornello.settlement.heard import Heard

_Key = tuple[str, str, str, str]  # party, asset, purpose, programme or class


@dataclass(frozen=True, slots=True)
class AfterTail:
    """A recording that a model version still earns through, and a party whose withdrawal ended its licence before the period began."""

    model_version: str
    recording_id: str
    party_id: str
    withdrawn_from: date
    tail_until: date


def find_after_tail(period: Period, receipts: Iterable[Reported], heard: Heard) -> list[AfterTail]:
    """Ascending by model version, recording and party."""
    withdrawn = {event.asset_id for event in period.decisions if event.decision == "withdraw"}
    if not withdrawn:
        return []
    answers = _fold(period, withdrawn)
    in_use = {receipt.model_version for receipt in receipts} | heard.models_in_use()
    exposed = {(row.model_version, row.asset_id) for row in period.exposures if row.exposure_ms and row.asset_id in withdrawn}
    relied = _parties_relied_on(period, withdrawn)
    first: dict[tuple[str, str, str], date] = {}
    for run in (period.runs[name] for name in sorted(in_use & set(period.runs))):
        terms = period.terms_of(run.model_version)
        for snapshot_id in run.snapshot_ids:
            for (asset_id, recording_id), parties in relied.get(snapshot_id, {}).items():
                for party_id in parties if (run.model_version, asset_id) in exposed else ():
                    day = _left_on(answers, terms, party_id, asset_id)
                    if day is not None:
                        key = (run.model_version, recording_id, party_id)
                        first[key] = min(day, first.get(key, day))
    found = []
    for (model_version, recording_id, party_id), day in sorted(first.items()):
        tail_until = day + timedelta(days=period.terms_of(model_version).tail_days)
        if tail_until < period.first_day:
            found.append(AfterTail(model_version, recording_id, party_id, day, tail_until))
    return found


def _fold(period: Period, assets: set[str]) -> dict[_Key, Decision]:
    """The latest answer of each party that counts on the period's last day, as known at its moment."""
    answers: dict[_Key, Decision] = {}
    for event in period.decisions:
        if event.asset_id in assets and event.recorded_at_us <= period.known_at_us and event.effective_from <= period.last_day:
            answers[event.party_id, event.asset_id, event.purpose, event.programme_id] = event
    return answers


def _parties_relied_on(period: Period, assets: set[str]) -> Mapping[str, Mapping[tuple[str, str], set[str]]]:
    """Snapshot → (asset, recording) → the parties whose grants its row lists."""
    parties = {event.event_id: event.party_id for event in period.decisions}
    found: dict[str, dict[tuple[str, str], set[str]]] = defaultdict(dict)
    for member in period.members:
        if member.asset_id in assets:
            relied = {parties[event_id] for event_id in member.consent_events if event_id in parties}
            found[member.snapshot_id][member.asset_id, member.recording_id] = relied
    return found


def _left_on(answers: Mapping[_Key, Decision], terms: Programme, party_id: str, asset_id: str) -> date | None:
    """The first day from which a party's answer is no, for some purpose of the terms; an answer about the programme decides alone."""
    days = []
    for purpose in terms.purposes:
        own = answers.get((party_id, asset_id, purpose, terms.programme_id))
        classes = [answers.get((party_id, asset_id, purpose, CLASS + name)) for name in terms.classes]
        days += [event.effective_from for event in ([own] if own else classes) if event and event.decision == "withdraw"]
    return min(days, default=None)
