"""The demo's real catalogue: 31 recordings of eight credited parties, from seven Debian packages (docs/demo-catalogue.md).

Packages are fetched by name into a cache, believed only when their SHA-256 is the pinned one, and unpacked there; nothing is installed.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from ritornello.demo.debian import CatalogueUnavailable, Package, fetch_packages
from ritornello.demo.sheets import read_table, write_spreadsheets

__all__ = ["CatalogueUnavailable", "fetch"]

PACKAGES = (
    Package("fretsonfire-songs-muldjord", "2.dfsg-2.1", "b37adf8b08b46d4182c283e760e4f40622d83674e05803960ea1e11a92600c7b"),
    Package("davegnukem-data", "1.0.3-4", "b2118e89856e8721adbdc4e420c50539862fc6c295959b09cadd66385499e6c1"),
    Package("amoebax-data", "0.2.1+dfsg-6", "e7bc4d55ad15e20decc44f67819c109c42935f2173ed39926aeb3ec502642009"),
    Package("adonthell-data", "0.3.8-1", "2312e765b35668ba18f7f9b4cd75e8cad03e509ef1033bad7c37568cb1353adc"),
    Package("wizznic-data", "0.9.9+dfsg-1", "baac2b7588b7474723ae534ac163023d00d2127fc3832c19f6ab105812149457"),
    Package("zaz-data", "1.0.1-1", "71f4ad06474e7015e532441e16ed55fd516081a44226afb837fb9a32eea89ee7"),
    Package("asc-music", "1.3-6", "369f2d396adb8db9003ef73b797d529e284a7764a5ff4b59a50a4c8b9294da5f"),
)

# Which recordings and parties play which part in the demo; `portable_catalogue` has the same names.
LICENSEE = "Example Mosaic Audio"
CONTROL = "travellers"  # nobody grants it: never trained on, so weight that falls on it is error
WITHDRAWN_LATER_RECORDING, WITHDRAWN_LATER_PARTY = "elven-lady", "ada-example"
GAP = "mysteria"  # publishing totals 80 % from the start
OVERCLAIM = "techno-caper"  # master totals 110 % from the start
LATE_GAP = "imperia"  # publishing totals 75 % from July 2026 on, once claims-late.csv is in
LATE_OVERCLAIM = "funky-gameplay"  # master totals 110 %, once claims-late.csv is in
SILENT_PARTY = "paniq"  # never answers
MISSING_ONE = ("8-bit-mayhem", "mr-bones", "smash-it")  # each lacks exactly one co-writer's grant
STEMS_GRANTED, STEMS_SILENT = "armygeddon", "chaos-god"  # consent to a recording is no consent to its stems
UNPAYABLE_PARTY = "dag-example"  # earns, but has no payout account
SHOWN_PARTY = "eric-matyas"  # whose statement the demo opens

# The stems' sum peaks at 2.04 of full scale in the loudest song; one factor for all keeps every mix an exact sum below full scale.
MIX_GAIN = 0.45


def fetch(cache: Path, folder: Path, progress: Callable[[str], None]) -> bool:
    """Fill `folder` with `audio/` and the spreadsheets; returns whether anything had to be downloaded (about 119 MB, once).

    `cache` keeps packages and mixes between runs. Raises CatalogueUnavailable with a plain reason.
    """
    roots, downloaded = fetch_packages(PACKAGES, cache, progress)
    rows = read_table("real-recordings")
    audio = folder / "audio"
    for row in rows:
        target = audio / row["file"]
        target.parent.mkdir(parents=True, exist_ok=True)
        if row["source"] != "mix":
            # A copy, not a link: who edits the demo's files must not edit the cache.
            shutil.copyfile(find_source(roots, row["source"]), target)
            continue
        mixed = cache / f"mixes-{PACKAGES[0].version}-{MIX_GAIN}" / target.name
        if not mixed.is_file():
            progress(f"mixing {target.stem} from its stems")
            stems = [stem for stem in rows if stem["recording_id"] == row["recording_id"] and stem["kind"] == "stem"]
            mix_stems([find_source(roots, stem["source"]) for stem in stems], mixed)
        shutil.copyfile(mixed, target)
    write_spreadsheets("real", rows, folder)
    return downloaded


def find_source(roots: dict[str, Path], source: str) -> Path:
    """The unpacked file that `PACKAGE:PATH` names. Raises CatalogueUnavailable when the package does not hold it."""
    name, _, path = source.partition(":")
    found = roots[name] / path
    if not found.is_file():
        raise CatalogueUnavailable(f"the cache lost {path} of {name}: delete {roots[name]} and try again")
    return found


def mix_stems(stems: list[Path], target: Path) -> None:
    """Write the sum of sample-aligned stems, times MIX_GAIN, as 16-bit FLAC; the same stems give the same bytes.

    Shorter stems end in silence. Raises CatalogueUnavailable when stems differ in rate or channels.
    """
    total, rate_hz = np.zeros((0, 0), dtype=np.float32), 0
    for stem in stems:
        samples, rate = soundfile.read(stem, dtype="float32", always_2d=True)
        if total.size and (rate, samples.shape[1]) != (rate_hz, total.shape[1]):
            raise CatalogueUnavailable(f"{stem.name} does not fit the other stems of {target.stem}")
        length = max(len(total), len(samples))
        mix = np.zeros((length, samples.shape[1]), dtype=np.float32)
        mix[: len(total)] += total if total.size else 0
        mix[: len(samples)] += samples
        total, rate_hz = mix, rate
    pcm = np.clip(np.rint(total * (MIX_GAIN * 32_768)), -32_768, 32_767).astype(np.int16)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as place:
        half = Path(place) / target.name
        soundfile.write(half, pcm, rate_hz, format="FLAC", subtype="PCM_16")
        half.replace(target)
