"""`ritornello canary …`."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from ritornello.cli.frame import FILE, NEW, Frame, pass_frame


@click.group()
def canary() -> None:
    """Marked files that are never released, to test a model that discloses nothing."""


@canary.command()
@click.argument("files", type=FILE, nargs=-1, required=True)
@pass_frame
def register(frame: Frame, files: Sequence[Path]) -> None:
    """Register a batch of sound files; a random half of them is to be used, the others are controls. The log gets salted commitments alone."""
    from ritornello.service import canaries  # here, since its libraries take a while to import

    with frame.context() as context:
        found = canaries.register(context, files)
    text = [f"batch {found[0].batch}: put these where a model may read them, and show the others to nobody:"]
    text += [f"  {one.canary_id}  {one.file}" for one in found if one.used]
    frame.show([asdict(one) for one in found], "\n".join(text))


@canary.command("list")
@pass_frame
def list_(frame: Frame) -> None:
    """All canaries with their roles: keep it to yourself."""
    from ritornello.service import canaries

    with frame.context() as context:
        found = canaries.list_all(context)
    text = [f"{one.canary_id}  batch {one.batch:<4} {'used' if one.used else 'control':<8} {one.sha256[:16]}  {one.file}" for one in found]
    frame.show([asdict(one) for one in found], "\n".join(text) or "none yet")


@canary.command()
@click.argument("scores", type=FILE)
@click.option("--lower", is_flag=True, help="A model that has read a canary scores it lower, as with a loss. Default: higher.")
@click.option("--out", type=NEW, help="File for the record of the test, with every commitment opened.")
@pass_frame
def test(frame: Frame, scores: Path, lower: bool, out: Path | None) -> None:
    """Test a batch with SCORES, a sheet with the columns canary_id and score: what the tester measured of every canary of the batch."""
    from ritornello.service import canaries

    with frame.context() as context:
        result = canaries.test(context, scores, lower=lower, out=out)
    text = (
        f"batch {result['batch']}: {result['used']} used, {result['unused']} controls; a used one stands above a control in {result['better']:.1%} of all pairs\n"
        f"p = {result['p_value']:.2g} ({result['method']} rank test; no less than {result['least_p_value']:.2g} is possible with so many)\n"
        "If the model never read the used canaries, scores as far apart come up with no more than this probability. Report every test that was made."
    )
    frame.show(result, text)


@canary.command()
@click.option("--canaries", type=click.IntRange(8, 2000), default=40, show_default=True, help="Of a batch; half of them used.")
@click.option("--trials", type=click.IntRange(1, 100_000), default=200, show_default=True)
@click.option(
    "--shift",
    type=float,
    default=0.0,
    show_default=True,
    help="How much higher used ones score, in interquartile ranges. 0: the model never saw one.",
)
@click.option("--seed", type=int, default=1, show_default=True)
@pass_frame
def trials(frame: Frame, canaries: int, trials: int, shift: float, seed: int) -> None:
    """How often the test alarms on simulated models, with intervals: those that never saw a canary, or, with --shift, those that did. Needs no home."""
    from ritornello.attribution.rank_test import simulate_trials

    rates = simulate_trials(canaries // 2, canaries - canaries // 2, trials, shift, seed)
    what = "false alarms" if shift == 0 else "alarms"
    text = [
        f"p ≤ {one.level:g}: {one.alarms} {what} in {one.trials} trials: {one.alarms / one.trials:.1%} (95 % interval {one.low:.1%} to {one.high:.1%})"
        for one in rates
    ]
    frame.show([asdict(one) for one in rates], "\n".join(text))
