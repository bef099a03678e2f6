"""From evidence to the probability of a false match.

The best evidence that a file shows for recordings that are not in it follows an extreme-value law, as scores of local alignments do (S. Karlin and S. Altschul,
PNAS 87, 1990): expected false passages E = K · windows · hours^G · 10^(−L · evidence), and a probability of 1 − e^(−E). K, G and L were fitted to files of the
tuning half of the benchmark that have nothing in its catalogue, and checked on the other half: docs/identity.md.
"""

import math

CHANCE_K = 57.0
CHANCE_L = 0.34
CHANCE_G = 0.25
PARTS = 1_000_000_000


def false_match_probability(evidence_decades: float, windows: int, hours: float) -> float:
    """The probability that a file of so many ten-second windows shows as much evidence for some recording among `hours` that isn't in it."""
    expected = CHANCE_K * max(windows, 1) * max(hours, 1.0) ** CHANCE_G * 10 ** (-CHANCE_L * evidence_decades)
    return -math.expm1(-expected)


def evidence_needed(probability: float, windows: int, hours: float) -> float:
    """The evidence in decades at which the probability of a false match falls to `probability`."""
    expected = -math.log1p(-probability)
    return math.log10(CHANCE_K * max(windows, 1) * max(hours, 1.0) ** CHANCE_G / expected) / CHANCE_L


def in_parts_per_billion(probability: float) -> int:
    """Rounded up and never zero: nothing is certain."""
    return max(1, min(PARTS, math.ceil(probability * PARTS)))
