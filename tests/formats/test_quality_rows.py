"""Rows of quality.jsonl before and since the columns on parts of weight and on noise."""

from ritornello.domain.errors import Problem
from ritornello.formats.canonical import encode
from ritornello.formats.schema import PERIOD_TABLES, read_rows

OLD = {
    "model_version": "m1",
    "method": "landmarks",
    "method_version": "1",
    "outputs_with_truth": 5,
    "error_ppm": 100_000,
    "error_low_ppm": 90_000,
    "error_high_ppm": 110_000,
    "aggregate_error_ppm": 5000,
    "leak_ppm": 0,
}
SINCE = ("evidence_ppm", "influence_ppm", "exposure_ppm", "noise_recording_ppm", "noise_catalogue_ppm")


def test_a_row_that_lacks_the_newer_columns_has_null_there() -> None:
    assert read(OLD) == ([OLD | dict.fromkeys(SINCE)], [])
    new = OLD | dict.fromkeys(SINCE) | {"noise_recording_ppm": 130_000}
    assert read(new) == ([new], [])


def test_a_newer_column_with_a_wrong_value_is_named_and_older_columns_must_be_there() -> None:
    rows, problems = read(OLD | {"noise_recording_ppm": "13 %"})
    assert not rows and [(problem.row, problem.field) for problem in problems] == [(1, "noise_recording_ppm")]
    rows, problems = read({name: value for name, value in OLD.items() if name != "leak_ppm"})
    assert not rows and "lacks leak_ppm" in problems[0].what
    rows, problems = read(OLD | {"noise_ppm": 1})
    assert not rows and "has unknown noise_ppm" in problems[0].what


def read(row: dict[str, object]) -> tuple[list[dict[str, object]], list[Problem]]:
    problems: list[Problem] = []
    return read_rows("quality", encode(row) + b"\n", PERIOD_TABLES["quality"], problems), problems
