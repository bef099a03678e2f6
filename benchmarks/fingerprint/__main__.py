"""How well, and at what cost, audio fingerprints find excerpts of real recordings, beside the peers that install by name.

    python3 dev.py bench fingerprint [--quick] [--half report|tune] [--engine NAME …] [--growth 4,16] [--outside 2000] [--folder FOLDER]

About 1 GB of Debian packages is fetched once into the cache (`corpus.py` lists them), and queries are made from it once (`degrade.py`; half an hour of one
core). Recordings are split by artist or game into a half to tune on and a half to report on; of each, part stays out of the catalogue. Both halves differ in
their degradations as well: never tune on what you report. ffmpeg, rubberband-cli and sox are needed (Debian packages).

    --quick     30 recordings, five excerpts from inside and five from outside, 10 s only: some minutes, a look at whether things work
    --outside   so many more clean excerpts, from all recordings that are in no catalogue, for the false-match rate
    --growth    the same index after adding collages (`growth.py`) until it holds 4 and 16 times the audio; takes long
Answers are kept, per state of engine and catalogue, so a stopped run goes on. Figures go to FOLDER/report-….json as well.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.fingerprint import tables
from benchmarks.fingerprint.answers import Response
from benchmarks.fingerprint.corpus import Recording, gather
from benchmarks.fingerprint.engines import MAKERS, find_engines
from benchmarks.fingerprint.queries import LENGTHS_S, Query, choose, make_outside, make_queries
from benchmarks.fingerprint.trial import Trial, grow
from ritornello.demo.debian import CatalogueUnavailable
from ritornello.settings import read_settings

POSITIVES, NEGATIVES = 50, 25
QUICK_RECORDINGS, QUICK_POSITIVES, QUICK_NEGATIVES = 30, 5, 5
GROWTH_EXCERPTS = 10


def main() -> int:
    parser = argparse.ArgumentParser(description="What audio fingerprints find.")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--half", choices=("report", "tune"), default="report")
    parser.add_argument("--engine", action="append", choices=list(MAKERS), help="Only this one (may be repeated).")
    parser.add_argument("--outside", type=int, default=0)
    parser.add_argument("--growth", type=lambda text: [int(word) for word in text.split(",")], default=[])
    parser.add_argument("--folder", type=Path, help="Where queries, answers and figures are kept (default: in the cache).")
    options = parser.parse_args()
    cache = read_settings().cache.resolve()
    folder = (options.folder or cache / "fingerprint").resolve()
    try:
        recordings = gather(cache, show_progress)
        catalogue = choose_catalogue(recordings, options.half, options.quick)
        counts = (QUICK_POSITIVES, QUICK_NEGATIVES) if options.quick else (POSITIVES, NEGATIVES)
        queries = make_queries(recordings, options.half, folder / "queries" / options.half, *counts, show_progress)
        outside = make_outside(recordings, folder / "queries" / "outside", options.outside, show_progress)
    except CatalogueUnavailable as trouble:
        print(f"The benchmark can't be run here: {trouble}")
        return 2
    lengths = (10,) if options.quick else LENGTHS_S
    asked = [(query, length_s) for length_s in lengths for query in queries] + [(query, 10) for query in outside]
    engines, missing = find_engines(options.engine or list(MAKERS))
    trials = [Trial(name, make, catalogue, folder / "answers", show_progress) for name, make in engines.items()]
    responses = {trial.name: trial.answer(asked) for trial in trials}
    grown = grow(trials, options.growth, choose_few(queries), recordings, show_progress) if options.growth else {}
    figures = report(trials, asked, responses, lengths, grown)
    print(*missing, sep="\n")
    target = folder / f"{options.half}{'-quick' if options.quick else ''}.json"
    target.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"figures: {target}")
    return 0


def choose_catalogue(recordings: Sequence[Recording], half: str, quick: bool) -> list[Recording]:
    """The recordings of the half that are searched for, and bystanders that never are."""
    if quick:
        return [recording for recording, _ in choose(recordings, {half}, QUICK_RECORDINGS)]
    return [recording for recording in recordings if recording.part in (half, "bystander")]


def choose_few(queries: Sequence[Query]) -> list[Query]:
    """Of every degradation, the first few queries from inside and from outside the catalogue."""
    seen: dict[tuple[str, bool], int] = {}
    chosen = []
    for query in queries:
        key = query.degradation, query.recording_id is None
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= GROWTH_EXCERPTS:
            chosen.append(query)
    return chosen


def report(
    trials: Sequence[Trial],
    asked: Sequence[tuple[Query, int]],
    responses: dict[str, list[Response]],
    lengths: Sequence[int],
    grown: dict[str, list[tables.Grown]],
) -> dict[str, Any]:
    """Print all tables; returns the same as records."""
    pairs = {name: list(zip([query for query, _ in asked], some, strict=True)) for name, some in responses.items()}
    summaries = {name: tables.summarise(some) for name, some in pairs.items()}
    cells = {name: summary[0] for name, summary in summaries.items()}
    negatives = {name: summary[1] for name, summary in summaries.items()}
    costs = {trial.name: trial.cost() for trial in trials}
    query_ms = {name: tables.per_query_second(some) for name, some in responses.items()}
    for length_s in lengths:
        tables.print_cells(cells, length_s)
    tables.print_offsets(cells, lengths[0])
    tables.print_negatives(negatives)
    tables.print_costs(costs, query_ms)
    tables.print_growth(grown)
    return {
        name: {
            "cells": [asdict(cell) for cell in cells[name]],
            "negatives": [asdict(one) for one in negatives[name]],
            "index": asdict(costs[name]),
            "query_cpu_ms_per_s": query_ms[name],
            "growth": [asdict(one) for one in grown.get(name, [])],
        }
        for name in responses
    }


def show_progress(text: str) -> None:
    """One line that is written over, on a terminal; nothing elsewhere."""
    if sys.stderr.isatty():
        print(f"\r{text[:100]:100}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
