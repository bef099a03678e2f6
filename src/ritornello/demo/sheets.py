"""The demo's hand-written tables, expanded into the spreadsheets an operator brings (docs/formats/spreadsheets.md).

`data/NAME-rights.csv` says in one row per recording who owns it and who agrees; claims.csv and consents.csv are written from it.
"""

import csv
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PURPOSES = ("ai_training", "ai_generative_training")
LANES = ("master", "publishing", "performer")
DATA = Path(__file__).with_name("data")
_RECORDING_COLUMNS = ("recording_id", "file", "kind", "label", "isrc", "title", "artist", "work_id", "work_title", "iswc")
_CLAIM_COLUMNS = ("subject", "lane", "party_id", "share_percent", "territory", "valid_from", "valid_to")
_CONSENT_COLUMNS = ("party_id", "recording_id", "kind", "label", "purpose", "decision", "effective_from")
_COPIED = ("parties", "contributions", "claims-late")


@dataclass(frozen=True, slots=True)
class Rights:
    """One row of a rights table: per lane the shares as written (percent), and who grants what."""

    recording_id: str
    work_id: str
    shares: Mapping[str, Mapping[str, str]]  # lane → party → percent
    consent: str  # "everyone", "nobody" or "everyone but PARTY"
    stem_consent: str


def read_table(name: str) -> list[dict[str, str]]:
    """The rows of `data/NAME.csv`."""
    with (DATA / f"{name}.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def write_spreadsheets(catalogue: str, recordings: Iterable[Mapping[str, str]], folder: Path) -> None:
    """Write the six spreadsheets of a catalogue ("real" or "portable") into `folder`.

    `recordings` are rows with at least the columns of recordings.csv that are not empty. Raises ValueError when a hand-written cell cannot be read.
    """
    rows = list(recordings)
    rights = read_rights(catalogue, {row["recording_id"]: row["work_id"] for row in rows if row["work_id"]})
    _write(folder / "recordings.csv", _RECORDING_COLUMNS, ([row.get(name, "") for name in _RECORDING_COLUMNS] for row in rows))
    _write(folder / "claims.csv", _CLAIM_COLUMNS, list_claims(rights))
    _write(folder / "consents.csv", _CONSENT_COLUMNS, list_consents(rights))
    for name in _COPIED:
        shutil.copyfile(DATA / f"{catalogue}-{name}.csv", folder / f"{name}.csv")


def read_rights(catalogue: str, works: Mapping[str, str]) -> list[Rights]:
    """The rights table of a catalogue; `works` maps recordings to their works."""
    found = []
    for row in read_table(f"{catalogue}-rights"):
        shares = {lane: _shares(row[lane]) for lane in LANES}
        found.append(Rights(row["recording_id"], works[row["recording_id"]], shares, row["consent"], row["stem_consent"]))
    return found


def list_claims(rights: Sequence[Rights]) -> list[Sequence[str]]:
    """Rows of claims.csv. A recording of a work that another recording has already claimed leaves publishing empty."""
    rows: list[Sequence[str]] = []
    for right in rights:
        for lane, shares in right.shares.items():
            subject = right.work_id if lane == "publishing" else right.recording_id
            rows += [(subject, lane, party, percent, "WW", "", "") for party, percent in shares.items()]
    return rows


def list_consents(rights: Sequence[Rights]) -> list[Sequence[str]]:
    """Rows of consents.csv: a grant per party, asset kind and purpose. Silence is no row."""
    publishers = {right.work_id: list(right.shares["publishing"]) for right in rights if right.shares["publishing"]}
    rows: list[Sequence[str]] = []
    for right in rights:
        claimants = dict.fromkeys([*right.shares["master"], *publishers[right.work_id], *right.shares["performer"]])
        for kind, words in (("recording", right.consent), ("stem", right.stem_consent)):
            granting = _granting(list(claimants), words)
            rows += [(party, right.recording_id, kind, "", purpose, "grant", "") for party in granting for purpose in PURPOSES]
    return rows


def _shares(cell: str) -> dict[str, str]:
    """`muldjord 60 + example-harbour-records 40` → party and percent, as written."""
    shares = {}
    for part in filter(None, (part.strip() for part in cell.split("+"))):
        party, percent = part.split(" ")
        shares[party] = percent
    return shares


def _granting(claimants: list[str], words: str) -> list[str]:
    if words in {"", "nobody"}:
        return []
    if words == "everyone":
        return claimants
    missing = words.removeprefix("everyone but ")
    if missing not in claimants:
        raise ValueError(f"{words!r} should be everyone, nobody or 'everyone but' one of {', '.join(claimants)}")
    return [party for party in claimants if party != missing]


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
