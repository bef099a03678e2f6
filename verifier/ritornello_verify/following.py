"""Whose terms (settlement.md): model versions earn under the terms that their snapshots were frozen under."""

from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256

from ritornello_verify.bundle import Bundle
from ritornello_verify.canonical import DOCUMENT_LIMIT
from ritornello_verify.period import HEADER, Period
from ritornello_verify.programme import Programme, read_programme
from ritornello_verify.report import Malformed, show

SNAPSHOTS, RUNS = "period/snapshots.jsonl", "period/runs.jsonl"
RATES, POINTS = "period/rates.jsonl", "period/points.jsonl"


def follow_terms(bundle: Bundle, period: Period) -> Period:
    """The period with what its model versions follow; Malformed where the folder must be refused."""
    frozen = {row.values["snapshot_id"]: row.values["programme_sha256"] for row in bundle.read_rows(SNAPSHOTS)}
    named = {model_version: find_hash(model_version, run.snapshot_ids, frozen) for model_version, run in period.runs.items()}
    own = period.header.programme_sha256
    terms = {name: load_terms(bundle, name) for name in sorted(set(frozen.values()) - {own})}
    followed = {model_version: terms[name] for model_version, name in named.items() if name in terms}
    check_followed(period, [terms[name] for name in sorted(set(named.values()) & terms.keys())])
    whole = replace(period, followed=followed)
    check_days(whole)
    check_release(whole)
    check_rates(bundle, whole)
    check_tiers(bundle, whole)
    return whole


def find_hash(model_version: str, snapshot_ids: tuple[str, ...], frozen: dict[str, str]) -> str:
    """The one hash that a run's snapshots name; nothing where none is in the folder."""
    hashes = {frozen[name] for name in snapshot_ids if name in frozen}
    if len(hashes) > 1:
        raise Malformed(RUNS, f"the snapshots of {show(model_version)} were frozen under several terms")
    return min(hashes, default="")


def check_followed(period: Period, followed: list[Programme]) -> None:
    """All are of the folder's programme, each of a version of its own."""
    versions = [programme.version for programme in (period.programme, *followed)]
    if len(set(versions)) != len(versions):
        raise Malformed(RUNS, f"two of the terms that are followed, or programme.toml, have the same version: {show(versions)}")
    for programme in followed:
        if programme.programme_id != period.header.programme_id:
            raise Malformed(RUNS, f"a model of {show(period.header.programme_id)} follows terms of {show(programme.programme_id)}")


def load_terms(bundle: Bundle, name: str) -> Programme:
    """Terms that snapshots name, in a file named by its hash."""
    path = f"period/terms/{name}.toml"
    data = bundle.folder.read(path, DOCUMENT_LIMIT)
    if sha256(data).hexdigest() != name:
        raise Malformed(path, "does not have the hash it is named by")
    try:
        return read_programme(data)
    except Malformed as error:
        raise Malformed(path, error.problem.message) from None


def check_days(period: Period) -> None:
    """D is in the term of programme.toml, first_day in that of some terms."""
    header, own = period.header, period.programme
    if not own.valid_from <= header.last_day <= own.valid_to:
        raise Malformed(HEADER, f"last_day is not within the term of programme.toml, {own.valid_from} to {own.valid_to}")
    if not any(terms.valid_from <= header.first_day <= terms.valid_to for terms in period.list_terms()):
        raise Malformed(HEADER, "first_day is within the term of none of the terms")


def check_release(period: Period) -> None:
    """Held money is released by corrections alone, not before the day that programme.toml says."""
    header, release = period.header, period.programme.release
    if header.released_at_us is None:
        return
    day = date(1970, 1, 1) + timedelta(microseconds=header.released_at_us)
    due = None if release is None else date.fromisoformat(header.last_day) + timedelta(days=release.after_days)
    if header.corrects is None or due is None or day < due:
        raise Malformed(HEADER, "released_at_us is in no correction, or before the day that the terms release held money")


def check_rates(bundle: Bundle, period: Period) -> None:
    into = {terms.conversion for terms in period.list_terms()} - {None}
    for row in bundle.read_rows(RATES):
        if row.values["into"] not in into or row.values["rate_e12"] == "0":
            raise Malformed(RATES, "is no rate above 0 into a currency of a conversion", row.number)


def check_tiers(bundle: Bundle, period: Period) -> None:
    tiers = {tier for terms in period.list_terms() for tier in terms.tiers}
    for row in bundle.read_rows(POINTS):
        if row.values["tier"] not in tiers:
            raise Malformed(POINTS, f"tier {show(row.values['tier'])} is of none of the terms", row.number)
