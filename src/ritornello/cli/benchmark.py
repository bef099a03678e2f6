"""`ritornello benchmark …`."""

from collections.abc import Sequence
from pathlib import Path

import click

from ritornello.cli.frame import FILE, FOLDER, NEW, Frame, pass_frame
from ritornello.domain.errors import Refused
from ritornello.settings import read_settings


@click.group()
def benchmark() -> None:
    """Measurements that anybody can make again."""


@benchmark.command()
@click.argument("folder", type=NEW)
@click.option("--quick", is_flag=True, help="Fewer models trained again and fewer outputs: minutes instead of hours, and wider intervals.")
@click.option("--subsets", type=click.IntRange(4, 4096), help="Random halves to train on again. [128, quick 24]")
@click.option("--seeds", type=click.IntRange(2, 64), help="Models for each half: more lower the noise of the truth. [2]")
@click.option(
    "--world",
    "half",
    type=click.Choice(["report", "tune"]),
    default="report",
    show_default=True,
    help="Choose settings on `tune`; figures to show come from `report`, which shares no piece with it.",
)
@click.option(
    "--scores", type=FILE, multiple=True, help="Scores of another method (docs/formats/attribution-scores.md), rated in the same tables."
)
@click.option("--export-outputs", type=NEW, help="Write what a vendor needs to score the outputs into a new folder, and stop.")
@click.option(
    "--recordings",
    type=FOLDER,
    help="Folder with a folder of recordings for each catalogue: the same tables on sound, in place of the notes.",
)
@click.option("--audio", type=FOLDER, help="Folder of recordings, for the part on sound; without it that part is left out.")
@click.option("--maestro", type=FOLDER, help="Folder of dattri's MAESTRO benchmark.")
@click.option("--maestro-scores", type=FILE, multiple=True, help="Scores (training, test) for it, as .npy or .pt.")
@pass_frame
def attribution(
    frame: Frame,
    folder: Path,
    quick: bool,
    subsets: int | None,
    seeds: int | None,
    half: str,
    scores: Sequence[Path],
    export_outputs: Path | None,
    recordings: Path | None,
    audio: Path | None,
    maestro: Path | None,
    maestro_scores: Sequence[Path],
) -> None:
    """Rate methods of attribution by training again, in FOLDER. A run that was interrupted goes on where it stopped, and more subsets or seeds may be asked for later."""
    try:
        from ritornello.benchmark import command
    except ImportError as error:
        raise Refused("needs_extra", f"the benchmark needs {error.name}", "pip install 'ritornello[torch,demo,peers]'") from error
    plan = command.choose_plan(quick, subsets, seeds)
    cache = read_settings().cache / "benchmark"
    if export_outputs:
        command.export(folder, half, plan, cache, export_outputs, recordings)
        frame.show(
            {"folder": str(export_outputs)}, f"{export_outputs} holds outputs, pieces and the run; nothing in it tells the truth about them"
        )
        return
    report, text = command.run(folder, half, plan, cache, scores, recordings, audio, maestro, maestro_scores, frame.tell)
    frame.clear()
    frame.show(report, text)
