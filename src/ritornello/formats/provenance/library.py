"""The one place that touches c2pa-python (extra `provenance`): sign a file, read a file. No network, except to a time-stamping authority that the signer names.

`read` parses with native code what strangers made: for files of theirs go through reading.py, which runs it in a process of its own.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import c2pa

from ritornello.formats.provenance.containers import Unsignable
from ritornello.formats.provenance.credentials import SIGNING_PURPOSES, Credentials
from ritornello.formats.provenance.statement import ACTIONS, DISCLOSURE, LABEL, PREFERENCES

VERSION = f"c2pa-python {c2pa.__version__} (c2pa-rs {c2pa.sdk_version()})"
MAX_ACTIONS, MAX_LABELS, MAX_FAILURES, MAX_TEXT = 100, 200, 50, 500


def sign(source: Path, target: Path, mime: str, manifest: Mapping[str, Any], credentials: Credentials, timestamp_url: str | None) -> None:
    """Write a signed copy, and validate it. `target` is a new file, removed again when that fails. Raises Unsignable with the library's reason."""
    info = c2pa.C2paSignerInfo(credentials.algorithm, credentials.chain_pem, credentials.key_pem, timestamp_url)
    try:
        with (
            c2pa.Context.from_dict(_settings(b"")) as context,
            c2pa.Signer.from_info(info) as signer,
            c2pa.Builder(dict(manifest), context=context) as builder,
            source.open("rb") as before,
            target.open("x+b") as after,
        ):
            builder.sign(signer, mime, before, after)
    except c2pa.C2paError as error:
        target.unlink(missing_ok=True)
        what = f"can't be signed by {VERSION}: {str(error)[:MAX_TEXT]}"
        raise Unsignable(what, "check the file, the certificate and the time-stamping authority") from None
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def read(path: Path, anchors_pem: bytes) -> dict[str, Any]:
    """What the active manifest says and whether it validates, as plain JSON: the fields of reading.Reading. Everything in it is the file's word."""
    try:
        with (
            c2pa.Context.from_dict(_settings(anchors_pem)) as context,
            path.open("rb") as file,
            c2pa.Reader(file, context=context) as reader,
        ):
            return _summarise(json.loads(reader.json()))
    except c2pa.C2paError.ManifestNotFound:
        return {"state": "none"}
    except c2pa.C2paError.NotSupported:
        return {"state": "unsupported"}
    except c2pa.C2paError as error:
        return {"state": "broken", "failures": [{"code": "unreadable", "explanation": str(error)[:MAX_TEXT]}]}


def _settings(anchors_pem: bytes) -> dict[str, Any]:
    return {
        "core": {"allowed_network_hosts": []},
        "verify": {"verify_after_sign": True, "verify_trust": True, "remote_manifest_fetch": False, "ocsp_fetch": False},
        "trust": {"trust_config": "".join(f"{oid}\n" for oid in SIGNING_PURPOSES)}
        | ({"trust_anchors": anchors_pem.decode()} if anchors_pem else {}),
    }


def _summarise(store: Mapping[str, Any]) -> dict[str, Any]:
    """The library promises the outline; what lies in assertions has whatever form its maker chose."""
    active = str(store.get("active_manifest"))
    manifest = _object(_object(store.get("manifests")).get(active))
    assertions = [one for one in manifest.get("assertions") or [] if isinstance(one, dict) and isinstance(one.get("label"), str)]
    by_label = {one["label"]: one.get("data") for one in reversed(assertions)}
    lists = [_object(one.get("data")).get("actions") for one in assertions if one["label"].split("__")[0] in (ACTIONS, "c2pa.actions")]
    actions = [action for found in lists if isinstance(found, list) for action in found if isinstance(action, dict)]
    results = _object(store.get("validation_results"))
    deltas = [_object(delta.get("validationDeltas")) for delta in results.get("ingredientDeltas") or []]
    failures = [each for found in (_object(results.get("activeManifest")), *deltas) for each in found.get("failure") or []]
    signature = _object(manifest.get("signature_info"))
    return {
        "state": str(store.get("validation_state")).lower(),
        "failures": [
            {"code": str(one.get("code")), "explanation": str(one.get("explanation"))[:MAX_TEXT]} for one in failures[:MAX_FAILURES]
        ],
        "manifest_id": active,
        "title": manifest.get("title"),
        "generator": [one for one in manifest.get("claim_generator_info") or [] if isinstance(one, dict)],
        "signer": {name: signature.get(name) for name in ("common_name", "issuer", "alg", "time", "cert_serial_number")},
        "actions": [
            {name: action.get(name) for name in ("action", "digitalSourceType", "softwareAgent", "when")}
            for action in actions[:MAX_ACTIONS]
        ],
        "labels": [one["label"] for one in assertions[:MAX_LABELS]],
        "ingredients": len(manifest.get("ingredients") or []),
        "disclosure": by_label.get(DISCLOSURE),
        "statement": by_label.get(LABEL),
        "preferences": next(({"label": label, "data": by_label[label]} for label in PREFERENCES if label in by_label), None),
    }


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
