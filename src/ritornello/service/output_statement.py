"""What a signed output states: its model version, what that was trained on, the attribution batch, and proofs that all of it was logged (docs/formats/provenance.md)."""

import json
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row

from ritornello.domain import merkle
from ritornello.domain.period import UNATTRIBUTED
from ritornello.formats.canonical import fingerprint_table, lines
from ritornello.formats.provenance.statement import ENCODED, FORMAT, REGISTERED, check_statement
from ritornello.service import log as logs
from ritornello.service import models, snapshots
from ritornello.service.context import Context
from ritornello.store import attributions, log


@dataclass(frozen=True, slots=True)
class _Batch:
    """The newest attribution batch of a model version: its weights' leaves and where each output's unattributed row stands."""

    facts: dict[str, Any]
    leaves: list[bytes]
    unattributed: dict[str, tuple[int, int]]  # output → place in the table, weight in ppm


@dataclass(slots=True)
class Statements:
    """Makes statements within one transaction, all under the checkpoint over what was logged when it began."""

    context: Context
    checkpoint: str = field(init=False)
    vkey: str = field(init=False)
    _tree: log.Tree = field(init=False)
    _models: dict[str, dict[str, Any]] = field(default_factory=dict)
    _batches: dict[str, _Batch | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.checkpoint, self.vkey = logs.checkpoint(self.context)
        self._tree = log.read_tree(self.context.connection)

    def make(self, output: Row[Any], source_sha256: str) -> dict[str, Any]:
        """The statement about an output (a row of `output`) signed from bytes with this hash. Every proof in it was checked."""
        model = self._model(output.model_version)
        attribution = self._attribution(output.model_version, output.output_id)
        logged = [("output", output.output_id), ("run", output.model_version)]
        logged += [("snapshot", one["snapshot_id"]) for one in model["snapshots"]]
        logged += [("attribution", f"{output.model_version}/{attribution['batch']}")] if attribution else []
        places = dict(log.find(self.context.connection, kind, name) for kind, name in dict.fromkeys(logged))
        statement = {
            "format": FORMAT,
            "output_id": output.output_id,
            "made_on": output.made_on,
            "model_version": output.model_version,
            **model,
            "registered_sha256": output.sha256,
            "source_sha256": source_sha256,
            "relation": REGISTERED if source_sha256 == output.sha256 else ENCODED,
            "attribution": attribution,
            "log": {
                "checkpoint": self.checkpoint,
                "proofs": [
                    {"entry": proof.entry, "index": proof.index, "hashes": list(proof.hashes)} for proof in log.prove(self._tree, places)
                ],
            },
        }
        problems = check_statement(statement, self.vkey)
        assert not problems, f"a statement of our own doesn't hold: {problems}"
        return statement

    def _model(self, model_version: str) -> dict[str, Any]:
        """Hashes of a model version, and the snapshots that it and every model it was made from were trained on."""
        if model_version not in self._models:
            run, found, waiting = models.find_run(self.context, model_version), [], [model_version]
            for name in waiting:  # grows: parents of parents
                ancestor = models.find_run(self.context, name)
                waiting += [parent for parent in ancestor["parents"] if parent not in waiting]
                found += [
                    {"model_version": name, "snapshot_id": one, "root": snapshots.find_row(self.context, one)["manifest_root"]}
                    for one in ancestor["snapshot_ids"]
                ]
            facts = {name: run[name] for name in ("weights_sha256", "exposure_root", "parents")}
            self._models[model_version] = {**facts, "snapshots": found}
        return self._models[model_version]

    def _attribution(self, model_version: str, output_id: str) -> dict[str, Any] | None:
        """Batch, root, error and the unattributed part with its proof; None when no batch holds the output."""
        if model_version not in self._batches:
            self._batches[model_version] = self._read_batch(model_version)
        batch = self._batches[model_version]
        if batch is None or output_id not in batch.unattributed:
            return None
        place, weight_ppm = batch.unattributed[output_id]
        hashes = [step.hex() for step in merkle.inclusion_proof(batch.leaves, place)]
        proof = {"index": place, "rows": len(batch.leaves), "hashes": hashes}
        return {**batch.facts, "unattributed_ppm": weight_ppm, "proof": proof}

    def _read_batch(self, model_version: str) -> _Batch | None:
        latest = attributions.read_latest_batch(self.context.connection, model_version)
        if latest is None:
            return None
        number, weights_sha256, quality_sha256 = latest
        table, quality = self.context.files.get(weights_sha256), json.loads(self.context.files.get(quality_sha256))
        rows = [json.loads(line) for line in lines(table)]
        unattributed = {
            row["output_id"]: (place, row["weight_ppm"]) for place, row in enumerate(rows) if row["recording_id"] == UNATTRIBUTED
        }
        facts = {name: quality[name] for name in ("method", "method_version", "error_ppm")}
        leaves = [merkle.leaf_hash(line) for line in lines(table)]
        return _Batch({"batch": number, "root": fingerprint_table(table).hash, **facts}, leaves, unattributed)
