"""settlement.json: what the result folder says of itself."""

from collections.abc import Mapping

from ritornello_verify.bundle import Bundle
from ritornello_verify.canonical import write
from ritornello_verify.invariants import NAMES, SETTLEMENT
from ritornello_verify.kinds import TEXT, Kind
from ritornello_verify.period import Period
from ritornello_verify.reading import Values, read_document
from ritornello_verify.report import Step, show
from ritornello_verify.tables import RESULT_TABLES

ANYTHING = Kind("anything", lambda value: True)
COLUMNS = {
    "format": TEXT,
    "settlement_id": TEXT,
    "inputs": ANYTHING,
    "results": ANYTHING,
    "totals": ANYTHING,
    "checks": ANYTHING,
    "engine": TEXT,
}


def check_settlement(bundle: Bundle, period: Period, totals: list[Values], step: Step) -> None:
    """Everything but `engine` follows from the files and the recomputation."""
    found = read_document(bundle.folder, SETTLEMENT, COLUMNS)
    inputs = {path.removeprefix("period/"): found for path, found in bundle.hashes.items() if path.startswith("period/")}
    results = {name: bundle.hashes.get(f"result/{name}") for name in RESULT_TABLES}
    compare_value("format", found["format"], "ritornello-settlement-1", step)
    compare_value("settlement_id", found["settlement_id"], period.header.settlement_id, step)
    compare_members("inputs", found["inputs"], inputs, step)
    compare_members("results", found["results"], results, step)
    if type(found["totals"]) is list and len(found["totals"]) == len(totals):
        for number, (one, other) in enumerate(zip(found["totals"], totals, strict=True), 1):
            compare_members(f"totals, entry {number}", one, other, step)
    else:
        compare_value("totals", found["totals"], totals, step)
    compare_value("checks", found["checks"], [{"name": name, "passed": True} for name in NAMES], step)


def compare_members(name: str, found: object, expected: Mapping[str, str | None], step: Step) -> None:
    if type(found) is not dict or found.keys() != expected.keys():
        names = sorted(found) if type(found) is dict else found
        step.fail(SETTLEMENT, f"{name} names {show(names)}, recomputed {show(sorted(expected))}")
        return
    for member, value in expected.items():
        compare_value(f"{name}, {member}", found[member], value, step)


def compare_value(name: str, found: object, expected: object, step: Step) -> None:
    if write(found) != write(expected):
        step.fail(SETTLEMENT, f"{name} is {show(found)}, recomputed {show(expected)}")
