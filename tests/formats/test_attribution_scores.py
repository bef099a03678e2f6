"""A vendor's scores: read back as written, and refused with every problem at once."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ritornello.domain.errors import BadInput
from ritornello.formats.attribution_scores import Scores, read_scores, write_scores

SCORES = Scores("tracin", "1", {"o1": {"A": 1.5, "B": -2.0}, "o2": {"A": 0.0}}, {"A": 3.0})
NAMED = {"ritornello.method": "m", "ritornello.method_version": "1"}


def problems(path: Path, lane: str | None = None) -> list[tuple[int | None, str | None]]:
    with pytest.raises(BadInput) as raised:
        read_scores(path, ["o1", "o2"], ["A", "B"], lane)
    return [(problem.row, problem.field) for problem in raised.value.problems]


def write(path: Path, columns: dict[str, pa.Array], metadata: dict[str, str] | None = None) -> Path:
    pq.write_table(pa.table(columns).replace_schema_metadata(NAMED if metadata is None else metadata), path)
    return path


def test_there_and_back(tmp_path: Path) -> None:
    write_scores(tmp_path / "scores.parquet", SCORES)
    assert read_scores(tmp_path / "scores.parquet", ["o1", "o2"], ["A", "B"]) == SCORES


def test_all_problems_at_once(tmp_path: Path) -> None:
    rows = [
        ("o1", "A", 1.0),
        ("o1", "A", 2.0),
        ("o9", "A", 1.0),
        ("o1", "Z", 1.0),
        ("o1", "B", float("nan")),
        ("o1", "B", None),
        (None, "B", 1.0),
        ("", "A", 1.0),
        ("", "A", 1.0),
    ]
    columns = {
        name: pa.array(list(column)) for name, column in zip(("output_id", "recording_id", "score"), zip(*rows, strict=True), strict=True)
    }
    found = problems(write(tmp_path / "s.parquet", columns))
    expected = [
        (3, "recording_id"),
        (4, "output_id"),
        (5, "recording_id"),
        (6, "score"),
        (7, "score"),
        (8, "output_id"),
        (10, "recording_id"),
        (None, "output_id"),
    ]
    assert found == expected


def test_other_types_of_text_and_numbers(tmp_path: Path) -> None:
    columns = {
        "output_id": pa.array(["o1", "o2"]).dictionary_encode(),
        "recording_id": pa.array(["A", "B"], pa.large_string()),
        "score": pa.array([1.0, 2.0], pa.float32()),
    }
    assert read_scores(write(tmp_path / "s.parquet", columns), ["o1", "o2"], ["A", "B"]).by_output == {"o1": {"A": 1.0}, "o2": {"B": 2.0}}


def test_lanes(tmp_path: Path) -> None:
    columns = {
        "output_id": pa.array(["o1", "o1", "o2"]),
        "recording_id": pa.array(["A", "A", "B"]),
        "score": pa.array([1.0, 2.0, 3.0]),
        "lane": pa.array(["master", "publishing", None]),
    }
    path = write(tmp_path / "s.parquet", columns)
    assert read_scores(path, ["o1", "o2"], ["A", "B"], "publishing").by_output == {"o1": {"A": 2.0}, "o2": {"B": 3.0}}
    assert problems(path) == [(None, "lane")]


def test_what_is_no_table_of_scores(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("output_id,recording_id,score")
    assert problems(tmp_path / "text") == [(None, None)]
    assert problems(write(tmp_path / "s.parquet", {"output_id": pa.array([1]), "score": pa.array(["1"])}, {})) == [
        (None, "output_id"),
        (None, "recording_id"),
        (None, "score"),
        (None, "ritornello.method"),
        (None, "ritornello.method_version"),
    ]
    write_scores(tmp_path / "whole.parquet", SCORES)
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "whole.parquet").read_bytes()[:-40])
    assert problems(tmp_path / "cut.parquet") == [(None, None)]
    data = bytearray((tmp_path / "whole.parquet").read_bytes())
    data[4:60] = b"\xff" * 56  # the pages, not the footer
    (tmp_path / "bent.parquet").write_bytes(data)
    with pytest.raises(BadInput):
        read_scores(tmp_path / "bent.parquet", ["o1", "o2"], ["A", "B"])
