"""Little pieces of music that no two seeds share: free rhythm and tuning, as people play. Mono float32 at RATE_HZ."""

import numpy as np
import numpy.typing as npt

RATE_HZ = 22_050
Samples = npt.NDArray[np.float32]


def piece(seed: int, seconds: float) -> Samples:
    """Some seven notes a second at random times, pitches, lengths and loudness, over a little noise."""
    random = np.random.default_rng([seed, 7])
    sound = 0.002 * random.standard_normal(int(seconds * RATE_HZ) + 2 * RATE_HZ)
    for start in np.cumsum(random.exponential(0.14, int(seconds * 8))):
        if start >= seconds:
            break
        time = np.arange(int(RATE_HZ * random.uniform(0.1, 0.9))) / RATE_HZ
        hertz = random.uniform(0.98, 1.02) * 110 * 2 ** random.uniform(0, 4)
        weights = random.uniform(0.2, 1.0, 6) / np.arange(1, 7) ** random.uniform(0.5, 1.5)
        partials = np.arange(1, 7) * random.uniform(0.99, 1.01, 6)
        tone = (weights[:, None] * np.sin(2 * np.pi * hertz * partials[:, None] * time)).sum(axis=0) * np.exp(-time * random.uniform(2, 10))
        first = int(start * RATE_HZ)
        sound[first : first + len(time)] += 10 ** random.uniform(-1, 0) * tone
    return (0.12 * sound[: int(seconds * RATE_HZ)]).astype(np.float32)
