"""What `ritornello.record` costs a training, measured beside the same training without it in the same run (needs `python3 dev.py torch`).

    python3 dev.py bench recorder [--rounds 7]

The benchmark's small transformer is trained on as many segments, for as many steps and with as many checkpoints as in the benchmark, of tokens drawn at
random: their values change no time. Each round trains twice, without and with a recorder, in alternating order, on one thread. Three ratios to the training
without: time inside the recorder by the clock, which waits for the disk too; the clock time, and the processor time, of the whole training with it.
The latter two hold what the first leaves out, and the machine's noise. 95 % intervals are made by resampling rounds.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

import ritornello
from ritornello.attribution.influence import Segment
from ritornello.benchmark import model
from ritornello.benchmark.symbolic import VOCABULARY
from ritornello.benchmark.world import SEGMENT, Tokens

SEGMENTS = 231
STEPS = model.EPOCHS * -(-SEGMENTS // model.BATCH)


class Clock:
    """Adds up the seconds between `start` and `stop`."""

    def __init__(self) -> None:
        self.seconds = self.began = 0.0

    def start(self) -> None:
        self.began = time.perf_counter()

    def stop(self) -> None:
        self.seconds += time.perf_counter() - self.began


def main() -> int:
    parser = argparse.ArgumentParser(description="What ritornello.record costs beside the training that it records.")
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    tokens = np.random.default_rng(1).integers(1, VOCABULARY, (SEGMENTS, SEGMENT))
    train_plain(tokens, epochs=1)  # warms everything up
    found = np.array([measure_round(tokens, is_first=number % 2 == 1) for number in range(rounds)])
    weights = sum(one.numel() for one in model.build(VOCABULARY, 1).parameters())
    print(f"{weights:,} weights, {STEPS} steps of {model.BATCH} segments, {rounds} rounds, one thread")
    print(f"training without, median: {np.median(found[:, 0]) / STEPS * 1000:.1f} ms a step")
    for label, column in (("inside the recorder", 1), ("clock time with it", 2), ("processor time with it", 3)):
        low, high = interval(found[:, column])
        print(f"{label + ':':<24}{found[:, column].mean():+.2%} ({low:+.2%} to {high:+.2%}) of training without")
    return 0


def measure_round(tokens: Tokens, is_first: bool) -> tuple[float, float, float, float]:
    """Seconds without a recorder, and what it adds as parts of them: inside, by the clock, by processor time. `is_first`: the recorded training is."""
    seconds, processor, inside = {}, {}, 0.0
    for is_recorded in (True, False) if is_first else (False, True):
        began, work = time.perf_counter(), time.process_time()
        if is_recorded:
            inside = train_recorded(tokens)
        else:
            train_plain(tokens)
        seconds[is_recorded], processor[is_recorded] = time.perf_counter() - began, time.process_time() - work
    return seconds[False], inside / seconds[False], seconds[True] / seconds[False] - 1, processor[True] / processor[False] - 1


def train_plain(tokens: Tokens, epochs: int = model.EPOCHS) -> None:
    model.train(model.build(VOCABULARY, 1), tokens, 1, epochs=epochs)


def train_recorded(tokens: Tokens) -> float:
    """Train with a recorder; the seconds inside it."""
    names = [f"{number:03d}" for number in range(len(tokens))]
    trained, clock = model.build(VOCABULARY, 1), Clock()

    def tell(step: int, chosen: npt.NDArray[np.int64], rate: float) -> None:
        clock.start()
        recorder.step([names[one] for one in chosen], rate)
        clock.stop()

    with tempfile.TemporaryDirectory() as folder:
        clock.start()
        with ritornello.record(
            trained, Path(folder), segments=[Segment(name, name, name, SEGMENT) for name in names], steps=STEPS
        ) as recorder:
            clock.stop()
            model.train(trained, tokens, 1, after_step=tell)
            clock.start()
        clock.stop()
    return clock.seconds


def interval(ratios: npt.NDArray[np.float64]) -> tuple[float, float]:
    """A 95 % interval of their mean, by resampling."""
    drawn = np.random.default_rng(1).choice(ratios, (10_000, len(ratios))).mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


if __name__ == "__main__":
    raise SystemExit(main())
