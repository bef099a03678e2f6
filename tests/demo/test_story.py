"""The demo, whole, as the README's first command runs it (with the portable catalogue, so that no network is needed)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_portable_demo_from_beginning_to_end(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    environment = {**os.environ, "RITORNELLO_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-m", "ritornello", "demo", str(folder), "--portable"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "VERIFIED" in done.stdout
    assert "FAILED" in (folder / "demo.log").read_text(), "the broken bundle is caught"
    document = json.loads((folder / "bundle" / "result" / "settlement.json").read_text())
    for total in document["totals"]:
        assert int(total["received_units"]) == sum(int(total[f"{name}_units"]) for name in ("paid", "held", "carried"))
        assert int(total["held_units"]) > 0
    quality = {
        row["model_version"]: row for row in map(json.loads, (folder / "bundle" / "period" / "quality.jsonl").read_text().splitlines())
    }
    assert quality["mosaic-1"]["error_ppm"] < 100_000 < 200_000 < quality["granular-1"]["error_ppm"]
    pools = [json.loads(line) for line in (folder / "bundle" / "result" / "pools.jsonl").read_text().splitlines()]
    assert {row["reason"] for row in pools if row["model_version"] == "granular-1"} == {"error_above_limit"}
    summary = json.loads((folder / "disclosures" / "eu-summary" / "disclosure.json").read_text())
    manifest = [json.loads(line) for line in (folder / "dataset" / "manifest.jsonl").read_text().splitlines()]
    assert summary["totals"]["all"]["duration_ms"] == sum(row["duration_ms"] for row in manifest)
    assert summary["totals"]["all"]["ended_recordings"] == 1, "somebody withdrew after training"
