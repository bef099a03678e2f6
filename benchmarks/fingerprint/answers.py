"""What an engine answers to every query, and what that and its index cost; kept on disk, so that a run goes on where it was stopped."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import soundfile

from benchmarks.fingerprint.corpus import Recording
from benchmarks.fingerprint.degrade import RATE_HZ
from benchmarks.fingerprint.engines import Answer, Engine, Samples
from benchmarks.fingerprint.queries import Query

SAVE_EVERY = 50


@dataclass(frozen=True, slots=True)
class IndexCost:
    """`cpu_s` is for adding and finishing, without decoding."""

    recordings: int
    audio_s: float
    cpu_s: float
    bytes: int


@dataclass(frozen=True, slots=True)
class Response:
    """The best answer to the first `length_s` of a query, None where there was none, and the processor time it took."""

    query_id: str
    length_s: int
    answer: Answer | None
    cpu_ms: float


class Clock:
    """Processor seconds of this process, threads included, spent inside `running`."""

    def __init__(self) -> None:
        self.cpu_s = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        before = time.process_time()
        yield
        self.cpu_s += time.process_time() - before


def build(make: Callable[[], Engine], catalogue: Sequence[Recording], progress: Callable[[str], None]) -> tuple[Engine, IndexCost]:
    """An index of whole recordings, mono."""
    engine, clock, audio_s = make(), Clock(), 0.0
    for number, recording in enumerate(catalogue, 1):
        progress(f"{engine.name}: indexing {number}/{len(catalogue)}")
        samples, rate_hz = read_mono(recording.path)
        audio_s += len(samples) / rate_hz
        with clock.running():
            engine.add(recording.recording_id, samples, rate_hz)
    with clock.running():
        engine.finish()
    return engine, IndexCost(len(catalogue), round(audio_s, 1), round(clock.cpu_s, 2), engine.measure_bytes())


def read_mono(path: Path) -> tuple[Samples, int]:
    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    return samples.mean(axis=1), rate_hz


def ask(engine: Engine, query: Query, length_s: int) -> Response:
    samples, clock = query.read(length_s), Clock()
    with clock.running():
        answers = engine.query(samples, RATE_HZ)
    return Response(query.query_id, length_s, answers[0] if answers else None, round(1000 * clock.cpu_s, 3))


def ask_all(
    engine: Callable[[], Engine], asked: Sequence[tuple[Query, int]], kept: Path, progress: Callable[[str], None]
) -> list[Response]:
    """Responses to queries of given lengths, those in the file `kept` taken from there and new ones added to it.

    `engine` is only called when something is missing.
    """
    known = {(one.query_id, one.length_s): one for one in read_kept(kept)}
    missing = [(query, length_s) for query, length_s in asked if (query.query_id, length_s) not in known]
    kept.parent.mkdir(parents=True, exist_ok=True)
    opened = engine() if missing else None
    with kept.open("a") as file:
        for number, (query, length_s) in enumerate(missing, 1):
            assert opened is not None
            response = ask(opened, query, length_s)
            known[query.query_id, length_s] = response
            file.write(json.dumps(asdict(response)) + "\n")
            if number % SAVE_EVERY == 0:
                file.flush()
                progress(f"{opened.name}: query {number}/{len(missing)}")
    return [known[query.query_id, length_s] for query, length_s in asked]


def read_kept(kept: Path) -> list[Response]:
    """A last line that a stop cut off is left out, and taken off the file."""
    if not kept.is_file():
        return []
    whole = kept.read_text()
    if not whole.endswith("\n"):
        whole = whole[: whole.rfind("\n") + 1]
        kept.write_text(whole)
    rows = [json.loads(line) for line in whole.splitlines()]
    return [Response(**{**row, "answer": Answer(**row["answer"]) if row["answer"] else None}) for row in rows]


def read_cost(path: Path) -> IndexCost:
    return IndexCost(**json.loads(path.read_text()))


def write_json(path: Path, row: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".half")
    half.write_text(json.dumps(row) + "\n")
    half.replace(path)


def name_state(code: str, catalogue: Sequence[Recording]) -> str:
    """Changes when the engine's code or the catalogue does: what was kept of another state is not used."""
    names = "\n".join(recording.recording_id for recording in catalogue)
    return hashlib.sha256(f"{code}\n{names}".encode()).hexdigest()[:12]
