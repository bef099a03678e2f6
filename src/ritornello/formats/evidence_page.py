"""The evidence pack of one right holder: a page that needs nothing but itself, and the same for programs (docs/formats/audit.md)."""

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from babel.dates import format_date
from jinja2 import Environment, PackageLoader, StrictUndefined

from ritornello.domain.splits import format_share
from ritornello.formats.passage_words import describe_bend, describe_chance, describe_time

STATES = {
    "licensed": "licensed",
    "agreed": "agreed, not delivered",
    "withdrawn": "consent withdrawn",
    "held": "on hold",
    "no_consent": "no consent on record",
}
HOW = {
    "same_file": "the same file",
    "heard": "heard",
    "listed_hash": "its hash is in a list",
    "listed_isrc": "its ISRC is in a list",
}
Clips = Mapping[int, tuple[bytes, Sequence[int]]]  # number of a clip → MP3, shape in percent


def render_evidence(pack: Mapping[str, Any], clips: Clips) -> bytes:
    """The page of an evidence.json; sounds lie inside of it, as do the waveforms. It asks for nothing from anywhere."""
    environment = Environment(
        loader=PackageLoader("ritornello.formats"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(
        time=describe_time, chance=describe_chance, day=_show_day, moment=_show_moment, share=format_share, path=_draw, bend=_show_bend
    )
    sounds = {number: "data:audio/mpeg;base64," + base64.b64encode(data).decode() for number, (data, _) in clips.items()}
    shapes = {number: shape for number, (_, shape) in clips.items()}
    template = environment.get_template("evidence.html")
    return template.render(pack=pack, sounds=sounds, shapes=shapes, states=STATES, how=HOW).encode()


def _draw(shape: Sequence[int]) -> str:
    """A waveform as an SVG path: one bar for each value, in a box of 100 by two for each."""
    return "".join(f"M{2 * place + 1} {50 - max(value, 1) / 2:g}v{max(value, 1):g}" for place, value in enumerate(shape))


def _show_bend(times: Mapping[str, Any]) -> str:
    return describe_bend(times["speed_ppm"], times["pitch_cents"]) or "at its own speed and pitch"


def _show_day(text: str) -> str:
    return str(format_date(date.fromisoformat(text), "d MMMM y", locale="en"))


def _show_moment(at_us: int) -> str:
    return f"{datetime.fromtimestamp(at_us // 1_000_000, UTC):%Y-%m-%d %H:%M:%S} UTC"
