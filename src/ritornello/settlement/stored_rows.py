"""Rows that lie in Parquet files as integers: read from the first to the last, as often as somebody asks, never all in memory."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

BATCH_ROWS = 1 << 16
Row = TypeVar("Row")


@dataclass(frozen=True)
class StoredRows(Sequence[Row]):
    """Rows of pools, payees and recordings, ascending; the texts that their ranks stand for."""

    files: Sequence[Path]
    pools: Sequence[str]
    payees: Sequence[str]
    recordings: Sequence[str]
    COLUMNS: ClassVar[Sequence[str]]  # pool, payee, recording, and more

    def __len__(self) -> int:
        return sum(pq.read_metadata(path).num_rows for path in self.files)

    def __getitem__(self, place: Any) -> Any:
        raise TypeError("stored rows are read from the first to the last")

    def __iter__(self) -> Iterator[Row]:
        for batch in self.batches():
            for pool, payee, recording, *numbers in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                yield self.make((self.pools[pool], self.payees[payee], self.recordings[recording]), numbers)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows as integer columns."""
        for path in self.files:
            with pq.ParquetFile(path) as file:
                yield from file.iter_batches(batch_size=BATCH_ROWS, columns=list(self.COLUMNS))

    @abstractmethod
    def make(self, key: tuple[str, str, str], numbers: Sequence[Any]) -> Row:
        """One row as a record."""
