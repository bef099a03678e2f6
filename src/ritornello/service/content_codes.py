"""Content codes (ISCC, ISO 24138) of assets: an optional key beside hashes and ISRCs. Computed when asked for, kept, looked up, written as a sheet."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from ritornello.audio.decode import UnreadableAudio
from ritornello.domain.catalogue import Asset, ContentCodes
from ritornello.domain.errors import BadInput, Problem, Refused
from ritornello.formats.canonical import hash_file
from ritornello.formats.statement_files import harmless
from ritornello.service.context import Context
from ritornello.store import catalogue
from ritornello.store.content_codes import read_codes, write_codes

COLUMNS = ("recording_id", "asset_id", "kind", "label", "isrc", "iscc", "audio", "data", "instance")


@dataclass(slots=True)
class Computed:
    """What a call did."""

    assets: int = 0
    without_audio: int = 0  # too short, or no Chromaprint
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Match:
    """An asset with a code like the one looked for: bits that differ of 64, None where one of the two has no such unit."""

    asset_id: str
    recording_id: str
    iscc: str
    same_file: bool
    data_bits: int | None
    audio_bits: int | None


def find_missing(context: Context, recordings: Sequence[str] = (), *, again: bool = False) -> list[Asset]:
    """Assets without a code (or all, `again`), of these recordings or of all. Raises Refused for a recording that nobody knows."""
    known = catalogue.read_recordings(context.connection)
    for recording_id in recordings:
        if recording_id not in known:
            raise Refused("unknown_recording", f"there is no recording {recording_id!r}", "see `ritornello catalogue show`")
    coded = set() if again else set(read_codes(context.connection))
    assets = [one for one in catalogue.read_assets(context.connection).values() if one.asset_id not in coded]
    return sorted(
        (one for one in assets if not recordings or one.recording_id in recordings), key=lambda one: (one.recording_id, one.asset_id)
    )


def compute(context: Context, assets: Sequence[Asset]) -> Computed:
    """Compute and keep the codes of assets. A file that is gone, changed or unreadable is a problem; the others are kept."""
    library = _library()
    paths, found, result = catalogue.read_asset_paths(context.connection), dict[str, ContentCodes](), Computed()
    for asset in assets:
        path = paths[asset.asset_id]
        try:
            if f"sha256:{hash_file(path)}" != asset.asset_id:
                raise UnreadableAudio("has changed since it was imported", "restore the original")
            found[asset.asset_id] = library.compute(path)
        except UnreadableAudio as error:
            result.problems.append(Problem(asset.file, None, None, error.what, error.todo))
        except OSError as error:
            what, todo = f"can't be read: {error.strerror or error}", "put the file back where it was imported from"
            result.problems.append(Problem(asset.file, None, None, what, todo))
    write_codes(context.connection, found)
    result.assets, result.without_audio = len(found), sum(codes.audio is None for codes in found.values())
    return result


def find(context: Context, wanted: str | Path, within: int) -> list[Match]:
    """Assets whose code is like a given one (an ISCC or a single unit), or like that of a file: the same file first, then by bits that differ.

    `within` is how many of the 64 bits of Data-Code or Audio-Code may differ. Raises BadInput for what is no ISCC and no sound.
    """
    library = _library()
    try:
        sought = library.split(library.compute(wanted).iscc if isinstance(wanted, Path) else wanted)
    except UnreadableAudio as error:
        raise BadInput([Problem(str(wanted), None, None, error.what, error.todo)]) from None
    except ValueError as error:
        raise BadInput([Problem(str(wanted)[:80], None, None, f"is no ISCC: {error}", "write it as ISCC:…, or name a file")]) from None
    if not sought:
        raise BadInput([Problem(str(wanted)[:80], None, None, "has no Audio-Code, Data-Code or Instance-Code", "give one that has")])
    recordings = {asset.asset_id: asset.recording_id for asset in catalogue.read_assets(context.connection).values()}
    matches = []
    for asset_id, codes in read_codes(context.connection).items():
        same = "instance" in sought and library.distance(codes.instance, sought["instance"]) == 0
        data = library.distance(codes.data, sought["data"]) if "data" in sought else None
        audio = library.distance(codes.audio, sought["audio"]) if "audio" in sought and codes.audio else None
        if same or any(bits is not None and bits <= within for bits in (data, audio)):
            matches.append(Match(asset_id, recordings[asset_id], codes.iscc, same, data, audio))
    return sorted(matches, key=lambda one: (not one.same_file, _least(one), one.recording_id, one.asset_id))


def write_sheet(context: Context) -> tuple[bytes, int]:
    """Every asset that has a code as a CSV file (docs/formats/content-codes.md), and how many."""
    assets, recordings = catalogue.read_assets(context.connection), catalogue.read_recordings(context.connection)
    text, rows = io.StringIO(), []
    for asset_id, codes in read_codes(context.connection).items():
        asset = assets[asset_id]
        isrc = recordings[asset.recording_id].isrc if asset.kind == "recording" else None
        rows.append((asset.recording_id, asset_id, asset.kind, asset.label, isrc or "", *(value or "" for value in asdict(codes).values())))
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([harmless(cell) for cell in row] for row in sorted(rows))
    return text.getvalue().encode(), len(rows)


def _least(match: Match) -> int:
    return min(bits for bits in (match.data_bits, match.audio_bits, 64) if bits is not None)


def _library() -> ModuleType:
    """audio/iscc.py. Raises Refused without the extra `iscc`."""
    if find_spec("iscc_lib") is None:
        raise Refused("needs_extra", "content codes need the extra `iscc`", "pip install 'ritornello[iscc]'")
    from ritornello.audio import iscc  # here, since it needs the extra

    return iscc
