"""Small exported datasets made on the spot, without a home or a database."""

import hashlib
from datetime import date
from pathlib import Path

import numpy as np
import soundfile

from ritornello.formats.canonical import encode_document, encode_table, fingerprint_table
from ritornello.formats.croissant import File
from ritornello.formats.dataset_folder import encode_papers
from ritornello.formats.shards import plan_shards, write_shards

TODAY = date(2026, 10, 5)
RATE_HZ = 8000


def make_dataset(folder: Path, form: str = "folder", count: int = 4, seconds: float = 1.0, shard_bytes: int = 90_000) -> Path:
    """A dataset of stereo FLAC files of noise, `seconds` long (and a tenth more each)."""
    (folder / "audio").mkdir(parents=True)
    rows = []
    for number in range(count):
        noise = np.random.default_rng(number).normal(0, 0.1, (int(RATE_HZ * (seconds + number / 10)), 2))
        soundfile.write(folder / "new.flac", noise, RATE_HZ, subtype="PCM_16")
        data = (folder / "new.flac").read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        file = f"audio/r{number}-recording-{digest[:12]}.flac"
        (folder / "new.flac").rename(folder / file)
        rows.append(
            {
                "snapshot_id": "p-s1",
                "asset_id": f"sha256:{digest}",
                "recording_id": f"r{number}",
                "kind": "recording",
                "file": file,
                "bytes": len(data),
                "duration_ms": len(noise) * 1000 // RATE_HZ,
                "dataset_split": "train",
                "consent_events": ["e1"],
            }
        )
    manifest = encode_table(rows, ("snapshot_id", "asset_id"))
    snapshot = {
        "format": "ritornello-snapshot-1",
        "snapshot_id": "p-s1",
        "day": "2026-10-01",
        "licence": "LicenseRef-test",
        "manifest_root": fingerprint_table(manifest).hash,
    }
    (folder / "manifest.jsonl").write_bytes(manifest)
    (folder / "snapshot.json").write_bytes(encode_document(snapshot))
    if form == "webdataset":
        plan = plan_shards(rows, "LicenseRef-test", shard_bytes)
        list(write_shards(folder, plan, lambda row: [(folder / row["file"]).read_bytes()]))
        (folder / "samples.jsonl").write_bytes(encode_table([sample.as_row() for shard in plan for sample in shard], ("asset_id",)))
        for path in (folder / "audio").iterdir():
            path.unlink()
        (folder / "audio").rmdir()
    files: list[File] = []
    papers = encode_papers(snapshot, form, date(2026, 12, 31), shard_bytes if form == "webdataset" else None, files)
    (folder / "dataset.json").write_bytes(papers)
    return folder
