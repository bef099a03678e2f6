"""The benchmark as one call: read what was brought, measure, write `report.json` and `report.md` into the folder."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ritornello.benchmark import run as runs
from ritornello.benchmark import sound, symbolic
from ritornello.benchmark.audio import measure_audio
from ritornello.benchmark.audits import make_audits
from ritornello.benchmark.exchange import export_outputs, read_foreign
from ritornello.benchmark.maestro import PUBLISHED, rate, read_maestro
from ritornello.benchmark.report import write_report
from ritornello.benchmark.retrain import FULL, QUICK, Plan
from ritornello.domain.errors import BadInput, Problem
from ritornello.formats.attribution_audit import write_audit
from ritornello.formats.canonical import alone_in, encode_document

AUDIO_OUTPUTS, AUDIO_SEED = 56, 1


def choose_plan(quick: bool, subsets: int | None, seeds: int | None) -> Plan:
    """The quick or the full form, with another number of models trained again if asked for."""
    plan = QUICK if quick else FULL
    return replace(
        plan,
        subsets=subsets or plan.subsets,
        seeds=seeds or plan.seeds,
        coalition_seeds=min(plan.coalition_seeds, seeds or plan.seeds),
    )


def export(folder: Path, half: str, plan: Plan, cache: Path, to: Path, recordings: Path | None) -> None:
    """Begin the benchmark in `folder` and write what a vendor needs into the new folder `to`."""
    with alone_in(folder):
        begun = _begin(folder, half, plan, cache, recordings)
        export_outputs(begun.world, begun.run, begun.groups, to)


def run(
    folder: Path,
    half: str,
    plan: Plan,
    cache: Path,
    scores: Sequence[Path],
    recordings: Path | None,
    audio: Path | None,
    maestro: Path | None,
    maestro_scores: Sequence[Path],
    tell: Callable[[str], None],
) -> tuple[dict[str, Any], str]:
    """The report and its text. Files that were brought are read before anything is computed."""
    maestro_part = _rate_maestro(maestro, maestro_scores)
    with alone_in(folder):
        tell("reading the world")
        begun = _begin(folder, half, plan, cache, recordings)
        foreign = dict(read_foreign(path, begun.world, begun.groups) for path in scores)
        report = runs.measure(begun, foreign, tell)
        tell("measuring on sound")
        report["audio"] = _measure_audio(audio, min(AUDIO_OUTPUTS, plan.outputs))
        if maestro_part:
            report["maestro"] = maestro_part
        for name, audit in make_audits(report).items():
            (folder / f"audit-{name}.json").write_bytes(encode_document(write_audit(audit)))
        text = write_report(report)
        for name, content in (("report.json", json.dumps(report, indent=1, ensure_ascii=False) + "\n"), ("report.md", text)):
            temporary = folder / f"{name}.part"
            temporary.write_text(content, encoding="utf-8")
            temporary.replace(folder / name)
    return report, text


def _begin(folder: Path, half: str, plan: Plan, cache: Path, recordings: Path | None) -> runs.Begun:
    """The world of notes, or that of a folder's recordings, of whose outputs some can then be listened to in `folder/listen`."""
    if recordings is None:
        return runs.begin(symbolic.read_world(half, cache), plan, folder)
    world, codebook = sound.read_world(recordings, cache)
    begun = runs.begin(world, plan, folder)
    sound.write_examples(folder / "listen", begun.groups, codebook)
    return begun


def _measure_audio(folder: Path | None, outputs: int) -> dict[str, Any]:
    found = measure_audio(folder, outputs, AUDIO_SEED) if folder else "no folder of recordings was given (--audio)"
    return {"skipped": found} if isinstance(found, str) else asdict(found)


def _rate_maestro(folder: Path | None, scores: Sequence[Path]) -> dict[str, Any] | None:
    if folder is None:
        if scores:
            raise BadInput(
                [Problem(scores[0].name, None, None, "needs dattri's benchmark to be rated by", "give its folder with --maestro")]
            )
        return None
    truth = read_maestro(folder)
    return {"measured": {path.stem: asdict(rate(truth, path)) for path in scores}, "published": PUBLISHED}
