"""One engine at work: its index is built when something is missing, and everything measured is kept."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.fingerprint.answers import Clock, IndexCost, Response, ask, ask_all, build, name_state, read_cost, write_json
from benchmarks.fingerprint.corpus import Recording
from benchmarks.fingerprint.degrade import RATE_HZ
from benchmarks.fingerprint.engines import Engine, read_code
from benchmarks.fingerprint.growth import COLLAGE_S, make_collage
from benchmarks.fingerprint.queries import LENGTH_S, Query
from benchmarks.fingerprint.tables import Grown, Share, measure_growth


class Trial:
    """`name` on one catalogue. What was kept of other code or another catalogue lies under another name."""

    def __init__(
        self, name: str, make: Callable[[], Engine], catalogue: Sequence[Recording], kept: Path, progress: Callable[[str], None]
    ) -> None:
        self.name, self.make, self.catalogue, self.progress = name, make, catalogue, progress
        self.kept = kept / f"{name}-{name_state(read_code(name), catalogue)}"
        self.built: Engine | None = None
        self.clock, self.collages = Clock(), 0

    def engine(self) -> Engine:
        if self.built is None:
            self.built, cost = build(self.make, self.catalogue, self.progress)
            write_json(self.kept / "index.json", asdict(cost))
        return self.built

    def cost(self) -> IndexCost:
        if not (self.kept / "index.json").is_file():
            self.engine()
        return read_cost(self.kept / "index.json")

    def answer(self, asked: Sequence[tuple[Query, int]]) -> list[Response]:
        return ask_all(self.engine, asked, self.kept / "responses.jsonl", self.progress)

    def grow(self, factors: Sequence[int], queries: Sequence[Query], recordings: Sequence[Recording]) -> list[Grown]:
        """Figures at 1 and at each factor times the catalogue's audio. The collages come from the recordings of the half that is not asked for."""
        half = queries[0].half
        pool = [one for one in recordings if one.part in (("tune", "tune-negative") if half == "report" else ("report", "report-negative"))]
        grown = []
        for factor in sorted({1, *factors}):
            kept = self.kept / f"growth-{factor}.json"
            if not kept.is_file():
                write_json(kept, asdict(self._measure(factor, queries, pool)))
            row = json.loads(kept.read_text())
            grown.append(Grown(**{**row, "found": Share(**row["found"]), "sure": Share(**row["sure"])}))
        self.built, self.clock, self.collages = None, Clock(), 0
        return grown

    def _measure(self, factor: int, queries: Sequence[Query], pool: Sequence[Recording]) -> Grown:
        engine, base = self.engine(), self.cost()
        wanted = int((factor - 1) * base.audio_s / COLLAGE_S)
        for number in range(self.collages, wanted):
            self.progress(f"{self.name}: {factor} times the audio, collage {number}/{wanted}")
            samples = make_collage(pool, number)
            with self.clock.running():
                engine.add(f"collage-{number}", samples, RATE_HZ)
        with self.clock.running():
            engine.finish()
        self.collages = wanted
        audio_s, cpu_s = base.audio_s + wanted * COLLAGE_S, base.cpu_s + self.clock.cpu_s
        cost = IndexCost(base.recordings + wanted, audio_s, cpu_s, engine.measure_bytes())
        return measure_growth(factor, cost, [(query, ask(engine, query, LENGTH_S)) for query in queries])
