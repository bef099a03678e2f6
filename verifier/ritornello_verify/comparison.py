"""A table of the result folder against the rows recomputed, both ascending by key."""

from collections.abc import Iterable

from ritornello_verify.bundle import Bundle
from ritornello_verify.canonical import write
from ritornello_verify.reading import Row, Values, find_key, identify
from ritornello_verify.report import Malformed, Step, show
from ritornello_verify.tables import TABLES


def compare_rows(bundle: Bundle, path: str, expected: Iterable[Values], step: Step, what: str) -> None:
    """Note the first row that differs. Expected rows are all taken even then, since taking them fills the ledger."""
    try:
        rows = bundle.read_rows(path)
    except Malformed as error:
        rows, found_all = iter(()), True
        step.add(error.problem)
    else:
        found_all = False
    number = 0
    for values in expected:
        step.count(what)
        if found_all:
            continue
        row, number = next(rows, None), number + 1
        if row is None or row.line != write(values):
            name_difference(path, number, row, values, step)
            found_all = True
    row = None if found_all else next(rows, None)
    if row is not None:
        step.fail(path, "does not follow from the period folder", row.number, identify(row.values, TABLES[path]))


def name_difference(path: str, number: int, row: Row | None, values: Values, step: Step) -> None:
    """Say which column is wrong, or which row is missing or too many."""
    table = TABLES[path]
    if row is None or find_key(values, table) < find_key(row.values, table):
        step.fail(path, f"the row that belongs here is missing, recomputed {show(values)}", number, identify(values, table))
    elif find_key(values, table) > find_key(row.values, table):
        step.fail(path, "does not follow from the period folder", number, identify(row.values, table))
    else:
        wrong = [
            f"{name} is {show(row.values[name])}, recomputed {show(value)}"
            for name, value in values.items()
            if name in row.values and row.values[name] != value
        ]
        step.fail(path, wrong[0] if wrong else "is written otherwise", number, identify(row.values, table))
