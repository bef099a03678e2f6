"""Settling a large period folder: what grows with use is read, divided and written by an engine, within the memory it is given.

The result is the same, byte for byte, as `settlement.settle_folder` gives. A killed run leaves `.settling-NAME` beside the result folder's place; the same
command goes on there and removes it. Nothing else is left anywhere, and the result folder appears whole or not at all.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq

from ritornello.domain.errors import Refused
from ritornello.domain.period import Period
from ritornello.formats.canonical import Fingerprint, alone_in, build_folder, encode_document, encode_table, fingerprint, write_atomically
from ritornello.formats.period_folder import read_period
from ritornello.formats.schema import RESULT_KEYS
from ritornello.formats.stored_allocations import Names, write_allocations, write_deltas
from ritornello.formats.stored_standing import TABLE as STANDING
from ritornello.formats.stored_standing import StandingRows, read_standing
from ritornello.formats.stored_use import TABLES, Known, StoredUse, read_use
from ritornello.service.settlement import Settled, describe, settle_folder
from ritornello.settlement.allocate import name_line
from ritornello.settlement.backends import Backend, DuckDB, Spark
from ritornello.settlement.bulk import BeyondBounds, Run, prove_uses
from ritornello.settlement.heard import Heard
from ritornello.settlement.settle import Settlement, settle
from ritornello.settlement.stored_correction import StoredDeltas, StoredStanding, amend_stored
from ritornello.settlement.stored_lines import StoredLines, allocate_stored

GIB = 1 << 30
LARGE = frozenset(f"{name}.jsonl" for name in (*TABLES, STANDING))


@dataclass(frozen=True, slots=True)
class Engine:
    """What divides, and within which limits."""

    name: str = "duckdb"  # or "spark"
    url: str | None = None  # of Spark Connect
    data_url: str | None = None  # a folder that the cluster's workers read and write
    memory_bytes: int = 4 * GIB
    spill_bytes: int = 64 * GIB


def settle_large(folder: Path, out: Path, engine: Engine, progress: Callable[[str], None] = lambda _: None) -> Settled:
    """Settle or correct a period folder into a new result folder by an engine.

    Raises BadInput with every problem, Refused when `out` exists or another run is at it. Periods that only plain integers can divide (money that
    follows users, numbers beyond 128 bits) are settled as small ones are.
    """
    with build_folder(out) as building, _work_beside(out) as work:
        progress("reading")
        period, documents = read_period(folder, without=LARGE)
        if any(income.divide_by == "user_centric" for terms in period.all_terms() for income in terms.incomes):
            return _settle_small(folder, building)
        exposed = {(row.model_version, row.recording_id) for row in period.exposures}
        recordings = sorted(period.recordings)
        use = read_use(folder, work / "use", Known(period.runs, exposed, recordings), engine.memory_bytes)
        pools = {pool.pool: pool.units for pool in period.previous_pools}
        rows = read_standing(folder, work / "standing", None if period.corrects is None else pools, engine.memory_bytes)
        inputs = {**documents, **use.fingerprints, **rows.fingerprints}
        try:
            stands = _stands(rows)
            period = replace(period, previous_lines=stands) if period.corrects is not None else period
            settlement = _settle(period, use, stands, recordings, work, engine, _identity(inputs, engine), progress)
        except BeyondBounds:
            progress("plain integers")
            return _settle_small(folder, building)
        progress("writing")
        return _write(period, inputs, settlement, building)


def _stands(rows: StandingRows) -> StoredStanding:
    if rows.file is None:
        raise BeyondBounds("what stands has amounts beyond 64 bits")
    return StoredStanding([rows.file], rows.pools, rows.payees, rows.recordings, rows.largest_numerator)


def _settle(
    period: Period,
    use: StoredUse,
    stands: StoredStanding,
    recordings: Sequence[str],
    work: Path,
    engine: Engine,
    identity: str,
    progress: Callable[[str], None],
) -> Settlement:
    prove_uses(use.total_uses)
    local = DuckDB(work / "spill", engine.memory_bytes, engine.spill_bytes)
    backend = _connect(engine, local)
    try:
        place = f"{engine.data_url.rstrip('/')}/{identity[:16]}" if engine.data_url and backend.is_distributed else str(work)
        heard, division = (Run(backend, f"{place}/{name}", work / f"{name}.json", identity, progress) for name in ("heard", "division"))
        weights = heard.weigh(heard.take(use.usage), heard.take(use.attribution))
        found = _weights_by_cell(heard.give([weights], work / "weights"), use, recordings)
        (work / "in").mkdir(exist_ok=True)
        return settle(
            period,
            Heard(period, dict(use.sums), found, frozenset(model_version for model_version, _ in use.cells)),
            lambda period, pools, weights: allocate_stored(period, pools, weights, division, work / "in", local),
            lambda period, pools, weights: amend_stored(period, pools, weights, stands, division, work / "in", local),
        )
    finally:
        backend.close()
        local.close()


def _connect(engine: Engine, local: DuckDB) -> Backend:
    if engine.name == "duckdb":
        return local
    if engine.url is None or engine.data_url is None:
        raise Refused(
            "no_engine", "a cluster needs an address and a place for data", "give --engine-url sc://host:15002 and --engine-data URL"
        )
    return Spark(engine.url)


def _weights_by_cell(files: Sequence[Path], use: StoredUse, recordings: Sequence[str]) -> dict[tuple[str, str], dict[str, int]]:
    """(model version, territory) → recording → weight."""
    found: dict[tuple[str, str], dict[str, int]] = {cell: {} for cell in use.cells}
    for path in files:
        for batch in pq.ParquetFile(path).iter_batches(columns=["cell", "recording", "weight"]):
            for cell, recording, weight in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                found[use.cells[cell]][recordings[recording]] = weight
    return found


def _settle_small(folder: Path, building: Path) -> Settled:
    settled = settle_folder(folder, building / "whole")
    for path in (building / "whole").iterdir():
        path.rename(building / path.name)
    (building / "whole").rmdir()
    return settled


def _write(period: Period, inputs: Mapping[str, Fingerprint], settlement: Settlement, building: Path) -> Settled:
    lines, deltas = settlement.lines, settlement.deltas
    assert isinstance(lines, StoredLines)
    names = Names(lines.pools, lines.payees, lines.recordings)
    roots: dict[str, str] = {}

    def name(*line: str) -> str:
        return name_line(period.settlement_id, *line)

    for table, key in RESULT_KEYS.items():
        file = f"{table}.jsonl"
        if table == "allocations":
            roots[file] = write_allocations(building / file, lines.batches(), names, name).hash
        elif table == "deltas" and isinstance(deltas, StoredDeltas):
            roots[file] = write_deltas(building / file, deltas.batches(), names, name).hash
        else:
            data = encode_table(settlement.tables[table], key)
            roots[file] = fingerprint(file, data).hash
            write_atomically(building / file, data)
    document = describe(period, inputs, settlement, roots)
    write_atomically(building / "settlement.json", encode_document(document))
    payees = {payee for batch in lines.batches() for payee in batch.column("payee").unique().to_pylist()}
    return Settled(period.settlement_id, document, len(lines), len(payees), len(deltas))


def _identity(inputs: Mapping[str, Fingerprint], engine: Engine) -> str:
    text = "\n".join([engine.name, engine.data_url or "", *(f"{name} {inputs[name].hash}" for name in sorted(inputs))])
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def _work_beside(out: Path) -> Iterator[Path]:
    """A folder for what is not the result: left when the run is killed, so that the next goes on there; removed when it ends, well or not."""
    with alone_in(out.parent / f".settling-{out.name}") as work:
        try:
            yield work
        except Exception:
            shutil.rmtree(work)
            raise
        shutil.rmtree(work)
