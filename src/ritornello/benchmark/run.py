"""The whole benchmark in one folder: train, make outputs, train again on parts, score, judge. What lies in the folder already is not made again."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import ritornello
from ritornello.attribution import calibrate
from ritornello.attribution.shares import WHOLE_PPM
from ritornello.benchmark import judge, methods, model, money, peers, retrain, trials
from ritornello.benchmark.exchange import stack
from ritornello.benchmark.judge import mean_of
from ritornello.benchmark.methods import SEQUENCES, Material, Scored
from ritornello.benchmark.outputs import GENERATED, Outputs, put_together
from ritornello.benchmark.retrain import Plan, Truth
from ritornello.benchmark.training import Run, train_recorded
from ritornello.benchmark.world import World
from ritornello.domain.errors import Refused

FORMAT = "ritornello-attribution-benchmark-1"
OURS = "ritornello, with evidence"
INFLUENCE = "ritornello"
MODEL_SEED, OTHER_SEED, GENERATED_SEED, OUTPUTS_SEED, HALVES_SEED, SCORES_SEED = 1001, 1002, 7, 11, 5, 1
LEAK_METHODS = ("random", SEQUENCES, "embedding", "graddot", "trak", "ritornello")
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Begun:
    """What methods are given: the run of the model and the outputs by kind, what the model wrote first."""

    world: World
    plan: Plan
    folder: Path
    run: Run
    groups: tuple[Outputs, ...]

    def slices(self) -> dict[str, slice]:
        """Where each kind is among all outputs."""
        found, first = {}, 0
        for group in self.groups:
            found[group.kind] = slice(first, first + len(group.tokens))
            first += len(group.tokens)
        return found


def begin(world: World, plan: Plan, folder: Path) -> Begun:
    """Train the model and make the outputs. Raises Refused (`out_exists`) where the folder holds another benchmark; it may be one with fewer models trained again."""
    torch_on_one_core()
    about = {"format": FORMAT, "world": world.name, "about": world.about, "outputs": plan.outputs, "epochs": plan.epochs}
    kept = folder / "benchmark.json"
    text = json.dumps(about, indent=1, sort_keys=True) + "\n"
    if kept.is_file() and kept.read_text(encoding="utf-8") != text:
        raise Refused("out_exists", f"{folder} holds a benchmark of another world or size", "choose another folder")
    if not kept.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        kept.write_text(text, encoding="utf-8")
    run = train_recorded(world, folder / "run", MODEL_SEED, plan.epochs)
    written = Outputs(GENERATED, model.generate(run.model, plan.outputs, GENERATED_SEED))
    return Begun(world, plan, folder, run, (written, *put_together(world, plan.outputs, OUTPUTS_SEED)))


def torch_on_one_core() -> None:
    """One core, so that costs are comparable and results the same."""
    import torch

    torch.set_num_threads(1)


def measure(begun: Begun, foreign: dict[str, Floats], tell: Callable[[str], None]) -> dict[str, Any]:
    """Everything, as the document that `report.json` holds. `foreign` are others' scores (outputs, pieces and then canaries) by the name of the method."""
    count, outputs = len(begun.world.pieces), stack(begun.groups)
    material = Material(begun.world, begun.run, outputs, begun.folder / "scores", SCORES_SEED)
    scored: dict[str, Scored] = {}
    for name in methods.names():
        tell(f"scoring with {name}")
        scored[name] = methods.score(material, name)
    canaries = _try_canaries(begun, material, foreign, tell)
    cases = _try_all(begun, material, tell)
    for name in peers.NAMES if peers.is_installed() else ():
        tell(f"scoring with {name}")
        scored[name] = peers.score(material, name)
    truth = retrain.find_truth(begun.world, outputs, begun.plan, begun.folder / "truth", HALVES_SEED, tell)
    rated = {
        name: {
            **_rate(begun, truth, one.values),
            "cpu_seconds": round(one.cpu_seconds, 2),
            "bytes_per_recording": one.kept_bytes // count,
        }
        for name, one in scored.items()
    }
    rated |= {name: _rate(begun, truth, values[:, :count]) for name, values in foreign.items()}
    rated[OURS] = _rate(begun, truth, scored[INFLUENCE].values, heard=scored[SEQUENCES].values)
    return {
        "format": FORMAT,
        "version": ritornello.__version__,
        "world": {"name": begun.world.name, "about": begun.world.about, "pieces": count, "canaries": len(begun.world.canaries)},
        "plan": asdict(begun.plan),
        "ceiling": {kind: asdict(judge.measure_ceiling(truth.of_halves[..., where])) for kind, where in begun.slices().items()},
        "methods": rated,
        "uniform_distance": _rate_uniform(begun, truth),
        "canaries": canaries,
        "tests": cases,
        "peers": "dattri 0.3.0" if peers.is_installed() else "dattri is not installed (extra `peers`): left out",
    }


def _try_canaries(begun: Begun, material: Material, foreign: dict[str, Floats], tell: Callable[[str], None]) -> dict[str, Any]:
    tell("scoring pieces that no model read")
    written = begun.slices()[GENERATED]
    asked = replace(material, outputs=material.outputs[written], with_canaries=True, folder=begun.folder / "scores-canaries")
    found = {name: trials.try_leak(asked, name) for name in LEAK_METHODS}
    found |= {name: trials.leak_of(values[written], asked.pieces, len(begun.world.pieces)) for name, values in foreign.items()}
    return {name: {"raw": asdict(raw), "paid": asdict(paid)} for name, (raw, paid) in found.items()}


def _try_all(begun: Begun, material: Material, tell: Callable[[str], None]) -> dict[str, Any]:
    written = replace(material, outputs=begun.groups[0].tokens, outputs_name="-generated")
    bench = trials.Bench(written, begun.plan.epochs)
    attempts: dict[str, Callable[[], list[trials.Case]]] = {
        "stability": lambda: trials.try_stability(bench, OTHER_SEED),
        "clones": lambda: trials.try_clones(bench, MODEL_SEED),
        "names": lambda: trials.try_names(bench),
        "attacks": lambda: trials.try_attacks(bench, MODEL_SEED),
    }
    found = {}
    for title, attempt in attempts.items():
        tell(f"test: {title}")
        found[title] = [asdict(case) for case in attempt()]
    return found


def _rate(begun: Begun, truth: Truth, values: Floats, heard: Floats | None = None) -> dict[str, Any]:
    """LDS by kind of output, what of the sources is found, and the distance of the catalogues' money to Shapley's values.

    `a` is fitted on every second output that the model wrote; the distance is that of the others.
    """
    slices, pieces, count = begun.slices(), begun.world.pieces, len(begun.world.pieces)
    means = truth.of_halves.mean(axis=1)
    written = slices[GENERATED]
    wanted = judge.with_rest(judge.to_shares(judge.shapley(truth)[written]))
    catalogues = begun.world.catalogues

    def to_catalogues(a_ppm: int) -> Floats:
        paid = money.pay(values[written], pieces, eligible=count, a_ppm=a_ppm, heard=None if heard is None else heard[written])
        return judge.with_rest(money.by_catalogue(paid, pieces, catalogues))

    whole, none = to_catalogues(WHOLE_PPM), to_catalogues(0)
    fit = calibrate.fit_a(whole[::2], none[::2], wanted[::2], SCORES_SEED)
    mixed = to_catalogues(fit.a_ppm)
    paid = money.pay(values, pieces, eligible=count, a_ppm=fit.a_ppm if heard is not None else WHOLE_PPM, heard=heard)
    scored = values if heard is None else paid
    ranked = {kind: judge.measure_lds(scored[where], truth.halves, means[:, where]) for kind, where in slices.items()}
    known = {group.kind: (slices[group.kind], group.sources) for group in begun.groups if group.sources}
    return {
        "lds": {kind: asdict(mean_of(found)) for kind, found in ranked.items()},
        "recall": {kind: asdict(mean_of(judge.recall_sources(scored[where], sources))) for kind, (where, sources) in known.items()},
        "on_sources": {kind: asdict(mean_of(judge.on_sources(paid[where], sources))) for kind, (where, sources) in known.items()},
        "a_ppm": fit.a_ppm,
        "a_low_ppm": fit.low_ppm,
        "a_high_ppm": fit.high_ppm,
        "distance_raw": asdict(mean_of(judge.distances(whole[1::2], wanted[1::2]))),
        "distance_calibrated": asdict(mean_of(judge.distances(mixed[1::2], wanted[1::2]))),
        "distance_together": float(judge.distances(mixed[1::2].mean(axis=0)[None], wanted[1::2].mean(axis=0)[None])[0]),
    }


def _rate_uniform(begun: Begun, truth: Truth) -> dict[str, float]:
    wanted = judge.to_shares(judge.shapley(truth)[begun.slices()[GENERATED]])[1::2]
    return asdict(mean_of(judge.distances(np.full_like(wanted, 1 / wanted.shape[1]), wanted)))
