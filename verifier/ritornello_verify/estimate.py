"""What an income makes of what was heard ("Catalogues and caps" and "Signal and noise" of settlement.md)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ritornello_verify.apportion import apportion
from ritornello_verify.forms import MILLION
from ritornello_verify.heard import Heard
from ritornello_verify.period import Period

MASTER = "master"
Weights = dict[str, int]


@dataclass(frozen=True, slots=True)
class Signal:
    """What a part was compared by: both in parts per million of its money, and the ratio it needs in thousandths."""

    by_catalogue: bool
    signal_ppm: int
    noise_ppm: int
    least_e3: int

    def is_too_small(self) -> bool:
        return self.signal_ppm * 1000 < self.noise_ppm * self.least_e3


@dataclass
class Owners:
    """Names the catalogue of a recording: by the party that claims most of its master, or by the recording itself."""

    period: Period
    kept: dict[tuple[str, str], str] = field(default_factory=dict)

    def name_catalogue(self, recording_id: str, territory: str) -> str:
        key = recording_id, territory
        if key not in self.kept:
            shares: dict[str, int] = {}
            for claim in self.period.claims.select(recording_id, MASTER, self.period.find_known(), self.period.header.last_day):
                if claim.applies_in(territory):
                    shares[claim.party_id] = shares.get(claim.party_id, 0) + claim.share_e8
            most = max(shares.values(), default=0)
            owners = sorted(party_id for party_id, share in shares.items() if share == most)
            self.kept[key] = f"owner {owners[0]}" if owners else f"recording {recording_id}"
        return self.kept[key]

    def spread(self, weights: Weights, exposure: Weights, territory: str) -> Weights:
        """Each catalogue's sum over its recordings by exposure; those of catalogues that nothing was read of keep their own."""
        read, own = (self.group(some, territory) for some in (exposure, weights))
        found: Weights = {}
        for name, members in own.items():
            found.update(apportion(sum(members.values()), read[name]) if name in read else members)
        return found

    def group(self, weights: Weights, territory: str) -> dict[str, Weights]:
        """Catalogue → its recordings that weigh something."""
        found: dict[str, Weights] = {}
        for recording_id, weight in weights.items():
            if weight > 0:
                found.setdefault(self.name_catalogue(recording_id, territory), {})[recording_id] = weight
        return found

    def sum_catalogues(self, weights: Weights, territory: str) -> Weights:
        return {name: sum(members.values()) for name, members in self.group(weights, territory).items()}


def cut(heard: Heard, cap_ppm: int, clusters: Iterable[frozenset[str]]) -> Heard:
    """No sound weighs more than its cap; the rest is unattributed."""
    limit = (heard.sum_recordings() + heard.unattributed) * cap_ppm // MILLION
    left = dict(heard.recordings)
    sounds = [{name: left.pop(name) for name in cluster & left.keys()} for cluster in clusters]
    sounds += [{name: weight} for name, weight in left.items()]
    found: Weights = {}
    for sound in sounds:
        found.update(apportion(limit, sound) if sum(sound.values()) > limit else sound)
    return Heard(found, heard.unattributed + heard.sum_recordings() - sum(found.values()))


def measure(weights: Weights, fallback: Weights) -> int:
    """The part of the money that would change hands, in parts per million, rounded down."""
    own, other = sum(weights.values()), sum(fallback.values())
    if own == 0 or other == 0:
        return 0 if own == 0 else MILLION
    gained = (weight * other - fallback.get(name, 0) * own for name, weight in weights.items())
    return MILLION * sum(gain for gain in gained if gain > 0) // (own * other)
