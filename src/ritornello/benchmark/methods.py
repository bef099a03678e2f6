"""The methods that the benchmark rates: each makes, of the same run and the same outputs, a score of every piece for every output."""

import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ritornello.attribution.influence import METHODS, attribute, cache
from ritornello.attribution.sequences import Index, Notes, divide_notes
from ritornello.benchmark import model
from ritornello.benchmark.training import Run, name_segments
from ritornello.benchmark.world import Piece, Tokens, World, cut

Floats = npt.NDArray[np.float64]
RANDOM, EXPOSURE, SEQUENCES = "random", "exposure", "note sequences"
BATCH = 64


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """`values` (outputs, pieces), positive where the piece made the output more likely; `cpu_seconds` for all of it.

    `kept_bytes`: what has to be kept of the pieces.
    """

    values: Floats
    cpu_seconds: float
    kept_bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """`run` with its pieces, of which canaries (never read) are scored after the others if `with_canaries`; `outputs` (n, 128); a folder to keep things in.

    `checkpoints`: how many of the run's are looked at, evenly chosen (None: all).
    """

    world: World
    run: Run
    outputs: Tokens
    folder: Path
    seed: int
    with_canaries: bool = False
    checkpoints: int | None = None
    outputs_name: str = ""  # other outputs than the usual ones

    @property
    def pieces(self) -> tuple[Piece, ...]:
        return self.run.pieces + (self.run.others if self.with_canaries else ())


def names() -> list[str]:
    """All methods that need nothing but this program, in the order of the table."""
    return [RANDOM, EXPOSURE, SEQUENCES, *METHODS]


def score(material: Material, name: str) -> Scored:
    """Scores of one method; what was computed before is read from the folder."""
    kept = material.folder / f"{name.replace(' ', '-')}{material.outputs_name}.npz"
    if not kept.is_file():
        before = cpu_seconds()
        values, size = _make(material, name)
        material.folder.mkdir(parents=True, exist_ok=True)
        temporary = kept.with_suffix(".part.npz")
        np.savez(temporary, values=values, cost=np.array([cpu_seconds() - before, size]))
        temporary.replace(kept)
    with np.load(kept, allow_pickle=False) as file:
        return Scored(file["values"], float(file["cost"][0]), int(file["cost"][1]))


def _make(material: Material, name: str) -> tuple[Floats, int]:
    simple: dict[str, Callable[[Material], tuple[Floats, int]]] = {RANDOM: _randomly, EXPOSURE: _by_exposure, SEQUENCES: _by_sequences}
    if name in simple:
        return simple[name](material)
    values, size = score_segments(material, name)
    return add_up(values, material.pieces), size


def add_up(values: Floats, pieces: Sequence[Piece]) -> Floats:
    """Scores of segments (outputs, segments) as scores of their pieces."""
    _, owners = cut(pieces)
    total = np.zeros((len(values), len(pieces)))
    np.add.at(total.T, owners, values.T)
    return total


def score_segments(material: Material, name: str) -> tuple[Floats, int]:
    """Influence of each segment of the pieces, shape (outputs, segments), by a method of `attribution.influence`; and the bytes kept."""
    import torch

    method = METHODS[name]
    folder = material.folder / "cache" / method.settings.kind
    steps = [checkpoint.step for checkpoint in material.run.recording.checkpoints]
    if material.checkpoints:
        chosen = np.linspace(0, len(steps) - 1, material.checkpoints).round().astype(int)
        steps = [steps[one] for one in chosen]
    cached = cache(
        material.run.recording,
        material.run.model,
        model.losses,
        material.run.batches(with_others=material.with_canaries),
        folder,
        method.settings,
        steps=steps,
    )
    batches = [torch.from_numpy(material.outputs[first : first + BATCH]) for first in range(0, len(material.outputs), BATCH)]
    found = attribute(cached, material.run.model, model.losses, batches, method)
    places = {segment: number for number, segment in enumerate(found.recording_ids)}
    segments, _ = name_segments(material.pieces)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return found.values[:, [places[one] for one in segments]].astype(np.float64), size


def _randomly(material: Material) -> tuple[Floats, int]:
    return np.random.default_rng(material.seed).random((len(material.outputs), len(material.pieces))), 0


def _by_exposure(material: Material) -> tuple[Floats, int]:
    """Tokens read of each piece; the same for every output."""
    read = [len(piece.tokens) * (number < len(material.run.pieces)) for number, piece in enumerate(material.pieces)]
    return np.tile(np.array(read, dtype=float), (len(material.outputs), 1)), 0


def _by_sequences(material: Material) -> tuple[Floats, int]:
    """The part of the output's notes that each piece explains: evidence without the model (`attribution/sequences.py`)."""
    index = Index((str(number), to_notes(material.world, piece.tokens)) for number, piece in enumerate(material.pieces))
    values = np.zeros((len(material.outputs), len(material.pieces)))
    for row, tokens in zip(values, material.outputs, strict=True):
        notes = to_notes(material.world, tokens)
        for name, part in divide_notes(index.find(notes), len(notes.pitches)).items():
            row[int(name)] = part / len(notes.pitches)
    return values, sum(piece.tokens.nbytes for piece in material.pieces)


def to_notes(world: World, tokens: Tokens) -> Notes:
    """Units of two tokens as notes; where music can't be transposed by its tokens, as fixed ones."""
    pairs = tokens[: len(tokens) // world.unit * world.unit].reshape(-1, world.unit)
    return Notes(pairs[:, 0], pairs[:, -1], movable=world.pitches is not None)


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
