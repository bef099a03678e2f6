"""What exposure logging costs, measured beside the decoding of the same files in the same run.

    python3 dev.py bench exposure FOLDER [--passage-ms 1000] [--rounds 5]

FOLDER holds sound files (any depth). Each round decodes every file twice, without and with a log, in alternating order. Two ratios are printed: the time
spent inside the log by the clock (waiting for the disk too) over the processor time of decoding; and the processor time of the two decodings compared, which
holds what the first leaves out, but also the machine's noise. Processor time, so that other work on the machine doesn't make decoding look slow and the log
cheap. Goal: below 2 %.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from ritornello.loader import Asset, Dataset, ExposureLog, read_logs
from ritornello.loader.dataset import PASSAGE_MS

GOAL = 0.02
SUFFIXES = {".wav", ".flac", ".ogg", ".opus", ".mp3"}


class TimedLog(ExposureLog):
    """A log that adds up the seconds spent in it."""

    seconds = 0.0

    def add(self, number: int, epoch: int, frames: int, rate_hz: int) -> None:
        start = time.perf_counter()
        super().add(number, epoch, frames, rate_hz)
        self.seconds += time.perf_counter() - start


def main() -> int:
    """Exit code 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description="What exposure logging costs beside decoding.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--passage-ms", type=int, default=PASSAGE_MS)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    dataset = find_sounds(options.folder)
    inside, beside, decoding = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        decode_all(dataset, None, options.passage_ms)  # fills the page cache
        for number in range(options.rounds):
            seconds = {}
            for is_logged in (False, True) if number % 2 else (True, False):
                log = TimedLog(Path(folder), dataset.snapshot_id, dataset.manifest_root) if is_logged else None
                start = time.process_time()
                decode_all(dataset, log, options.passage_ms)
                if log:
                    closing = time.perf_counter()
                    log.close()
                    log.seconds += time.perf_counter() - closing
                    inside.append(log.seconds)
                seconds[is_logged] = time.process_time() - start
            decoding.append(seconds[False])
            beside.append(seconds[True] / seconds[False] - 1)
        recorded = read_logs(Path(folder))[0]
    milliseconds = sum(recorded.milliseconds().values())
    ratio = statistics.median(log / plain for log, plain in zip(inside, decoding, strict=True))
    print(
        f"{len(dataset.assets)} files, {milliseconds / 60_000:.1f} minutes of sound, passages of {options.passage_ms} ms, {options.rounds} rounds"
    )
    print(f"decoding, median:        {statistics.median(decoding):.3f} s of processor time")
    print(f"inside the log, median:  {statistics.median(inside):.4f} s")
    print(f"ratio inside / decoding: {ratio:.3%} (goal below {GOAL:.0%})")
    print(f"with / without, median:  {statistics.median(beside):+.3%} (rounds from {min(beside):+.3%} to {max(beside):+.3%})")
    return 0 if ratio < GOAL else 1


def find_sounds(folder: Path) -> Dataset:
    """The folder's sound files as if they were a dataset; nothing is hashed."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file() and not path.is_symlink())
    assets = tuple(
        Asset(number, "sha256:" + "0" * 64, f"r{number}", "recording", path.relative_to(folder).as_posix(), path.stat().st_size, 0, "train")
        for number, path in enumerate(files)
    )
    return Dataset(folder, "benchmark", "0" * 64, assets, {}, check_files=False)


def decode_all(dataset: Dataset, log: ExposureLog | None, passage_ms: int) -> None:
    for _ in dataset.iterate(log=log, passage_ms=passage_ms):
        pass


if __name__ == "__main__":
    raise SystemExit(main())
