"""Listening to everything in a place: several processes, bounded memory, at any time to be interrupted and gone on with."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from ritornello.formats.training_sets import Item, Refusal, Spool, is_list, measure, read_list, walk
from ritornello.service.extraction.journal import Journal, Sound
from ritornello.service.extraction.listener import Listener, Setting, listen, start

ITEM_LIMIT = 2 << 30  # bytes of one item of an archive, which are copied to be read
WAITING_PER_WORKER = 4
CRASHED = "crashed the decoder: it was tried twice, the second time alone"
TOLD_EVERY_SECONDS = 1.0


@dataclass
class _Progress:
    """Where a scan stands."""

    files: int
    size_bytes: int
    tell: Callable[[str], None]
    items: int = 0
    done_bytes: int = 0
    heard_ms: int = 0
    started: float = 0.0
    told: float = 0.0

    def count(self, size_bytes: int, heard_ms: int = 0) -> None:
        self.items, self.done_bytes, self.heard_ms = self.items + 1, self.done_bytes + size_bytes, self.heard_ms + heard_ms
        now = time.monotonic()
        if now - self.told >= TOLD_EVERY_SECONDS:
            self.told = now
            spent = max(now - self.started, 1e-3)
            part = min(self.done_bytes / max(self.size_bytes, 1), 1.0)
            left = spent / part - spent if part > 0.001 else 0.0
            speed = self.heard_ms / 1000 / spent
            self.tell(
                f"{self.items:,} items, {part:.0%} of {self.size_bytes / 1e9:,.1f} GB, {self.items / spent:,.1f} items/s, {speed:,.0f} × real time, {_clock(left)} left"
            )


def scan(place: Path, journal: Journal, setting: Setting, workers: int, tell: Callable[[str], None]) -> None:
    """Note every item of the place in the journal, which has begun its pass. What the journal knows is not read again; nothing in the place stops the scan."""
    if is_list(place):
        for one in read_list(place):
            if isinstance(one, Refusal):
                journal.note(one.name, 0, "", "", one.what)
            else:
                journal.note_listed(one.name, one.sha256s, one.isrcs)
        journal.commit()
        return
    spool = Spool(setting.spool, setting.item_limit)
    spool.clear()
    progress = _Progress(*measure(place), tell, started=time.monotonic())
    try:
        fresh = _fresh(place, journal, spool, progress)
        if workers == 1:
            listener = Listener(setting)
            for item in fresh:
                _note(journal, item, listener.listen(item), progress)
        else:
            _share(fresh, journal, setting, workers, progress)
        journal.commit()
    finally:
        spool.clear()
        with suppress(OSError):
            spool.folder.rmdir()


def _fresh(place: Path, journal: Journal, spool: Spool, progress: _Progress) -> Iterator[Item]:
    """The items that need listening to; the others are noted on the way."""
    for one in walk(place, spool, journal.is_known):
        if isinstance(one, Refusal):
            journal.note(one.name, 0, "", "", one.what)
        elif one.source is None or (not one.source.temporary and journal.is_known(one.name, one.bytes, one.stamp)):
            progress.count(one.bytes)
        else:
            yield one


def _note(journal: Journal, item: Item, found: Sound | str, progress: _Progress) -> None:
    if isinstance(found, str) and found.startswith("!"):
        journal.note(item.name, item.bytes, item.stamp, "", found[1:])
    else:
        journal.note(item.name, item.bytes, item.stamp, found)
    progress.count(item.bytes, found.heard_ms if isinstance(found, Sound) else 0)


def _share(fresh: Iterator[Item], journal: Journal, setting: Setting, workers: int, progress: _Progress) -> None:
    """Hand items to listening processes. One that brings its process down is tried once more alone, and refused when it does so again."""
    pool = _make_pool(workers, setting)
    running: dict[Future[Sound | str], Item] = {}
    again: list[Item] = []
    try:
        while True:
            while not again and len(running) < WAITING_PER_WORKER * workers:
                item = next(fresh, None)
                if item is None:
                    break
                try:
                    running[pool.submit(listen, item)] = item
                except BrokenProcessPool:
                    again.append(item)
            if again or not running:
                again += [running.pop(future) for future in list(running) if not _take(future, running[future], journal, progress)]
                running.clear()
                if not again:
                    return
                pool.shutdown(wait=True, cancel_futures=True)
                _retry(again, journal, setting, progress)
                again, pool = [], _make_pool(workers, setting)
                continue
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                item = running.pop(future)
                if not _take(future, item, journal, progress):
                    again.append(item)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _take(future: "Future[Sound | str]", item: Item, journal: Journal, progress: _Progress) -> bool:
    """Note what a process heard; False where it didn't live to say."""
    try:
        _note(journal, item, future.result(), progress)
    except BrokenProcessPool:
        return False
    return True


def _retry(items: list[Item], journal: Journal, setting: Setting, progress: _Progress) -> None:
    for item in items:
        assert item.source is not None
        if item.source.temporary and not item.source.path.exists():
            _note(journal, item, f"!{CRASHED}", progress)
            continue
        with _make_pool(1, setting) as alone:
            try:
                found = alone.submit(listen, item).result()
            except BrokenProcessPool:
                found = f"!{CRASHED}"
        _note(journal, item, found, progress)


def _make_pool(workers: int, setting: Setting) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=start, initargs=(setting,))


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02d}:{int(seconds) % 60:02d}"
