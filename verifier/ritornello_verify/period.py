"""The period folder in memory, no more of each row than consent and money need."""

from collections import defaultdict
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ritornello_verify.bundle import Bundle
from ritornello_verify.canonical import DOCUMENT_LIMIT
from ritornello_verify.claims import Claim, Claims
from ritornello_verify.kinds import DAY, HASH, INTEGER, TEXT
from ritornello_verify.programme import PATH as PROGRAMME
from ritornello_verify.programme import Programme, read_programme
from ritornello_verify.reading import read_document
from ritornello_verify.report import Malformed, show

HEADER = "period/period.json"
HEADER_COLUMNS = {
    "format": TEXT,
    "settlement_id": TEXT,
    "programme_id": TEXT,
    "programme_sha256": HASH,
    "period_id": TEXT,
    "first_day": DAY,
    "last_day": DAY,
    "known_at_us": INTEGER,
}
UNATTRIBUTED = "unattributed"


@dataclass(frozen=True, slots=True)
class Header:
    """period.json; `last_day` is D and `known_at_us` is K of settlement.md."""

    format: str
    settlement_id: str
    programme_id: str
    programme_sha256: str
    period_id: str
    first_day: str
    last_day: str
    known_at_us: int


@dataclass(frozen=True, slots=True)
class Party:
    name: str
    payable: bool


@dataclass(frozen=True, slots=True)
class Receiver:
    """Model version, currency and territory of revenue."""

    model_version: str
    currency: str
    territory: str


@dataclass(frozen=True, slots=True)
class Period:
    """`exposure`: model version → recording → milliseconds. `usage`: (output, territory) → uses. `attribution`: output → rows of
    (recording or `unattributed`, weight in ppm). `revenue` and `opening` in ledger units."""

    header: Header
    programme: Programme
    parties: dict[str, Party]
    claims: Claims
    exposure: dict[str, dict[str, int]]
    outputs: dict[str, str]
    usage: dict[tuple[str, str], int]
    errors: dict[str, int | None]
    attribution: dict[str, list[tuple[str, int]]]
    revenue: dict[Receiver, int]
    opening: dict[tuple[str, str], int]


def load_period(bundle: Bundle) -> Period:
    """Read all that settlement reads; Malformed names the file that hinders it."""
    header = load_header(bundle)
    exposure: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in bundle.read_rows("period/exposure.jsonl"):
        exposure[row.values["model_version"]][row.values["recording_id"]] += row.values["exposure_ms"]
    usage: dict[tuple[str, str], int] = defaultdict(int)
    for row in bundle.read_rows("period/usage.jsonl"):
        usage[row.values["output_id"], row.values["territory"]] += row.values["uses"]
    attribution: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for row in bundle.read_rows("period/attribution.jsonl"):
        attribution[row.values["output_id"]].append((row.values["recording_id"], row.values["weight_ppm"]))
    revenue: dict[Receiver, int] = defaultdict(int)
    for row in bundle.read_rows("period/revenue.jsonl"):
        receiver = Receiver(row.values["model_version"], row.values["currency"], row.values["territory"])
        revenue[receiver] += int(row.values["net_units"])
    return Period(
        header=header,
        programme=load_programme(bundle, header),
        parties={
            row.values["party_id"]: Party(row.values["name"], row.values["payable"]) for row in bundle.read_rows("period/parties.jsonl")
        },
        claims=load_claims(bundle),
        exposure={model: dict(recordings) for model, recordings in exposure.items()},
        outputs={row.values["output_id"]: row.values["model_version"] for row in bundle.read_rows("period/outputs.jsonl")},
        usage=dict(usage),
        errors={row.values["model_version"]: row.values["error_ppm"] for row in bundle.read_rows("period/quality.jsonl")},
        attribution=dict(attribution),
        revenue=dict(revenue),
        opening={
            (row.values["account"], row.values["currency"]): int(row.values["balance_units"])
            for row in bundle.read_rows("period/opening.jsonl")
        },
    )


def load_header(bundle: Bundle) -> Header:
    header = Header(**read_document(bundle.folder, HEADER, HEADER_COLUMNS))
    if header.format != "ritornello-period-1":
        raise Malformed(HEADER, f"format is {show(header.format)}, not ritornello-period-1")
    if header.settlement_id != bundle.settlement_id:
        raise Malformed(HEADER, f"settlement_id is {show(header.settlement_id)}, bundle.json has {show(bundle.settlement_id)}")
    if header.first_day > header.last_day:
        raise Malformed(HEADER, "first_day is after last_day")
    return header


def load_programme(bundle: Bundle, header: Header) -> Programme:
    data = bundle.folder.read(PROGRAMME, DOCUMENT_LIMIT)
    found = sha256(data).hexdigest()
    if found != header.programme_sha256:
        raise Malformed(HEADER, f"programme_sha256 is {header.programme_sha256}, but programme.toml has {found}")
    programme = read_programme(data)
    if programme.programme_id != header.programme_id:
        raise Malformed(HEADER, f"programme_id is {show(header.programme_id)}, but programme.toml has {show(programme.programme_id)}")
    return programme


def load_claims(bundle: Bundle) -> Claims:
    by_subject: dict[tuple[str, str, str], list[Claim]] = defaultdict(list)
    for row in bundle.read_rows("period/claims.jsonl"):
        values: dict[str, Any] = row.values
        claim = Claim(
            values["claim_id"],
            values["party_id"],
            values["share_e8"],
            values["territory"],
            values["valid_from"],
            values["valid_to"],
            values["recorded_at_us"],
            values["retracted_at_us"],
        )
        by_subject[values["subject_kind"], values["subject_id"], values["lane"]].append(claim)
    works = {row.values["recording_id"]: row.values["work_id"] for row in bundle.read_rows("period/recordings.jsonl")}
    return Claims(dict(by_subject), works)
