"""What rows name is in the folder (period-folder.md, "What rows name"), as far as checks of consent and attribution do not ask it anyway."""

from collections.abc import Callable

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
    ("period/disputes.jsonl", "claim_id", "period/claims.jsonl"),
    ("period/reserves.jsonl", "party_id", PARTIES),
    ("period/advances.jsonl", "party_id", PARTIES),
    ("period/taxes.jsonl", "party_id", PARTIES),
)
"""Table, column, and the table whose key it is."""
OPENING = "period/opening.jsonl"


def check_references(bundle: Bundle, step: Step) -> None:
    for path, column, target in REFERENCES:
        known = load_keys(bundle, target)
        check_column(bundle, path, column, target, lambda value, known=known: value is None or value in known, step)
    parties = load_keys(bundle, PARTIES)
    check_column(bundle, OPENING, "account", PARTIES, lambda value: is_account(value, parties), step)
    for row in bundle.read_rows(OPENING):
        if row.values["account"].startswith(HELD) and int(row.values["balance_units"]) < 0:
            step.fail(OPENING, "a held account opens below zero", row.number, identify(row.values, TABLES[OPENING]))


def load_keys(bundle: Bundle, path: str) -> set[str]:
    (key,) = TABLES[path].key
    return {row.values[key] for row in bundle.read_rows(path)}


def is_account(account: str | None, parties: set[str]) -> bool:
    """A party's of the folder, or one of held money."""
    return account is not None and (account.startswith(HELD) or (account.startswith(PARTY) and account.removeprefix(PARTY) in parties))


def check_column(bundle: Bundle, path: str, column: str, target: str, is_known: Callable[[str | None], bool], step: Step) -> None:
    for row in bundle.read_rows(path):
        step.count("references followed")
        if not is_known(row.values[column]):
            what = f"{column} {show(row.values[column])} is not in {target.removeprefix('period/')}"
            step.fail(path, what, row.number, identify(row.values, TABLES[path]))
            return
