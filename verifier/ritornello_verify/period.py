"""The period folder in memory, no more of each row than consent and money need."""

from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from ritornello_verify.bundle import Bundle
from ritornello_verify.canonical import DOCUMENT_LIMIT
from ritornello_verify.claims import Claim, Claims
from ritornello_verify.forms import PATH as PROGRAMME
from ritornello_verify.kinds import DAY, HASH, INTEGER, TEXT, allow_null
from ritornello_verify.programme import Programme, read_programme
from ritornello_verify.reading import Values, parse_document
from ritornello_verify.report import Malformed, show
from ritornello_verify.standing import Standing, load_standing

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
    "corrects": allow_null(TEXT),
}
UNATTRIBUTED = "unattributed"
NOBODY = ""
"""The user of revenue and usage that name none."""


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
    corrects: str | None = None
    released_at_us: int | None = None


@dataclass(frozen=True, slots=True)
class Party:
    name: str
    payable: bool


@dataclass(frozen=True, slots=True)
class Revenue:
    """A line of revenue; `gross_units` and `quantity_e6` None when it does not say."""

    product: str
    model_version: str
    territory: str
    currency: str
    net_units: int
    gross_units: int | None = None
    quantity_e6: int | None = None
    unit: str | None = None
    user_id: str = NOBODY


@dataclass(frozen=True, slots=True)
class Run:
    """What a model version was made from."""

    parents: tuple[str, ...]
    snapshot_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asset:
    recording_id: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Advance:
    """`recordings` None names all."""

    advance_id: str
    party_id: str
    group: str
    currency: str
    recordings: frozenset[str] | None
    rate_ppm: int
    granted_on: str
    open_units: int

    def names(self, recording_id: str) -> bool:
        return self.recordings is None or recording_id in self.recordings


@dataclass(frozen=True, slots=True)
class Tax:
    rate_ppm: int
    authority: str


@dataclass(frozen=True, slots=True)
class Period:
    """`exposure`: model version → recording → milliseconds. `manifests`: snapshot → asset. `usage`: (output, territory, user) → uses.
    `attribution`: output → rows of (recording or `unattributed`, weight in ppm). `points`: recording → (points, tier).
    `clusters`: the recordings of one sound.
    `rates`: (currency, into) → rate_e12. `followed`: model version → its terms, where they are not `programme`.
    `reserves`: rows of reserves.jsonl. All amounts in ledger units. `standing` None: no correction."""

    header: Header
    programme: Programme
    parties: dict[str, Party]
    claims: Claims
    exposure: dict[str, dict[str, int]] = field(default_factory=dict)
    manifests: dict[str, dict[str, Asset]] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    usage: dict[tuple[str, str, str], int] = field(default_factory=dict)
    errors: dict[str, int | None] = field(default_factory=dict)
    recording_noise: dict[str, int | None] = field(default_factory=dict)
    catalogue_noise: dict[str, int | None] = field(default_factory=dict)
    attribution: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    revenue: list[Revenue] = field(default_factory=list)
    opening: dict[tuple[str, str], int] = field(default_factory=dict)
    points: dict[str, tuple[int, str]] = field(default_factory=dict)
    clusters: list[frozenset[str]] = field(default_factory=list)
    rates: dict[tuple[str, str], int] = field(default_factory=dict)
    reserves: list[Values] = field(default_factory=list)
    advances: list[Advance] = field(default_factory=list)
    taxes: dict[str, Tax] = field(default_factory=dict)
    standing: Standing | None = None
    followed: dict[str, Programme] = field(default_factory=dict)

    def is_released(self) -> bool:
        return self.header.released_at_us is not None

    def find_known(self) -> int:
        """The moment at which claims must be known: K, or that of the release."""
        header = self.header
        return header.known_at_us if header.released_at_us is None else min(header.known_at_us, header.released_at_us)

    def find_terms(self, model_version: str) -> Programme:
        """The terms that a model version's money is under."""
        return self.followed.get(model_version, self.programme)

    def list_terms(self) -> list[Programme]:
        """The period's own, then the others that are followed."""
        others = {terms.version: terms for terms in self.followed.values()}
        return [self.programme, *(others[version] for version in sorted(others))]


def load_period(bundle: Bundle) -> Period:
    """Read all that settlement reads; Malformed names the file that hinders it."""
    header = load_header(bundle)
    programme = load_programme(bundle, header)
    exposure: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in bundle.read_rows("period/exposure.jsonl"):
        exposure[row.values["model_version"]][row.values["recording_id"]] += row.values["exposure_ms"]
    manifests: dict[str, dict[str, Asset]] = defaultdict(dict)
    for row in bundle.read_rows("period/manifest.jsonl"):
        manifests[row.values["snapshot_id"]][row.values["asset_id"]] = Asset(row.values["recording_id"], row.values["duration_ms"])
    usage: dict[tuple[str, str, str], int] = defaultdict(int)
    for row in bundle.read_rows("period/usage.jsonl"):
        usage[row.values["output_id"], row.values["territory"], row.values["user_id"] or NOBODY] += row.values["uses"]
    attribution: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for row in bundle.read_rows("period/attribution.jsonl"):
        attribution[row.values["output_id"]].append((row.values["recording_id"], row.values["weight_ppm"]))
    return Period(
        header=header,
        programme=programme,
        parties={
            row.values["party_id"]: Party(row.values["name"], row.values["payable"]) for row in bundle.read_rows("period/parties.jsonl")
        },
        claims=load_claims(bundle, header),
        exposure={model: dict(recordings) for model, recordings in exposure.items()},
        manifests=dict(manifests),
        runs={
            row.values["model_version"]: Run(tuple(row.values["parents"]), tuple(row.values["snapshot_ids"]))
            for row in bundle.read_rows("period/runs.jsonl")
        },
        outputs={row.values["output_id"]: row.values["model_version"] for row in bundle.read_rows("period/outputs.jsonl")},
        usage=dict(usage),
        errors={row.values["model_version"]: row.values["error_ppm"] for row in bundle.read_rows("period/quality.jsonl")},
        recording_noise=load_noise(bundle, "recording"),
        catalogue_noise=load_noise(bundle, "catalogue"),
        attribution=dict(attribution),
        revenue=load_revenue(bundle),
        opening={
            (row.values["account"], row.values["currency"]): int(row.values["balance_units"])
            for row in bundle.read_rows("period/opening.jsonl")
        },
        points={row.values["recording_id"]: (row.values["points"], row.values["tier"]) for row in bundle.read_rows("period/points.jsonl")},
        clusters=load_clusters(bundle),
        rates={(row.values["currency"], row.values["into"]): int(row.values["rate_e12"]) for row in bundle.read_rows("period/rates.jsonl")},
        reserves=[row.values for row in bundle.read_rows("period/reserves.jsonl")],
        advances=load_advances(bundle),
        taxes={
            row.values["party_id"]: Tax(row.values["rate_ppm"], row.values["authority"]) for row in bundle.read_rows("period/taxes.jsonl")
        },
        standing=load_standing(bundle, header.corrects is not None),
    )


def load_noise(bundle: Bundle, level: str) -> dict[str, int | None]:
    return {row.values["model_version"]: row.values.get(f"noise_{level}_ppm") for row in bundle.read_rows("period/quality.jsonl")}


def load_header(bundle: Bundle) -> Header:
    data = bundle.folder.read(HEADER, DOCUMENT_LIMIT)
    more = {"released_at_us": INTEGER} if b'"released_at_us"' in data else {}
    header = Header(**parse_document(data, HEADER, {**HEADER_COLUMNS, **more}))
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


def load_claims(bundle: Bundle, header: Header) -> Claims:
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
    disputed = frozenset(
        row.values["claim_id"] for row in bundle.read_rows("period/disputes.jsonl") if is_open(row.values, header.known_at_us)
    )
    return Claims(dict(by_subject), works, disputed)


def is_open(dispute: Values, known_at_us: int) -> bool:
    resolved = dispute["resolved_at_us"]
    return bool(dispute["opened_at_us"] <= known_at_us and (resolved is None or resolved > known_at_us))


def load_revenue(bundle: Bundle) -> list[Revenue]:
    return [
        Revenue(
            product=row.values["product"],
            model_version=row.values["model_version"],
            territory=row.values["territory"],
            currency=row.values["currency"],
            net_units=int(row.values["net_units"]),
            gross_units=None if row.values["gross_units"] is None else int(row.values["gross_units"]),
            quantity_e6=None if row.values["quantity_e6"] is None else int(row.values["quantity_e6"]),
            unit=row.values["unit"],
            user_id=row.values["user_id"] or NOBODY,
        )
        for row in bundle.read_rows("period/revenue.jsonl")
    ]


def load_clusters(bundle: Bundle) -> list[frozenset[str]]:
    groups: dict[str, set[str]] = defaultdict(set)
    for row in bundle.read_rows("period/clusters.jsonl"):
        groups[row.values["cluster"]].add(row.values["recording_id"])
    return [frozenset(members) for _, members in sorted(groups.items())]


def load_advances(bundle: Bundle) -> list[Advance]:
    """In the order they were granted; one party, currency and rate in a group."""
    advances = [
        Advance(
            advance_id=row.values["advance_id"],
            party_id=row.values["party_id"],
            group=row.values["group"],
            currency=row.values["currency"],
            recordings=None if "*" in row.values["recordings"] else frozenset(row.values["recordings"]),
            rate_ppm=row.values["rate_ppm"],
            granted_on=row.values["granted_on"],
            open_units=int(row.values["open_units"]),
        )
        for row in bundle.read_rows("period/advances.jsonl")
    ]
    terms: dict[str, tuple[str, str, int]] = {}
    for advance in advances:
        own = advance.party_id, advance.currency, advance.rate_ppm
        if terms.setdefault(advance.group, own) != own:
            raise Malformed("period/advances.jsonl", f"group {show(advance.group)} has advances of several parties, currencies or rates")
    return sorted(advances, key=lambda advance: (advance.granted_on, advance.advance_id))
