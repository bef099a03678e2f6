"""The engines behind one seam: `add` recordings, `finish`, `query` excerpts. Resampling is part of each engine's work; decoding is not.

Chromaprint has no public search engine for excerpts, so `BitCodes` is one around it, as well as we can make it; audfprint2 brings its own. Engines that
can't be had by name are not here: Olaf, Panako and quad-based fingerprints have no package in Debian, on PyPI (one name without files) or on npm.
"""

import hashlib
import importlib
import importlib.util
import inspect
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import soxr

Samples = npt.NDArray[np.float32]
PEER_RATE_HZ = 11_025  # both peers work on this rate inside


@dataclass(frozen=True, slots=True)
class Answer:
    """A recording that was heard. `offset_s`: where in it the query begins; `score`: more is surer, on the engine's own scale.

    `false_probability`: how likely the engine says it is that something not in the catalogue gets such an answer; None where it says nothing.
    """

    recording_id: str
    offset_s: float
    score: float
    false_probability: float | None = None


class Engine(Protocol):
    name: str

    def add(self, recording_id: str, samples: Samples, rate_hz: int) -> None: ...

    def finish(self) -> None:
        """After the last `add` and before the first `query`; more may be added later."""

    def query(self, samples: Samples, rate_hz: int) -> list[Answer]:
        """Best first; the order of equal ones is the same in every run."""

    def measure_bytes(self) -> int:
        """What the index takes, without names of recordings."""


class Ours:
    """`ritornello.audio.fingerprint`, with its index in files of a temporary folder. Score: decades of evidence."""

    name = "ritornello"
    peaks_per_second = 20  # what the index keeps, or more
    anything = 0.999  # answers however likely they are by chance: the benchmark draws its own line

    def __init__(self) -> None:
        self.place = tempfile.TemporaryDirectory()
        self.names: dict[str, str] = {}
        self.added: list[tuple[str, Any]] = []

    def add(self, recording_id: str, samples: Samples, rate_hz: int) -> None:
        from ritornello.audio import fingerprint

        sha256 = hashlib.sha256(recording_id.encode()).hexdigest()
        self.names[sha256] = recording_id
        self.added.append((sha256, fingerprint.measure_peaks(soxr.resample(samples, rate_hz, fingerprint.RATE_HZ), self.peaks_per_second)))

    def finish(self) -> None:
        from ritornello.audio import fingerprint

        self.index = fingerprint.FingerprintIndex.open(Path(self.place.name)).add(self.added)
        self.added = []

    def query(self, samples: Samples, rate_hz: int) -> list[Answer]:
        from ritornello.audio import fingerprint

        sound = soxr.resample(samples, rate_hz, fingerprint.RATE_HZ)
        found = fingerprint.find(self.index, sound, false_match_probability=self.anything)
        return [
            Answer(
                self.names[one.asset_sha256],
                (one.asset_start_ms - one.start_ms * one.speed_ppm / 1e6) / 1000,
                one.evidence_millidecades / 1000,
                one.false_match_ppb / 1e9,
            )
            for one in found
        ]

    def measure_bytes(self) -> int:
        return int(self.index.size_bytes)


class BitCodes:
    """Chromaprint's 32 bits for every eighth of a second, searched by both 16-bit halves, alignments ranked by their share of wrong bits.

    A query's frames lie between the catalogue's: it is coded four times, a quarter of a frame apart. Score: minus the share of wrong bits.
    """

    name = "chromaprint"
    step_s = 1365 / PEER_RATE_HZ  # 4096 samples, two thirds of which overlap
    shifts = 4
    candidates = 200
    common = 2000  # codes in more places than this (silence, steady tones) propose no alignment

    def __init__(self) -> None:
        self.codes: list[npt.NDArray[np.uint32]] = []
        self.names: list[str] = []

    def add(self, recording_id: str, samples: Samples, rate_hz: int) -> None:
        self.codes.append(self._encode(soxr.resample(samples, rate_hz, PEER_RATE_HZ)))
        self.names.append(recording_id)

    def finish(self) -> None:
        self.all = np.concatenate(self.codes)
        self.ends = np.cumsum([len(codes) for codes in self.codes])
        halves = ((self.all >> 16).astype(np.uint16), (self.all & 0xFFFF).astype(np.uint16))
        self.places = [np.argsort(half, kind="stable").astype(np.uint32) for half in halves]
        self.starts = [np.concatenate([[0], np.cumsum(np.bincount(half, minlength=1 << 16))]) for half in halves]

    def query(self, samples: Samples, rate_hz: int) -> list[Answer]:
        sound = soxr.resample(samples, rate_hz, PEER_RATE_HZ)
        best: dict[str, Answer] = {}
        for shift in range(self.shifts):
            late = shift * 1365 // self.shifts
            wanted = self._encode(sound[late:])
            if len(wanted):
                for name, place, wrong in self._align(wanted):
                    if name not in best or -wrong > best[name].score:
                        best[name] = Answer(name, place * self.step_s - late / PEER_RATE_HZ, -wrong)
        return sorted(best.values(), key=lambda answer: (-answer.score, answer.recording_id))

    def measure_bytes(self) -> int:
        return int(self.all.nbytes + sum(places.nbytes for places in self.places) + 2 * 4 * (1 << 16))

    def _encode(self, sound: Samples) -> npt.NDArray[np.uint32]:
        import chromaprint

        printer = chromaprint.Fingerprinter()
        printer.start(PEER_RATE_HZ, 1)
        printer.feed((np.clip(sound, -1, 1) * np.float32(32767)).astype("<i2").tobytes())
        return np.array(chromaprint.decode_fingerprint(printer.finish())[0], dtype=np.uint32)

    def _align(self, wanted: npt.NDArray[np.uint32]) -> list[tuple[str, int, float]]:
        """The best alignment of each recording that any was proposed for: name, first code, share of wrong bits."""
        proposed = []
        for number, code in enumerate(wanted.tolist()):
            for half, starts, places in zip((code >> 16, code & 0xFFFF), self.starts, self.places, strict=True):
                first, last = int(starts[half]), int(starts[half + 1])
                if last - first <= self.common:
                    proposed.append(places[first:last].astype(np.int64) - number)
        if not proposed:
            return []
        lines, votes = np.unique(np.concatenate(proposed), return_counts=True)
        lines = lines[np.argsort(-votes, kind="stable")[: self.candidates]]
        near = np.unique(np.clip(lines, 0, len(self.all) - len(wanted)))
        if len(self.all) < len(wanted):
            return []
        wrong = np.bitwise_count(self.all[near[:, None] + np.arange(len(wanted))] ^ wanted).mean(axis=1) / 32
        owners = np.searchsorted(self.ends, near + len(wanted) // 2, side="right")
        found: dict[int, tuple[str, int, float]] = {}
        for line, share, owner in sorted(zip(near.tolist(), wrong.tolist(), owners.tolist(), strict=True), key=lambda one: one[1]):
            start = int(self.ends[owner - 1]) if owner else 0
            found.setdefault(owner, (self.names[owner], line - start, share))
        return list(found.values())


class Landmarks:
    """audfprint2 (Ellis's landmark hashes) with its command line's settings: 20 hashes a second, 20 bits, four shifts in queries.

    Two things differ. The largest time is 25 minutes: with its six, longer recordings overlay themselves. It answers from two hashes in line on instead of
    six: the benchmark draws its own line, and this finds more. Score: hashes in line.
    """

    name = "audfprint2"

    def __init__(self) -> None:
        from audfprint2.cli import setup_analyzer, setup_matcher
        from audfprint2.core.hash_table import HashTable

        random.seed(0)  # full buckets drop entries by chance
        self.table: Any = HashTable(hashbits=20, depth=100, maxtime=1 << 16)
        self.writer, self.reader = (setup_analyzer(20.0, match, 5, 3, 30.0, 0, PEER_RATE_HZ, False, None) for match in (False, True))
        self.matcher = setup_matcher(2, 100, 1, 1, False, False, 0.05, False, False, False)

    def add(self, recording_id: str, samples: Samples, rate_hz: int) -> None:
        self.table.store(recording_id, self._hash(self.writer, soxr.resample(samples, rate_hz, PEER_RATE_HZ)).tolist())

    def finish(self) -> None:
        pass

    def query(self, samples: Samples, rate_hz: int) -> list[Answer]:
        hashes = self._hash(self.reader, soxr.resample(samples, rate_hz, PEER_RATE_HZ))
        step_s = self.reader.n_hop / PEER_RATE_HZ
        found: Any = self.matcher.match_hashes(self.table, hashes) if len(hashes) else []
        answers = [Answer(str(self.table.names[row[0]]), float(row[2]) * step_s, float(row[1])) for row in found]
        return sorted(answers, key=lambda answer: (-answer.score, answer.recording_id, answer.offset_s))

    def measure_bytes(self) -> int:
        """Four bytes an entry; the table in memory is larger (400 MB however little it holds)."""
        return 4 * int(np.minimum(self.table.counts, self.table.depth).sum())

    def _hash(self, analyzer: Any, sound: Samples) -> npt.NDArray[np.int32]:
        """As `Analyzer.wavfile2hashes`, from samples instead of a file."""
        from audfprint2.core.analyzer import landmarks2hashes

        shifted = [sound[int(shift / analyzer.shifts * analyzer.n_hop) :] for shift in range(analyzer.shifts)]
        hashes = [landmarks2hashes(analyzer.peaks2landmarks(analyzer.find_peaks(part, PEER_RATE_HZ))) for part in shifted]
        unique: npt.NDArray[np.int32] = np.unique(np.concatenate(hashes), axis=0).astype(np.int32)
        return unique


OURS = "ritornello.audio.fingerprint"
MAKERS: dict[str, tuple[Callable[[], Engine], str, str]] = {
    "ritornello": (Ours, OURS, "this program's fingerprints"),
    "chromaprint": (BitCodes, "chromaprint", "the extra `iscc` and the system's library (Debian: libchromaprint1)"),
    "audfprint2": (Landmarks, "audfprint2", "pip install audfprint2"),
}


def read_code(name: str) -> str:
    """The code whose change makes kept answers worthless: what is above, and our own engine."""
    maker: Any = MAKERS[name][0]
    ours = sorted(Path(str(importlib.import_module(OURS).__file__)).parent.glob("*.py")) if name == "ritornello" else []
    return inspect.getsource(maker) + "".join(path.read_text() for path in ours)


def find_engines(names: list[str]) -> tuple[dict[str, Callable[[], Engine]], list[str]]:
    """Makers of those that are installed, and a line for each that is not."""
    there, missing = {}, []
    for name in names:
        maker, module, advice = MAKERS[name]
        try:
            found = importlib.util.find_spec(module) is not None and importlib.import_module(module) is not None
        except (ImportError, OSError):
            found = False
        if found:
            there[name] = maker
        else:
            missing.append(f"{name} is left out: it needs {advice}")
    return there, missing
