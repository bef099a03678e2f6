"""Attribution from evidence alone: which recordings can be heard in an output, without access to the model that made it.

Every half second of the output is looked up among all half seconds of the catalogue; what is found is followed forwards and
backwards at the same offset in the recording, since a copy goes on while an accidental likeness does not. What is not found
stays unattributed. The steps are those of audio copy detection (J. Haitsma and T. Kalker, "A highly robust audio
fingerprinting system", ISMIR 2002), with spectra instead of bits, so that short and crossfaded passages count as well.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ritornello.attribution.index import Index
from ritornello.attribution.patches import describe_patches, make_unit
from ritornello.attribution.settings import SimilaritySettings
from ritornello.attribution.spectra import Spectra, measure_spectra
from ritornello.attribution.trace import Stretch, find_stretches, measure_along

__all__ = ["METHOD", "METHOD_VERSION", "Index", "Match", "Matches", "SimilaritySettings", "attribute", "cache"]

METHOD = "spectral-copy-detection"
METHOD_VERSION = "1"
BLOCK_PATCHES = 8192

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Match:
    """From `start_ms` to `end_ms` the output sounds like the recording from `source_start_ms` on; `score_ppm` is the mean cosine."""

    recording_id: str
    start_ms: int
    end_ms: int
    source_start_ms: int
    score_ppm: int


Matches = tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An asset heard so that frame i of the output is frame `i + shift` of the asset."""

    asset: int
    shift: int


def cache(recordings: Iterable[tuple[str, Floats]], settings: SimilaritySettings | None = None) -> Index:
    """Return the index of `recordings`: pairs of recording id and mono samples (n,) at `settings.rate_hz`.

    An id may come several times, once for each asset (a stem, another take). Raises `ValueError` where there is no recording.
    """
    settings = settings or SimilaritySettings()
    recording_ids, measured = [], []
    for recording_id, samples in recordings:
        recording_ids.append(recording_id)
        measured.append(measure_spectra(samples, settings))
    if not measured:
        raise ValueError("an index needs a recording")
    bands = np.concatenate([spectra.bands for spectra in measured])
    audible = np.concatenate([spectra.audible for spectra in measured])
    heard = bands[audible].astype(np.float64) if audible.any() else np.zeros((1, settings.bands))
    return Index(
        settings=settings,
        recording_ids=tuple(recording_ids),
        asset_starts=np.concatenate([[0], np.cumsum([len(spectra.bands) for spectra in measured])]).astype(np.int64),
        bands=bands,
        audible=audible,
        mean=heard.mean(axis=0).astype(np.float32),
        deviation=np.maximum(heard.std(axis=0), 1.0).astype(np.float32),
    )


def attribute(index: Index, samples: Floats) -> Matches:
    """Return the passages of `samples` (n,), mono at the index's rate, that are found in it; in order of time, never overlapping.

    Two assets of one recording that sound alike count once, since only one candidate is heard at a time.
    """
    settings = index.settings
    output_ms = len(samples) * 1000 // settings.rate_hz
    heard = measure_spectra(samples, settings)
    candidates = _find_candidates(index, heard)
    rows = index.standardise(heard.bands, heard.audible)
    sources = {asset: index.read_asset(asset) for asset in {candidate.asset for candidate in candidates}}
    cosines = [measure_along(rows, sources[found.asset], found.shift, settings.smoothing) * heard.audible for found in candidates]
    stretches = find_stretches(np.array(cosines, dtype=np.float32), settings.threshold, settings.change_cost) if cosines else []
    matches = [_make_match(index, candidates[stretch.candidate], stretch, len(rows), output_ms) for stretch in stretches]
    return tuple(
        match
        for match in matches
        if match.score_ppm >= settings.accept * 1_000_000 and match.end_ms - match.start_ms >= settings.shortest_ms
    )


def _find_candidates(index: Index, heard: Spectra) -> list[_Candidate]:
    """The asset and shift of the best likeness of each looked-up patch in each asset, best first, no more than the limit."""
    settings = index.settings
    rows = index.standardise(heard.bands, heard.audible)
    ours = make_unit(describe_patches(rows, heard.audible, settings.patch_frames)[:: settings.stride], index.patch_deviation)
    best: dict[_Candidate, float] = {}
    for asset, theirs in enumerate(index.patches):
        for first in range(0, len(theirs), BLOCK_PATCHES):
            products = ours @ theirs[first : first + BLOCK_PATCHES].T
            places = products.argmax(axis=1)
            scores = products[np.arange(len(ours)), places]
            for number in np.flatnonzero(scores >= settings.candidate).tolist():
                candidate = _Candidate(asset, first + int(places[number]) - number * settings.stride)
                best[candidate] = max(best.get(candidate, 0.0), float(scores[number]))
    ranked = sorted(best, key=lambda found: (-best[found], found.asset, found.shift))
    return ranked[: settings.candidates_limit]


def _make_match(index: Index, found: _Candidate, stretch: Stretch, frames: int, output_ms: int) -> Match:
    """A stretch in milliseconds: a frame stands for the time from half a hop before its centre to half a hop behind."""
    hop_ms = index.settings.hop * 1000 / index.settings.rate_hz
    start_ms = 0 if stretch.first == 0 else min(output_ms, round((stretch.first - 0.5) * hop_ms))
    end_ms = output_ms if stretch.last == frames else min(output_ms, round((stretch.last - 0.5) * hop_ms))
    source_start_ms = max(0, round(start_ms + found.shift * hop_ms))
    return Match(index.recording_ids[found.asset], start_ms, end_ms, source_start_ms, round(stretch.score * 1_000_000))
