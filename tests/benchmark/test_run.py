"""The benchmark on a world of a dozen tunes: all of it, twice, with a stranger's scores."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ritornello.benchmark import exchange, outputs, peers, retrain, run, trials
from ritornello.benchmark.audits import make_audits
from ritornello.benchmark.report import write_report
from ritornello.benchmark.world import World, cut
from ritornello.domain.errors import BadInput, Refused
from ritornello.formats.attribution_audit import read_audit, write_audit
from ritornello.formats.attribution_scores import Scores, write_scores
from ritornello.formats.canonical import encode_document
from tests.benchmark.tiny import TINY


@pytest.fixture(scope="session")
def begun(world: World, tmp_path_factory: pytest.TempPathFactory) -> run.Begun:
    return run.begin(world, TINY, tmp_path_factory.mktemp("benchmark") / "run")


def test_outputs_are_made_of_their_sources(world: World) -> None:
    for group in outputs.put_together(world, 6, 1):
        for tokens, sources in zip(group.tokens, group.sources, strict=True):
            assert len(tokens) == 128 and sum(sources.values()) == pytest.approx(1)
            if group.kind in ("splice", "mosaic"):
                own = np.concatenate([world.pieces[number].tokens for number in sources])
                assert set(zip(tokens[::2].tolist(), tokens[1::2].tolist(), strict=True)) <= set(
                    zip(own[::2].tolist(), own[1::2].tolist(), strict=True)
                )


def test_models_are_trained_again_only_once(begun: run.Begun, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = exchange.stack(begun.groups)
    plan = replace(TINY, subsets=4, seeds=2)
    folder = begun.folder / "truth"
    first = retrain.find_truth(begun.world, tokens, plan, folder, run.HALVES_SEED, lambda text: None)
    assert first.of_halves.shape == (4, 2, len(tokens)) and first.of_coalitions.shape == (8, 1, len(tokens))
    assert not np.array_equal(first.of_halves[:, 0], first.of_halves[:, 1])
    (folder / "half-002-seed-1.npy").unlink()  # as if the run had been killed there
    told: list[str] = []
    again = retrain.find_truth(begun.world, tokens, plan, folder, run.HALVES_SEED, told.append)
    assert len(told) == 1 and np.array_equal(again.of_halves, first.of_halves)
    more = retrain.find_truth(begun.world, tokens, replace(plan, subsets=5), folder, run.HALVES_SEED, told.append)
    assert len(told) == 3 and np.array_equal(more.halves[:4], first.halves)


def test_a_folder_of_another_benchmark_is_refused(begun: run.Begun) -> None:
    with pytest.raises(Refused, match="another world or size"):
        run.begin(begun.world, replace(TINY, outputs=5), begun.folder)


def test_false_names_gain_nothing_where_recordings_are_paid(begun: run.Begun) -> None:
    bench = _bench(begun)
    first, *_ = trials.try_names(bench)
    assert first.figure.value == pytest.approx(1.0)


def test_pieces_that_no_model_read_are_paid_nothing(begun: run.Begun) -> None:
    material = replace(_bench(begun).material, with_canaries=True, folder=begun.folder / "canaries")
    raw, paid = trials.try_leak(material, "graddot")
    assert raw.value > 0 and (paid.value, paid.high) == (0.0, 0.0)


def test_a_vendor_gets_outputs_without_their_sources_and_is_rated(begun: run.Begun, tmp_path: Path) -> None:
    exchange.export_outputs(begun.world, begun.run, begun.groups, tmp_path / "vendor")
    pieces = [json.loads(line) for line in (tmp_path / "vendor" / "pieces.jsonl").read_text().splitlines()]
    asked = [json.loads(line) for line in (tmp_path / "vendor" / "outputs.jsonl").read_text().splitlines()]
    assert [len(pieces), len(asked)] == [15, 24] and {frozenset(row) for row in asked} == {frozenset({"output_id", "tokens"})}
    scores = {row["output_id"]: {piece["recording_id"]: float(len(piece["tokens"])) for piece in pieces} for row in asked}
    write_scores(tmp_path / "scores.parquet", Scores("vendor", "7", scores, {}))
    name, values = exchange.read_foreign(tmp_path / "scores.parquet", begun.world, begun.groups)
    assert name == "vendor 7" and values.shape == (24, 15) and values[0, 0] == len(begun.world.pieces[0].tokens)
    scores.pop("splice-001")
    write_scores(tmp_path / "fewer.parquet", Scores("vendor", "7", scores, {}))
    with pytest.raises(BadInput, match="splice-001 has no score"):
        exchange.read_foreign(tmp_path / "fewer.parquet", begun.world, begun.groups)


@pytest.mark.slow
def test_the_whole_benchmark(begun: run.Begun, tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=(24, 15))
    report: dict[str, Any] = run.measure(begun, {"vendor 7": values}, lambda text: None)
    assert report["canaries"]["vendor 7"]["paid"]["value"] == 0
    assert report["methods"]["note sequences"]["recall"]["splice"]["value"] == 1
    assert report["methods"][run.OURS]["on_sources"]["splice"]["value"] > 0.9
    assert (peers.NAMES[0] in report["methods"]) == peers.is_installed()
    text = write_report({**report, "audio": {"skipped": "no folder"}})
    assert "vendor 7" in text and "Left out: no folder." in text
    audits = make_audits(report)
    assert audits["ritornello"].report.noise_catalogue_ppm is not None and audits["trak"].report.noise_catalogue_ppm is None
    for name, audit in audits.items():
        (tmp_path / f"{name}.json").write_bytes(encode_document(write_audit(audit)))
        assert read_audit(tmp_path / f"{name}.json") == audit
    again = run.measure(begun, {"vendor 7": values}, lambda text: None)
    assert again == report


def _bench(begun: run.Begun) -> trials.Bench:
    material = run.Material(begun.world, begun.run, begun.groups[0].tokens, begun.folder / "quick", 1)
    assert len(cut(begun.world.pieces)[0])
    return trials.Bench(material, TINY.epochs)
