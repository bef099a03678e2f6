"""What was heard of recordings in the outputs used, and the uses that one user's money follows (settlement.md, step 4)."""

from collections import defaultdict
from dataclasses import dataclass, field

from ritornello_verify.apportion import apportion
from ritornello_verify.incomes import USER_CENTRIC, Income
from ritornello_verify.period import UNATTRIBUTED, Period
from ritornello_verify.receipts import Part, take_money

Place = tuple[str, str]
"""Model version and territory."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Weights by recording, and the rest that no recording explains (U)."""

    recordings: dict[str, int]
    unattributed: int

    def sum_recordings(self) -> int:
        """A."""
        return sum(self.recordings.values())


@dataclass
class Ear:
    """Uses × weight_ppm of recordings and of `unattributed`, by model version and territory, and by user."""

    period: Period
    by_user: dict[Place, dict[str, dict[str, int]]] = field(init=False)
    kept: dict[tuple[str, Place, str], Heard | None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        found: dict[Place, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
        for (output_id, territory, user_id), uses in self.period.usage.items():
            model_version = self.period.outputs.get(output_id)
            if model_version is not None:
                for recording_id, weight_ppm in self.period.attribution.get(output_id, ()):
                    found[model_version, territory][user_id][recording_id] += uses * weight_ppm
        self.by_user = found

    def listen(self, part: Part) -> Heard | None:
        """None where no attributed output was used, or by nobody whose money the part is."""
        place = part.model_version, part.territory
        key = part.income.name if part.income.divide_by == USER_CENTRIC else "", place, part.currency
        if key not in self.kept:
            users = self.by_user.get(place, {})
            self.kept[key] = self.follow_users(part, users) if part.income.divide_by == USER_CENTRIC else add_up(users)
        return self.kept[key]

    def follow_users(self, part: Part, users: dict[str, dict[str, int]]) -> Heard | None:
        """Step 4, `user_centric`: the part's units to users by what they paid, each user's to what they used."""
        brought: dict[str, int] = defaultdict(int)
        for currency, own in part.sources:
            if own:
                for user_id, units in apportion(own, self.sum_paid(part.income, part, currency)).items():
                    brought[user_id] += units
        if brought.keys().isdisjoint(users):
            return None
        recordings: dict[str, int] = defaultdict(int)
        for user_id, units in brought.items():
            for recording_id, share in apportion(units, users.get(user_id, {UNATTRIBUTED: 1})).items():
                recordings[recording_id] += share
        unattributed = recordings.pop(UNATTRIBUTED, 0)
        return Heard(dict(recordings), unattributed)

    def sum_paid(self, income: Income, part: Part, currency: str) -> dict[str, int]:
        """paid(u) in a reported currency, above nothing."""
        place = part.model_version, part.territory, currency
        paid: dict[str, int] = defaultdict(int)
        for row in self.period.revenue:
            if (row.model_version, row.territory, row.currency) == place and income.lets_in(row.product, row.model_version):
                paid[row.user_id] += take_money(row, income) or 0
        return {user_id: units for user_id, units in paid.items() if units > 0}


def add_up(users: dict[str, dict[str, int]]) -> Heard | None:
    if not users:
        return None
    weights: dict[str, int] = defaultdict(int)
    for own in users.values():
        for recording_id, weight in own.items():
            weights[recording_id] += weight
    unattributed = weights.pop(UNATTRIBUTED, 0)
    return Heard(dict(weights), unattributed)
