"""Shorthands: a release or a party's whole catalogue stands for the assets that are there now, listed before anybody confirms it and kept as evidence.

What is added later is not covered: an expansion is made once, when the decision is made (docs/formats/spreadsheets.md, consents.csv).
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ritornello.domain.catalogue import Asset, Claim, Recording, Release
from ritornello.domain.errors import Refused
from ritornello.formats.canonical import encode_document
from ritornello.formats.consents_csv import Subject
from ritornello.service.context import Context
from ritornello.service.releases import find_in
from ritornello.store import catalogue

EVIDENCE_FORMAT = "ritornello-evidence-1"


@dataclass(frozen=True, slots=True)
class Expansion:
    """What a subject meant for one party and one kind of asset when it was looked at."""

    subject: Subject
    title: str  # of the release
    party_id: str
    kind: str
    label: str | None
    assets: tuple[Asset, ...]  # in track order, or ascending by recording
    titles: tuple[str, ...]  # of `recording_ids`
    without: tuple[str, ...]  # recordings that have no such asset
    unclaimed: tuple[str, ...]  # recordings on which the party has no claim: nobody waits for its answer there

    @property
    def recording_ids(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(asset.recording_id for asset in self.assets))

    def as_dict(self) -> dict[str, Any]:
        return {
            "subject": str(self.subject),
            "title": self.title,
            "party_id": self.party_id,
            "kind": self.kind,
            "label": self.label,
            "assets": [{"asset_id": asset.asset_id, "recording_id": asset.recording_id, "label": asset.label} for asset in self.assets],
            "recordings_without": list(self.without),
            "recordings_without_claim": list(self.unclaimed),
        }

    def render(self) -> list[str]:
        """Plain sentences: counts, every recording, what it leaves out, and that it won't grow."""
        named = f"{self.subject} ({self.title})" if self.title else str(self.subject)
        what = self.kind + (f" {self.label!r}" if self.label else "")
        recordings = dict(zip(self.recording_ids, self.titles, strict=True))
        whose = f" of {self.party_id}" if self.subject.kind == "catalogue" else ""
        lines = [f"{named}{whose}, {what}: {len(self.assets)} assets of {len(recordings)} recordings"]
        lines += [f"  {name} {title}: {_list_assets(self.assets, name)}" for name, title in recordings.items()]
        if self.without:
            lines.append(f"  not covered, since they have no such asset: {', '.join(self.without)}")
        if self.unclaimed:
            lines.append(f"  {self.party_id} has no claim on {', '.join(self.unclaimed)}: its answer is kept, but nobody waits for it")
        if self.subject.is_shorthand:
            lines.append(f"  only assets of kind {self.kind}; what is added later is not covered")
        return lines


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the catalogue holds today, as far as subjects need it."""

    recordings: Mapping[str, Recording]
    assets: Mapping[str, Sequence[Asset]]  # by recording, ascending
    releases: Mapping[str, Release]
    claimed: Mapping[str, frozenset[str]]  # party → recordings on which, or on whose works, it has a claim that is in force


def read_holdings(context: Context) -> Holdings:
    """Read once for any number of subjects."""
    connection, today = context.connection, context.today()
    assets: dict[str, list[Asset]] = {}
    for asset in sorted(catalogue.read_assets(connection).values(), key=lambda asset: asset.asset_id):
        assets.setdefault(asset.recording_id, []).append(asset)
    claims = [claim for claim in catalogue.read_claims(connection) if claim.retracted_at_us is None and claim.in_force_on(today)]
    recordings = catalogue.read_recordings(connection)
    return Holdings(recordings, assets, catalogue.read_releases(connection), _find_claimed(claims, recordings))


def expand(holdings: Holdings, subject: Subject, party_id: str, kind: str, label: str | None) -> Expansion:
    """The assets that a subject means today. Raises Refused when there is no such thing, or it holds no such asset."""
    title, recording_ids = _recordings(holdings, subject, party_id)
    chosen = {
        name: [asset for asset in holdings.assets.get(name, ()) if asset.kind == kind and label in {None, asset.label}]
        for name in recording_ids
    }
    without = tuple(name for name in recording_ids if not chosen[name])
    if len(without) == len(chosen):
        what = f"{subject.name if subject.kind == 'recording' else subject} has no asset of kind {kind}"
        raise Refused("unknown_asset", what + (f" labelled {label!r}" if label else ""), "see `ritornello catalogue show`")
    assets = tuple(asset for name in recording_ids for asset in chosen[name])
    titles = tuple(holdings.recordings[name].title for name in recording_ids if chosen[name])
    claimed = holdings.claimed.get(party_id, frozenset())
    unclaimed = tuple(name for name in recording_ids if chosen[name] and name not in claimed)
    return Expansion(subject, title, party_id, kind, label, assets, titles, without, unclaimed)


def write_evidence(expansion: Expansion, at_us: int, attachment: bytes | None, source_sha256: str | None) -> bytes:
    """The document that is kept, encrypted, with each decision made through a shorthand."""
    return encode_document(
        {
            "format": EVIDENCE_FORMAT,
            "expanded_at_us": at_us,
            **expansion.as_dict(),
            "source_sha256": source_sha256,
            "attachment": None if attachment is None else base64.b64encode(attachment).decode(),
        }
    )


def _recordings(holdings: Holdings, subject: Subject, party_id: str) -> tuple[str, Sequence[str]]:
    """The release's title, and the recordings in order."""
    if subject.kind == "release":
        release = find_in(holdings.releases, subject.name)
        return release.title, release.recording_ids()
    if subject.kind == "recording":
        if subject.name not in holdings.recordings:
            raise Refused("unknown_recording", f"there is no recording {subject.name!r}", "import it with recordings.csv")
        return "", [subject.name]
    found = sorted(holdings.claimed.get(party_id, frozenset()))
    if not found:
        raise Refused("unknown_recording", f"{party_id} has no claim in force on any recording", "import claims.csv, or name recordings")
    return "", found


def _find_claimed(claims: Iterable[Claim], recordings: Mapping[str, Recording]) -> dict[str, frozenset[str]]:
    of_work: dict[str, list[str]] = {}
    for name, one in recordings.items():
        of_work.setdefault(one.work_id or "", []).append(name)
    found: dict[str, set[str]] = {}
    for claim in claims:
        names = [claim.subject_id] if claim.subject_kind == "recording" else of_work.get(claim.subject_id, [])
        found.setdefault(claim.party_id, set()).update(names)
    return {party_id: frozenset(names) for party_id, names in found.items()}


def _list_assets(assets: Iterable[Asset], recording_id: str) -> str:
    return ", ".join(asset.label or asset.asset_id[:19] + "…" for asset in assets if asset.recording_id == recording_id)
