"""Fonts for PDFs: Noto Sans for Latin, Greek and Cyrillic, its sisters for 18 other scripts, and whatever fonts somebody brings for more.

What no font can draw is written as `[U+6771]`, so that a name is never silently wrong.
"""

import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from fontTools.ttLib import TTFont, TTLibError
from fpdf import FPDF

from ritornello.domain.errors import Refused

BASE = "NotoSans[wght].ttf"
_NOT_FOR_NAMES = {BASE, "NotoSans-Italic[wght].ttf", "NotoEmoji[wght].ttf"}
_PLAIN = re.compile("[\u0000-\u02ff\u0370-\u058f\u1e00-\u1fff\u2010-\u22ff]*")
_UNSEEN = {"\u200c", "\u200d", "\u200e", "\u200f"}  # joiners and direction marks: they shape others


@dataclass(frozen=True, slots=True)
class Fonts:
    """The fonts that one document needs, and the characters that none of them has."""

    fallbacks: tuple[Path, ...]
    undrawable: frozenset[str]

    def drawable(self, text: str) -> str:
        """The text with what can't be drawn written as its code point."""
        if not self.undrawable.intersection(text):
            return text
        return "".join(f"[U+{ord(character):04X}]" if character in self.undrawable else character for character in text)

    def load_into(self, pdf: FPDF) -> None:
        """Register the fonts as family `text`, with the others behind it. (No bold: cutting one from a variable font takes seconds.)"""
        pdf.add_font("text", "", str(_packaged() / BASE))
        for number, path in enumerate(self.fallbacks):
            pdf.add_font(f"more{number}", "", str(path))
        pdf.set_fallback_fonts([f"more{number}" for number in range(len(self.fallbacks))], exact_match=False)


def needs_shaping(text: str) -> bool:
    """Whether letters join, stack or run from right to left; Latin, Greek and Cyrillic without loose accents don't."""
    return not _PLAIN.fullmatch(text)


def choose_fonts(texts: Iterable[str], more: Sequence[Path] = ()) -> Fonts:
    """Fonts for these texts; `more`: font files to look into after those that came with the program. Raises Refused for one that is none."""
    missing = {character for text in texts for character in text} - _characters(_packaged() / BASE) - _UNSEEN
    fallbacks = []
    packaged = sorted(path for path in _packaged().glob("*.ttf") if path.name not in _NOT_FOR_NAMES)
    for path in [*packaged, *more]:
        if not missing:
            break
        if found := missing & _characters(path):
            fallbacks.append(path)
            missing -= found
    return Fonts(tuple(fallbacks), frozenset(missing))


def list_fonts(folder: Path) -> list[Path]:
    """Font files in a folder, by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in {".ttf", ".otf"})


@lru_cache(maxsize=64)
def _characters(path: Path) -> frozenset[str]:
    try:
        with TTFont(path, lazy=True) as font:
            return frozenset(map(chr, font.getBestCmap() or ()))
    except (TTLibError, OSError, KeyError, ValueError, struct.error):
        raise Refused("bad_font", f"{path.name} is no TrueType or OpenType font", "take it out of the folder") from None


def _packaged() -> Path:
    return Path(str(files("manimgx_fonts")))
