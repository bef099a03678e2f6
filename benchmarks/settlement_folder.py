"""What settling a whole period folder costs, and correcting it after 1 % of claims moved: row by row and by an engine, from reading to roots.

    python3 dev.py bench settlement_folder [--rows 1m] [--memory-mb 1024]

Per 100 attribution rows one recording, per 20 an output; outputs are used in four territories; three lanes of one to four parties. The folder is made first; each
way runs in a process of its own, and the results are compared byte by byte.
"""

import argparse
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ritornello.domain.money import apportion
from ritornello.formats.canonical import encode
from ritornello.formats.period_folder import encode_period
from ritornello.formats.programme_toml import read_programme
from ritornello.formats.schema import PERIOD_TABLES
from ritornello.service.large_settlement import Engine, settle_large
from ritornello.service.settlement import settle_folder

SIZES = {"100k": 100_000, "1m": 1_000_000, "10m": 10_000_000}
LANES, TERRITORIES = ("master", "performer", "publishing"), ("DE", "FR", "SE", "US")
HASH, DAY = "0" * 64, "2026-10-01"
PROGRAMME = b"""format = "ritornello-programme-1"
programme_id = "p"
version = 1
title = "Benchmark"
licensor = "Licensor"
licensee = "Licensee"
purposes = ["ai_training"]
licence = "LicenseRef-benchmark"
valid_from = 2020-01-01
valid_to = 2099-12-31
notice_days = 30
tail_days = 365
quorum = ["master"]

[lanes]
master = 400_000
performer = 200_000
publishing = 400_000

[[income]]
name = "share"
rate = "0.30"
divide_by = "attribution"
max_error_ppm = 200_000
fallback = "exposure"
unattributed = "reserve"
"""


def main() -> int:
    parser = argparse.ArgumentParser(description="What settling a whole period folder costs.")
    parser.add_argument("--rows", choices=SIZES, default="1m")
    parser.add_argument("--memory-mb", type=int, default=1024)
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        return _settle(options.way, options.folder, options.memory_mb)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_folder(folder / "period", SIZES[options.rows])
        print("period folder:", sum(path.stat().st_size for path in (folder / "period").iterdir()) >> 20, "MB", flush=True)
        _compare(folder, options.memory_mb)
        (folder / "rows").rename(folder / "first")
        shutil.rmtree(folder / "engine")
        print("the same period corrected:", correct_folder(folder / "period", folder / "first"), "claims moved", flush=True)
        _compare(folder, options.memory_mb)
    return 0


def _compare(folder: Path, memory_mb: int) -> None:
    for way in ("rows", "engine"):
        command = [sys.executable, "-m", "benchmarks.settlement_folder", "--way", way, "--folder", str(folder)]
        done = subprocess.run([*command, "--memory-mb", str(memory_mb)], check=True, stdout=subprocess.PIPE, text=True)
        print(f"  {way:7}", done.stdout.strip(), flush=True)
    for path in (folder / "rows").iterdir():
        assert path.read_bytes() == (folder / "engine" / path.name).read_bytes(), f"{path.name} differs"
    print("the same bytes in every file")


def correct_folder(period: Path, first: Path) -> int:
    """Turn the folder into a correction of its own result: one claim of a hundred belongs to somebody else now. How many."""
    for name in ("receipts", "pools", "allocations"):
        table = PERIOD_TABLES[f"previous_{name}"]
        with (first / f"{name}.jsonl").open("rb") as rows, (period / f"previous_{name}.jsonl").open("wb") as target:
            for line in rows:
                row = json.loads(line)
                target.write(encode({column: row[column] for column in table.columns}) + b"\n")
    header = json.loads((period / "period.json").read_bytes())
    (period / "period.json").write_bytes(encode({**header, "settlement_id": "p-c1", "corrects": header["settlement_id"]}) + b"\n")
    claims = [json.loads(line) for line in (period / "claims.jsonl").read_bytes().splitlines()]
    for claim in claims[::100]:
        claim["party_id"] = "p0000000"
    (period / "claims.jsonl").write_bytes(b"".join(encode(claim) + b"\n" for claim in claims))
    return len(claims[::100])


def _settle(way: str, folder: Path, memory_mb: int) -> int:
    source, target = folder / "period", folder / way
    settled = settle_folder(source, target) if way == "rows" else settle_large(source, target, Engine(memory_bytes=memory_mb << 20))
    used = resource.getrusage(resource.RUSAGE_SELF)
    sizes = {"lines": settled.lines, "deltas": settled.deltas}
    print(json.dumps({"cpu": round(used.ru_utime + used.ru_stime, 1), "peak_mb": used.ru_maxrss >> 10, **sizes}))
    return 0


def write_folder(folder: Path, rows: int) -> None:
    """A period folder that settles; its consent tables are empty, since settling does not ask for them."""
    folder.mkdir(parents=True)
    source = random.Random(rows)
    recordings, outputs, parties = rows // 100, rows // 20, max(rows // 500, 10)
    names = [f"r{n:08d}" for n in range(recordings)]
    claims = [row for name in names for lane in LANES for row in _claims(source, name, lane, parties)]
    asset = {name: f"sha256:{place:064x}" for place, name in enumerate(names)}
    programme = read_programme("programme.toml", PROGRAMME)
    tables: dict[str, list[dict[str, Any]]] = {
        "parties": [{"party_id": f"p{n:07d}", "name": f"Party {n}", "kind": "person", "payable": True} for n in range(parties)],
        "works": [{"work_id": f"w{name}", "title": name, "iswc": None} for name in names],
        "recordings": [{"recording_id": name, "title": name, "artist": "a", "isrc": None, "work_id": f"w{name}"} for name in names],
        "claims": claims,
        "manifest": [
            _row("manifest", snapshot_id="s", asset_id=asset[name], recording_id=name, kind="recording", file=name, dataset_split="train")
            for name in names
        ],
        "snapshots": [
            _row(
                "snapshots",
                snapshot_id="s",
                programme_id="p",
                programme_sha256=programme.sha256,
                day=DAY,
                manifest_root=HASH,
                territory="WW",
                purposes=["ai_training"],
                quorum={"master": 1_000_000},
                licence="LicenseRef-benchmark",
            )
        ],
        "runs": [
            _row(
                "runs",
                model_version="m",
                run_id="r",
                snapshot_ids=["s"],
                code_sha256=HASH,
                weights_sha256=HASH,
                trained_on=DAY,
                exposure_root=HASH,
            )
        ],
        "exposure": [{"model_version": "m", "asset_id": asset[name], "recording_id": name, "exposure_ms": 1000} for name in names],
        "quality": [_row("quality", model_version="m", method="b", method_version="1", error_ppm=1)],
        "revenue": [
            _row(
                "revenue",
                report_sha256=HASH,
                line_id=place,
                row=2,
                product="app",
                model_version="m",
                territory=place,
                currency="EUR",
                net_units="12345678901",
            )
            for place in TERRITORIES
        ],
    }
    header = {
        "settlement_id": "s",
        "programme_id": "p",
        "programme_sha256": programme.sha256,
        "period_id": "2026-10",
        "first_day": DAY,
        "last_day": "2026-10-31",
    }
    for file, data in encode_period({**header, "known_at_us": 1, "corrects": None}, PROGRAMME, tables, {}).items():
        (folder / file).write_bytes(data)
    _stream(
        folder / "outputs.jsonl",
        ({"output_id": f"o{n:09d}", "model_version": "m", "sha256": HASH, "duration_ms": 1, "made_on": DAY} for n in range(outputs)),
    )
    uses = (
        _row(
            "usage",
            usage_id=f"u{n:09d}",
            output_id=f"o{n % outputs:09d}",
            territory=source.choice(TERRITORIES),
            uses=int(source.paretovariate(1.2)),
            report_sha256=HASH,
        )
        for n in range(outputs * 11 // 10)
    )
    _stream(folder / "usage.jsonl", uses)
    _stream(folder / "attribution.jsonl", _attribution(source, outputs, names))


def _attribution(source: random.Random, outputs: int, names: list[str]) -> Iterator[dict[str, Any]]:
    for number in range(outputs):
        heard = sorted({int(len(names) * source.random() ** 2) for _ in range(20)})
        weights = [source.randint(1, 45_000) for _ in heard]
        for place, weight in zip(heard, weights, strict=True):
            yield {"output_id": f"o{number:09d}", "recording_id": names[place], "weight_ppm": weight}
        yield {"output_id": f"o{number:09d}", "recording_id": "unattributed", "weight_ppm": 1_000_000 - sum(weights)}


def _claims(source: random.Random, name: str, lane: str, parties: int) -> list[dict[str, Any]]:
    owners = sorted({int(parties * source.random() ** 2) for _ in range(source.randint(1, 4))})
    subject = (
        {"subject_kind": "work", "subject_id": f"w{name}"} if lane == "publishing" else {"subject_kind": "recording", "subject_id": name}
    )
    return [
        _row(
            "claims",
            claim_id=f"c{name}-{lane}-{owner}",
            lane=lane,
            party_id=f"p{owner:07d}",
            share_e8=share,
            territory="WW",
            valid_from="1900-01-01",
            **subject,
        )
        for owner, share in apportion(100_000_000, dict.fromkeys(owners, 1)).items()
    ]


def _row(table: str, **values: Any) -> dict[str, Any]:
    """A row with every column: what is not given is null, 0, empty."""
    empty: dict[str, Any] = {"whole number": 0, "list of texts": [], "object of whole numbers": {}, "text": "", "true or false": False}
    columns = PERIOD_TABLES[table].columns
    return {
        name.removesuffix("?"): values.get(name.removesuffix("?"), None if name.endswith("?") else empty.get(kind))
        for name, kind in columns.items()
    }


def _stream(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    with path.open("wb") as stream:
        for row in rows:
            stream.write(encode(row) + b"\n")


if __name__ == "__main__":
    raise SystemExit(main())
