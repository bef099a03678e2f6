"""Listening to outputs: which passages of the recordings that a model may have used are in them. What was heard is kept as it is made, so that nothing is heard twice.

Nothing here needs the database. What is kept lies in the home, named by the method, the recordings listened for and the output's own hash: new outputs alone are heard
when a model is attributed again, and a run that was interrupted goes on where it was.
"""

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log2
from pathlib import Path
from typing import Any

import numpy as np

from ritornello.attribution import audible, similarity
from ritornello.attribution.catalogue import Catalogue, Packed, build, pack
from ritornello.attribution.spectra import measure_spectra
from ritornello.attribution.witnesses import FINGERPRINT, SPECTRA, Passage, join, measure_coverage, unite
from ritornello.audio.decode import UnreadableAudio, read_blocks, read_mono
from ritornello.audio.fingerprint import RATE_HZ, FingerprintIndex, Peaks, find_in_blocks, measure_blocks
from ritornello.audio.fingerprint.segment import PEAKS_PER_SECOND, make_segment
from ritornello.domain.errors import Refused
from ritornello.formats.attribution_evidence import encode_output
from ritornello.formats.canonical import encode, hash_file, write_atomically

METHOD, METHOD_VERSION = "audible-evidence", "1"
METHODS = {METHOD: METHOD_VERSION, similarity.METHOD: similarity.METHOD_VERSION}
LEFT_MS = 1_000  # of an output that spectra must leave unexplained before fingerprints are asked


@dataclass(frozen=True, slots=True)
class Source:
    """An asset that is listened for."""

    recording_id: str
    sha256: str
    path: Path


@dataclass(frozen=True)
class Listener:
    """A method and what it listens for; `folder` keeps what was heard. Raises Refused where a file isn't what was registered."""

    method: str
    sources: tuple[Source, ...]
    folder: Path
    tell: Callable[[str], None]

    @cached_property
    def key(self) -> str:
        """The SHA-256 of the method and of all that it listens for: the same key, output and code give the same evidence."""
        sources = [[one.recording_id, one.sha256] for one in self.sources]
        return hashlib.sha256(encode({"method": self.method, "version": METHODS[self.method], "sources": sources})).hexdigest()

    def hear_output(self, output_id: str, path: Path, sha256: str, duration_ms: int) -> bytes:
        """The evidence line of an output, from what is kept or anew. What can't be read as sound has no passages, and says why."""
        kept = self.folder / self.key[:16] / f"{sha256}.json"
        if not kept.exists():
            check_unchanged(path, sha256, output_id)
            write_atomically(kept, self._listen(path, sha256, duration_ms))
        line: dict[str, Any] = json.loads(kept.read_bytes())
        return encode(line | {"output_id": output_id})

    def _listen(self, path: Path, sha256: str, duration_ms: int) -> bytes:
        try:
            passages = self.hear(path, duration_ms)
        except UnreadableAudio as error:
            return encode_output("", sha256, duration_ms, 0, (), error.what)
        return encode_output("", sha256, duration_ms, measure_coverage(passages, duration_ms), passages, None)

    def hear(self, path: Path, duration_ms: int) -> tuple[Passage, ...]:
        """The passages of a sound file. Raises UnreadableAudio."""
        if self.method == similarity.METHOD:
            samples = read_mono(path, rate_hz=self._patches.settings.rate_hz)
            return join((_from_match(one) for one in similarity.attribute(self._patches, samples)), ())
        blocks = read_blocks(path, rate_hz=self._catalogue.settings.rate_hz)
        by_spectra = [_from_sounding(one) for one in audible.hear_in_blocks(self._catalogue, blocks)]
        explained_ms = sum(end - start for start, end in unite((one.start_ms, one.end_ms) for one in by_spectra))
        if duration_ms - explained_ms < LEFT_MS:
            return join(by_spectra, ())
        return join(by_spectra, self._recognise(path))

    def _recognise(self, path: Path) -> Iterator[Passage]:
        recording_of = {one.sha256: one.recording_id for one in self.sources}
        for one in find_in_blocks(self._fingerprints, read_blocks(path, rate_hz=RATE_HZ)):
            times = one.start_ms, one.end_ms, one.asset_start_ms, one.asset_end_ms
            recording_id = recording_of[one.asset_sha256]
            yield Passage(FINGERPRINT, recording_id, *times, one.speed_ppm, one.pitch_cents, None, one.false_match_ppb)

    @cached_property
    def _patches(self) -> similarity.Index:
        settings = similarity.SimilaritySettings()
        return similarity.cache((one.recording_id, read_mono(path, rate_hz=settings.rate_hz)) for one, path in self._read_sources())

    @cached_property
    def _catalogue(self) -> Catalogue:
        return build(((one.recording_id, heard[0]) for one, heard in self._heard), audible.SETTINGS)

    @cached_property
    def _fingerprints(self) -> FingerprintIndex:
        by_sha256 = {one.sha256: heard[1] for one, heard in self._heard}
        return FingerprintIndex(self.folder, (), (make_segment(sorted(by_sha256.items())),), frozenset())

    @cached_property
    def _heard(self) -> "list[tuple[Source, tuple[Packed, Peaks]]]":
        return [(one, self._hear_source(one, path)) for one, path in self._read_sources()]

    def _read_sources(self) -> Iterator[tuple[Source, Path]]:
        for number, one in enumerate(self.sources, 1):
            self.tell(f"listening to recordings {number}/{len(self.sources)}")
            check_unchanged(one.path, one.sha256, one.recording_id)
            yield one, one.path

    def _hear_source(self, source: Source, path: Path) -> tuple[Packed, Peaks]:
        """The spectra and peaks of an asset, kept for the next time."""
        kept = self.folder / "sources" / source.sha256[:2] / f"{source.sha256[2:]}.npz"
        if not kept.exists():
            settings = audible.SETTINGS
            packed = pack(measure_spectra(read_mono(path, rate_hz=settings.rate_hz), settings))
            peaks = measure_blocks(read_blocks(path, rate_hz=RATE_HZ), PEAKS_PER_SECOND)
            write_atomically(kept, _to_bytes(packed, peaks))
        return _from_bytes(kept.read_bytes())


def check_unchanged(path: Path, sha256: str, name: str) -> None:
    """Raises Refused where a file is gone or differs from what was registered."""
    if not path.is_file() or hash_file(path) != sha256:
        what = f"the file of {name} at {path} is gone or has changed since it was registered"
        raise Refused("file_changed", what, "restore the original")


def choose_method(name: str | None) -> str:
    """The method by that name, or the one used where none is named. Raises Refused."""
    if name is not None and name not in METHODS:
        raise Refused("unknown_method", f"there is no method {name!r}", f"choose one of: {', '.join(METHODS)}")
    return name or METHOD


def sort_sources(sources: Sequence[Source]) -> tuple[Source, ...]:
    """In the order in which methods number them."""
    return tuple(sorted(sources, key=lambda one: (one.recording_id, one.sha256)))


def _from_match(one: similarity.Match) -> Passage:
    source_end_ms = one.source_start_ms + one.end_ms - one.start_ms
    return Passage(
        SPECTRA, one.recording_id, one.start_ms, one.end_ms, one.source_start_ms, source_end_ms, 1_000_000, 0, one.score_ppm, None
    )


def _from_sounding(one: audible.Sounding) -> Passage:
    cents = round(1200 * log2(one.speed_ppm / 1_000_000))
    times = one.start_ms, one.end_ms, one.source_start_ms, one.source_end_ms
    return Passage(SPECTRA, one.recording_id, *times, one.speed_ppm, cents, one.score_ppm, None)


def _to_bytes(packed: Packed, peaks: Peaks) -> bytes:
    file = io.BytesIO()
    arrays: dict[str, Any] = {
        "bands": packed.bands,
        "audible": np.packbits(packed.audible),
        "frames": peaks.frames,
        "pitches": peaks.pitches,
    }
    np.savez_compressed(file, allow_pickle=False, strengths=peaks.strengths, length=np.array(peaks.length), **arrays)
    return file.getvalue()


def _from_bytes(content: bytes) -> tuple[Packed, Peaks]:
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        held = {name: archive[name] for name in archive.files}
    audible_rows = np.unpackbits(held["audible"], count=len(held["bands"])).astype(bool)
    return Packed(held["bands"], audible_rows), Peaks(held["frames"], held["pitches"], held["strengths"], int(held["length"]))
