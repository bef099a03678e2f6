"""Listening to one item, in a process of its own: its hash first, then its sound."""

import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import parent_process
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ritornello.audio.decode import UnreadableAudio, read_blocks, read_what_is_there
from ritornello.audio.fingerprint import RATE_HZ, FingerprintIndex, Passage, find_in_blocks
from ritornello.formats.canonical import hash_file
from ritornello.formats.training_sets import Item, Spool
from ritornello.formats.training_sets.item import TooLarge
from ritornello.service.extraction.journal import HEARD, IN_PART, NOT_SOUND, REFUSED, SAME_FILE, Lookup, Sound

SOUND_ENDINGS = frozenset(
    "aac ac3 aif aifc aiff alac amr ape au caf dsf flac m4a m4b mka mov mp2 mp3 mp4 mpc oga ogg opus ra tta w64 wav wave webm wma wv".split()
)
FAULTS = (MemoryError, ArithmeticError, LookupError, TypeError, ValueError)
CERTAIN = 1_000_000  # speed of the same file, in ppm


@dataclass(frozen=True, slots=True)
class Setting:
    """What a listening process needs to know."""

    journal: Path
    index: Path
    false_match_probability: float
    spool: Path
    item_limit: int


class Listener:
    """Listens to items, one after the other; never raises for what is wrong with one."""

    def __init__(self, setting: Setting) -> None:
        self.lookup = Lookup(setting.journal)
        self.index = FingerprintIndex.open(setting.index)
        self.probability = setting.false_match_probability
        self.spool = Spool(setting.spool, setting.item_limit)

    def listen(self, item: Item) -> Sound | str:
        """What is heard in an item; only its SHA-256 where that was heard before; `!` and the reason where its bytes can't be had."""
        assert item.source is not None
        try:
            with self.spool.open(item.source) as path:
                sha256 = hash_file(path)
                return sha256 if self.lookup.is_heard(sha256) else self._hear(path, sha256, item.name)
        except (TooLarge, EOFError) as error:
            return f"!{error}"
        except OSError as error:
            return f"!can't be read: {error.strerror or error}"

    def _hear(self, path: Path, sha256: str, name: str) -> Sound:
        length_ms = self.lookup.find_asset(sha256)
        if length_ms is not None:
            return Sound(sha256, SAME_FILE, "", 0, (Passage(sha256, 0, length_ms, 0, length_ms, CERTAIN, 0, 0, 0),))
        try:
            return self._search(read_blocks(path, rate_hz=RATE_HZ), sha256, HEARD, "")
        except UnreadableAudio as error:
            why = error.what
        except FAULTS as error:
            return _fault(sha256, error)
        try:
            return self._search(read_what_is_there(path, rate_hz=RATE_HZ), sha256, IN_PART, why)
        except UnreadableAudio:
            known = name.rpartition(".")[2].lower() in SOUND_ENDINGS
            return Sound(sha256, REFUSED if known or "not audio" not in why else NOT_SOUND, why, 0, ())
        except FAULTS as error:
            return _fault(sha256, error)

    def _search(self, blocks: Iterator[npt.NDArray[np.float32]], sha256: str, outcome: str, detail: str) -> Sound:
        counted = _Counted(blocks)
        passages = find_in_blocks(self.index, counted, bends=True, false_match_probability=self.probability)
        ordered = sorted(passages, key=lambda one: (one.start_ms, one.asset_sha256, one.asset_start_ms))
        return Sound(sha256, outcome, detail, counted.samples * 1000 // RATE_HZ, tuple(ordered))


def _fault(sha256: str, error: Exception) -> Sound:
    why = f"listening failed by a fault of the program ({type(error).__name__}: {str(error)[:200]})"
    return Sound(sha256, REFUSED, why, 0, ())


class _Counted:
    """Blocks, and how many samples they had."""

    def __init__(self, blocks: Iterator[npt.NDArray[np.float32]]) -> None:
        self.blocks, self.samples = blocks, 0

    def __iter__(self) -> Iterator[npt.NDArray[np.float32]]:
        for block in self.blocks:
            self.samples += len(block)
            yield block


_listener: Listener | None = None


def start(setting: Setting) -> None:
    """Make this process a listener. It ends when the one that started it does, however that ended."""
    global _listener
    _listener = Listener(setting)
    parent = parent_process()
    if parent is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it stops it
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123  # decoders complain there about what they are given
            os.dup2(nowhere.fileno(), 2)

        def follow() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=follow, daemon=True).start()


def listen(item: Item) -> Sound | str:
    """`Listener.listen` in a listening process."""
    assert _listener is not None
    return _listener.listen(item)
