"""A world of sound from folders of recordings."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from ritornello.benchmark import sound
from ritornello.benchmark.outputs import put_together
from ritornello.domain.errors import Refused

RATE_HZ = 22_050


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two catalogues of nine recordings of 13 s: low and high melodies; and a third with too few."""
    root = tmp_path_factory.mktemp("recordings")
    time = np.arange(RATE_HZ // 4) / RATE_HZ
    for catalogue, lowest, count in (("high", 440, 9), ("low", 110, 9), ("small", 220, 2)):
        (root / catalogue).mkdir()
        for number in range(count):
            random = np.random.default_rng([lowest, number])
            notes = [np.sin(2 * np.pi * lowest * 2 ** (note / 12) * time) * np.exp(-4 * time) for note in random.integers(0, 24, 52)]
            soundfile.write(root / catalogue / f"{number}.wav", 0.3 * np.concatenate(notes), RATE_HZ)
    (root / "low" / "broken.wav").write_bytes(b"RIFF")
    return root


def test_catalogues_pieces_and_canaries(folder: Path, tmp_path: Path) -> None:
    world, codebook = sound.read_world(folder, tmp_path)
    assert world.catalogues == ("high", "low") and (len(world.pieces), len(world.canaries)) == (12, 6)
    tokens = np.concatenate([piece.tokens for piece in (*world.pieces, *world.canaries)])
    assert tokens.min() >= 1 and tokens.max() < world.vocabulary == codebook.size + 1
    again, _ = sound.read_world(folder, tmp_path)  # from what was kept
    assert all((one.tokens == other.tokens).all() and one.name == other.name for one, other in zip(world.pieces, again.pieces, strict=True))


def test_outputs_can_be_listened_to(folder: Path, tmp_path: Path) -> None:
    world, codebook = sound.read_world(folder, tmp_path)
    groups = put_together(world, 5, 1)
    assert [group.kind for group in groups] == ["splice", "mosaic", "mash-up", "noised splice"]  # sound isn't transposed by its tokens
    sound.write_examples(tmp_path / "listen", groups[:1], codebook)
    written = sorted((tmp_path / "listen").iterdir())
    assert [path.name for path in written] == [f"splice-{number}.wav" for number in range(4)]
    assert soundfile.info(written[0]).duration == pytest.approx(5.94, abs=0.1)


def test_too_few_catalogues(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "low").symlink_to(folder / "low")
    with pytest.raises(Refused, match="1 folders"):
        sound.read_world(tmp_path / "one", tmp_path)
