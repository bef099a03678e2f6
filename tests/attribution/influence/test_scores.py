"""Scores from the cache are what the formulas give, in whole numbers of 8 bits or not; bad caches and empty scores are refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ritornello.domain.errors import BadInput, Refused

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("safetensors", reason="safetensors is not installed")

from tests.attribution.influence import world  # noqa: E402

from ritornello.attribution.influence import (  # noqa: E402
    METHODS,
    Cache,
    Recording,
    Settings,
    attribute,
    attribute_each,
    cache,
    open_cache,
    with_damping,
)
from ritornello.attribution.influence.attributing import _multiply, _ridge_among_segments, check  # noqa: E402
from ritornello.attribution.influence.rows import Rows  # noqa: E402

OUTPUTS = world.data(seed=7, count=9)
Run = tuple["torch.nn.Module", Recording]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One recorded training for all tests here."""
    return world.record(tmp_path_factory.mktemp("influence") / "run")


@pytest.fixture
def cached(run: Run, tmp_path: Path) -> Cache:
    return cache(run[1], run[0], world.loss, world.batches(), tmp_path / "cache")


def _gradients(model: "torch.nn.Module", points: "torch.Tensor", labels: "torch.Tensor") -> "torch.Tensor":
    """Each sample's gradient, by differentiating it by itself."""
    rows = []
    for number in range(len(points)):
        model.zero_grad()
        world.loss(model, (points[number : number + 1], labels[number : number + 1])).sum().backward()
        rows.append(torch.cat([parameter.grad.flatten() for parameter in model.parameters()]))
    return torch.stack(rows)


def test_graddot_is_the_product_of_gradients(run: Run, tmp_path: Path) -> None:
    model, recording = run
    cached = cache(recording, model, world.loss, world.batches(), tmp_path / "cache", METHODS["graddot"].settings)
    found = attribute(cached, model, world.loss, [OUTPUTS], METHODS["graddot"])
    products = _gradients(model, *OUTPUTS) @ _gradients(model, *world.data()).T
    wanted = np.stack([products[:, number :: world.RECORDINGS].sum(dim=1) for number in range(world.RECORDINGS)], axis=1)
    assert found.recording_ids == recording.recording_ids
    assert np.abs(found.values - wanted).max() < 0.02 * np.abs(wanted).max()  # 8 bits


@pytest.mark.parametrize("name", METHODS)
def test_every_method_says_something_and_the_same_again(run: Run, tmp_path: Path, name: str) -> None:
    model, recording = run
    method = METHODS[name]
    cached = cache(recording, model, world.loss, world.batches(), tmp_path / "cache", method.settings)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    found = attribute(cached, model, world.loss, [OUTPUTS], method)
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert found.values.shape == (9, 6) and found.values.dtype == np.float32
    again = attribute(open_cache(tmp_path / "cache", recording), world.build(5), world.loss, [OUTPUTS], method)
    assert np.array_equal(found.values, again.values)
    parts = [(OUTPUTS[0][:4], OUTPUTS[1][:4]), (OUTPUTS[0][4:], OUTPUTS[1][4:])]
    streamed = np.concatenate([scores.values for scores in attribute_each(cached, model, world.loss, parts, method)])
    assert np.allclose(found.values, streamed, rtol=1e-4, atol=1e-5 * np.abs(found.values).max())


def test_a_killed_cache_goes_on_and_another_one_is_refused(run: Run, tmp_path: Path) -> None:
    model, recording = run

    def stop(done: int, of: int, what: str) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache(recording, model, world.loss, world.batches(), tmp_path / "cache", progress=stop)
    with pytest.raises(BadInput, match="no vectors yet of step 12"):
        open_cache(tmp_path / "cache", recording)
    first = (tmp_path / "cache" / "step-000000005" / "vectors.npy").stat().st_mtime_ns
    cached = cache(recording, model, world.loss, world.batches(), tmp_path / "cache")
    assert (tmp_path / "cache" / "step-000000005" / "vectors.npy").stat().st_mtime_ns == first
    assert cached.steps == (5, 12, 20)
    with pytest.raises(Refused, match="with other settings"):
        cache(recording, model, world.loss, world.batches(), tmp_path / "cache", Settings(damping=0.5))
    with pytest.raises(ValueError, match="other settings than ritornello takes"):
        attribute(cached, model, world.loss, [OUTPUTS], with_damping(METHODS["ritornello"], 0.5))


def test_changed_caches_are_refused(run: Run, cached: Cache) -> None:
    model, _ = run
    folder = cached.folder / "step-000000020"
    np.save(folder / "vectors.npy", np.zeros((3, 3), dtype=np.int8))
    with pytest.raises(BadInput, match="instead of int8"):
        attribute(cached, model, world.loss, [OUTPUTS], METHODS["ritornello"])
    np.save(folder / "vectors.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(BadInput, match="is missing or no array"):
        attribute(cached, model, world.loss, [OUTPUTS], METHODS["ritornello"])
    (folder / "factors.safetensors").write_bytes(b"\x80\x04.")
    with pytest.raises(BadInput, match="was changed"):
        attribute(cached, model, world.loss, [OUTPUTS], METHODS["ritornello"])


def test_segments_that_were_not_trained_on(run: Run, tmp_path: Path) -> None:
    model, recording = run
    ids, batch = world.batches(size=world.COUNT)[0]
    with pytest.raises(BadInput) as caught:
        cache(recording, model, world.loss, [(["x", "y", *ids[2:-1], ids[2]], batch)], tmp_path / "cache")
    assert [problem.field for problem in caught.value.problems] == ["x", "y", None]


def test_a_sketch_keeps_products_on_average(run: Run, tmp_path: Path) -> None:
    model, recording = run
    total = np.zeros((9, 6))
    for seed in range(12):
        method = replace(METHODS["graddot"], settings=Settings("gradient", dimensions=16, seed=seed))
        cached = cache(recording, model, world.loss, world.batches(), tmp_path / f"cache-{seed}", method.settings, steps=[20])
        total += attribute(cached, model, world.loss, [OUTPUTS], method).values
    whole = cache(recording, model, world.loss, world.batches(), tmp_path / "whole", Settings("gradient"))
    wanted = attribute(whole, model, world.loss, [OUTPUTS], METHODS["graddot"]).values
    assert np.corrcoef(total.ravel(), wanted.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("values", [np.zeros((3, 4)), np.ones((3, 4)), np.array([[1.0, np.nan]])])
def test_scores_that_say_nothing_are_refused(values: np.ndarray) -> None:
    with pytest.raises(Refused) as caught:
        check(values)
    assert caught.value.code == "degenerate_scores"


def test_the_ridge_is_the_same_among_segments_and_among_dimensions() -> None:
    source = np.random.default_rng(0)
    rows = Rows(source.integers(-127, 128, (30, 12)).astype(np.int8), np.full(30, 0.1, dtype=np.float32))
    queries = source.normal(size=(5, 12)).astype(np.float32)
    ((_, whole),) = _multiply(queries, rows, 0.3)
    assert np.allclose(whole, _ridge_among_segments(queries, rows, 0.3), rtol=1e-3, atol=1e-6)


def test_batches_keep_their_order(run: Run, tmp_path: Path) -> None:
    model, recording = run

    class Shuffled(list):
        turn = 0

        def __iter__(self):
            self.turn += 1
            return iter(list.__iter__(self) if self.turn < 3 else reversed(self))

    with pytest.raises(ValueError, match="another order"):
        cache(recording, model, world.loss, Shuffled(world.batches()), tmp_path / "cache")
