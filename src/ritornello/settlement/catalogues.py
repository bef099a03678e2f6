"""Recordings of one principal owner together: catalogues, as "Signal and noise" in docs/formats/settlement.md has them."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from ritornello.domain.catalogue import Claim
from ritornello.domain.money import apportion
from ritornello.domain.period import Period, claims_by_lane
from ritornello.settlement.trained import Weights


@dataclass(slots=True)
class Catalogues:
    """Which catalogue a recording is of, by territory."""

    period: Period
    _claims: Mapping[tuple[str, str, str], list[Claim]] | None = None
    _kept: dict[tuple[str, str], str] = field(default_factory=dict)

    def find(self, recording_id: str, territory: str) -> str:
        """The party with the largest part of the master; a recording that nobody claims is a catalogue by itself."""
        key = recording_id, territory
        if key not in self._kept:
            self._kept[key] = self._find_owner(recording_id, territory) or f"\n{recording_id}"
        return self._kept[key]

    def add_up(self, weights: Weights, territory: str) -> dict[str, int]:
        """Catalogue → the sum of its recordings' weights."""
        found: dict[str, int] = defaultdict(int)
        for recording_id, weight in weights.items():
            found[self.find(recording_id, territory)] += weight
        return found

    def share_inside(self, weights: Weights, inside: Weights, territory: str) -> dict[str, int]:
        """Each catalogue's weight over those of its recordings that weigh something by `inside`; where none does, as it was. Totals are the same."""
        members: dict[str, dict[str, int]] = defaultdict(dict)
        for recording_id, weight in inside.items():
            members[self.find(recording_id, territory)][recording_id] = weight
        found = {name: weight for name, weight in weights.items() if self.find(name, territory) not in members}
        for catalogue, weight in self.add_up(weights, territory).items():
            if catalogue in members:
                found |= apportion(weight, members[catalogue])
        return {recording_id: weight for recording_id, weight in found.items() if weight}

    def _find_owner(self, recording_id: str, territory: str) -> str | None:
        shares: dict[str, int] = defaultdict(int)
        for claim in self._by_lane().get(("recording", recording_id, "master"), []):
            if claim.applies_in(territory):
                shares[claim.party_id] += claim.share_e8
        return min(shares, key=lambda party_id: (-shares[party_id], party_id), default=None)

    def _by_lane(self) -> Mapping[tuple[str, str, str], list[Claim]]:
        if self._claims is None:
            self._claims = claims_by_lane(self.period.claims_in_force())
        return self._claims
