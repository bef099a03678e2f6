"""One engine at work: its index is built when something is missing, and everything measured is kept."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.fingerprint.answers import Clock, IndexCost, Response, ask, ask_all, build, name_state, read_cost, write_json
from benchmarks.fingerprint.corpus import Recording
from benchmarks.fingerprint.degrade import RATE_HZ
from benchmarks.fingerprint.engines import Engine, Samples, read_code
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

    def take(self, number: int, collage: Samples) -> None:
        engine = self.engine()
        with self.clock.running():
            engine.add(f"collage-{number}", collage, RATE_HZ)
        self.collages += 1

    def measure(self, factor: int, queries: Sequence[Query]) -> None:
        """Answers and costs with the collages taken so far, kept as those of `factor`."""
        engine, base = self.engine(), self.cost()
        with self.clock.running():
            engine.finish()
        audio_s, cpu_s = base.audio_s + self.collages * COLLAGE_S, base.cpu_s + self.clock.cpu_s
        cost = IndexCost(base.recordings + self.collages, audio_s, cpu_s, engine.measure_bytes())
        write_json(
            self._kept_growth(factor), asdict(measure_growth(factor, cost, [(query, ask(engine, query, LENGTH_S)) for query in queries]))
        )

    def grown(self, factor: int) -> Grown | None:
        """What was measured before, if it was."""
        if not self._kept_growth(factor).is_file():
            return None
        row = json.loads(self._kept_growth(factor).read_text())
        return Grown(**{**row, "found": Share(**row["found"]), "sure": Share(**row["sure"])})

    def close(self) -> None:
        """Let go of the index. What was taken into it goes with it."""
        self.built, self.clock, self.collages = None, Clock(), 0

    def _kept_growth(self, factor: int) -> Path:
        return self.kept / f"growth-{factor}.json"


def grow(
    trials: Sequence[Trial],
    factors: Sequence[int],
    queries: Sequence[Query],
    recordings: Sequence[Recording],
    progress: Callable[[str], None],
) -> dict[str, list[Grown]]:
    """Figures of every engine at 1 and at each factor times the catalogue's audio, by name.

    The collages come from the recordings of the half that is not asked for; each is made once and taken by all engines that lack something.
    """
    sizes = sorted({1, *factors})
    half = queries[0].half
    pool = [one for one in recordings if one.part in (("tune", "tune-negative") if half == "report" else ("report", "report-negative"))]
    waiting = [trial for trial in trials if not all(trial.grown(factor) for factor in sizes)]
    taken = 0
    for factor in sizes if waiting else []:
        wanted = int((factor - 1) * waiting[0].cost().audio_s / COLLAGE_S)
        for number in range(taken, wanted):
            progress(f"{factor} times the audio: collage {number}/{wanted}")
            collage = make_collage(pool, number)
            for trial in waiting:
                trial.take(number, collage)
        taken = max(taken, wanted)
        for trial in waiting:
            trial.measure(factor, queries)
    for trial in trials:
        trial.close()
    return {trial.name: [found for factor in sizes if (found := trial.grown(factor))] for trial in trials}
