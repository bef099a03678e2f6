"""Short stretches of spectra as unit vectors, so that the most similar one is a matrix product away."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import scipy.fft

BAND_COEFFICIENTS = 14
TIME_COEFFICIENTS = 6

Floats = npt.NDArray[np.float32]


def describe_patches(rows: Floats, audible: npt.NDArray[np.bool_], patch_frames: int) -> Floats:
    """Return one vector for each patch of `patch_frames` neighbouring rows, of shape (frames - patch_frames + 1, 84).

    `rows` (frames, bands) are standardised spectra. A vector holds the lowest 14 by 6 coefficients of the patch's
    two-dimensional cosine transform: slow changes over frequency and time, which survive a shift by half a frame.
    A patch that is silent for more than half its frames becomes the zero vector.
    """
    count = len(rows) - patch_frames + 1
    if count <= 0:
        return np.zeros((0, BAND_COEFFICIENTS * TIME_COEFFICIENTS), dtype=np.float32)
    over_bands = scipy.fft.dct(rows, type=2, norm="ortho", axis=1)[:, :BAND_COEFFICIENTS]
    over_time = scipy.fft.dct(np.eye(patch_frames, dtype=np.float32), type=2, norm="ortho", axis=0)[:TIME_COEFFICIENTS]
    windows = np.lib.stride_tricks.sliding_window_view(over_bands, patch_frames, axis=0)
    patches = np.asarray(windows @ over_time.T, dtype=np.float32).reshape(count, -1)
    heard = np.convolve(audible.astype(np.int64), np.ones(patch_frames, dtype=np.int64), mode="valid")
    patches[heard * 2 <= patch_frames] = 0
    return patches


def make_unit(patches: Floats, deviation: Floats) -> Floats:
    """Return `patches` (n, d), each column divided by its `deviation` (d,), each row of length 1 (zero rows stay zero)."""
    scaled = patches / deviation
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    return np.asarray(scaled / np.where(length > 1e-6, length, np.inf), dtype=np.float32)


def measure_deviation(patches: Iterable[Floats]) -> Floats:
    """Return the root mean square of each coefficient over `patches`, arrays of shape (n, 84), at least one."""
    squares, count = np.zeros(BAND_COEFFICIENTS * TIME_COEFFICIENTS), 0
    for part in patches:
        squares += np.einsum("ij,ij->j", part, part, dtype=np.float64)
        count += len(part)
    return np.maximum(np.sqrt(squares / max(1, count)), 1e-3).astype(np.float32)
