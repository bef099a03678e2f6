"""What a vendor of attribution gets, to score it with a method of its own: outputs, pieces, and the recorded run (docs/attribution-benchmark.md)."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ritornello.benchmark.outputs import Outputs
from ritornello.benchmark.training import Run
from ritornello.benchmark.world import Tokens, World
from ritornello.domain.errors import Refused
from ritornello.formats.attribution_scores import read_scores

README = """Outputs and pieces of the benchmark world "{name}" ({about}).
pieces.jsonl   recording_id, catalogue, trained (false: no model read it), tokens
outputs.jsonl  output_id, tokens; nothing here says which pieces an output was made of
run/           the recorded training run of the model: weights at several moments, learning rates, what was read
Each note is two tokens, for pitch and length, where music can be transposed.
Give back a Parquet file of columns output_id, recording_id and score (docs/formats/attribution-scores.md), and rate it:
ritornello benchmark attribution FOLDER --scores FILE
"""


def export_outputs(world: World, run: Run, groups: Sequence[Outputs], folder: Path) -> None:
    """Write the folder. Raises Refused (`out_exists`) where it is there already."""
    if folder.exists():
        raise Refused("out_exists", f"{folder} exists already", "choose a new folder")
    temporary = folder.with_name(folder.name + ".part")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    pieces = [(piece, True) for piece in world.pieces] + [(piece, False) for piece in world.canaries]
    _write_lines(
        temporary / "pieces.jsonl",
        [
            {"recording_id": one.name, "catalogue": one.catalogue, "trained": trained, "tokens": one.tokens.tolist()}
            for one, trained in pieces
        ],
    )
    _write_lines(
        temporary / "outputs.jsonl",
        [{"output_id": name, "tokens": row.tolist()} for group in groups for name, row in zip(group.names, group.tokens, strict=True)],
    )
    shutil.copytree(run.recording.folder, temporary / "run")
    (temporary / "README.txt").write_text(README.format(name=world.name, about=world.about), encoding="utf-8")
    temporary.rename(folder)


def read_foreign(path: Path, world: World, groups: Sequence[Outputs]) -> tuple[str, npt.NDArray[np.float64]]:
    """A vendor's method and its scores (outputs, pieces and then canaries). Raises BadInput with every problem of the file."""
    pieces = [piece.name for piece in (*world.pieces, *world.canaries)]
    outputs = [name for group in groups for name in group.names]
    scores = read_scores(path, outputs, pieces)
    columns = {name: number for number, name in enumerate(pieces)}
    values = np.zeros((len(outputs), len(pieces)))
    for row, name in zip(values, outputs, strict=True):
        for piece, value in scores.by_output[name].items():
            row[columns[piece]] = value
    return f"{scores.method} {scores.method_version}", values


def stack(groups: Sequence[Outputs]) -> Tokens:
    """All outputs in one array (outputs, 128), group after group."""
    return np.concatenate([group.tokens for group in groups])


def _write_lines(path: Path, rows: Sequence[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows), encoding="utf-8")
