"""Whether some scores tend to be larger than others: the rank test for canaries, with a p-value that is valid whatever the scores look like.

H. B. Mann and D. R. Whitney, "On a test of whether one of two random variables is stochastically larger than the other", Annals of Mathematical Statistics 18
(1947). Who is in which group was decided by lot, so that under the hypothesis of no influence every division was as likely (R. A. Fisher, "The Design of
Experiments", 1935): the p-value is the part of all divisions that would show as much. Where there are ties and too many divisions to count, it is estimated from
random ones, counting the real one among them, which keeps it valid (B. Phipson and G. K. Smyth, Statistical Applications in Genetics and Molecular Biology 9, 2010).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from scipy import stats

DIVISIONS = 99_999


@dataclass(frozen=True, slots=True)
class RankTest:
    """`p_value`: how likely scores of the first group stand as high as they do if they don't depend on the group; never below `least_p_value`, whatever the scores.
    `better`: how often a score of the first group beats one of the second, ties by half. `method`: exact or permutations.
    """

    p_value: float
    least_p_value: float
    better: float
    method: str


def test_larger(first: Sequence[float], second: Sequence[float], seed: int = 0) -> RankTest:
    """Test whether scores of the first group tend to be larger. All are finite, no group is empty. The same scores and seed give the same answer."""
    one, other = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    assert len(one) and len(other) and np.isfinite(one).all() and np.isfinite(other).all()
    ranks = stats.rankdata(np.concatenate([one, other]))
    wins = float(ranks[: len(one)].sum()) - len(one) * (len(one) + 1) / 2
    divisions = comb(len(ranks), len(one))
    if len(np.unique(ranks)) == len(ranks):
        found = stats.mannwhitneyu(one, other, alternative="greater", method="exact")
        return RankTest(float(found.pvalue), 1 / divisions, wins / (len(one) * len(other)), "exact")
    drawn = stats.permutation_test(
        (ranks[: len(one)], ranks[len(one) :]),
        lambda part, _, axis: part.sum(axis=axis),
        vectorized=True,
        alternative="greater",
        n_resamples=DIVISIONS,
        rng=np.random.default_rng(seed),
    )
    whole = divisions <= DIVISIONS
    return RankTest(
        float(drawn.pvalue), 1 / min(divisions, DIVISIONS + 1), wins / (len(one) * len(other)), "exact" if whole else "permutations"
    )


@dataclass(frozen=True, slots=True)
class AlarmRate:
    """How often the test was below a level in simulated trials, with an exact 95 % interval (C. Clopper and E. Pearson, Biometrika 26, 1934)."""

    level: float
    alarms: int
    trials: int
    low: float
    high: float


def simulate_trials(
    used: int, unused: int, trials: int, shift: float, seed: int, levels: Sequence[float] = (0.05, 0.01)
) -> list[AlarmRate]:
    """Play the test on made-up models. With a `shift` of 0 they never saw a canary; otherwise used ones score so many interquartile ranges higher.

    Scores are as uneven as real ones: every canary has a difficulty of its own, with heavy tails, and a third of the models gives only rounded scores, with ties.
    """
    random = np.random.default_rng(seed)
    values = []
    for number in range(trials):
        scores = random.standard_t(2, used + unused) + random.exponential(2.0, used + unused)
        width = float(np.subtract(*np.percentile(scores, [75, 25])))
        scores[:used] += shift * width  # who is used was drawn by lot, so the first are as good as any
        if number % 3 == 2:
            scores = np.round(scores / width * 2)
        values.append(test_larger(scores[:used].tolist(), scores[used:].tolist(), seed=number).p_value)
    rates = []
    for level in levels:
        alarms = sum(value <= level for value in values)
        interval = stats.binomtest(alarms, trials).proportion_ci(0.95, method="exact")
        rates.append(AlarmRate(level, alarms, trials, float(interval.low), float(interval.high)))
    return rates
