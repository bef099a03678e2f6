"""`ritornello disclose …`."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from ritornello.cli.frame import FILE, NEW, Frame, pass_frame
from ritornello.formats.disclosures.document import count_of, seconds
from ritornello.service import disclosures as service

_MODELS = click.argument("models", nargs=-1, required=True, metavar="MODEL…")
_PROVIDER = click.option(
    "--provider", type=FILE, required=True, help="What only the developer can say, as TOML (docs/formats/disclosures.md)."
)
_OUT = click.option("--out", type=NEW, required=True, help="New folder for disclosure.json, .html and .md.")


def _of_models(function: Callable[..., None]) -> Callable[..., None]:
    """What every disclosure about models is asked with."""
    return _MODELS(_PROVIDER(_OUT(pass_frame(function))))


@click.group()
def disclose() -> None:
    """What laws and certifiers ask to be told about training; figures are counted from the manifests, twice."""


@disclose.command("eu-summary")
@_of_models
def eu_summary(frame: Frame, models: Sequence[str], provider: Path, out: Path) -> None:
    """The public summary of training content of EU AI Act Article 53(1)(d), by the AI Office's template."""
    _disclose(frame, "eu-training-summary", models, provider, out)


@disclose.command("ab2013")
@_of_models
def ab2013(frame: Frame, models: Sequence[str], provider: Path, out: Path) -> None:
    """California's twelve items about training datasets (Civil Code 3111(a))."""
    _disclose(frame, "california-ab2013", models, provider, out)


@disclose.command("works")
@_of_models
def works(frame: Frame, models: Sequence[str], provider: Path, out: Path) -> None:
    """A notice work by work, as the CLEAR Act (a bill) would have it."""
    _disclose(frame, "work-notice", models, provider, out)


@disclose.command("fairly-trained")
@_of_models
def fairly_trained(frame: Frame, models: Sequence[str], provider: Path, out: Path) -> None:
    """Evidence for Fairly Trained's certification: an index, and the artefacts that its statements name."""
    with frame.context() as context:
        written = service.write_pack(context, models, provider, out)
    _show(frame, written)


@disclose.command("owner")
@click.argument("party")
@_OUT
@pass_frame
def owner(frame: Frame, party: str, out: Path) -> None:
    """What one owner is told: where their recordings were used, with proofs; nothing of anybody else (TRAIN Act style)."""
    with frame.context() as context:
        written = service.write_extract(context, party, out)
    _show(frame, written)


def _disclose(frame: Frame, kind: str, models: Sequence[str], provider: Path, out: Path) -> None:
    with frame.context() as context:
        written = service.disclose(context, kind, models, provider, out)
    _show(frame, written)


def _show(frame: Frame, written: service.Written) -> None:
    held = written.totals["all"]
    text = (
        f"{written.kind} in {written.folder}: {written.answered} answers, {written.not_applicable} not applicable with a reason\n"
        f"{count_of(held['recordings'], 'recording')}, {count_of(held['assets'], 'file')}, {seconds(held['duration_ms'])} s; "
        f"consent to {count_of(held['ended_recordings'], 'recording')} ended since\n"
        f"SHA-256 {written.sha256}, committed to the log"
    )
    frame.show(asdict(written), text)
