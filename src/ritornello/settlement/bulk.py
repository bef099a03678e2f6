"""A division of any size, step by step: each step's result is a Parquet file, so a run that was killed goes on where it stopped.

The steps are the expressions of `division`; this file names the files, proves the bounds and cuts the last step into chunks that fit a cache.
Paths may be URLs where the backend's workers read and write them.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from ritornello.domain.catalogue import WHOLE_E8
from ritornello.domain.programme import WHOLE_PPM
from ritornello.settlement import deltas, division, standing
from ritornello.settlement.backends import Backend, Table
from ritornello.settlement.division import Bounds

WEIGHTS = {"cell": "int32", "recording": "int32", "weight": "int64"}
NUMERATORS = {"pool": "int32", "payee": "int32", "numerator": "decimal(38, 0)", "lines": "int64"}
PAYEES = {**NUMERATORS, "units": "int64"}
LINES = {"pool": "int32", "payee": "int32", "recording": "int32", "weight": "int64", "share_e8": "int32", "units": "int64"}
LINE_KEY = ["pool", "payee", "recording"]
CHUNK_LINES = 3_000_000  # a chunk's lines are sorted twice: about 500 MB of them at most
Progress = Callable[[str], None]


class BeyondBounds(ValueError):
    """The numbers are too large for exact 128-bit arithmetic; plain Python integers divide them too, slowly."""


@dataclass(frozen=True, slots=True)
class PoolRow:
    """A pool as ranks: which weights divide it, which split sets apply."""

    pool: int
    cell: int
    lane: int
    units: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive pools, or one pool's consecutive payees: the lines that are laid out at once."""

    first_pool: int
    last_pool: int
    first_payee: int | None = None
    last_payee: int | None = None


class Run:
    """One division, its files in one place and a journal of its steps beside them."""

    def __init__(self, backend: Backend, place: str, journal: Path, identity: str, progress: Progress = lambda _: None) -> None:
        """`place`: folder or URL for the files; `journal`: a local file; `identity`: what was begun under another identity is begun anew."""
        self.backend, self._place, self._journal, self._progress = backend, place.rstrip("/"), journal, progress
        self._done = _read_journal(journal, identity)
        if not self._done:
            _write_journal(journal, {"identity": identity})
            self._done = {"identity": identity}

    def path(self, name: str) -> str:
        return f"{self._place}/{name}.parquet"

    def step(self, name: str, table: Callable[[], Table], schema: Mapping[str, str], order: Sequence[str] = ()) -> str:
        """The path of a step's result, computed unless the journal says that it is there."""
        path = self.path(name)
        if name not in self._done:
            self._progress(name)
            self.backend.write(table(), path, schema, order)
            self._done[name] = "done"
            _write_journal(self._journal, self._done)
        return path

    def take(self, path: Path) -> str:
        """A local file where the backend reads it."""
        if not self.backend.is_distributed:
            return str(path)
        there, base = fs.FileSystem.from_uri(self._place)
        there.create_dir(f"{base}/in")
        fs.copy_files(str(path), f"{base}/in/{path.name}", source_filesystem=fs.LocalFileSystem(), destination_filesystem=there)
        return f"{self._place}/in/{path.name}"

    def give(self, paths: Sequence[str], local: Path) -> list[Path]:
        """What the backend wrote, as local files."""
        if not self.backend.is_distributed:
            return [Path(path) for path in paths]
        found = []
        for path in paths:
            there, base = fs.FileSystem.from_uri(path)
            target = local / Path(base).name
            target.mkdir(parents=True, exist_ok=True)
            fs.copy_files(base, str(target), source_filesystem=there, destination_filesystem=fs.LocalFileSystem())
            found += sorted(file for file in target.iterdir() if file.suffix == ".parquet" and not file.name.startswith((".", "_")))
        return found

    def weigh(self, usage: str, attribution: str) -> str:
        """Weights by use, from the tables of the same names."""
        return self.step("weights", lambda: division.sum_weights(self.backend.read(usage), self.backend.read(attribution)), WEIGHTS)

    def divide(self, pools: str, weights: str, splits: str, bounds: Bounds) -> tuple[str, list[str]]:
        """The paths of payees and of the lines: each file, and the files one after the other, ascending by LINE_KEY, unless the backend is distributed."""
        read = self.backend.read
        payees = self._round(pools, weights, splits, bounds)

        def lay_out(chunk: Chunk | None) -> Table:
            of_pool, of_payee, amounts = (_within(read(path), chunk) for path in (pools, splits, payees))
            return division.lay_out_lines(of_pool, read(weights), of_payee, amounts, bounds)

        return payees, self._lay_out(payees, lay_out)

    def amend(self, pools: str, kept: str, weights: str, splits: str, before: str, bounds: Bounds) -> tuple[list[str], str]:
        """The paths of the lines (as of `divide`) and of changes, where what stands is `before` and the pools that stand are `kept`."""
        read, whole = self.backend.read, self._round(pools, weights, splits, bounds)
        sums = self.step("before", lambda: standing.sum_before(read(before)), standing.BEFORE)
        amounts = self.step("amounts", lambda: standing.keep_amounts(read(kept), read(whole), read(sums), bounds), standing.AMOUNTS)
        drifted = [pool for (pool,) in self.backend.rows(standing.find_drifted(read(kept), read(whole), read(amounts), read(sums), bounds))]
        same = self.step("same", lambda: standing.count_same(read(pools), read(weights), read(splits), read(before)), standing.SAME)

        def amend_payees() -> Table:
            table = read(amounts)
            good = table.filter(table.pool.notin(drifted)) if drifted else table
            return standing.amend_payees(read(whole), read(kept), good, read(sums), read(same))

        payees = self.step("amended", amend_payees, standing.AMENDED, LINE_KEY[:2])

        def lay_out(chunk: Chunk | None) -> Table:
            of_pool, of_payee, amounts, lines = (_within(read(path), chunk) for path in (pools, splits, payees, before))
            return standing.lay_out_amended(of_pool, read(weights), of_payee, amounts, lines, bounds)

        lines = self._lay_out(payees, lay_out)
        together = self.path(f"lines-*-of-{len(lines):05d}") if len(lines) > 1 else lines[0]
        changes = self.step("changes", lambda: standing.find_changes(read(together), read(before)), standing.CHANGES, LINE_KEY)
        return lines, changes

    def correct(self, pools: str, weights: str, changed: str, payees: str, lines: str, bounds: Bounds) -> tuple[str, str, list[int]]:
        """The paths of touched and deltas where split sets changed, and the pools in which everything is to be divided anew instead."""
        read = self.backend.read
        touched = self.step(
            "touched", lambda: deltas.find_touched(read(pools), read(weights), read(changed), read(payees), bounds), deltas.TOUCHED
        )
        drifted = sorted(pool for (pool,) in self.backend.rows(deltas.find_drifted(read(pools), read(payees), read(touched), bounds)))
        found = self.step(
            "deltas",
            lambda: deltas.find_deltas(read(pools), read(weights), read(changed), read(touched), read(lines), bounds),
            deltas.DELTAS,
            LINE_KEY,
        )
        return touched, found, drifted

    def _round(self, pools: str, weights: str, splits: str, bounds: Bounds) -> str:
        read = self.backend.read
        numerators = self.step("numerators", lambda: division.sum_numerators(read(pools), read(weights), read(splits)), NUMERATORS)
        return self.step("payees", lambda: division.round_payees(read(pools), read(numerators), bounds), PAYEES, LINE_KEY[:2])

    def _lay_out(self, payees: str, lay_out: Callable[[Chunk | None], Table]) -> list[str]:
        chunks: list[Chunk | None] = [] if self.backend.is_distributed else [*_cut(self.backend, payees)]
        chunks = chunks or [None]  # in one piece; without lines, one file without rows
        return [
            self.step(f"lines-{number + 1:05d}-of-{len(chunks):05d}", partial(lay_out, chunk), LINES, LINE_KEY)
            for number, chunk in enumerate(chunks)
        ]


def write_pools(path: Path, pools: Sequence[PoolRow], weights: Mapping[int, int]) -> None:
    """The table of pools; `weights`: Σ weight by cell."""
    columns = {
        "pool": pa.array([pool.pool for pool in pools], pa.int32()),
        "cell": pa.array([pool.cell for pool in pools], pa.int32()),
        "lane": pa.array([pool.lane for pool in pools], pa.int32()),
        "units": pa.array([pool.units for pool in pools], pa.int64()),
        "denominator": pa.array([weights.get(pool.cell, 0) * WHOLE_E8 for pool in pools], pa.decimal128(38, 0)),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def prove(pools: Sequence[PoolRow], weights: Mapping[int, int], payees: int) -> Bounds:
    """Bounds that hold for every intermediate number of a division. `weights`: Σ weight by cell. Raises BeyondBounds.

    Sums of numerators and every remainder × 2^31 stay below 10^38; so does units × denominator, or two limbs are used (units below 2^61).
    Engines that wrap on overflow therefore never do, whatever their order of summing.
    """
    largest = 10**38 - 1
    denominators = {cell: weight * WHOLE_E8 for cell, weight in weights.items()}
    if sum(weights.values()) >= 10**18 or any(denominator * division.RANKS * 2 > largest for denominator in denominators.values()):
        raise BeyondBounds("weights total more than 10^18")
    if any(pool.units >= 1 << (2 * division.LIMB_BITS + 1) for pool in pools):
        raise BeyondBounds("a pool has more than 2^61 units")
    limbs = 1 if all(2 * pool.units * denominators.get(pool.cell, 0) <= largest for pool in pools) else 2
    place = "int32" if (max((pool.pool for pool in pools), default=0) + 1) * payees < division.RANKS else "int64"
    return Bounds(payees, limbs, place)


def prove_uses(total_uses: int) -> None:
    """The bound of weights by use, before they are summed. Raises BeyondBounds."""
    if total_uses * WHOLE_PPM >= 10**18:
        raise BeyondBounds("uses total more than 10^12")


def _cut(backend: Backend, payees: str) -> Iterator[Chunk]:
    """Chunks of about CHUNK_LINES lines: as many whole pools as that holds, or a part of a larger one."""
    table = backend.read(payees)
    sizes = sorted(backend.rows(table.group_by("pool").agg(lines=table.lines.sum())))
    together: list[int] = []
    held = 0
    for pool, lines in sizes:
        if together and held + lines > CHUNK_LINES:
            yield Chunk(together[0], together[-1])
            together, held = [], 0
        if lines > CHUNK_LINES:
            yield from _cut_pool(backend, table, pool)
        else:
            together.append(pool)
            held += lines
    if together:
        yield Chunk(together[0], together[-1])


def _cut_pool(backend: Backend, payees: Table, pool: int) -> Iterator[Chunk]:
    mine = payees.filter(payees.pool == pool)
    rows = backend.rows(mine.select("payee", "lines").order_by("payee"))
    first, held = 0, 0
    for place, (payee, lines) in enumerate(rows):
        held += lines
        if held >= CHUNK_LINES or place == len(rows) - 1:
            yield Chunk(pool, pool, rows[first][0], payee)
            first, held = place + 1, 0


def _within(table: Table, chunk: Chunk | None) -> Table:
    if chunk is None:
        return table
    if "pool" in table.columns:
        table = table.filter(table.pool.between(chunk.first_pool, chunk.last_pool))
    if "payee" in table.columns and chunk.first_payee is not None:
        table = table.filter(table.payee.between(chunk.first_payee, chunk.last_payee))
    return table


def _read_journal(journal: Path, identity: str) -> dict[str, Any]:
    try:
        found = json.loads(journal.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and found.get("identity") == identity else {}


def _write_journal(journal: Path, done: Mapping[str, Any]) -> None:
    journal.parent.mkdir(parents=True, exist_ok=True)
    temporary = journal.with_suffix(".writing")
    temporary.write_text(json.dumps(done))
    temporary.replace(journal)
