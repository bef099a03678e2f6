"""Step 4 of settlement.md: what each recording weighs in a pool."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from ritornello_verify.apportion import apportion
from ritornello_verify.estimate import Owners, Signal, cut, measure
from ritornello_verify.heard import Ear, Heard
from ritornello_verify.incomes import ANY_MODEL, COUNT, EXPOSURE, HEARD, POINTS, RESERVE, SECONDS, WORKS
from ritornello_verify.period import Asset, Period
from ritornello_verify.receipts import Part
from ritornello_verify.report import Malformed, show

FINER = 1_000_000
"""What a count of one is divided into where copies share it."""


@dataclass
class Scales:
    """Weighs recordings, each rule and model version once."""

    period: Period
    ear: Ear
    owners: Owners = field(init=False)
    kept: dict[tuple[str, str, int], dict[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.owners = Owners(self.period)

    def weigh(self, name: str, rule: str, part: Part) -> dict[str, int]:
        """Recordings with a weight above nothing in the pool `name`."""
        if rule in HEARD:
            heard = self.listen(part)
            weights = heard.recordings if heard else {}
        else:
            weights = self.weigh_training(rule, part)
        found = {recording_id: weight for recording_id, weight in weights.items() if weight > 0}
        if not found:
            raise Malformed("period/exposure.jsonl", f"pool {show(name)} has no recording with a weight, so the folder must be refused")
        return found

    def listen(self, part: Part) -> Heard | None:
        """What was heard, after catalogues and cap; None where no attributed output was used."""
        heard = self.ear.listen(part)
        if heard is not None and self.is_by_catalogue(part):
            heard = Heard(self.owners.spread(heard.recordings, self.weigh_training(EXPOSURE, part), part.territory), heard.unattributed)
        if heard is not None and part.income.cap_ppm is not None:
            heard = cut(heard, part.income.cap_ppm, self.period.clusters)
        return heard

    def is_by_catalogue(self, part: Part) -> bool:
        """The level that attribution divides a part over."""
        levels = part.income.levels
        signal = self.compare(part) if len(levels) > 1 else None
        return levels[0] if signal is None else signal.by_catalogue

    def compare(self, part: Part) -> Signal | None:
        """What attribution would move of a part that was heard, against its noise; None where that is unknown or not asked.

        Of the first level where it is enough, else of the last one that is known.
        """
        found: Signal | None = None
        for by_catalogue in part.income.levels:
            signal = self.compare_level(part, by_catalogue)
            if signal is not None and (found is None or found.is_too_small()):
                found = signal
        return found

    def compare_level(self, part: Part, by_catalogue: bool) -> Signal | None:
        income, heard = part.income, self.ear.listen(part)
        noise = (self.period.catalogue_noise if by_catalogue else self.period.recording_noise).get(part.model_version)
        if income.least_signal_e3 is None or noise is None or heard is None:
            return None
        fallback = self.weigh_training(EXPOSURE if income.fallback == RESERVE else income.fallback, part)
        if by_catalogue:
            signal = measure(*(self.owners.sum_catalogues(weights, part.territory) for weights in (heard.recordings, fallback)))
        else:
            signal = measure(heard.recordings, fallback)
        return Signal(by_catalogue, signal, noise, income.least_signal_e3)

    def weigh_training(self, rule: str, part: Part) -> dict[str, int]:
        key = rule, part.model_version, part.terms.version
        if key not in self.kept:
            self.kept[key] = self.join_copies(rule, self.find_weights(rule, part))
        return self.kept[key]

    def join_copies(self, rule: str, weights: dict[str, int]) -> dict[str, int]:
        """Settlement.md, "Copies count once": where several recordings of a cluster weigh something, they share the largest weight."""
        shares = [{name: weights[name] for name in group if weights.get(name, 0) > 0} for group in self.period.clusters]
        shares = [share for share in shares if len(share) >= 2]
        finer = FINER if shares and rule in (COUNT, WORKS) else 1
        joined = {name: weight * finer for name, weight in weights.items()}
        for share in shares:
            joined.update(apportion(max(share.values()) * finer, share))
        return joined

    def find_weights(self, rule: str, part: Part) -> dict[str, int]:
        model_version, tiers = part.model_version, part.terms.tiers
        if rule == EXPOSURE:
            return self.sum_exposure(model_version)
        if rule == POINTS:
            return {name: points * tiers[tier] for name, (points, tier) in self.period.points.items() if tier in tiers}
        assets = self.find_assets(model_version)
        recordings = {asset.recording_id for asset in assets.values()}
        if rule == WORKS:
            recordings = set(self.find_first_of_works(recordings))
        if rule in (COUNT, WORKS):
            return dict.fromkeys(recordings, 1)
        if rule == SECONDS:
            durations: dict[str, int] = defaultdict(int)
            for asset in assets.values():
                durations[asset.recording_id] += asset.duration_ms
            return durations
        raise ValueError(f"no rule {rule}")

    def sum_exposure(self, model_version: str) -> dict[str, int]:
        if model_version != ANY_MODEL:
            return self.period.exposure.get(model_version, {})
        weights: dict[str, int] = defaultdict(int)
        for recordings in self.period.exposure.values():
            for recording_id, milliseconds in recordings.items():
                weights[recording_id] += milliseconds
        return weights

    def find_assets(self, model_version: str) -> dict[str, Asset]:
        """The assets in the manifests of the model version's snapshots, each once."""
        runs = self.period.runs
        chosen = runs.values() if model_version == ANY_MODEL else [runs[model_version]] if model_version in runs else []
        snapshots = {snapshot_id for run in chosen for snapshot_id in run.snapshot_ids}
        assets: dict[str, Asset] = {}
        for snapshot_id in sorted(snapshots):
            assets |= self.period.manifests.get(snapshot_id, {})
        return assets

    def find_first_of_works(self, recordings: set[str]) -> Iterator[str]:
        """The recording with the lowest id of each work, and each without a work."""
        works: set[str] = set()
        for recording_id in sorted(recordings):
            work_id = self.period.claims.works.get(recording_id)
            if work_id is None or work_id not in works:
                yield recording_id
            if work_id is not None:
                works.add(work_id)
