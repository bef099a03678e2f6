"""What a signed output states about itself: the assertions of its manifest, and checking the one of ours, offline and without trusting it.

Labels and fields: C2PA Technical Specification 2.4 (April 2026), sections 18.15 (actions) and 18.28 (AI disclosure); CAWG Training and Data Mining 1.1.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import ritornello
from ritornello.domain import merkle
from ritornello.domain.period import UNATTRIBUTED
from ritornello.formats import checkpoint as notes
from ritornello.formats.canonical import encode

FORMAT = "ritornello-output-1"
LABEL = "org.ritornello.output"
ACTIONS = "c2pa.actions.v2"
DISCLOSURE = "c2pa.ai-disclosure"
PREFERENCES = ("cawg.training-mining", "c2pa.training-mining")
GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
REGISTERED, ENCODED = (
    "registered",
    "encoded",
)  # signed from the registered bytes, or from another encoding that the operator says is the same
_FIELDS = {
    "format": str,
    "output_id": str,
    "made_on": str,
    "model_version": str,
    "weights_sha256": str,
    "exposure_root": str,
    "snapshots": list,
    "registered_sha256": str,
    "source_sha256": str,
    "relation": str,
    "log": dict,
}


def build_manifest(statement: Mapping[str, Any], preferences: Mapping[str, Any] | None) -> dict[str, Any]:
    """The manifest's definition: created by a trained model, which one, our statement, and, where given, what others may do with the output."""
    model = {"name": statement["model_version"]}
    weights = base64.urlsafe_b64encode(bytes.fromhex(statement["weights_sha256"])).rstrip(b"=").decode()
    disclosure = {
        "modelType": "c2pa.types.model",
        "modelName": statement["model_version"],
        "modelIdentifier": f"ni:///sha-256;{weights}",  # RFC 6920
    }
    # Whether the generator did more than create is not ours to say.
    actions = {
        "actions": [{"action": "c2pa.created", "digitalSourceType": GENERATED, "softwareAgent": model}],
        "allActionsIncluded": False,
    }
    assertions = [
        {"label": ACTIONS, "data": actions},
        {"label": DISCLOSURE, "data": disclosure},
        {"label": LABEL, "data": statement},
        *([{"label": PREFERENCES[0], "data": preferences["data"]}] if preferences else []),
    ]
    return {
        "title": statement["output_id"],
        "claim_generator_info": [{"name": "Ritornello", "version": ritornello.__version__}],
        "assertions": [{**one, "created": True} for one in assertions],  # stated by the signer, not merely gathered (section 10.3.2.1)
    }


def check_statement(statement: Any, vkey: str | None) -> list[str]:
    """What is wrong with a statement, each in a sentence; empty when every proof in it holds.

    With the log's key, the checkpoint's signature is checked too; without it, whoever made the statement may have made its log.
    """
    if wrong := _check_form(statement):
        return wrong
    problems = []
    if (statement["relation"] == REGISTERED) != (statement["source_sha256"] == statement["registered_sha256"]):
        problems.append(f"relation is {statement['relation']!r}, which its two hashes deny")
    try:
        tree = notes.open_note(statement["log"]["checkpoint"], vkey) if vkey else notes.parse_checkpoint(statement["log"]["checkpoint"])
    except ValueError as error:
        return [*problems, f"its checkpoint {error}"]
    proved, wrong = _check_proofs(statement["log"]["proofs"], tree)
    problems += wrong
    problems += [
        f"no proof that {kind} {name} was logged as stated"
        for kind, name, digest in _claims(statement)
        if (kind, name, digest) not in proved
    ]
    if statement["attribution"] is not None and not _proves_unattributed(statement):
        problems.append("the unattributed part is not a row of the attribution batch")
    return problems


def _check_form(statement: Any) -> list[str]:
    """Names and types; nothing else is looked at before this is empty."""
    if not isinstance(statement, dict) or statement.get("format") != FORMAT:
        return [f"is not of the format {FORMAT}"]
    wrong = [f"{name} is missing or no {kind.__name__}" for name, kind in _FIELDS.items() if not isinstance(statement.get(name), kind)]
    for name in ("weights_sha256", "exposure_root", "registered_sha256", "source_sha256"):
        if not re.fullmatch("[0-9a-f]{64}", str(statement.get(name))):
            wrong.append(f"{name} is no SHA-256")
    if "attribution" not in statement or not isinstance(statement["attribution"], dict | None):
        wrong.append("attribution is missing, or neither an object nor null")
    if not wrong and not (isinstance(statement["log"].get("checkpoint"), str) and isinstance(statement["log"].get("proofs"), list)):
        wrong.append("log has no checkpoint and proofs")
    if not wrong and not (statement["snapshots"] and all(isinstance(one, dict) for one in statement["snapshots"])):
        wrong.append("snapshots is empty, or holds other things than objects")
    return wrong


def _claims(statement: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Kind, id and hash of every log entry that the statement relies on."""
    model, attribution = statement["model_version"], statement["attribution"]
    claims = [("output", statement["output_id"], statement["registered_sha256"]), ("run", model, statement["exposure_root"])]
    claims += [("snapshot", str(one.get("snapshot_id")), str(one.get("root"))) for one in statement["snapshots"]]
    if attribution is not None:
        claims.append(("attribution", f"{model}/{attribution.get('batch')}", str(attribution.get("root"))))
    return claims


def _check_proofs(proofs: Sequence[Any], tree: notes.Checkpoint) -> tuple[set[tuple[str, str, str]], list[str]]:
    proved, problems = set(), []
    for place, proof in enumerate(proofs, 1):
        try:
            data, entry = proof["entry"].encode(), json.loads(proof["entry"])
            found, path = (entry["kind"], entry["id"], entry["hash"]), [bytes.fromhex(step) for step in proof["hashes"]]
            # An entry that is not written as one says something that an audit of the log would not see.
            holds = encode(entry) == data and merkle.verify_inclusion(merkle.leaf_hash(data), proof["index"], tree.size, path, tree.root)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            holds = False
        if holds and all(isinstance(part, str) for part in found):
            proved.add(found)
        else:
            problems.append(f"proof {place} doesn't lead to its checkpoint")
    return proved, problems


def _proves_unattributed(statement: Mapping[str, Any]) -> bool:
    attribution = statement["attribution"]
    try:
        proof = attribution["proof"]
        row = {"output_id": statement["output_id"], "recording_id": UNATTRIBUTED, "weight_ppm": attribution["unattributed_ppm"]}
        path = [bytes.fromhex(step) for step in proof["hashes"]]
        root = bytes.fromhex(attribution["root"])
        return merkle.verify_inclusion(merkle.leaf_hash(encode(row)), proof["index"], proof["rows"], path, root)
    except (ValueError, TypeError, KeyError, AttributeError):
        return False
