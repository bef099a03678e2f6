"""A benchmark's findings about each method of influence as audits, with which scores can divide money (docs/formats/attribution-audit.md)."""

from collections.abc import Mapping
from typing import Any

from ritornello.attribution.influence import METHODS
from ritornello.attribution.shares import WHOLE_PPM
from ritornello.benchmark.trials import METHOD, TOGETHER
from ritornello.formats.attribution_audit import Audit, Fit, Report

TRUTH = "positive parts of exact Shapley values of the catalogues, from models trained on every coalition of them, for outputs that the model wrote"


def make_audits(report: Mapping[str, Any]) -> dict[str, Audit]:
    """The audit of each method of influence, by its name, from the report's document. Noise is known of the method that the tests were made with."""
    plan, world = report["plan"], report["world"]
    about = f"{world['about']}; a transformer of two layers and width 64, trained for {plan['epochs']} rounds"
    second = plan["outputs"] // 2
    audits = {}
    for name, method in METHODS.items():
        row = report["methods"].get(name)
        if row is None:
            continue
        fit = Fit(plan["outputs"] - second, row["a_ppm"], min(row["a_ppm"], row["a_low_ppm"]), max(row["a_ppm"], row["a_high_ppm"]))
        error = {
            f"error{end}_ppm": _ppm(row["distance_calibrated"][key]) for end, key in (("", "value"), ("_low", "low"), ("_high", "high"))
        }
        together = min(TOGETHER, plan["outputs"])
        moved = {
            level: _movement(report, f"{together} outputs by {level}") if name == METHOD else None for level in ("recording", "catalogue")
        }
        found = Report(
            outputs=second,
            **error,
            aggregate_error_ppm=_ppm(row["distance_together"]),
            noise_outputs=together if name == METHOD else None,
            noise_recording_ppm=moved["recording"],
            noise_catalogue_ppm=moved["catalogue"],
        )
        audits[name] = Audit(method.name, method.version, TRUTH, about, fit, found)
    return audits


def _movement(report: Mapping[str, Any], case: str) -> int | None:
    return next((_ppm(one["figure"]["value"]) for one in report["tests"]["stability"] if one["name"] == case), None)


def _ppm(part: float) -> int:
    return round(part * WHOLE_PPM)
