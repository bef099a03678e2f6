"""Audio identity: which recordings of a catalogue sound in a file, from when to when, and how likely that is chance.

A sound is reduced to the peaks of its spectrum (`peaks`). Pairs of neighbouring peaks are looked up (`landmarks`, `segment`, `index`), and what pairs propose is
judged by all peaks along the line on which the recording would lie (`evidence`). After A. Wang, "An industrial-strength audio search algorithm" (ISMIR 2003),
with pitch on a logarithmic axis so that a change of speed, tempo or pitch moves every pair alike (after J. Six and M. Leman, "Panako", ISMIR 2014), and with
evidence measured against the chance that peaks of these pitches and these moments meet anyway. The whole method: docs/identity.md.
"""

from ritornello.audio.fingerprint.find import find, find_in_blocks
from ritornello.audio.fingerprint.index import FingerprintIndex, UnknownIndex
from ritornello.audio.fingerprint.passage import Passage
from ritornello.audio.fingerprint.peaks import RATE_HZ, Peaks, measure_blocks, measure_peaks
from ritornello.audio.fingerprint.segment import IndexedAsset

__all__ = [
    "RATE_HZ",
    "FingerprintIndex",
    "IndexedAsset",
    "Passage",
    "Peaks",
    "UnknownIndex",
    "find",
    "find_in_blocks",
    "measure_blocks",
    "measure_peaks",
]
