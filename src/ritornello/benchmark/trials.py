"""What chance alone moves, and what somebody could gain by cheating: tests that train again, or count again, on the outputs that the model wrote."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ritornello.benchmark import attack, methods, money
from ritornello.benchmark.judge import Figure, mean_of
from ritornello.benchmark.methods import Material
from ritornello.benchmark.training import name_segments, train_recorded
from ritornello.benchmark.world import Piece, cut

Floats = npt.NDArray[np.float64]
METHOD = "ritornello"  # the influence that the tests are made with
COPIES = 4
TOGETHER = 32  # outputs that are paid together in the test of stability
RESAMPLES, SEED = 1000, 20260102


@dataclass(frozen=True, slots=True)
class Case:
    """One test: `text` says what `figure` is."""

    name: str
    text: str
    figure: Figure


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """`material` of the world's run and the outputs that its model wrote; what is trained again for a test is trained for `epochs` rounds."""

    material: Material
    epochs: int

    @property
    def pieces(self) -> tuple[Piece, ...]:
        return self.material.run.pieces

    @property
    def chosen(self) -> list[int]:
        """The first piece of each catalogue: whose owner cheats."""
        names = [piece.catalogue for piece in self.pieces]
        return [names.index(name) for name in self.material.world.catalogues]


def try_leak(material: Material, name: str) -> tuple[Figure, Figure]:
    """The money of pieces that no model read: if everybody who is scored were paid, and by the rule that only what was trained on can earn."""
    return leak_of(methods.score(material, name).values, material.pieces, len(material.run.pieces))


def leak_of(scores: Floats, pieces: Sequence[Piece], eligible: int) -> tuple[Figure, Figure]:
    """The same of scores (outputs, pieces), of which the first `eligible` were read."""
    raw = np.maximum(scores, 0)
    paid = money.pay(scores, pieces, eligible=eligible)
    return mean_of(raw[:, eligible:].sum(axis=1) / np.maximum(raw.sum(axis=1), 1e-300)), mean_of(paid[:, eligible:].sum(axis=1))


def try_stability(bench: Bench, seed: int) -> list[Case]:
    """How much of the money moves when the model is trained with another seed: of one output and of many, by recording and by catalogue."""
    values = [methods.score(bench.material, METHOD).values, _score_again(bench, f"seed-{seed}", bench.pieces, seed)]
    first, second = (money.pay(each, bench.pieces, eligible=len(bench.pieces)) for each in values)
    catalogues = bench.material.world.catalogues
    levels = {
        "recording": first - second,
        "catalogue": money.by_catalogue(first - second, bench.pieces, catalogues),
    }
    cases = []
    for level, moved in levels.items():
        for count in sorted({1, min(TOGETHER, len(moved)), len(moved)}):
            text = "of the money moves between two seeds"
            cases.append(Case(f"{count} output{'s' * (count > 1)} by {level}", text, _movement(moved, count)))
    return cases


def try_clones(bench: Bench, seed: int) -> list[Case]:
    """A piece of each catalogue is registered four times, and all four are trained on: what the four get together, against what one got."""
    copies = [replace(bench.pieces[one], name=f"{bench.pieces[one].name}~{copy}") for one in bench.chosen for copy in range(1, COPIES)]
    pieces = (*bench.pieces, *copies)
    values = _score_again(bench, "clones", pieces, seed)
    clusters = [
        [one, *(number for number, piece in enumerate(pieces) if piece.name.startswith(bench.pieces[one].name + "~"))]
        for one in bench.chosen
    ]
    members = [number for cluster in clusters for number in cluster]
    before = money.pay(methods.score(bench.material, METHOD).values, bench.pieces, eligible=len(bench.pieces))[:, bench.chosen].sum(axis=1)
    cases = []
    for name, groups in (("not noticed", []), ("noticed before paying", clusters)):
        after = money.pay(values, pieces, eligible=len(pieces), clusters=groups)[:, members].sum(axis=1)
        cases.append(Case(f"four copies, {name}", "times what one piece got", find_gain(before, after)))
    return cases


def try_names(bench: Bench) -> list[Case]:
    """Money of a party that owns a catalogue and divides it over names, or registers pieces in parts; nothing is trained again, since the same is read."""
    segments, _ = methods.score_segments(bench.material, METHOD)
    whole = methods.add_up(segments, bench.pieces)
    catalogues = [piece.catalogue for piece in bench.pieces]
    _, owners = cut(bench.pieces)
    parties = {name: [number for number, one in enumerate(catalogues) if one == name] for name in bench.material.world.catalogues}
    paid = money.pay(whole, bench.pieces, eligible=len(bench.pieces))
    cases = []
    for text, group in (
        ("divided over five names, as paid here", None),
        ("divided over five names, if each name's scores were added up first", 5),
    ):
        before, after = [], []
        for members in parties.values():
            if group is None:  # a recording's money does not know whose it is
                before.append(paid[:, members].sum(axis=1))
                after.append(sum(paid[:, members[part::5]].sum(axis=1) for part in range(5)))
            else:
                one = _by_party(whole, [parties[name] for name in parties])
                split = _by_party(
                    whole, [*(found for found in parties.values() if found != members), *(members[part::5] for part in range(5))]
                )
                before.append(one[:, list(parties.values()).index(members)])
                after.append(split[:, -5:].sum(axis=1))
        cases.append(Case(text, "times the money of one name", find_gain(np.concatenate(before), np.concatenate(after))))
    before, after = [], []
    for number in bench.chosen:
        parts = np.flatnonzero(owners == number)
        split_up = np.concatenate([np.delete(whole, number, axis=1), segments[:, parts]], axis=1)
        positive = np.maximum(split_up, 0)
        before.append(paid[:, number])
        after.append(positive[:, -len(parts) :].sum(axis=1) / np.maximum(positive.sum(axis=1), 1e-300))
    cases.append(
        Case(
            "a piece registered in parts, not noticed",
            "times the money of the whole",
            find_gain(np.concatenate(before), np.concatenate(after)),
        )
    )
    return cases


def try_attacks(bench: Bench, seed: int) -> list[Case]:
    """A piece of each catalogue is changed to draw influence, and the model trained again: what the five get, against what they got."""
    attackers = [bench.pieces[one] for one in bench.chosen]
    # Every attack is trained with the seed of the run, so that a change of seed alone is what the first case says.
    changes: dict[str, Callable[[], Sequence[Piece]]] = {
        "no change, another seed": lambda: attackers,
        "outlier": lambda: attack.make_outliers(bench.material.world, attackers, bench.material.run.model, seed),
        "shadow": lambda: attack.make_shadowed(
            bench.material.world, attackers, bench.material.world.canaries, seed, models=2, epochs=bench.epochs
        ),
    }
    before = money.pay(methods.score(bench.material, METHOD).values, bench.pieces, eligible=len(bench.pieces))[:, bench.chosen].sum(axis=1)
    cases = []
    for name, change in changes.items():
        pieces = list(bench.pieces)
        again = name.startswith("no change")
        for one, piece in zip(bench.chosen, change(), strict=True):
            pieces[one] = piece
        folder = f"seed-{seed + 1}" if again else f"attack-{name}"
        values, usual = _score_with_self(bench, folder, tuple(pieces), seed + 1 if again else seed)
        for gated in (False, True):
            paid = money.pay(values, pieces, eligible=len(pieces), self_influence=usual if gated else None)
            text = f"{name}{', outliers counted as usual' * gated}"
            cases.append(Case(text, "times the money before", find_gain(before, paid[:, bench.chosen].sum(axis=1))))
    return cases


def find_gain(before: Floats, after: Floats) -> Figure:
    """How many times as much money, from that of each output (outputs,) before and after, with a 95 % interval by resampling the outputs."""
    picks = np.random.default_rng(SEED).integers(len(before), size=(RESAMPLES, len(before)))
    ratios = np.sort(after[picks].sum(axis=1) / np.maximum(before[picks].sum(axis=1), 1e-12))
    value = after.sum() / max(before.sum(), 1e-12)
    return Figure(float(value), float(ratios[RESAMPLES // 40]), float(ratios[-1 - RESAMPLES // 40]))


def _movement(moved: Floats, count: int) -> Figure:
    """Half the sum of what moves, for the mean of `count` outputs; over choices of them, or of all outputs resampled."""
    if count == 1:
        return mean_of(0.5 * np.abs(moved).sum(axis=1))
    random = np.random.default_rng(SEED)
    every = count == len(moved)
    picks = np.stack([random.choice(len(moved), count, replace=every) for _ in range(RESAMPLES)])
    sums = np.sort(0.5 * np.abs(moved[picks].mean(axis=1)).sum(axis=1))
    value = 0.5 * np.abs(moved.mean(axis=0)).sum() if every else sums.mean()
    return Figure(float(value), float(sums[RESAMPLES // 40]), float(sums[-1 - RESAMPLES // 40]))


def _by_party(scores: Floats, parties: Sequence[Sequence[int]]) -> Floats:
    """Parts of the money if scores were added up by party before the positive part is taken."""
    positive = np.maximum(np.stack([scores[:, list(members)].sum(axis=1) for members in parties], axis=1), 0)
    return np.asarray(positive / np.maximum(positive.sum(axis=1, keepdims=True), 1e-300))


def _train(bench: Bench, name: str, pieces: tuple[Piece, ...], seed: int) -> Material:
    folder = bench.material.folder.parent / "trials" / name
    run = train_recorded(bench.material.world, folder / "run", seed, bench.epochs, pieces)
    return replace(bench.material, run=run, folder=folder / "scores")


def _score_again(bench: Bench, name: str, pieces: tuple[Piece, ...], seed: int) -> Floats:
    return methods.score(_train(bench, name, pieces, seed), METHOD).values


def _score_with_self(bench: Bench, name: str, pieces: tuple[Piece, ...], seed: int) -> tuple[Floats, Floats]:
    """Scores, and each piece's influence on itself, shape (pieces,)."""
    material = _train(bench, name, pieces, seed)
    return methods.score(material, METHOD).values, self_influence(material)


def self_influence(material: Material) -> Floats:
    """The influence of each piece's segments on each other, added up."""
    _, rows = name_segments(material.pieces)
    values = methods.score(replace(material, outputs=rows, outputs_name="-on-itself"), METHOD).values
    _, owners = cut(material.pieces)
    return np.array([values[owners == number, number].sum() for number in range(len(material.pieces))])
