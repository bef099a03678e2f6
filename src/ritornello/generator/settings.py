"""The choices that make one mosaic generator differ from another."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MosaicSettings:
    """How recordings are cut into grains, and how grains are put together again.

    Lengths are milliseconds, shares and chances are parts of a million. `starts_per_grain` says how many grains begin
    within the length of one: 1 cuts end to end, 2 also halfway. `continue_ppm` is the chance to go on in the same
    recording after each grain; after a run ends, the next one is found among `palette_least` to `palette_most`
    recordings drawn for the output (0: all). `temperature` is how freely a grain is chosen against its costs.
    """

    rate_hz: int = 22_050
    grain_ms: int = 700
    crossfade_ms: int = 60
    starts_per_grain: int = 2
    clusters: int = 16
    continue_ppm: int = 680_000
    palette_least: int = 5
    palette_most: int = 10
    own_share_ppm: int = 100_000
    transpose_semitones: int = 0
    temperature: float = 1.0
    level_db: float = -20.0

    def __post_init__(self) -> None:
        hop = self.grain_ms - self.crossfade_ms
        assert self.crossfade_ms > 0 and self.starts_per_grain > 0 and self.rate_hz >= 8_000
        assert hop >= self.crossfade_ms and hop % self.starts_per_grain == 0, (
            "only neighbouring passages may overlap, and grains lie on a grid"
        )
        assert 0 <= self.continue_ppm < 1_000_000 and 0 <= self.own_share_ppm < 1_000_000
        assert self.clusters > 0 and 0 <= self.palette_least <= self.palette_most

    @property
    def hop_ms(self) -> int:
        """Time between two grains of one run in the output, hence also between them in the recording."""
        return self.grain_ms - self.crossfade_ms

    @property
    def step_ms(self) -> int:
        """Time between two neighbouring grains in a recording."""
        return self.hop_ms // self.starts_per_grain


MOSAIC = MosaicSettings()
GRANULAR_CLOUD = MosaicSettings(
    grain_ms=60,
    crossfade_ms=20,
    starts_per_grain=1,
    continue_ppm=200_000,
    palette_least=4,
    palette_most=12,
    transpose_semitones=3,
    temperature=8.0,
)
