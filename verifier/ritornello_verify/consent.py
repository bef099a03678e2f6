"""Step 3 of bundle.md, first half: every manifest row follows the snapshot rule of period-folder.md, under the terms that its snapshot
was frozen under, and lists the grants relied on."""

from collections import defaultdict

from ritornello_verify.bundle import Bundle
from ritornello_verify.decisions import Decisions, Footings, NoConsent, find_footings, find_grants, load_decisions
from ritornello_verify.kinds import WHOLE_PPM
from ritornello_verify.merkle import find_root, hash_leaf
from ritornello_verify.period import Period
from ritornello_verify.reading import Row, Values, identify
from ritornello_verify.report import Step, show
from ritornello_verify.tables import TABLES
from ritornello_verify.terms import Terms, load_terms

SNAPSHOTS = "period/snapshots.jsonl"
MANIFEST = "period/manifest.jsonl"

Assets = dict[str, dict[str, str]]
"""Snapshot → asset → the recording it belongs to."""


def check_manifests(bundle: Bundle, period: Period, step: Step) -> Assets:
    """Judge every manifest row anew, and every snapshot's terms, root and totals."""
    terms = load_terms(bundle, period, step)
    decisions = load_decisions(bundle, terms, step)
    snapshots = {row.values["snapshot_id"]: row for row in bundle.read_rows(SNAPSHOTS)}
    footings = {name: find_footings(terms, decisions.classes, row.values) for name, row in snapshots.items()}
    assets: Assets = defaultdict(dict)
    leaves: dict[str, list[bytes]] = defaultdict(list)
    durations: dict[str, int] = defaultdict(int)
    for row in bundle.read_rows(MANIFEST):
        values = row.values
        snapshot = snapshots.get(values["snapshot_id"])
        wrong: str | None = "snapshot_id is not in snapshots.jsonl"
        if snapshot is not None:
            wrong = find_wrong_row(period, decisions, snapshot.values, values, footings[values["snapshot_id"]])
        if wrong:
            step.fail(MANIFEST, wrong, row.number, identify(values, TABLES[MANIFEST]))
        step.count("consent decisions derived anew")
        assets[values["snapshot_id"]][values["asset_id"]] = values["recording_id"]
        leaves[values["snapshot_id"]].append(hash_leaf(row.line))
        durations[values["snapshot_id"]] += values["duration_ms"]
    for name, row in snapshots.items():
        expected = {
            **expect_terms(terms, row.values),
            "manifest_root": find_root(leaves[name]).hex(),
            "assets": len(leaves[name]),
            "duration_ms": durations[name],
        }
        wrong = terms.find_wrong(row.values["programme_sha256"], row.values["programme_id"]) or find_wrong_day(terms, row.values)
        if wrong:
            step.fail(SNAPSHOTS, wrong, row.number, identify(row.values, TABLES[SNAPSHOTS]))
        check_snapshot(row, expected, step)
        if row.values["programme_sha256"] != terms.current:
            step.count("of the snapshots were frozen under other terms than programme.toml")
    terms.refuse_unnamed({row.values["programme_sha256"] for row in snapshots.values()} | decisions.terms, step)
    return dict(assets)


def expect_terms(terms: Terms, snapshot: Values) -> Values:
    """What a snapshot's row must repeat of the terms it was frozen under."""
    programme = terms.programmes.get(snapshot["programme_sha256"])
    if programme is None:
        return {}
    quorum = {lane: WHOLE_PPM if share is None else share for lane, share in programme.quorum.items()}
    return {"purposes": list(programme.purposes), "territory": programme.territory, "quorum": quorum, "licence": programme.licence}


def find_wrong_day(terms: Terms, snapshot: Values) -> str | None:
    programme = terms.programmes.get(snapshot["programme_sha256"])
    if programme is None or programme.valid_from <= snapshot["day"] <= programme.valid_to:
        return None
    return f"day is {snapshot['day']}, but its terms are in force from {programme.valid_from} to {programme.valid_to}"


def check_snapshot(row: Row, expected: Values, step: Step) -> None:
    step.count("snapshots checked")
    for name, value in expected.items():
        found = row.values[name]
        if found != value:
            step.fail(SNAPSHOTS, f"{name} is {show(found)}, recomputed {show(value)}", row.number, identify(row.values, TABLES[SNAPSHOTS]))
            return


def find_wrong_row(period: Period, decisions: Decisions, snapshot: Values, row: Values, footings: Footings) -> str | None:
    try:
        grants = find_grants(period, decisions, snapshot, row, footings)
    except NoConsent as error:
        return str(error)
    if row["consent_events"] != grants:
        return f"consent_events is {show(row['consent_events'])}, recomputed {show(grants)}"
    return None
