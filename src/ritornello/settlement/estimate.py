"""What attribution would pay for, and whether that is more than its noise: "Signal and noise" in docs/formats/settlement.md."""

from collections import defaultdict
from dataclasses import dataclass, field

from ritornello.domain.money import apportion
from ritornello.domain.period import Period
from ritornello.domain.programme import WHOLE_PPM, Income
from ritornello.settlement.catalogues import Catalogues
from ritornello.settlement.heard import Heard
from ritornello.settlement.receipts import Part
from ritornello.settlement.trained import Trained, Weights


@dataclass(frozen=True, slots=True)
class Signal:
    """How much of the money attribution moves away from the fallback, how much of that chance alone moves, and the ratio that is asked for."""

    level: str  # what was compared: recordings or catalogues
    signal_ppm: int
    noise_ppm: int
    asked_e3: int

    @property
    def is_enough(self) -> bool:
        return self.signal_ppm * 1000 >= self.asked_e3 * self.noise_ppm


@dataclass(slots=True)
class Estimate:
    """The weights of parts that attribution divides, after what their income says about catalogues and a cap, each worked out once."""

    period: Period
    heard: Heard
    trained: Trained
    catalogues: Catalogues
    _weights: dict[Part, Weights] = field(default_factory=dict)
    _signals: dict[Part, Signal | None] = field(default_factory=dict)

    def totals(self, income: Income, part: Part) -> tuple[int, int]:
        """A and U of a part: the weight that recordings get, and that is left unattributed."""
        explained, unexplained = self.heard.totals(income, part)
        if income.cap_ppm is None:
            return explained, unexplained
        kept = sum(self.weights(income, part).values())
        return kept, explained + unexplained - kept

    def weights(self, income: Income, part: Part) -> Weights:
        """Recording → weight above 0."""
        if part not in self._weights:
            self._weights[part] = self._weigh(income, part)
        return self._weights[part]

    def compare(self, income: Income, part: Part) -> Signal | None:
        """Signal against noise, for an income that asks: of its first level where it is enough, else of the last; None where nobody has measured any noise."""
        if part not in self._signals:
            known = [level for level in income.aggregate_by if (level, part.model_version) in self.period.noise_ppm]
            signals = [self._compare(income, part, level) for level in known]
            self._signals[part] = next((signal for signal in signals if signal.is_enough), signals[-1] if signals else None)
        return self._signals[part]

    def _weigh(self, income: Income, part: Part) -> Weights:
        weights = self.heard.weights(income, part)
        signal = self.compare(income, part) if len(income.aggregate_by) > 1 else None
        if (signal.level if signal else income.aggregate_by[0]) == "catalogue":
            exposure = self.trained.weights("exposure", part.model_version, part.terms_version)
            weights = self.catalogues.share_inside(weights, exposure, part.territory)
        if income.cap_ppm is not None:
            weights = self._cap(weights, sum(self.heard.totals(income, part)) * income.cap_ppm // WHOLE_PPM)
        return weights

    def _cap(self, weights: Weights, limit: int) -> Weights:
        """At most `limit` for each recording; recordings of one sound count as one, and share it by their weights."""
        sounds: dict[str, dict[str, int]] = defaultdict(dict)
        for recording_id, weight in weights.items():
            sounds[self.period.cluster_of.get(recording_id, recording_id)][recording_id] = weight
        found: dict[str, int] = {}
        for copies in sounds.values():
            found |= copies if sum(copies.values()) <= limit else apportion(limit, copies)
        return {recording_id: weight for recording_id, weight in found.items() if weight}

    def _compare(self, income: Income, part: Part, level: str) -> Signal:
        rule = "exposure" if income.fallback == "reserve" else str(income.fallback)
        both = [self.heard.weights(income, part), self.trained.weights(rule, part.model_version, part.terms_version)]
        if level == "catalogue":
            both = [self.catalogues.add_up(weights, part.territory) for weights in both]
        return Signal(level, _distance_ppm(*both), self.period.noise_ppm[level, part.model_version], income.min_signal_to_noise_e3 or 0)


def _distance_ppm(one: Weights, other: Weights) -> int:
    """How much of the money `one` pays to others than `other` would (the total variation distance), rounded down. Without weights nothing is paid."""
    first, second = sum(one.values()), sum(other.values())
    if not first:
        return 0
    if not second:
        return WHOLE_PPM
    moved = sum(max(0, weight * second - other.get(name, 0) * first) for name, weight in one.items())
    return WHOLE_PPM * moved // (first * second)
