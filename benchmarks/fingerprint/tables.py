"""From responses to figures: recall with intervals, false matches, errors of offsets, costs; as records and as printed tables."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.fingerprint.answers import IndexCost, Response
from benchmarks.fingerprint.queries import Query

Z = 1.959964  # 95 %
STATED = (1e-2, 1e-3, 1e-4)


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `count`, with Wilson's interval (1927) at 95 %."""

    hits: int
    count: int

    @property
    def interval(self) -> tuple[float, float]:
        if not self.count:
            return 0.0, 1.0
        share, spread = self.hits / self.count, Z * Z / self.count
        middle = (share + spread / 2) / (1 + spread)
        reach = Z / (1 + spread) * math.sqrt(share * (1 - share) / self.count + spread / (4 * self.count))
        return max(0.0, middle - reach), min(1.0, middle + reach)

    def __str__(self) -> str:
        return f"{self.hits}/{self.count}"


@dataclass(frozen=True, slots=True)
class Cell:
    """One engine, degradation and length. `sure`: found with a score above every score of a negative of this length."""

    degradation: str
    length_s: int
    found: Share
    sure: Share
    offset_median_ms: float | None
    offset_p95_ms: float | None
    offset_near: Share  # of those found, within half a second; music that repeats itself is found at another repetition too


@dataclass(frozen=True, slots=True)
class Negatives:
    """What an engine answers where nothing should be found. `threshold`: the highest score; `stated`: probability it states → how many answers were at most that."""

    length_s: int
    answered: Share
    threshold: float
    stated: dict[float, Share]


@dataclass(frozen=True, slots=True)
class Grown:
    """One size of the catalogue, on some queries of 10 s. `sure`: above every negative of these queries at this size."""

    factor: int
    hours: float
    cpu_s_per_hour: float
    bytes_per_s: float
    query_cpu_ms_per_s: float
    found: Share
    sure: Share
    threshold: float


def summarise(pairs: Sequence[tuple[Query, Response]]) -> tuple[list[Cell], list[Negatives]]:
    """Cells in the order of the queries, and the negatives of each length."""
    negatives = [judge_negatives(length_s, pairs) for length_s in sorted({response.length_s for _, response in pairs}, reverse=True)]
    thresholds = {one.length_s: one.threshold for one in negatives}
    grouped: dict[tuple[str, int], list[tuple[Query, Response]]] = defaultdict(list)
    for query, response in pairs:
        if query.recording_id is not None:
            grouped[query.degradation, response.length_s].append((query, response))
    return [judge(*key, some, thresholds[key[1]]) for key, some in grouped.items()], negatives


def judge(degradation: str, length_s: int, pairs: Sequence[tuple[Query, Response]], threshold: float) -> Cell:
    right = [
        (query, response.answer) for query, response in pairs if response.answer and response.answer.recording_id == query.recording_id
    ]
    errors = [1000 * abs(answer.offset_s - query.start_s) for query, answer in right]
    return Cell(
        degradation,
        length_s,
        Share(len(right), len(pairs)),
        Share(sum(answer.score > threshold for _, answer in right), len(pairs)),
        round(float(np.median(errors)), 1) if errors else None,
        round(float(np.percentile(errors, 95)), 1) if errors else None,
        Share(sum(error <= 500 for error in errors), len(errors)),
    )


def judge_negatives(length_s: int, pairs: Iterable[tuple[Query, Response]]) -> Negatives:
    some = [response.answer for query, response in pairs if query.recording_id is None and response.length_s == length_s]
    answers = [answer for answer in some if answer]
    chances = [answer.false_probability for answer in answers if answer.false_probability is not None]
    return Negatives(
        length_s,
        Share(len(answers), len(some)),
        max((answer.score for answer in answers), default=-math.inf),
        {limit: Share(sum(chance <= limit for chance in chances), len(some)) for limit in STATED} if chances or not answers else {},
    )


def print_cells(cells: dict[str, list[Cell]], length_s: int) -> None:
    engines = list(cells)
    print(f"\nQueries of {length_s} s: found first / found above every negative, of; in brackets the 95 % interval of the first, in %")
    print(f"{'':28}" + "".join(f"{engine:>26}" for engine in engines))
    rows = {name: {cell.degradation: cell for cell in cells[name] if cell.length_s == length_s} for name in engines}
    for degradation in dict.fromkeys(cell.degradation for name in engines for cell in cells[name] if cell.length_s == length_s):
        print(f"{degradation:28}" + "".join(f"{show(rows[name].get(degradation)):>26}" for name in engines))
    sums = {
        name: (sum(cell.found.hits for cell in rows[name].values()), sum(cell.sure.hits for cell in rows[name].values()))
        for name in engines
    }
    count = {name: sum(cell.found.count for cell in rows[name].values()) for name in engines}
    print(f"{'all':28}" + "".join(f"{f'{sums[name][0]} / {sums[name][1]} of {count[name]}':>26}" for name in engines))


def show(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    low, high = cell.found.interval
    return f"{cell.found.hits} / {cell.sure.hits} of {cell.found.count} ({100 * low:.0f}–{100 * high:.0f})"


def print_offsets(cells: dict[str, list[Cell]], length_s: int) -> None:
    print(f"\nOffset error of those found, {length_s} s: median ms, 95th percentile ms, share within half a second")
    for name, some in cells.items():
        for cell in some:
            if cell.length_s == length_s and cell.found.hits:
                print(f"  {name:14} {cell.degradation:28} {cell.offset_median_ms:>10} {cell.offset_p95_ms:>12} {cell.offset_near!s:>8}")


def print_negatives(negatives: dict[str, list[Negatives]]) -> None:
    print("\nNot in the catalogue: answered at all, highest score, and answers at a stated false-match probability or less (95 % interval)")
    for name, some in negatives.items():
        for one in some:
            said = [f"p <= {limit:g}: {share} (up to {100 * share.interval[1]:.3f} %)" for limit, share in one.stated.items()]
            print(
                f"  {name:14} {one.length_s:>3} s  {one.answered!s:>12}  {one.threshold:>10.4f}  {'; '.join(said) or 'states no probability'}"
            )


def print_costs(costs: dict[str, IndexCost], query_ms: dict[str, float]) -> None:
    print("\nCosts: index CPU s per audio hour, index bytes per second of audio, query CPU ms per second of query (10 s queries)")
    for name, cost in costs.items():
        hours = cost.audio_s / 3600
        print(
            f"  {name:14} {cost.cpu_s / hours:>8.2f} {cost.bytes / cost.audio_s:>10.1f} {query_ms[name]:>10.2f}   ({cost.recordings} recordings, {hours:.1f} h)"
        )


def measure_growth(factor: int, cost: IndexCost, pairs: Sequence[tuple[Query, Response]]) -> Grown:
    cells, negatives = summarise(pairs)
    return Grown(
        factor,
        round(cost.audio_s / 3600, 2),
        round(cost.cpu_s / cost.audio_s * 3600, 3),
        round(cost.bytes / cost.audio_s, 2),
        per_query_second(response for _, response in pairs),
        Share(sum(cell.found.hits for cell in cells), sum(cell.found.count for cell in cells)),
        Share(sum(cell.sure.hits for cell in cells), sum(cell.sure.count for cell in cells)),
        negatives[0].threshold,
    )


def print_growth(grown: dict[str, list[Grown]]) -> None:
    if grown:
        print(
            "\nGrowth (some queries of every degradation): audio hours, index CPU s per hour, bytes per s, query CPU ms per s, found, sure, threshold"
        )
    for name, some in grown.items():
        for one in some:
            costs = f"{one.hours:>8.1f} {one.cpu_s_per_hour:>8.2f} {one.bytes_per_s:>8.1f} {one.query_cpu_ms_per_s:>8.2f}"
            print(f"  {name:14} {one.factor:>3} x {costs} {one.found!s:>9} {one.sure!s:>9} {one.threshold:>10.4f}")


def per_query_second(responses: Iterable[Response], length_s: int = 10) -> float:
    """Processor milliseconds for each second of a query."""
    spent = [response.cpu_ms for response in responses if response.length_s == length_s]
    return round(sum(spent) / max(len(spent), 1) / length_s, 3)
