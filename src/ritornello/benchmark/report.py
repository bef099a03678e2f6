"""The report of a benchmark as text: tables in Markdown, which read well on a terminal too."""

from collections.abc import Iterable, Sequence
from typing import Any

AIMS = """Aims: LDS generated ≥ .70, splices ≥ .80; money on the sources of a splice ≥ .90; recall of both sources ≥ .98, transposed ≥ .95;
canaries 0; four copies ≤ 1.05; calibrated distance ≤ .12; catalogue movement between seeds ≤ .03."""


def write_report(report: dict[str, Any]) -> str:
    """All figures with their 95 % intervals, which come from resampling the outputs: they say nothing about other music or models."""
    world, plan = report["world"], report["plan"]
    parts = [
        "# Benchmark of attribution",
        _about(world, plan, report),
        "Figures are means over outputs with 95 % intervals by resampling the outputs. What each is: docs/attribution-benchmark.md.",
        "## Does the score say what training again says? (LDS)",
        _lds(report),
        "## Are known sources found?",
        "Recall: the part of an output's n sources that is among its n highest scores. Money: the part of the money that goes to the sources.",
        _sources(report),
        "## Does the money go where Shapley's values say?",
        (
            f"Distance of the catalogues' money from exact Shapley values, for outputs that the model wrote. Equal parts for all: {_show(report['uniform_distance'])}. "
            "Calibrated: mixed with exposure in the proportion `a`, fitted on the other half of the outputs."
        ),
        _money(report),
        "## What would pieces get that no model read?",
        _table(
            ["method", "if all who are scored were paid", "by the rule"],
            [[name, _show(row["raw"]), _show(row["paid"])] for name, row in report["canaries"].items()],
        ),
    ]
    for title, cases in report["tests"].items():
        parts += [
            f"## {TITLES[title]}",
            _table(["case", "figure", ""], [[case["name"], _show(case["figure"]), case["text"]] for case in cases]),
        ]
    parts += ["## What does it cost?", _costs(report), "## On sound, with exact truth", _audio(report["audio"])]
    if "maestro" in report:
        parts += ["## dattri's benchmark of piano music", _maestro(report["maestro"])]
    return "\n\n".join([*parts, AIMS]) + "\n"


def _about(world: dict[str, Any], plan: dict[str, Any], report: dict[str, Any]) -> str:
    return (
        f"World *{world['name']}*: {world['about']}. {plan['subsets']} models trained on random halves, each with {plan['seeds']} seeds, "
        f"and all coalitions of catalogues with {plan['coalition_seeds']}; {plan['outputs']} outputs of each kind; {plan['epochs']} rounds. "
        f"Program version {report['version']}. Peers: {report['peers']}."
    )


TITLES = {
    "stability": "How much moves by chance?",
    "clones": "What do copies gain?",
    "names": "What do false names gain?",
    "attacks": "What do published attacks gain?",
}


def _lds(report: dict[str, Any]) -> str:
    kinds = list(report["ceiling"])
    rows = [["*most that can be reached*", *(_show(report["ceiling"][kind]) for kind in kinds)]]
    rows += [[name, *(_show(row["lds"][kind]) for kind in kinds)] for name, row in report["methods"].items()]
    return _table(["method", *kinds], rows)


def _sources(report: dict[str, Any]) -> str:
    kinds = [kind for kind in report["ceiling"] if any(kind in row["recall"] for row in report["methods"].values())]
    return _table(
        ["method", *(f"{kind}: recall / money" for kind in kinds)],
        [
            [name, *(f"{_show(row['recall'][kind])} / {_show(row['on_sources'][kind])}" for kind in kinds)]
            for name, row in report["methods"].items()
        ],
    )


def _money(report: dict[str, Any]) -> str:
    rows = [
        [
            name,
            _show(row["distance_raw"]),
            _show(row["distance_calibrated"]),
            f"{row['a_ppm'] / 1e6:.2f} ({row['a_low_ppm'] / 1e6:.2f}–{row['a_high_ppm'] / 1e6:.2f})",
        ]
        for name, row in report["methods"].items()
    ]
    return _table(["method", "distance", "calibrated", "a"], rows)


def _costs(report: dict[str, Any]) -> str:
    rows = [
        [name, f"{row['cpu_seconds']:.1f}", f"{row['bytes_per_recording']:,}"]
        for name, row in report["methods"].items()
        if "cpu_seconds" in row
    ]
    return _table(["method", "CPU seconds for all outputs", "bytes kept for a piece"], rows)


def _audio(found: dict[str, Any]) -> str:
    if "skipped" in found:
        return f"Left out: {found['skipped']}."
    quality = found["quality"]
    rows = [
        [text, f"{value['value_ppm'] / 1e4:.2f} % ({value['low_ppm'] / 1e4:.2f}–{value['high_ppm'] / 1e4:.2f})"]
        for text, value in (
            ("error of an output", quality["error"]),
            ("error of all together", quality["aggregate_error"]),
            ("found in controls", quality["leak"]),
        )
    ]
    rows.append(["recall of the two main sources", f"{quality['recall_at_two_ppm'] / 1e4:.1f} %"])
    rows.append(
        [
            "error of paying by exposure: an output / all together",
            f"{quality['exposure_error_ppm'] / 1e4:.1f} / {quality['exposure_aggregate_error_ppm'] / 1e4:.1f} %",
        ]
    )
    return f"{quality['outputs']} outputs made of {found['trained']} recordings, {found['controls']} controls.\n\n{_table(['', ''], rows)}"


def _maestro(found: dict[str, Any]) -> str:
    rows = [[f"published: {name}", f"{value:.3f}"] for name, value in found["published"].items()]
    return _table(["method", "LDS"], [*([name, _show(value)] for name, value in found["measured"].items()), *rows])


def _show(figure: dict[str, float]) -> str:
    return f"{figure['value']:.3f} ({figure['low']:.3f}–{figure['high']:.3f})"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *rows)]
    return "\n".join(lines)
