"""What outputs in use were made of: the rules `attribution` and `user_centric` of docs/formats/settlement.md, step 4."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from ritornello.domain.money import apportion
from ritornello.domain.period import UNATTRIBUTED, Period
from ritornello.domain.programme import WHOLE_PPM, Income
from ritornello.settlement.receipts import Part, paid_units, revenue_of

_Weights = Mapping[str, int]
NO_USER = ""


@dataclass(slots=True)
class Heard:
    """Weights of recordings by use, worked out once for each part that asks."""

    period: Period
    _sums: dict[tuple[str, str], tuple[int, int]] | None = None
    _attributed: dict[tuple[str, str], dict[str, int]] | None = None
    _used: frozenset[str] | None = None  # model versions with reported use, where somebody has found them
    _by_user: dict[Part, tuple[dict[str, int], int]] = field(default_factory=dict)

    def models_in_use(self) -> frozenset[str]:
        """Model versions with outputs whose use was reported."""
        return frozenset(self.period.outputs[usage.output_id] for usage in self.period.usage) if self._used is None else self._used

    def totals(self, income: Income, part: Part) -> tuple[int, int]:
        """A and U of a part: the weight that recordings explain, and that none explains."""
        if income.divide_by == "user_centric":
            weights, unexplained = self._follow_users(income, part)
            return sum(weights.values()), unexplained
        if self._sums is None:
            self._sums = _measure_use(self.period)
        return self._sums.get((part.model_version, part.territory), (0, 0))

    def weights(self, income: Income, part: Part) -> _Weights:
        """Recording → weight above 0."""
        if income.divide_by == "user_centric":
            return self._follow_users(income, part)[0]
        if self._attributed is None:
            self._attributed = _attributed_use(self.period)
        return self._attributed.get((part.model_version, part.territory), {})

    def _follow_users(self, income: Income, part: Part) -> tuple[dict[str, int], int]:
        if part not in self._by_user:
            self._by_user[part] = _follow_users(self.period, income, part)
        return self._by_user[part]


def _measure_use(period: Period) -> dict[tuple[str, str], tuple[int, int]]:
    """Per model version and territory: Σ uses × ppm that recordings explain, and that none explains, over attributed outputs."""
    unexplained = {weight.output_id: weight.weight_ppm for weight in period.attribution if weight.recording_id == UNATTRIBUTED}
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for usage in period.usage:
        if usage.output_id in unexplained:
            cell = sums[period.outputs[usage.output_id], usage.territory]
            cell[0] += usage.uses * (WHOLE_PPM - unexplained[usage.output_id])
            cell[1] += usage.uses * unexplained[usage.output_id]
    return {cell: (explained, unexplained) for cell, (explained, unexplained) in sums.items()}


def _follow_users(period: Period, income: Income, part: Part) -> tuple[dict[str, int], int]:
    """Recording → units that users' money brings it, and the units that nothing they used explains."""
    paid: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for line in revenue_of(period, income):
        if (line.model_version, line.territory) == (part.model_version, part.territory):
            paid[line.currency][line.user_id or NO_USER] += paid_units(income, line)
    brought: dict[str, int] = defaultdict(int)
    for currency, units in part.by_currency:
        paying = {user: amount for user, amount in paid[currency].items() if amount > 0}
        for user, share in apportion(units, paying).items() if units and paying else ():
            brought[user] += share
    used: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    weights: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for weight in period.attribution:
        weights[weight.output_id].append((weight.recording_id, weight.weight_ppm))
    for usage in period.usage:
        if usage.territory == part.territory and period.outputs[usage.output_id] == part.model_version:
            for recording_id, ppm in weights.get(usage.output_id, ()):
                used[usage.user_id or NO_USER][recording_id] += usage.uses * ppm
    found: dict[str, int] = defaultdict(int)
    for user, units in brought.items() if any(map(used.get, brought)) else ():
        for recording_id, share in apportion(units, used[user]).items() if used.get(user) else [(UNATTRIBUTED, units)]:
            found[recording_id] += share
    unexplained = found.pop(UNATTRIBUTED, 0)
    return {recording_id: units for recording_id, units in found.items() if units}, unexplained


def _attributed_use(period: Period) -> dict[tuple[str, str], dict[str, int]]:
    """(model version, territory) → recording → Σ uses × weight_ppm, above 0."""
    uses: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for usage in period.usage:
        uses[usage.output_id][usage.territory] += usage.uses
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for weight in period.attribution:
        if weight.recording_id != UNATTRIBUTED and weight.weight_ppm:
            for territory, count in uses.get(weight.output_id, {}).items():
                found[period.outputs[weight.output_id], territory][weight.recording_id] += count * weight.weight_ppm
    return {cell: dict(weights) for cell, weights in found.items()}
