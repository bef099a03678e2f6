"""Step 3 of bundle.md, second half: what training read was in its snapshots, and attribution names only what training read."""

from collections import defaultdict
from graphlib import CycleError, TopologicalSorter

from ritornello_verify.bundle import Bundle
from ritornello_verify.consent import Assets
from ritornello_verify.merkle import find_root, hash_leaf
from ritornello_verify.period import UNATTRIBUTED, Period
from ritornello_verify.reading import Row, identify
from ritornello_verify.report import Step, show
from ritornello_verify.tables import TABLES

RUNS = "period/runs.jsonl"
EXPOSURE = "period/exposure.jsonl"
USAGE = "period/usage.jsonl"
ATTRIBUTION = "period/attribution.jsonl"
WHOLE_WEIGHT = 1_000_000


def check_training(bundle: Bundle, assets: Assets, step: Step) -> None:
    """Exposure roots of runs, and each exposed asset in a manifest of its run's snapshots, as the same recording."""
    runs = {row.values["model_version"]: row for row in bundle.read_rows(RUNS)}
    leaves: dict[str, list[bytes]] = defaultdict(list)
    for row in bundle.read_rows(EXPOSURE):
        step.count("exposed assets looked up")
        leaves[row.values["model_version"]].append(hash_leaf(row.line))
        run = runs.get(row.values["model_version"])
        wrong = "model_version is not in runs.jsonl" if run is None else find_wrong_exposure(run, assets, row)
        if wrong:
            step.fail(EXPOSURE, wrong, row.number, identify(row.values, TABLES[EXPOSURE]))
    for name, run in runs.items():
        step.count("training runs checked")
        root = find_root(leaves[name]).hex()
        if run.values["exposure_root"] != root:
            message = f"exposure_root is {run.values['exposure_root']}, recomputed {root}"
            step.fail(RUNS, message, run.number, identify(run.values, TABLES[RUNS]))
    check_parents(runs, step)


def find_wrong_exposure(run: Row, assets: Assets, row: Row) -> str | None:
    recordings = {
        assets[name][row.values["asset_id"]] for name in run.values["snapshot_ids"] if row.values["asset_id"] in assets.get(name, {})
    }
    if not recordings:
        return "the asset is in no manifest of the run's snapshots"
    if recordings != {row.values["recording_id"]}:
        return f"recording_id is {show(row.values['recording_id'])}, the manifest has {show(sorted(recordings))}"
    return None


def check_parents(runs: dict[str, Row], step: Step) -> None:
    """No model version may come from itself."""
    try:
        TopologicalSorter({name: run.values["parents"] for name, run in runs.items()}).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        run = runs[min(name for name in circle if name in runs)]
        step.fail(RUNS, "parents lead in a circle", run.number, identify(run.values, TABLES[RUNS]))


def check_attribution(bundle: Bundle, period: Period, step: Step) -> None:
    """Known outputs, exposed recordings, an `unattributed` row each, and a whole weight each."""
    totals: dict[str, int] = defaultdict(int)
    rest: set[str] = set()
    rows: dict[str, Row] = {}
    for row in bundle.read_rows(ATTRIBUTION):
        step.count("attribution rows checked")
        output_id, recording_id = row.values["output_id"], row.values["recording_id"]
        totals[output_id] += row.values["weight_ppm"]
        rows.setdefault(output_id, row)
        model_version = period.outputs.get(output_id)
        wrong = None
        if model_version is None:
            wrong = "output_id is not in outputs.jsonl"
        elif recording_id == UNATTRIBUTED:
            rest.add(output_id)
        elif recording_id not in period.exposure.get(model_version, {}):
            wrong = f"the recording was not exposed to model version {show(model_version)}"
        if wrong:
            step.fail(ATTRIBUTION, wrong, row.number, identify(row.values, TABLES[ATTRIBUTION]))
    for output_id, row in rows.items():
        wrong = "" if output_id in rest else "the output has no `unattributed` row"
        if totals[output_id] != WHOLE_WEIGHT:
            wrong = f"the output's weights total {totals[output_id]}, not {WHOLE_WEIGHT}"
        if wrong:
            step.fail(ATTRIBUTION, wrong, row.number, f"output_id {output_id}")
    for row in bundle.read_rows(USAGE):
        if row.values["output_id"] not in period.outputs:
            step.fail(USAGE, "output_id is not in outputs.jsonl", row.number, identify(row.values, TABLES[USAGE]))
