"""What every disclosure is made from: model versions with their lineage, the snapshots they read, and counts that anybody can count again."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ritornello.domain.catalogue import ASSET_KINDS, Recording, Work
from ritornello.domain.programme import Programme
from ritornello.formats.canonical import encode_table, fingerprint_table, lines
from ritornello.formats.disclosures.document import Evidence

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ended:
    """A consent that a snapshot relied on, and that doesn't stand any more or won't from `day` on."""

    day: date
    how: str  # withdrawn, expired or held

    def __str__(self) -> str:
        return {
            "withdrawn": f"withdrawn: out of new snapshots from {self.day}",
            "expired": f"expired: out of new snapshots from {self.day}",
            "held": f"on hold since {self.day}",
        }[self.how]


@dataclass(frozen=True, slots=True)
class Part:
    """One snapshot: its row of snapshots.jsonl, its manifest's rows, its terms, and what ended since."""

    snapshot: Row
    rows: tuple[Row, ...]
    programme: Programme
    ended: Mapping[str, Ended]  # asset → what ended


@dataclass(frozen=True, slots=True)
class Trained:
    """One model version: its row of runs.jsonl and what its training really read. `inherited`: an ancestor of those that were asked about."""

    run: Row
    exposure: Mapping[str, int]  # asset → milliseconds
    inherited: bool

    @property
    def model_version(self) -> str:
        return str(self.run["model_version"])


@dataclass(frozen=True, slots=True)
class Material:
    """Those asked about first, then their ancestors; snapshots ascending by id."""

    models: tuple[Trained, ...]
    parts: Mapping[str, Part]
    recordings: Mapping[str, Recording]
    works: Mapping[str, Work]
    evidence: Mapping[tuple[str, str], Evidence]  # (kind, id) → the log's entry

    def asked(self) -> tuple[Trained, ...]:
        return tuple(model for model in self.models if not model.inherited)

    def ancestors(self) -> tuple[Trained, ...]:
        return tuple(model for model in self.models if model.inherited)

    def parts_of(self, models: Iterable[Trained]) -> tuple[Part, ...]:
        """The snapshots of these models, each once, ascending."""
        names = {name for model in models for name in model.run["snapshot_ids"]}
        return tuple(part for name, part in self.parts.items() if name in names)

    def rests_on(self) -> tuple[Evidence, ...]:
        """Every artefact of these models in the log, ascending by where it stands."""
        return tuple(sorted(self.evidence.values(), key=lambda one: one.log_index))


def count(material: Material, only: frozenset[str] | None = None) -> dict[str, Any]:
    """The figures of a disclosure: per snapshot, per model version, and of all snapshots together, where an asset counts once. `only`: of these assets."""
    chosen = {name: [row for row in part.rows if only is None or row["asset_id"] in only] for name, part in material.parts.items()}
    together = {row["asset_id"]: row for rows in chosen.values() for row in rows}
    ended = {name: frozenset(part.ended) & {row["asset_id"] for row in chosen[name]} for name, part in material.parts.items()}
    over = frozenset[str]().union(*ended.values())
    read = [{asset: ms for asset, ms in model.exposure.items() if ms and (only is None or asset in only)} for model in material.models]
    return {
        "snapshots": [
            {
                "snapshot_id": name,
                "assets": len(rows),
                "recordings": len({row["recording_id"] for row in rows}),
                "duration_ms": sum(row["duration_ms"] for row in rows),
                "ended_assets": len(ended[name]),
            }
            for name, rows in chosen.items()
        ],
        "models": [
            {
                "model_version": model.model_version,
                "inherited": model.inherited,
                "assets_read": len(exposure),
                "exposure_ms": sum(exposure.values()),
            }
            for model, exposure in zip(material.models, read, strict=True)
        ],
        "all": {
            "assets": len(together),
            "recordings": len({row["recording_id"] for row in together.values()}),
            "duration_ms": sum(row["duration_ms"] for row in together.values()),
            "assets_read": len({asset for exposure in read for asset in exposure}),
            "exposure_ms": sum(sum(exposure.values()) for exposure in read),
            "ended_assets": len(over),
            "ended_recordings": len({together[asset]["recording_id"] for asset in over}),
            **{f"{kind}_assets": sum(row["kind"] == kind for row in together.values()) for kind in ASSET_KINDS},
        },
    }


def check(material: Material) -> None:
    """Assert that the records agree with each other: a disclosure whose figures don't is never written."""
    for name, part in material.parts.items():
        root = fingerprint_table(encode_table(part.rows, ("snapshot_id", "asset_id"))).hash
        assert root == part.snapshot["manifest_root"] == material.evidence["snapshot", name].hash, (
            f"the manifest of {name} is not the one that was logged"
        )
        total = sum(row["duration_ms"] for row in part.rows)
        assert (part.snapshot["assets"], part.snapshot["duration_ms"]) == (len(part.rows), total), (
            f"{name} is recorded with {part.snapshot['assets']} assets and {part.snapshot['duration_ms']} ms, "
            f"its manifest holds {len(part.rows)} and {total} ms: they disagree"
        )
    for model in material.models:
        listed = {row["asset_id"] for part in material.parts_of([model]) for row in part.rows}
        strangers = sorted(set(model.exposure) - listed)
        assert not strangers, f"{model.model_version} read {strangers[0]}, which is in none of its manifests"
        assert model.run["exposure_root"] == material.evidence["run", model.model_version].hash, (
            f"the exposure of {model.model_version} is not the one that was logged"
        )


def recount(totals: Mapping[str, Any], manifests: Mapping[str, bytes], exposures: Mapping[str, bytes], only: frozenset[str] | None) -> None:
    """Assert that a disclosure's finished figures are those of the stored tables, counted again line by line."""
    held: dict[str, tuple[str, int]] = {}
    for stated in totals["snapshots"]:
        mine: dict[str, tuple[str, int]] = {}
        for line in lines(manifests[stated["snapshot_id"]]):
            row = json.loads(line)
            if only is None or row["asset_id"] in only:
                mine[row["asset_id"]] = (row["recording_id"], row["duration_ms"])
        held |= mine
        _same(stated["snapshot_id"], stated, mine)
    for stated in totals["models"]:
        rows = [json.loads(line) for line in lines(exposures[stated["model_version"]])]
        mine_ms = [row["exposure_ms"] for row in rows if row["exposure_ms"] and (only is None or row["asset_id"] in only)]
        found = (len(mine_ms), sum(mine_ms))
        assert found == (stated["assets_read"], stated["exposure_ms"]), (
            f"{stated['model_version']}: the disclosure says {stated['assets_read']} assets and {stated['exposure_ms']} ms, the run {found}: they disagree"
        )
    _same("all snapshots", totals["all"], held)
    assert totals["all"]["exposure_ms"] == sum(stated["exposure_ms"] for stated in totals["models"]), "the exposures don't add up"


def _same(name: str, stated: Mapping[str, Any], held: Mapping[str, tuple[str, int]]) -> None:
    found = {
        "assets": len(held),
        "recordings": len({recording for recording, _ in held.values()}),
        "duration_ms": sum(duration for _, duration in held.values()),
    }
    wrong = [f"{key} {stated[key]}, counted {number}" for key, number in found.items() if stated[key] != number]
    assert not wrong, f"{name}: the disclosure and the manifests disagree: {', '.join(wrong)}"
