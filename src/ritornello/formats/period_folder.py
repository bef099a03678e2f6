"""Reading and writing a period folder and a result folder: docs/formats/period-folder.md, settlement.md."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from ritornello.domain.catalogue import LANES, PARTY_KINDS, Claim, Party, Recording
from ritornello.domain.errors import BadInput, Problem, raise_if_any
from ritornello.domain.identifiers import parse_own
from ritornello.domain.money import is_known, minor_digits
from ritornello.domain.period import (
    UNATTRIBUTED,
    Advance,
    Decision,
    Dispute,
    Exposure,
    Member,
    Period,
    Points,
    Rate,
    Reported,
    RevenueLine,
    Run,
    StandingLine,
    StandingPool,
    Tax,
    Usage,
    Weight,
    Withheld,
)
from ritornello.domain.programme import LEVELS, WHOLE_PPM, Programme
from ritornello.formats.canonical import Fingerprint, encode_document, encode_table, fingerprint
from ritornello.formats.programme_toml import read_programme
from ritornello.formats.schema import PERIOD_TABLES, RESULT_KEYS, read_rows
from ritornello.formats.sheet import parse_day
from ritornello.formats.terms_folder import check_terms, list_followed, load_terms, path_of

PERIOD_FORMAT = "ritornello-period-1"
FILES = ("period.json", "programme.toml", *(f"{name}.jsonl" for name in PERIOD_TABLES))
_HEADER = {
    "format", "settlement_id", "programme_id", "programme_sha256", "period_id", "first_day", "last_day", "known_at_us", "corrects",
}  # fmt: skip
MAX_FILE_BYTES = 4 << 30
Rows = list[dict[str, Any]]


def read_period(folder: Path, without: Collection[str] = ()) -> tuple[Period, dict[str, Fingerprint]]:
    """The period in a folder, and the fingerprint of each file. Raises BadInput with every problem of every file.

    Files `without` must be there, but count as empty: somebody else reads them.
    """
    problems: list[Problem] = []
    files = {name: content for name in FILES if (content := _read(folder, name, problems, is_left=name in without)) is not None}
    files |= load_terms(folder, problems)
    raise_if_any(problems)
    return parse_period(files, without)


def parse_period(files: Mapping[str, bytes], without: Collection[str] = ()) -> tuple[Period, dict[str, Fingerprint]]:
    """The period in the files of a period folder, by path; of those `without`, somebody else checks the sums. Raises BadInput with every problem."""
    problems: list[Problem] = []
    programme = _programme(files["programme.toml"], problems)
    header = _header(files["period.json"], programme, problems)
    tables = {name: read_rows(name, files[f"{name}.jsonl"], table, problems) for name, table in PERIOD_TABLES.items()}
    raise_if_any(problems)
    assert programme is not None and header is not None
    terms = check_terms(files, programme, tables, problems)
    period = _period(header, programme, tables, terms)
    _check_days(period, problems)
    _check(period, tables, problems)
    if "previous_allocations.jsonl" not in without:
        _check_standing(period, problems)
    raise_if_any(problems)
    return period, {name: fingerprint(name, content) for name, content in files.items()}


def encode_period(header: Mapping[str, Any], programme: bytes, tables: Mapping[str, Rows], terms: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of a period folder, by name. `terms`: hash → file of what rows name besides `programme`."""
    files = {"period.json": encode_document({"format": PERIOD_FORMAT, **header}), "programme.toml": programme}
    for name, table in PERIOD_TABLES.items():
        files[f"{name}.jsonl"] = encode_table(tables.get(name, []), table.key)
    return files | {path_of(sha256): data for sha256, data in terms.items()}


def encode_result(tables: Mapping[str, Rows]) -> dict[str, bytes]:
    """The tables of a result folder, by file name."""
    return {f"{name}.jsonl": encode_table(tables[name], key) for name, key in RESULT_KEYS.items()}


def _read(folder: Path, name: str, problems: list[Problem], *, is_left: bool = False) -> bytes | None:
    path = folder / name
    if not path.is_file():
        problems.append(
            Problem(
                name,
                None,
                None,
                "is missing from the period folder",
                "see docs/formats/period-folder.md; a table without rows is an empty file",
            )
        )
        return None
    if is_left:
        return b""
    if path.stat().st_size > MAX_FILE_BYTES:
        problems.append(Problem(name, None, None, f"is larger than {MAX_FILE_BYTES >> 30} GiB", "settle a shorter period"))
        return None
    return path.read_bytes()


def _programme(data: bytes, problems: list[Problem]) -> Programme | None:
    try:
        return read_programme("programme.toml", data)
    except BadInput as error:
        problems += error.problems
        return None


def _header(data: bytes, programme: Programme | None, problems: list[Problem]) -> dict[str, Any] | None:
    def note(field: str | None, what: str) -> None:
        problems.append(Problem("period.json", None, field, what, "see docs/formats/period-folder.md"))

    try:
        header = json.loads(data)
    except (ValueError, RecursionError) as error:
        note(None, f"is not JSON: {error}")
        return None
    if not isinstance(header, dict) or set(header) - {"released_at_us"} != _HEADER or header["format"] != PERIOD_FORMAT:
        note(None, f"is not an object of the format {PERIOD_FORMAT} with exactly {', '.join(sorted(_HEADER))}")
        return None
    for field in ("settlement_id", "programme_id", "period_id"):
        try:
            parse_own(header[field])
        except (TypeError, ValueError):
            note(field, f"{str(header[field])[:80]!r} is not an identifier")
            return None
    if not isinstance(header.get("released_at_us", 0), int) or isinstance(header.get("released_at_us"), bool):
        note("released_at_us", "is not a whole number of microseconds")
        return None
    if header["corrects"] is not None and not isinstance(header["corrects"], str):
        note("corrects", "is neither null nor a settlement's id")
        return None
    for field in ("first_day", "last_day"):
        try:
            header[field] = parse_day(header[field])
        except (TypeError, ValueError):
            note(field, f"{header[field]!r} is not a day YYYY-MM-DD")
            return None
    if header["last_day"] < header["first_day"]:
        note("last_day", "is before first_day")
    if not isinstance(header["known_at_us"], int) or isinstance(header["known_at_us"], bool) or not 0 <= header["known_at_us"] < 2**53:
        note("known_at_us", "is not a whole number of microseconds")
    if programme and (header["programme_sha256"], header["programme_id"]) != (programme.sha256, programme.programme_id):
        note("programme_sha256", f"is not the hash (or programme_id not the id) of programme.toml, {programme.sha256}")
    return header


def _check_days(period: Period, problems: list[Problem]) -> None:
    """The period's own terms are in force on its last day; they, or terms that a model version follows, on its first."""

    def note(field: str, what: str) -> None:
        problems.append(Problem("period.json", None, field, what, "see docs/formats/period-folder.md"))

    own = period.programme
    if period.released_at_us is not None:
        last_day = period.last_day + timedelta(days=own.held.release_after_days) if own.held else date.max
        if period.corrects is None or datetime.fromtimestamp(period.released_at_us // 1_000_000, UTC).date() < last_day:
            note("released_at_us", "is in no correction, or on a day before the terms release held money")
    if not own.valid_from <= period.last_day <= own.valid_to:
        note("last_day", f"the period is not within the programme's term {own.valid_from} to {own.valid_to}")
    elif not any(terms.valid_from <= period.first_day <= terms.valid_to for terms in period.all_terms()):
        note("first_day", "the period begins before the programme's term, and no model version follows terms that were in force by then")


def claim_of(row: Mapping[str, Any]) -> Claim:
    """A claim from its table row."""
    days = {name: date.fromisoformat(row[name]) if row[name] else None for name in ("valid_from", "valid_to")}
    return Claim(**{**row, **days})


def row_of(claim: Claim) -> dict[str, Any]:
    """A claim as its table row."""
    valid_to = claim.valid_to.isoformat() if claim.valid_to else None
    return {**asdict(claim), "valid_from": claim.valid_from.isoformat(), "valid_to": valid_to}


def _period(header: Mapping[str, Any], programme: Programme, tables: Mapping[str, Rows], terms: Mapping[str, Programme]) -> Period:
    runs = {row["model_version"]: _run(row, programme, tables, terms) for row in tables["runs"]}
    return Period(
        settlement_id=str(header["settlement_id"]),
        period_id=str(header["period_id"]),
        first_day=header["first_day"],
        last_day=header["last_day"],
        known_at_us=header["known_at_us"],
        programme=programme,
        parties={row["party_id"]: Party(row["party_id"], row["name"], row["kind"]) for row in tables["parties"]},
        payable=frozenset(row["party_id"] for row in tables["parties"] if row["payable"]),
        recordings={row["recording_id"]: Recording(**row) for row in tables["recordings"]},
        claims=[claim_of(row) for row in tables["claims"]],
        exposures=[Exposure(**row) for row in tables["exposure"]],
        outputs={row["output_id"]: row["model_version"] for row in tables["outputs"]},
        usage=[Usage(row["usage_id"], row["output_id"], row["territory"], row["uses"], row["user_id"]) for row in tables["usage"]],
        error_ppm={row["model_version"]: row["error_ppm"] for row in tables["quality"]},
        noise_ppm={
            (level, row["model_version"]): row[f"noise_{level}_ppm"]
            for row in tables["quality"]
            for level in LEVELS
            if row[f"noise_{level}_ppm"] is not None
        },
        attribution=[Weight(**row) for row in tables["attribution"]],
        revenue=[RevenueLine(**_numbers(row, "net_units", "gross_units", "quantity_e6")) for row in tables["revenue"]],
        opening={(row["account"], row["currency"]): int(row["balance_units"]) for row in tables["opening"]},
        runs=runs,
        members=[
            Member(row["snapshot_id"], row["asset_id"], row["recording_id"], row["duration_ms"], tuple(row["consent_events"]))
            for row in tables["manifest"]
        ],
        points=[Points(row["recording_id"], row["points"], row["tier"]) for row in tables["points"]],
        cluster_of={row["recording_id"]: row["cluster"] for row in tables["clusters"]},
        rates={(row["currency"], row["into"]): Rate(row["currency"], row["into"], int(row["rate_e12"])) for row in tables["rates"]},
        disputes=[Dispute(row["dispute_id"], row["claim_id"], row["opened_at_us"], row["resolved_at_us"]) for row in tables["disputes"]],
        reserves=[
            Withheld(**{**_numbers(row, "units"), "release_on": date.fromisoformat(row["release_on"])}) for row in tables["reserves"]
        ],
        advances=[_advance(row) for row in tables["advances"]],
        taxes={row["party_id"]: Tax(**row) for row in tables["taxes"]},
        corrects=header["corrects"],
        released_at_us=header.get("released_at_us"),
        previous_receipts=[Reported(**_numbers(row, *_RECEIPT_UNITS)) for row in tables["previous_receipts"]],
        previous_pools=[
            StandingPool(
                row["pool"], row["income"], row["currency"], int(row["amount_units"]), int(row["denominator"]), row["terms_version"]
            )
            for row in tables["previous_pools"]
        ],
        previous_lines=[
            StandingLine(row["pool"], row["payee"], row["recording_id"], int(row["numerator"]), int(row["amount_units"]))
            for row in tables["previous_allocations"]
        ],
        decisions=[
            Decision(
                **{column: row[column] for column in ("event_id", "decision", "party_id", "asset_id", "purpose", "programme_id")},
                effective_from=date.fromisoformat(row["effective_from"]),
                recorded_at_us=row["recorded_at_us"],
            )
            for row in tables["consents"]
            if row["decision"] in {"grant", "withdraw"}
        ],
        other_terms={
            one.version: one
            for one in terms.values()
            if one is not programme and one.version in {run.terms_version for run in runs.values()}
        },
    )


def _run(row: Mapping[str, Any], programme: Programme, tables: Mapping[str, Rows], terms: Mapping[str, Programme]) -> Run:
    followed = {terms.get(sha256, programme).version for sha256 in list_followed(row, tables)} - {programme.version}
    return Run(row["model_version"], tuple(row["parents"]), tuple(row["snapshot_ids"]), min(followed, default=None))


_RECEIPT_UNITS = ("reported_units", "added_units", "units", "fee_units", "upstream_units")


def _numbers(row: Mapping[str, Any], *columns: str) -> dict[str, Any]:
    """The row with strings of digits as numbers."""
    return {**row, **{name: None if row[name] is None else int(row[name]) for name in columns}}


def _advance(row: Mapping[str, Any]) -> Advance:
    days = {"granted_on": date.fromisoformat(row["granted_on"]), "recordings": tuple(row["recordings"])}
    return Advance(**{**_numbers(row, "open_units"), **days})


def _check(period: Period, tables: Mapping[str, Rows], problems: list[Problem]) -> None:
    """What no single row shows: references between tables, sums, reserved words."""
    models = {row["model_version"] for row in tables["runs"]}
    manifest = {(row["snapshot_id"], row["asset_id"]) for row in tables["manifest"]}
    snapshots = {row["model_version"]: row["snapshot_ids"] for row in tables["runs"]}
    exposed = {(row.model_version, row.recording_id) for row in period.exposures}

    def known(table: str, column: str, allowed: Iterable[object], what: str) -> None:
        allowed = set(allowed)
        for number, row in enumerate(tables[table], 1):
            if row[column] is not None and row[column] not in allowed:
                problems.append(
                    Problem(f"{table}.jsonl", number, column, f"{row[column]!r} is not {what}", "correct it or add what it names")
                )

    known("parties", "kind", PARTY_KINDS, "person or organisation")
    known("recordings", "work_id", (row["work_id"] for row in tables["works"]), "a work of works.jsonl")
    known("claims", "lane", LANES, "a lane")
    known("claims", "party_id", period.parties, "a party of parties.jsonl")
    known("exposure", "model_version", models, "a model version of runs.jsonl")
    known("exposure", "recording_id", period.recordings, "a recording of recordings.jsonl")
    known("outputs", "model_version", models, "a model version of runs.jsonl")
    known("usage", "output_id", period.outputs, "an output of outputs.jsonl")
    known("attribution", "output_id", period.outputs, "an output of outputs.jsonl")
    known("revenue", "model_version", models, "a model version of runs.jsonl")
    known("quality", "model_version", models, "a model version of runs.jsonl")
    known("points", "recording_id", period.recordings, "a recording of recordings.jsonl")
    known("clusters", "recording_id", period.recordings, "a recording of recordings.jsonl")
    known("clusters", "cluster", _first_of_several(period.cluster_of), "the first of at least two recordings of a cluster")
    known("manifest", "recording_id", period.recordings, "a recording of recordings.jsonl")
    known("disputes", "claim_id", (row["claim_id"] for row in tables["claims"]), "a claim of claims.jsonl")
    for table in ("reserves", "advances", "taxes"):
        known(table, "party_id", period.parties, "a party of parties.jsonl")
    known(
        "opening",
        "account",
        {*(f"party:{party}" for party in period.parties), "held:suspense", "held:dispute", "held:reserve"},
        "an account of a party or held:",
    )
    for number, row in enumerate(tables["exposure"], 1):
        if not any((snapshot, row["asset_id"]) in manifest for snapshot in snapshots.get(row["model_version"], [])):
            problems.append(
                Problem(
                    "exposure.jsonl",
                    number,
                    "asset_id",
                    "is in no manifest of the run's snapshots: training read what it had no licence for",
                    "clear it up with the licensee",
                )
            )
    for number, row in enumerate(tables["attribution"], 1):
        pair = (period.outputs.get(row["output_id"], ""), row["recording_id"])
        if row["recording_id"] != UNATTRIBUTED and pair not in exposed:
            problems.append(
                Problem(
                    "attribution.jsonl",
                    number,
                    "recording_id",
                    f"{pair[0]} was never trained on {row['recording_id']}",
                    "give that weight to unattributed",
                )
            )
    _check_sums(period, problems)
    for number, row in enumerate(tables["claims"], 1):
        if not 0 < row["share_e8"] <= 100_000_000 or (row["subject_kind"] == "work") != (row["lane"] == "publishing"):
            problems.append(
                Problem(
                    "claims.jsonl",
                    number,
                    "share_e8",
                    "the share is not within 1 … 100,000,000, or the lane does not fit the subject",
                    "correct it",
                )
            )
    for number, row in enumerate(tables["revenue"], 1):
        try:
            minor_digits(row["currency"], period.last_day)
        except ValueError as error:
            problems.append(Problem("revenue.jsonl", number, "currency", str(error), f"correct row {row['row']} of the report"))
    for number, row in enumerate(tables["opening"], 1):
        if not is_known(row["currency"]):
            problems.append(Problem("opening.jsonl", number, "currency", f"{row['currency']!r} is no currency", "correct the code"))
    _check_money(period, tables, problems)
    for number, row in enumerate(tables["usage"], 1):
        if row["uses"] < 1:
            problems.append(Problem("usage.jsonl", number, "uses", "is not at least 1", "leave the row out"))


def _first_of_several(cluster_of: Mapping[str, str]) -> set[str]:
    """The clusters that are called by their first recording and have another."""
    members: dict[str, list[str]] = {}
    for recording_id, cluster in cluster_of.items():
        members.setdefault(cluster, []).append(recording_id)
    return {cluster for cluster, names in members.items() if len(names) > 1 and min(names) == cluster}


def _check_sums(period: Period, problems: list[Problem]) -> None:
    sums: Counter[str] = Counter()
    for weight in period.attribution:
        sums[weight.output_id] += weight.weight_ppm
    with_rest = {weight.output_id for weight in period.attribution if weight.recording_id == UNATTRIBUTED}
    for output_id, total in sorted(sums.items()):
        if total != WHOLE_PPM or output_id not in with_rest:
            what = f"the weights of {output_id} total {total:,} ppm" if total != WHOLE_PPM else f"{output_id} has no unattributed row"
            problems.append(
                Problem("attribution.jsonl", None, "weight_ppm", what, "let them total 1,000,000 with an unattributed row, 0 if need be")
            )


def _check_money(period: Period, tables: Mapping[str, Rows], problems: list[Problem]) -> None:
    """What no single row of the tables about money shows."""

    def problem(table: str, number: int | None, column: str, what: str, todo: str) -> None:
        problems.append(Problem(f"{table}.jsonl", number, column, what, todo))

    converted = {terms.convert_to for terms in period.all_terms() if terms.convert_to is not None}
    for (account, currency), units in period.opening.items():
        if units < 0 and not account.startswith("party:"):
            problem("opening", None, "balance_units", f"{account} opens below zero in {currency}", "correct the previous period")
    for number, row in enumerate(tables["points"], 1):
        if not any(row["tier"] in terms.tiers_e6 for terms in period.all_terms()):
            problem("points", number, "tier", f"{row['tier']!r} is no tier of the programme", "use one of [tiers]")
        if row["points"] < 1:
            problem("points", number, "points", "is not at least 1", "leave the row out")
    for number, row in enumerate(tables["rates"], 1):
        if row["into"] not in converted or not is_known(row["currency"]) or int(row["rate_e12"]) <= 0:
            problem(
                "rates",
                number,
                "rate_e12",
                f"is no rate into {' or '.join(sorted(converted)) or None} above 0",
                "give one rate per reported currency",
            )
    for table, columns in (("reserves", ["units"]), ("advances", ["open_units"]), ("previous_allocations", ["numerator", "amount_units"])):
        for number, row in enumerate(tables[table], 1):
            if any(int(row[column]) < 0 for column in columns):
                problem(table, number, columns[-1], "is below zero", "correct it")
    groups: dict[str, tuple[str, str, int]] = {}
    for number, row in enumerate(tables["advances"], 1):
        terms = (row["party_id"], row["currency"], row["rate_ppm"])
        if groups.setdefault(row["group"], terms) != terms or row["rate_ppm"] > WHOLE_PPM:
            what = f"the advances of group {row['group']!r} differ in party, currency or rate_ppm, or the rate is above 1,000,000"
            problem("advances", number, "group", what, "give each group one of each")
    for number, row in enumerate(tables["taxes"], 1):
        if row["rate_ppm"] > WHOLE_PPM:
            problem("taxes", number, "rate_ppm", "is above 1,000,000", "correct it")
    if period.corrects is None:
        for table in ("previous_receipts", "previous_pools", "previous_allocations"):
            if tables[table]:
                problem(
                    table, None, "corrects", "has rows although period.json corrects nothing", "name what is corrected, or empty the table"
                )


def _check_standing(period: Period, problems: list[Problem]) -> None:
    sums: Counter[str] = Counter()
    for line in period.previous_lines:
        sums[line.pool] += line.units
    if period.corrects is not None and dict(sums) != {pool.pool: pool.units for pool in period.previous_pools}:
        what = "do not sum to previous_pools.jsonl"
        problems.append(Problem("previous_allocations.jsonl", None, "amount_units", what, "take both from the settlement's result"))
