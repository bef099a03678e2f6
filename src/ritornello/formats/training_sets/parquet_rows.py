"""Sounds in the rows of a Parquet table, as Hugging Face datasets hold them: a column of structs `bytes` and `path`, of bytes, or of paths."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ritornello.formats.training_sets.item import IsKnown, Item, Refusal, Source, Spool, TooLarge, may_be_sound, show_name

COLUMNS = ("audio", "sound", "bytes", "file", "path", "file_name", "audio_path")
ROWS_AT_ONCE = 16
GROUP_LIMIT = 8 << 30  # bytes of one row group's column


def walk_parquet(path: Path, name: str, stamp: str, root: Path, spool: Spool, is_known: IsKnown) -> Iterator[Item | Refusal]:
    """Every row's sound, by its number (from 1) and its path behind the table's name. Paths count from the table's folder and may not lead out of `root`."""
    try:
        with pq.ParquetFile(path, memory_map=False, pre_buffer=False, buffer_size=1 << 20) as table:
            column = _find_column(table.schema_arrow)
            if column is None:
                yield Refusal(name, f"has no column of sounds ({', '.join(COLUMNS)})")
                return
            start = 0
            for number in range(table.num_row_groups):
                rows = table.metadata.row_group(number).num_rows
                if _measure_column(table, number, column) > GROUP_LIMIT:
                    yield Refusal(f"{name}/{start + 1}", f"begins a row group of more than {GROUP_LIMIT:,} bytes, which was not read")
                else:
                    for batch in table.iter_batches(ROWS_AT_ONCE, row_groups=[number], columns=[column], use_threads=False):
                        for value in batch.column(0):
                            start += 1
                            yield from _take(value.as_py(), path, f"{name}/{start}", f"{stamp}+{start}", root, spool, is_known)
                    continue
                start += rows
    except (pa.ArrowException, ValueError, TypeError) as error:
        yield Refusal(name, f"is no whole Parquet table ({str(error).splitlines()[0][:200] if str(error) else type(error).__name__})")
    except OSError as error:
        yield Refusal(name, f"can't be read: {error.strerror or str(error)[:200]}")


def _take(value: Any, table: Path, shown: str, stamp: str, root: Path, spool: Spool, is_known: IsKnown) -> Iterator[Item | Refusal]:
    data, where = (
        (value.get("bytes"), value.get("path")) if isinstance(value, dict) else (value, None) if isinstance(value, bytes) else (None, value)
    )
    named = f"{shown}/{show_name(where)}" if isinstance(where, str) and where else shown
    if isinstance(data, bytes):
        try:
            yield Item(named, len(data), stamp, None if is_known(named, len(data), stamp) else spool.keep((data,)))
        except TooLarge as error:
            yield Refusal(named, str(error))
    elif isinstance(where, str) and where:
        yield from _find_file(table.parent / where, named, root)
    else:
        yield Refusal(named, "has no sound")


def _find_file(path: Path, named: str, root: Path) -> Iterator[Item | Refusal]:
    try:
        inside = path.resolve().is_relative_to(root.resolve())
        if not inside:
            yield Refusal(named, "names a file outside of the place that is audited")
        elif path.is_symlink() or not path.is_file():
            yield Refusal(named, "names a file that isn't there")
        elif may_be_sound(path.name):
            found = path.stat()
            yield Item(named, found.st_size, str(found.st_mtime_ns), Source(path))
    except (OSError, ValueError, RuntimeError):
        yield Refusal(named, "names a file that isn't there")


def _find_column(schema: pa.Schema) -> str | None:
    """The column that is likeliest to hold sounds: structs or bytes before paths."""
    named = [name for name in COLUMNS if name in schema.names]
    rich = [
        name for name in named if not pa.types.is_string(schema.field(name).type) and not pa.types.is_large_string(schema.field(name).type)
    ]
    return next(iter([*rich, *named]), None)


def _measure_column(table: pq.ParquetFile, group: int, column: str) -> int:
    """The stated length of a column in a row group, unpacked."""
    chunks = [table.metadata.row_group(group).column(number) for number in range(table.metadata.num_columns)]
    return sum(chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema.split(".")[0] == column)
