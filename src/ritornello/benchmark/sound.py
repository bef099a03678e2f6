"""Worlds of sound: recordings in folders, a folder for each catalogue, as tokens of a codebook, so that the same small model makes audio.

The codebook is fitted on the canaries, recordings that no model reads: whatever a model is trained on, its tokens mean the same.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from ritornello.audio.decode import UnreadableAudio, examine, read_mono
from ritornello.benchmark.outputs import Outputs
from ritornello.benchmark.world import Piece, Tokens, World
from ritornello.domain.errors import Refused
from ritornello.formats.canonical import hash_file
from ritornello.generator.codebook import RATE_HZ, STAGES, TOKEN_MS, Codebook, fit_codebook

SUFFIXES = frozenset({".flac", ".mp3", ".ogg", ".opus", ".wav"})
TRAINED, KEPT_BACK = 12, 3  # recordings of each catalogue
LEAST = TRAINED // 2 + KEPT_BACK
LONGEST_S = 40  # of each recording
LEAST_S = 12
SKIPPED_S = 5  # how recordings begin, where enough is left
KINDS = 256  # of each stage of the codebook
FEWEST, MOST = 2, 8  # catalogues
EXAMPLES = 4  # of each kind of output

Samples = npt.NDArray[np.float32]


def read_world(folder: Path, cache: Path, seed: int = 20261125) -> tuple[World, Codebook]:
    """The world of a folder with two to eight folders of recordings, of which up to 15 each are taken, and its codebook, to hear what models write.

    Decoding takes a minute; tokens and codebook are kept in `cache`, a folder. Raises Refused where there are too few catalogues or recordings.
    """
    chosen = {catalogue.name: _choose(catalogue, seed) for catalogue in sorted(path for path in folder.iterdir() if path.is_dir())}
    chosen = {catalogue: paths for catalogue, paths in chosen.items() if len(paths) >= LEAST}
    if not FEWEST <= len(chosen) <= MOST:
        raise Refused(
            "no_world",
            f"{folder} has {len(chosen)} folders with at least {LEAST} recordings of {LEAST_S} s",
            f"give {FEWEST} to {MOST} such folders, each a catalogue",
        )
    kept = cache / f"sound-{_fingerprint(chosen, seed)}.npz"
    if not kept.is_file():
        _keep(kept, chosen, seed)
    pieces: list[Piece] = []
    canaries: list[Piece] = []
    with np.load(kept, allow_pickle=False) as arrays:
        codebook = Codebook(tuple(arrays[f"stage {stage}"] for stage in range(STAGES)))
        for catalogue, paths in chosen.items():
            for number, path in enumerate(paths):
                piece = Piece(f"{catalogue}/{path.stem}", catalogue, arrays[f"{catalogue}/{number}"])
                (canaries if number < KEPT_BACK else pieces).append(piece)
    minutes = sum(len(piece.tokens) for piece in pieces) * TOKEN_MS / 60_000
    about = (
        f"{len(pieces)} recordings ({minutes:.0f} minutes) of {len(chosen)} catalogues ({', '.join(chosen)}) as tokens of sound, "
        f"and {len(canaries)} more that no model reads"
    )
    return World("sound", about, 1 + codebook.size, STAGES, tuple(pieces), tuple(canaries), None), codebook


def write_examples(folder: Path, groups: Sequence[Outputs], codebook: Codebook) -> None:
    """Write the first outputs of each kind as WAV files, to be listened to. What is there already stays."""
    folder.mkdir(exist_ok=True)
    for group in groups:
        for number, tokens in enumerate(group.tokens[:EXAMPLES]):
            path = folder / f"{group.kind.replace(' ', '-')}-{number}.wav"
            if not path.exists():
                soundfile.write(path, codebook.decode(_in_turn(tokens - 1, codebook)), RATE_HZ)


def _in_turn(tokens: Tokens, codebook: Codebook) -> Tokens:
    """Without tokens that a model wrote out of turn: those of the two stages follow each other in sound."""
    first = len(codebook.centres[0])
    kept: list[int] = []
    for token in tokens.tolist():
        if (token < first) == (len(kept) % 2 == 0):
            kept.append(token)
    return np.array(kept, dtype=np.int64)


def _choose(catalogue: Path, seed: int) -> list[Path]:
    """Up to 15 files that are long enough, in an order drawn by the seed and the files' names; the first three will be canaries."""
    paths = sorted(path for path in catalogue.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    ordered = sorted(paths, key=lambda path: hashlib.sha256(f"{seed}/{path.name}".encode()).digest())
    found: list[Path] = []
    for path in ordered:
        if len(found) == TRAINED + KEPT_BACK:
            break
        if _seconds(path) >= LEAST_S:
            found.append(path)
    return found


def _seconds(path: Path) -> float:
    try:
        return examine(path).duration_ms / 1000
    except UnreadableAudio:
        return 0.0


def _fingerprint(chosen: dict[str, list[Path]], seed: int) -> str:
    lines = [f"{seed} {KINDS} {LONGEST_S}"] + [f"{catalogue} {hash_file(path)}" for catalogue, paths in chosen.items() for path in paths]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _keep(kept: Path, chosen: dict[str, list[Path]], seed: int) -> None:
    """Decode, fit the codebook on the canaries and write all tokens; whole or not at all."""
    heard = {(catalogue, number): _excerpt(path) for catalogue, paths in chosen.items() for number, path in enumerate(paths)}
    codebook = fit_codebook([samples for (_, number), samples in heard.items() if number < KEPT_BACK], KINDS, seed)
    arrays = {f"{catalogue}/{number}": codebook.encode(samples) + 1 for (catalogue, number), samples in heard.items()}
    kept.parent.mkdir(parents=True, exist_ok=True)
    temporary = kept.with_suffix(".part")
    with temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **{f"stage {stage}": centres for stage, centres in enumerate(codebook.centres)}, **arrays)
    temporary.replace(kept)


def _excerpt(path: Path) -> Samples:
    skipped_s = SKIPPED_S if _seconds(path) >= SKIPPED_S + LONGEST_S else 0
    return read_mono(path, rate_hz=RATE_HZ, start_ms=skipped_s * 1000, length_ms=LONGEST_S * 1000)
