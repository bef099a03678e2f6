"""Scores judged by training again: settings and weights chosen on held-out outputs, and influence that passes through a fine-tuned model to its parent's recordings."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ritornello.domain.errors import Refused

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("safetensors", reason="safetensors is not installed")

from tests.attribution.influence.world import loss  # noqa: E402
from torch import nn  # noqa: E402

import ritornello  # noqa: E402
from ritornello.attribution.influence import (  # noqa: E402  # noqa: E402
    METHODS,
    Cache,
    Scores,
    Segment,
    Settings,
    Truth,
    attribute,
    cache,
    choose_settings,
    fit_mix,
    measure_lds,
    open_recording,
)

PARENTS, CHILDREN, EACH, OUTPUTS, SUBSETS = 16, 6, 4, 40, 48
IDS = tuple([f"p{number:02}" for number in range(PARENTS)] + [f"q{number:02}" for number in range(CHILDREN)])
METHOD = replace(METHODS["ritornello"], settings=Settings(damping=1.0))


def _points(count: int, seed: int) -> tuple["torch.Tensor", "torch.Tensor"]:
    source = torch.Generator().manual_seed(seed)
    points = torch.randn(count, 6, generator=source)
    centres = torch.randn(6, 3, generator=torch.Generator().manual_seed(99))
    return points, (points @ centres + torch.randn(count, 3, generator=source)).argmax(dim=1)


FIRST, SECOND, MADE = _points(PARENTS * EACH, 1), _points(CHILDREN * EACH, 2), _points(OUTPUTS, 3)


def _build() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 3))


def _train(
    model: nn.Module, data: tuple["torch.Tensor", "torch.Tensor"], read: np.ndarray, rate: float, steps: int, recording: object = None
) -> None:
    """Full batches of the recordings that are read; `read` has one truth value a recording."""
    rows = torch.from_numpy(np.repeat(read, EACH))
    optimiser = torch.optim.SGD(model.parameters(), lr=rate)
    for _ in range(steps if read.any() else 0):
        optimiser.zero_grad()
        loss(model, (data[0][rows], data[1][rows])).mean().backward()
        optimiser.step()
        if recording is not None:
            recording.step(_names(len(read)), rate)


def _names(recordings: int) -> list[str]:
    return [f"s{number}" for number in range(recordings * EACH)]


def _segments(ids: Sequence[str]) -> list[Segment]:
    return [Segment(f"s{number}", "a", ids[number // EACH], 10) for number in range(len(ids) * EACH)]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> tuple[nn.Module, Cache, Cache]:
    """A model, fine-tuned from a parent, and the caches of both runs."""
    folder, model = tmp_path_factory.mktemp("chain"), _build()
    with ritornello.record(model, folder / "parent", segments=_segments(IDS[:PARENTS]), steps=60) as recording:
        _train(model, FIRST, np.ones(PARENTS, dtype=bool), 0.5, 60, recording)
    with ritornello.record(model, folder / "child", segments=_segments(IDS[PARENTS:]), steps=30, parent=folder / "parent") as recording:
        _train(model, SECOND, np.ones(CHILDREN, dtype=bool), 0.3, 30, recording)
    caches = [
        cache(open_recording(folder / name), model, loss, [(_names(count), data)], folder / f"{name} cache", METHOD.settings)
        for name, count, data in (("child", CHILDREN, SECOND), ("parent", PARENTS, FIRST))
    ]
    return model, caches[0], caches[1]


@pytest.fixture(scope="module")
def truth() -> Truth:
    """Parent and child trained again on halves of all recordings."""
    subsets = np.argsort(np.random.default_rng(0).random((SUBSETS, len(IDS))), axis=1) < len(IDS) // 2
    values = []
    for read in subsets:
        model = _build()
        _train(model, FIRST, read[:PARENTS], 0.5, 60)
        _train(model, SECOND, read[PARENTS:], 0.3, 30)
        with torch.no_grad():
            values.append(-loss(model, MADE).double().numpy())
    return Truth(IDS, subsets, np.array(values))


def test_influence_passes_to_the_parents_recordings(chain: tuple[nn.Module, Cache, Cache], truth: Truth) -> None:
    model, child, parent = chain
    scores = attribute(child, model, loss, [MADE], METHOD, parents=[parent])
    assert scores.recording_ids == IDS
    assert measure_lds(scores, truth).mean() > 0.4
    for mine in (slice(0, PARENTS), slice(PARENTS, None)):  # each side says something of its own
        part = Truth(IDS[mine], truth.subsets[:, mine], truth.values)
        assert measure_lds(scores, part).mean() > 0.2
    with pytest.raises(ValueError, match="does not hold the run"):
        attribute(parent, model, loss, [MADE], METHOD, parents=[child])


def test_damping_is_chosen_by_the_truth(chain: tuple[nn.Module, Cache, Cache], truth: Truth, tmp_path: Path) -> None:
    model, _, parent = chain
    own = Truth(IDS[:PARENTS], truth.subsets[:, :PARENTS], truth.values)
    batches = [(_names(PARENTS), FIRST)]
    dampings = [Settings(damping=damping) for damping in (1e-6, 1.0)]
    method, trials = choose_settings(parent.recording, model, loss, batches, [MADE], own, METHOD, dampings, tmp_path)
    assert trials[1].lds > trials[0].lds and method.settings.damping == 1.0

    def flat(model: nn.Module, batch: object) -> "torch.Tensor":
        return 0.0 * loss(model, batch)

    with pytest.raises(Refused, match="no candidate foretells anything"):
        choose_settings(parent.recording, model, flat, batches, [MADE], own, METHOD, dampings[:1], tmp_path / "flat")


def test_a_mix_foretells_other_outputs_better(chain: tuple[nn.Module, Cache, Cache], truth: Truth) -> None:
    model, _, parent = chain
    own = Truth(IDS[:PARENTS], truth.subsets[:, :PARENTS], truth.values)
    halves = np.arange(0, OUTPUTS, 2), np.arange(1, OUTPUTS, 2)
    fitted, other = ((MADE[0][half], MADE[1][half]) for half in halves)
    mix = fit_mix(parent, model, loss, [fitted], METHOD, own.of_outputs(halves[0]))
    before, after = (
        measure_lds(attribute(parent, model, loss, [other], method), own.of_outputs(halves[1])).mean()
        for method in (METHOD, replace(METHOD, mix=mix))
    )
    assert after > before
    with pytest.raises(ValueError, match="the mix is of 11 checkpoints"):
        last = cache(parent.recording, model, loss, [(_names(PARENTS), FIRST)], parent.folder.parent / "one", METHOD.settings, steps=[60])
        attribute(last, model, loss, [other], replace(METHOD, mix=mix))


def test_layers_add_up(chain: tuple[nn.Module, Cache, Cache]) -> None:
    from ritornello.attribution.influence.attributing import score_parts

    model, child, _ = chain
    whole = attribute(child, model, loss, [MADE], METHOD).values
    parts = sum(weight * scores.values for _, _, weight, scores in score_parts(child, model, loss, [MADE], METHOD))
    assert np.allclose(parts, whole, rtol=1e-3, atol=1e-4 * np.abs(whole).max())


def test_a_truth_has_a_score_for_each_recording() -> None:
    truth = Truth(("a", "b"), np.array([[True, False], [False, True], [True, True]]), np.arange(3.0)[:, None])
    assert measure_lds(Scores(np.array([[0.5, 1.0]], dtype=np.float32), ("a", "b")), truth).tolist() == [pytest.approx(1.0)]
    assert measure_lds(Scores(np.ones((1, 2), dtype=np.float32), ("a", "b")), truth)[0] > 0  # what was read most was likeliest
    with pytest.raises(ValueError, match="'b' has no score"):
        measure_lds(Scores(np.ones((1, 1), dtype=np.float32), ("a",)), truth)
    with pytest.raises(ValueError, match="at least three subsets"):
        Truth(("a",), np.ones((2, 1), dtype=bool), np.zeros((2, 1)))
