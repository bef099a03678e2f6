"""The choices of the similarity method."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SimilaritySettings:
    """How sound is described and when two passages count as the same.

    Spectra are taken every `hop` samples over `window` samples at `rate_hz`, in `bands` mel bands. A patch of `patch_frames`
    spectra is looked up every `stride` frames; look-ups with a cosine of at least `candidate` are followed up. Frame by frame,
    a candidate earns its cosine (over `smoothing` frames) less `threshold`; changing it costs `change_cost`. Passages shorter
    than `shortest_ms` or with a mean cosine below `accept` are dropped.
    """

    rate_hz: int = 22_050
    window: int = 2048
    hop: int = 512
    bands: int = 40
    patch_frames: int = 16
    stride: int = 4
    smoothing: int = 9
    candidate: float = 0.60
    candidates_limit: int = 256
    threshold: float = 0.50
    change_cost: float = 4.0
    accept: float = 0.85
    shortest_ms: int = 250

    def __post_init__(self) -> None:
        assert self.rate_hz >= 8_000 and 0 < self.hop <= self.window and self.bands > 0
        assert self.patch_frames > 0 and self.stride > 0 and self.smoothing % 2 == 1
        assert 0 < self.candidate < 1 and 0 < self.threshold < 1 and self.candidates_limit > 0
