"""The demo's portable catalogue: 28 public-domain tunes, rendered without network, in the same shape as the real one.

Its musicians, labels and publishers are invented (docs/demo-catalogue.md). The same versions of the libraries give the same files.
"""

import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import mutagen.flac
import numpy as np
import soundfile
from numpy.typing import NDArray

from ritornello.demo.sheets import read_table, write_spreadsheets
from ritornello.demo.synthesiser import RATE_HZ, Note, Samples, add_room, perform
from ritornello.demo.tunes import Style, arrange, read_tune

# Which recordings and parties play which part in the demo; `real_catalogue` has the same names.
LICENSEE = "Example Mosaic Audio"
CONTROL = "tam-glen"  # nobody grants it: never trained on, so weight that falls on it is error
WITHDRAWN_LATER_RECORDING, WITHDRAWN_LATER_PARTY = "fare-you-well", "ada-example"
GAP = "southern-breeze"  # publishing totals 80 % from the start
OVERCLAIM = "trafalgar"  # master totals 110 % from the start
LATE_GAP = "peach-blossom"  # publishing totals 75 % from July 2026 on, once claims-late.csv is in
LATE_OVERCLAIM = "boyne-hunt"  # master totals 110 %, once claims-late.csv is in
SILENT_PARTY = "example-session-hanna"  # never answers
MISSING_ONE = ("molly-mcguire", "pleasures-of-home", "tenth-of-june")  # each lacks exactly one co-writer's grant
STEMS_GRANTED, STEMS_SILENT = "amazon", "ranting-highlandman"  # consent to a recording is no consent to its stems
UNPAYABLE_PARTY = "dag-example"  # earns, but has no payout account
SHOWN_PARTY = "example-session-astrid"  # whose statement the demo opens

SHORTEST_S, LONGEST_S = 45.0, 60.0
FULL_SCALE = 29_000  # of 32,768: the loudest sample of every recording
FADE_S = 1.5


def build(folder: Path, progress: Callable[[str], None], only: Iterable[str] | None = None) -> None:
    """Fill `folder` with `audio/` (22,050 Hz mono 16-bit FLAC, 45–60 s each, tagged) and the spreadsheets.

    `only` renders a few recordings and writes no spreadsheets.
    """
    tunes = read_table("portable-tunes")
    chosen = tunes if only is None else [row for row in tunes if row["recording_id"] in set(only)]
    for number, row in enumerate(chosen, 1):
        progress(f"rendering {row['title']} ({number}/{len(chosen)})")
        _render(row, folder / "audio")
    if only is None:
        write_spreadsheets("portable", list_assets(), folder)


def list_assets() -> list[dict[str, str]]:
    """The rows of recordings.csv."""
    return [asset for row in read_table("portable-tunes") for asset in _list_assets(row)]


def _render(row: Mapping[str, str], audio: Path) -> None:
    """Play one tune; where stems are kept, the recording is exactly their sum."""
    tune = read_tune(row["source"], int(row["number"]) if row["number"] else None)
    style = Style(float(row["beats_per_minute"]), int(row["transpose"]), row["pattern"], row["drums"])
    melody, under, length_s = arrange(tune, style, SHORTEST_S, LONGEST_S)
    seed = zlib.crc32(row["recording_id"].encode())
    room = float(row["room"])
    parts = [_play(melody, row["voice"], length_s, seed, room), _play(under, row["under"], length_s, seed + 1, room)]
    gain = FULL_SCALE / float(np.abs(parts[0] + parts[1]).max())
    stems = [np.rint(part * np.float32(gain)).astype(np.int16) for part in parts]
    sums = [stems[0] + stems[1], *stems]
    for asset, pcm in zip(_list_assets(row), sums, strict=False):
        _write(audio / asset["file"], pcm, row["title"] + (f" ({asset['label']})" if asset["label"] else ""), row["artist"])


def _play(notes: list[Note], voice: str, length_s: float, seed: int, room: float) -> Samples:
    part = add_room(perform(notes, voice, length_s, seed), room)
    fade = round(FADE_S * RATE_HZ)
    part[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return part


def _list_assets(row: Mapping[str, str]) -> list[dict[str, str]]:
    """Rows of recordings.csv: the recording, then its stems if it keeps any. Title and artist are left to the tags."""
    work = {"work_id": row["work_id"], "work_title": row["work_title"]}
    base = {"recording_id": row["recording_id"], "work_id": "", "work_title": ""}
    assets = [{**base, **work, "file": f"{row['artist']}/{row['recording_id']}.flac", "kind": "recording", "label": ""}]
    for label in row["stems"].split():
        assets.append({**base, "file": f"{row['artist']}/stems/{row['recording_id']}-{label}.flac", "kind": "stem", "label": label})
    return assets


def _write(path: Path, pcm: NDArray[np.int16], title: str, artist: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, pcm, RATE_HZ, format="FLAC", subtype="PCM_16")
    tags = mutagen.flac.FLAC(path)
    tags["title"], tags["artist"] = title, artist
    tags.save()
