"""The model that is attributed: trained on all pieces, its training recorded as a licensee would (`ritornello.record`)."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ritornello
from ritornello.attribution.influence import Recording, Segment, open_recording
from ritornello.attribution.influence.recording import DOCUMENT
from ritornello.benchmark import model
from ritornello.benchmark.world import SEGMENT, Piece, Tokens, World, cut

MILLISECONDS_A_TOKEN = 1  # pieces of symbols have no length in time: exposure counts tokens


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A recorded training run, each segment a recording of its own, so that scores can be added up in any way.

    `model` holds the weights of its end; `pieces` were read, `others` (never read) may be scored too.
    """

    recording: Recording
    model: Any
    pieces: tuple[Piece, ...]
    others: tuple[Piece, ...]

    def batches(self, *, with_others: bool = False, size: int = 32) -> list[tuple[list[str], Any]]:
        """Segments by id as tensors, in the form that `influence.cache` takes."""
        import torch

        names, rows = name_segments(self.pieces + (self.others if with_others else ()))
        return [(names[first : first + size], torch.from_numpy(rows[first : first + size])) for first in range(0, len(names), size)]


def train_recorded(world: World, folder: Path, seed: int, epochs: int, pieces: tuple[Piece, ...] | None = None) -> Run:
    """Train on `pieces` (all of the world's, if not given); canaries are announced to the recorder and never read. A run that lies in `folder` is not made again."""
    import torch

    read = pieces or world.pieces
    names, rows = name_segments(read)
    trained = model.build(world.vocabulary, seed)
    if not (folder / DOCUMENT).is_file():
        temporary = folder.with_name(folder.name + ".part")
        shutil.rmtree(temporary, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        segments = [
            Segment(name, piece.name, name, SEGMENT * MILLISECONDS_A_TOKEN)
            for piece in (*read, *world.canaries)
            for name in name_segments((piece,))[0]
        ]
        steps = epochs * -(-len(rows) // model.BATCH)
        with ritornello.record(trained, temporary, segments=segments, model_version=f"seed-{seed}", steps=steps) as recorder:
            model.train(
                trained,
                rows,
                seed,
                epochs=epochs,
                after_step=lambda step, chosen, rate: recorder.step([names[one] for one in chosen], rate),
            )
        torch.save(trained.state_dict(), temporary / "model.pt")
        temporary.rename(folder)
    trained.load_state_dict(torch.load(folder / "model.pt", weights_only=True))
    return Run(open_recording(folder), trained, read, world.canaries)


def name_segments(pieces: tuple[Piece, ...]) -> tuple[list[str], Tokens]:
    """Ids of the segments of pieces, and the segments, shape (n, 128)."""
    rows, owners = cut(pieces)
    counts: dict[int, int] = {}
    names = []
    for owner in owners.tolist():
        counts[owner] = counts.get(owner, 0) + 1
        names.append(f"{pieces[owner].name}/{counts[owner]:03d}")
    return names, rows
