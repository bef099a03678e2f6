"""How well `audio/likeness` tells another recording of the same work from an unrelated tune.

Public-domain tunes, each rendered twice with other instruments, tempo and key. Every second tune tunes the threshold (the highest score of any unrelated pair there),
the others are reported. Needs the extra `demo`.
"""

import argparse
import time
from collections.abc import Iterator

import numpy as np
import soxr

from ritornello.audio.likeness.alignment import align
from ritornello.audio.likeness.chroma import RATE_HZ, Floats, measure_chroma
from ritornello.demo import synthesiser
from ritornello.demo.sheets import read_table
from ritornello.demo.tunes import Style, arrange, read_tune

VOICES = ("fiddle", "flute", "reed", "organ", "bell", "piano", "brass", "harp", "banjo")
UNDER = ("piano", "organ", "harp", "bass", "banjo")
PATTERNS = ("block", "oompah", "arpeggio", "walking", "offbeat")
SECONDS = (60.0, 90.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tunes", type=int, default=60)
    wanted = parser.parse_args().tunes
    started = time.process_time()
    pairs = [pair for _, pair in zip(range(wanted), _render_all(), strict=False)]
    rendered = time.process_time()
    scores = np.array([[align(first, second).score for _, second in pairs] for first, _ in pairs])
    aligned = time.process_time() - rendered
    same, odd = np.eye(len(pairs), dtype=bool), np.arange(len(pairs)) % 2 == 1
    tuning, report = np.outer(~odd, ~odd), np.outer(odd, odd)
    threshold = float(scores[tuning & ~same].max())
    print(
        f"{len(pairs)} tunes; rendering and chroma {rendered - started:.0f} CPU s, {1000 * aligned / scores.size:.1f} CPU ms a comparison"
    )
    for name, half in (("tuning", tuning), ("report", report)):
        true, false = scores[half & same], scores[half & ~same]
        first = np.mean([scores[i][half[i]].argmax() == list(np.flatnonzero(half[i])).index(i) for i in range(len(pairs)) if half[i, i]])
        print(
            f"{name}: same work {np.sum(true > threshold)} of {len(true)} above {threshold:.2f}; unrelated {np.sum(false > threshold)} of {len(false)}; "
            f"same work ranked first {first:.0%}; medians {np.median(true):.2f} and {np.median(false):.2f}, highest unrelated {false.max():.2f}"
        )
        for limit in np.quantile(scores[tuning & ~same], (0.9, 0.99, 0.999)):
            print(f"  above {limit:.2f}: {np.mean(true > limit):.1%} of the same, {np.mean(false > limit):.2%} of the unrelated")


def _render_all() -> Iterator[tuple[Floats, Floats]]:
    """Chroma of each tune played twice."""
    rows = read_table("portable-tunes")
    places = [(row["source"], int(row["number"]) if row["number"] else None) for row in rows]
    places += [(source, number + more) for more in (1, 2, 3, 5, 7) for source, number in places[:] if number]
    seen = set()
    for number, place in enumerate(places):
        if place in seen:
            continue
        seen.add(place)
        random = np.random.default_rng(number)
        try:
            tune = read_tune(*place)
            yield tuple(_play(tune, random, number * 2 + take) for take in (0, 1))  # type: ignore[misc]
        except Exception as error:  # a tune of the collection that can't be read
            print(f"  left out {place}: {type(error).__name__}")


def _play(tune: object, random: np.random.Generator, seed: int) -> Floats:
    take = seed % 2
    beats, transpose = float(random.uniform(85, 115) if take else random.uniform(115, 160)), int(random.integers(-5, 6))
    voices, patterns = VOICES[take::2], PATTERNS[take::2]
    style = Style(beats, transpose, str(random.choice(patterns)), str(random.choice(["none", "brush", "march"])))
    melody, under, length_s = arrange(tune, style, *SECONDS)  # type: ignore[arg-type]
    sound = synthesiser.perform(melody, str(random.choice(voices)), length_s, seed) + synthesiser.perform(
        under, str(random.choice(UNDER)), length_s, seed + 1
    )
    sound = synthesiser.add_room(sound, float(random.uniform(0, 0.6)))
    return measure_chroma([soxr.resample(sound, synthesiser.RATE_HZ, RATE_HZ)])


if __name__ == "__main__":
    main()
