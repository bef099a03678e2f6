"""Scores of a method of attribution, anybody's, as a Parquet file: how much each recording contributed to each output (docs/formats/attribution-scores.md)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ritornello.domain.errors import BadInput, Problem, raise_if_any

COLUMNS = {"output_id": pa.string(), "recording_id": pa.string(), "score": pa.float64()}
LANE = "lane"
METHOD, METHOD_VERSION = b"ritornello.method", b"ritornello.method_version"
MOST_ROWS = 200_000_000
MOST_SHOWN = 1_000  # problems of one kind
ROWS = 1 << 18


@dataclass(frozen=True, slots=True)
class Scores:
    """`by_output`: output → recording → score, any unit, positive where the recording made the output more likely. `self_influence`: recording → score on itself."""

    method: str
    method_version: str
    by_output: Mapping[str, Mapping[str, float]]
    self_influence: Mapping[str, float]


def write_scores(path: Path, scores: Scores) -> None:
    """Write a file of one lane, ascending by output and recording."""
    rows = [(output, name, score) for output, found in sorted(scores.by_output.items()) for name, score in sorted(found.items())]
    rows += [("", name, score) for name, score in sorted(scores.self_influence.items())]
    schema = pa.schema(list(COLUMNS.items()), metadata={METHOD: scores.method, METHOD_VERSION: scores.method_version})
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    arrays = [pa.array(column, kind) for column, kind in zip(columns, COLUMNS.values(), strict=True)]
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path)


def read_scores(path: Path, outputs: Collection[str], recordings: Collection[str], lane: str | None = None) -> Scores:
    """The scores of one lane (a file without the column speaks of all lanes), for exactly these outputs and no others' recordings.

    Raises BadInput with every problem: no Parquet, columns that are missing or of another type, empty cells, scores that are not finite, names that nobody knows, a
    recording twice for an output, an output without a score.
    """
    problems: list[Problem] = []
    table, method, version = _read_table(path, lane)
    known_outputs, known_recordings = frozenset(outputs), frozenset(recordings)
    by_output: dict[str, dict[str, float]] = {name: {} for name in outputs}
    on_itself: dict[str, float] = {}
    counts: dict[str, int] = {}

    def complain(row: int | None, field: str, what: str, todo: str) -> None:
        counts[field] = counts.get(field, 0) + 1
        if counts[field] <= MOST_SHOWN:
            problems.append(Problem(path.name, row, field, what, todo))

    row = 1
    for batch in table.to_batches(max_chunksize=ROWS):
        for output, name, score, of_lane in zip(*(batch.column(column).to_pylist() for column in (*COLUMNS, LANE)), strict=True):
            row += 1
            if of_lane is not None and of_lane != lane:
                continue
            if score is None or not isfinite(score):
                complain(row, "score", f"is {score}", "give each pair a finite number, or leave the row out")
            elif name not in known_recordings:
                complain(row, "recording_id", f"{name!r} is no recording of the catalogue", "correct it, or leave the row out")
            elif output == "":
                if name in on_itself:
                    complain(row, "recording_id", f"{name} has two scores on itself", "give one")
                on_itself[name] = score
            elif output not in known_outputs:
                complain(row, "output_id", f"{output!r} is no output of this model version", "correct it, or leave the row out")
            elif name in by_output[output]:
                complain(row, "recording_id", f"{name} has two scores for {output}", "add up what belongs to one recording")
            else:
                by_output[output][name] = score
    for output in sorted(by_output):
        if not by_output[output]:
            complain(None, "output_id", f"{output} has no score", "score every output: a choice among them would bend what is paid")
    raise_if_any(problems)
    return Scores(method, version, by_output, on_itself)


def _read_table(path: Path, lane: str | None) -> tuple[pa.Table, str, str]:
    try:
        file = pq.ParquetFile(path, memory_map=True)
        schema = file.schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise BadInput([Problem(path.name, None, None, "is no Parquet file", "see docs/formats/attribution-scores.md")]) from error
    problems = []
    for name, kind in COLUMNS.items():
        if name not in schema.names:
            problems.append(Problem(path.name, None, name, "is missing", f"add the column, of type {kind}"))
        elif not _is(schema.field(name).type, kind):
            problems.append(Problem(path.name, None, name, f"is of type {schema.field(name).type}", f"write it as {kind}"))
    if LANE in schema.names and not _is(schema.field(LANE).type, pa.string()):
        problems.append(Problem(path.name, None, LANE, f"is of type {schema.field(LANE).type}", "write it as string"))
    if LANE in schema.names and lane is None:
        problems.append(Problem(path.name, None, LANE, "tells lanes apart", "say which lane is meant, or give a file without the column"))
    texts = [(schema.metadata or {}).get(key, b"").decode("utf-8", "replace").strip() for key in (METHOD, METHOD_VERSION)]
    for key, text in zip((METHOD, METHOD_VERSION), texts, strict=True):
        if not text or len(text) > 200:
            problems.append(
                Problem(path.name, None, key.decode(), "is no metadata of the file, or too long", "name the method and its version there")
            )
    if file.metadata.num_rows > MOST_ROWS:
        problems.append(
            Problem(
                path.name,
                None,
                None,
                f"has {file.metadata.num_rows:,} rows",
                f"give at most {MOST_ROWS:,}: the highest scores of each output",
            )
        )
    raise_if_any(problems)
    try:
        table = file.read(columns=[*COLUMNS, *([LANE] if LANE in schema.names else [])])
    except (pa.ArrowException, OSError) as error:
        raise BadInput([Problem(path.name, None, None, "is damaged", "write it again")]) from error
    columns = [pc.cast(table.column(name), kind) for name, kind in COLUMNS.items()]
    lanes = pc.cast(table.column(LANE), pa.string()) if LANE in table.column_names else pa.nulls(len(table), pa.string())
    return pa.Table.from_arrays([*columns, lanes], names=[*COLUMNS, LANE]), *texts


def _is(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Long strings, dictionaries of strings and short floats are as good."""
    if pa.types.is_dictionary(found):
        found = found.value_type
    if wanted == pa.string():
        return bool(pa.types.is_string(found) or pa.types.is_large_string(found))
    return bool(pa.types.is_floating(found))
