"""What rows name is in the folder (period-folder.md, "What rows name"), as far as checks of consent and attribution do not ask it anyway."""

from collections import defaultdict

from ritornello_verify.bundle import Bundle
from ritornello_verify.earnings import HELD, PARTY
from ritornello_verify.reading import identify
from ritornello_verify.report import Step, show
from ritornello_verify.tables import TABLES

PARTIES, RUNS, RECORDINGS = "period/parties.jsonl", "period/runs.jsonl", "period/recordings.jsonl"
REFERENCES = (
    ("period/recordings.jsonl", "work_id", "period/works.jsonl"),
    ("period/claims.jsonl", "party_id", PARTIES),
    ("period/manifest.jsonl", "recording_id", RECORDINGS),
    ("period/outputs.jsonl", "model_version", RUNS),
    ("period/quality.jsonl", "model_version", RUNS),
    ("period/revenue.jsonl", "model_version", RUNS),
    ("period/points.jsonl", "recording_id", RECORDINGS),
    ("period/clusters.jsonl", "recording_id", RECORDINGS),
    ("period/disputes.jsonl", "claim_id", "period/claims.jsonl"),
    ("period/reserves.jsonl", "party_id", PARTIES),
    ("period/advances.jsonl", "party_id", PARTIES),
    ("period/taxes.jsonl", "party_id", PARTIES),
)
"""Table, column, and the table whose key it is."""
CLUSTERS, OPENING = "period/clusters.jsonl", "period/opening.jsonl"


def check_references(bundle: Bundle, step: Step) -> None:
    for path, column, target in REFERENCES:
        known = load_keys(bundle, target)
        for row in bundle.read_rows(path):
            step.count("references followed")
            value = row.values[column]
            if value is not None and value not in known:
                what = f"{column} {show(value)} is not in {target.removeprefix('period/')}"
                step.fail(path, what, row.number, identify(row.values, TABLES[path]))
    check_clusters(bundle, step)
    check_opening(bundle, load_keys(bundle, PARTIES), step)


def check_clusters(bundle: Bundle, step: Step) -> None:
    """Each cluster has its first recording's name and another recording."""
    rows = list(bundle.read_rows(CLUSTERS))
    groups: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        groups[row.values["cluster"]].append(row.values["recording_id"])
    for row in rows:
        name = row.values["cluster"]
        if len(groups[name]) < 2 or name != min(groups[name]):
            what = f"cluster {show(name)} is not named by the first of at least two recordings"
            step.fail(CLUSTERS, what, row.number, identify(row.values, TABLES[CLUSTERS]))


def check_opening(bundle: Bundle, parties: set[str], step: Step) -> None:
    """Accounts of parties of the folder, and of held money, which are never below zero."""
    for row in bundle.read_rows(OPENING):
        account, units = row.values["account"], int(row.values["balance_units"])
        step.count("references followed")
        if account.startswith(HELD):
            wrong = "a held account opens below zero" if units < 0 else ""
        else:
            known = account.startswith(PARTY) and account.removeprefix(PARTY) in parties
            wrong = "" if known else f"account {show(account)} is neither held money nor of a party in parties.jsonl"
        if wrong:
            step.fail(OPENING, wrong, row.number, identify(row.values, TABLES[OPENING]))


def load_keys(bundle: Bundle, path: str) -> set[str]:
    (key,) = TABLES[path].key
    return {row.values[key] for row in bundle.read_rows(path)}
