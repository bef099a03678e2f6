"""A passage of a file that is a passage of a recording, in words."""

from math import log2

SAME_PITCH_CENTS = 35  # the search goes in steps of 30
SAME_SPEED_PERCENT = 0.5


def describe_bend(speed_ppm: int, pitch_cents: int) -> str:
    """How speed and pitch differ from the recording's own; empty where they don't."""
    percent = speed_ppm / 10_000 - 100
    of_speed = 1200 * log2(speed_ppm / 1_000_000) if speed_ppm > 0 else 0.0
    faster, higher = abs(percent) >= SAME_SPEED_PERCENT, abs(pitch_cents) >= SAME_PITCH_CENTS
    if faster and abs(pitch_cents - of_speed) < SAME_PITCH_CENTS:
        return f"at {percent:+.1f} % speed"
    words = [f"at {percent:+.1f} % tempo"] if faster else []
    words += [f"{abs(pitch_cents) / 100:.1f} semitones {'higher' if pitch_cents > 0 else 'lower'}"] if higher else []
    return ", ".join(words)


def describe_chance(false_match_ppb: int) -> str:
    """The probability of a false match."""
    return "at most 1 in 1,000,000,000" if false_match_ppb <= 1 else f"1 in {1_000_000_000 // false_match_ppb:,}"


def describe_time(milliseconds: int) -> str:
    """Hours, minutes and seconds with a tenth: 0:41.3."""
    tenths = round(milliseconds / 100)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    shown = f"{rest // 10:02d}.{rest % 10}"
    return f"{hours}:{minutes:02d}:{shown}" if hours else f"{minutes}:{shown}"
