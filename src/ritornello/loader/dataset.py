"""An exported dataset, opened only after its manifest was checked; its sound is decoded, hashed on first use, and logged before it is handed out."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

from ritornello.domain import merkle
from ritornello.domain.errors import BadInput, Problem, Refused
from ritornello.loader.exposure import ExposureLog
from ritornello.loader.sound import Samples, decode, hash_stretch

AGAIN = "get the dataset again from its source"
PASSAGE_MS = 10_000


@dataclass(frozen=True, slots=True)
class Asset:
    """One row of the manifest. `number` is its place there, counted from 0: what the exposure log calls it."""

    number: int
    asset_id: str
    recording_id: str
    kind: str
    file: str
    bytes: int
    duration_ms: int
    dataset_split: str


@dataclass(frozen=True, slots=True)
class Passage:
    """Decoded sound: `samples` is float32 of shape (frames, channels), full scale ±1, at `rate_hz`, from `start_frame` of the asset on."""

    asset: Asset
    samples: Samples
    rate_hz: int
    start_frame: int


def open_dataset(folder: Path, *, today: date, expected_root: str | None = None, check_files: bool = True) -> "Dataset":
    """Open an exported dataset of any form. The manifest must have the root of snapshot.json, and `expected_root` where given: take it from the licensor's log.

    With `check_files` each file (or member of a shard) is hashed before this process first decodes it. Raises BadInput where something doesn't agree,
    Refused (`not_in_force`) where `today` is before the day of the snapshot or after the last day on which its consents stand.
    """
    snapshot, papers = _read_json(folder / "snapshot.json"), {}
    if (folder / "dataset.json").exists():
        papers = _read_json(folder / "dataset.json")
    try:
        manifest = (folder / "manifest.jsonl").read_bytes().split(b"\n")[:-1]
        root = merkle.root(merkle.leaf_hash(line) for line in manifest).hex()
        if root != snapshot["manifest_root"] or root != papers.get("manifest_root", root) or root != (expected_root or root):
            what = f"has the root {root}, not the expected one: rows were changed, added or removed"
            raise BadInput([Problem("manifest.jsonl", None, None, what, AGAIN)])
        assets = tuple(_read_asset(number, json.loads(line)) for number, line in enumerate(manifest))
        places = _read_places(folder, assets) if papers.get("form") == "webdataset" else {}
        first, last = date.fromisoformat(snapshot["day"]), date.fromisoformat(papers.get("not_after", "9999-12-31"))
        snapshot_id = str(snapshot["snapshot_id"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput([Problem(str(folder), None, None, f"is not an exported dataset: {error!r}", "check the path")]) from None
    if not first <= today <= last:
        what = f"{snapshot_id} may be used from {first} to {last}, not on {today}"
        raise Refused("not_in_force", what, "ask the licensor for a new snapshot")
    return Dataset(folder, snapshot_id, root, assets, places, check_files=check_files)


class Dataset:
    """The assets of one snapshot and the way to their sound. Can be sent to worker processes."""

    def __init__(
        self,
        folder: Path,
        snapshot_id: str,
        manifest_root: str,
        assets: tuple[Asset, ...],
        places: Mapping[int, tuple[str, int]],
        *,
        check_files: bool,
    ) -> None:
        self.folder, self.snapshot_id, self.manifest_root, self.assets = folder, snapshot_id, manifest_root, assets
        self._places, self._check_files, self._checked = places, check_files, set[int]()

    def open_log(self, folder: Path, writer: str = "main") -> ExposureLog:
        """A new exposure log of this dataset. Each process needs its own; `writer` tells them apart."""
        return ExposureLog(folder, self.snapshot_id, self.manifest_root, writer)

    def read(
        self,
        asset: Asset,
        *,
        log: ExposureLog | None,
        epoch: int = 0,
        start_ms: int = 0,
        length_ms: int | None = None,
        passage_ms: int | None = PASSAGE_MS,
    ) -> Iterator[Passage]:
        """Yield the sound of an asset from `start_ms` on, for `length_ms` or to its end, in passages of `passage_ms` (None: all at once).

        What is about to be handed out is in the log first. `log=None` reads without being counted: for listening, not for training.
        """
        path, start = self._locate(asset)
        for samples, rate_hz, frame in decode(path, start, asset.bytes, start_ms=start_ms, length_ms=length_ms, passage_ms=passage_ms):
            if log is not None:
                log.add(asset.number, epoch, len(samples), rate_hz)
            yield Passage(asset, samples, rate_hz, frame)

    def iterate(
        self, *, log: ExposureLog | None, epoch: int = 0, assets: Sequence[Asset] | None = None, passage_ms: int | None = PASSAGE_MS
    ) -> Iterator[Passage]:
        """One epoch: the passages of these assets (None: all), one after another."""
        for asset in self.assets if assets is None else assets:
            yield from self.read(asset, log=log, epoch=epoch, passage_ms=passage_ms)

    def shuffle(self, epoch: int, seed: int, part: int = 0, parts: int = 1, dataset_split: str = "train") -> list[Asset]:
        """The assets of a `dataset_split` in the order of one epoch, or every `parts`-th of them: all parts together are each asset once."""
        chosen = [asset for asset in self.assets if asset.dataset_split == dataset_split]
        random.Random(f"{seed} {epoch}").shuffle(chosen)  # noqa: S311  # an order, not a secret
        return chosen[part::parts]

    def _locate(self, asset: Asset) -> tuple[Path, int]:
        """The file that holds the asset's bytes and where in it; checked once per process."""
        file, start = self._places.get(asset.number, (asset.file, 0))
        path = self.folder / file
        if asset.number not in self._checked:
            if path.is_symlink() or not path.resolve().is_relative_to(self.folder.resolve()):
                raise BadInput([Problem(file, None, None, "is a link or leads out of the folder", AGAIN)])
            if not path.is_file() or (not self._places and path.stat().st_size != asset.bytes):
                raise BadInput([Problem(file, None, None, f"is missing or has another length ({asset.recording_id})", AGAIN)])
            if self._check_files and f"sha256:{hash_stretch(path, start, asset.bytes)}" != asset.asset_id:
                what = f"is not what was consented to ({asset.recording_id}): its bytes have changed"
                raise BadInput([Problem(file, None, asset.asset_id, what, AGAIN)])
            self._checked.add(asset.number)
        return path, start


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
        if not isinstance(value, dict):
            raise ValueError("it is not an object")
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput([Problem(path.name, None, None, f"can't be read: {error}", "check the path: is it an exported dataset?")]) from None
    return value


def _read_asset(number: int, row: Mapping[str, Any]) -> Asset:
    file = PurePosixPath(row["file"])
    if file.is_absolute() or ".." in file.parts:
        raise BadInput([Problem("manifest.jsonl", number + 1, "file", f"{row['file']!r} leads out of the folder", AGAIN)])
    names = ("asset_id", "recording_id", "kind", "file", "bytes", "duration_ms", "dataset_split")
    return Asset(number, *(row[name] for name in names))


def _read_places(folder: Path, assets: Sequence[Asset]) -> dict[int, tuple[str, int]]:
    """Where each asset lies in the shards. samples.jsonl needs no trust: what lies there is hashed."""
    rows = [json.loads(line) for line in (folder / "samples.jsonl").read_bytes().split(b"\n")[:-1]]
    found = {str(row["asset_id"]): (str(row["shard"]), int(row["offset"])) for row in rows}
    return {asset.number: found[asset.asset_id] for asset in assets}
