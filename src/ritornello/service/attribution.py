"""Attribution: which recordings an output sounds like, from its audio alone, and how wrong the method is where the truth is known."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select

from ritornello.attribution import evaluate, shares, similarity
from ritornello.audio.decode import read_mono
from ritornello.domain.catalogue import Asset
from ritornello.domain.errors import Refused, raise_if_any
from ritornello.domain.period import UNATTRIBUTED
from ritornello.domain.programme import WHOLE_PPM
from ritornello.formats.canonical import encode_document, encode_table, fingerprint_table, hash_file
from ritornello.formats.schema import PERIOD_TABLES
from ritornello.formats.sheet import parse_count, read_sheet
from ritornello.service import models
from ritornello.service.clusters import find_clusters
from ritornello.service.context import Context
from ritornello.store import attributions, catalogue, schema

CONTROLS = 2  # recordings never trained on that are put into the index all the same
BOOTSTRAP_SEED = 20260101
Weights = dict[str, dict[str, int]]


def attribute(context: Context, model_version: str, *, controls: tuple[str, ...] = (), truth: Path | None = None) -> dict[str, Any]:
    """Attribute every output of a model version; replaces no earlier batch but is used instead of it. Returns the quality report.

    `controls` are recordings that must be in the index although never trained on (two more are drawn). `truth` names a sheet of known
    truth (docs/formats/spreadsheets.md): it is read after the audio has been judged, only to measure the error.
    """
    models.find_run(context, model_version)
    outputs = context.connection.execute(
        select(schema.output).where(schema.output.c.model_version == model_version).order_by(schema.output.c.output_id)
    ).all()
    if not outputs:
        raise Refused("no_outputs", f"{model_version} has no outputs", "register some: ritornello output add")
    exposure = _exposure(context, model_version)
    eligible = frozenset(exposure)
    chosen = _choose_controls(context, model_version, eligible, controls)
    truths = _read_truth(context, truth, {row.output_id for row in outputs}) if truth else {}
    index = _build_index(context, model_version, chosen)
    clusters = find_clusters(context)
    estimates: Weights = {}
    leaks: dict[str, int] = {}
    for number, row in enumerate(outputs, 1):
        context.tell(f"attributing outputs of {model_version} {number}/{len(outputs)}")
        samples = read_mono(_unchanged(Path(row.path), row.sha256, row.output_id), rate_hz=index.settings.rate_hz)
        found = shares.to_weights(
            similarity.attribute(index, samples), row.duration_ms, eligible=eligible, clusters=clusters, exposure=exposure
        )
        estimates[row.output_id], leaks[row.output_id] = found.weights, found.leak_ppm
    report = _measure(model_version, estimates, truths, leaks, eligible, exposure)
    report |= {"controls": sorted(chosen), "clusters": [list(one) for one in clusters]}
    _store(context, model_version, estimates, report)
    return report


def _exposure(context: Context, model_version: str) -> dict[str, int]:
    """Recording → milliseconds read, above zero."""
    found: dict[str, int] = {}
    for row in models.read_exposure(context, model_version):
        if row["exposure_ms"]:
            found[row["recording_id"]] = found.get(row["recording_id"], 0) + row["exposure_ms"]
    return found


def _choose_controls(context: Context, model_version: str, eligible: frozenset[str], named: tuple[str, ...]) -> frozenset[str]:
    """Named controls and some drawn by hash, so that nobody picks them by ear. A trained recording can't be a control."""
    recordings = set(catalogue.read_recordings(context.connection))
    for recording_id in named:
        if recording_id not in recordings or recording_id in eligible:
            raise Refused("bad_control", f"{recording_id!r} is unknown or was trained on", "a control is a recording the model never read")
    drawn = sorted(recordings - eligible - set(named), key=lambda name: hashlib.sha256(f"{model_version}\n{name}".encode()).digest())
    return frozenset({*named, *drawn[:CONTROLS]})


def _build_index(context: Context, model_version: str, controls: frozenset[str]) -> "similarity.Index":
    exposed = {row["asset_id"] for row in models.read_exposure(context, model_version) if row["exposure_ms"]}
    assets = [
        a
        for a in catalogue.read_assets(context.connection).values()
        if a.asset_id in exposed or (a.recording_id in controls and a.kind == "recording")
    ]
    assets.sort(key=lambda asset: (asset.recording_id, asset.asset_id))
    paths = catalogue.read_asset_paths(context.connection)

    def read(number: int, asset: Asset) -> "tuple[str, Any]":
        context.tell(f"indexing recordings for {model_version} {number}/{len(assets)}")
        path = _unchanged(paths[asset.asset_id], asset.asset_id.removeprefix("sha256:"), asset.recording_id)
        return asset.recording_id, read_mono(path, rate_hz=similarity.SimilaritySettings().rate_hz)

    return similarity.cache(read(number, asset) for number, asset in enumerate(assets, 1))


def _unchanged(path: Path, sha256: str, name: str) -> Path:
    if not path.is_file() or hash_file(path) != sha256:
        raise Refused(
            "file_changed", f"the file of {name} at {path} is gone or has changed since it was registered", "restore the original"
        )
    return path


def _read_truth(context: Context, path: Path, outputs: set[str]) -> Weights:
    """The truth of these outputs; a sheet may hold other models' outputs too, but none that nobody registered."""
    sheet = read_sheet(path, ["output_id", "recording_id", "weight_ppm"])
    registered = set(context.connection.scalars(select(schema.output.c.output_id)))
    recordings = {UNATTRIBUTED, *catalogue.read_recordings(context.connection)}
    truths: Weights = {}
    for cells in sheet.rows:
        output_id, recording_id = cells.required("output_id", str), cells.required("recording_id", str)
        weight = cells.required("weight_ppm", lambda text: 0 if text == "0" else parse_count(text))
        if output_id and output_id not in registered:
            cells.problem("output_id", f"{output_id!r} is no registered output", "correct the cell or register the output")
        if recording_id and recording_id not in recordings:
            cells.problem(
                "recording_id", f"{recording_id!r} is no recording of the catalogue", f"correct the cell, or write {UNATTRIBUTED}"
            )
        if output_id and recording_id and weight is not None:
            row = truths.setdefault(output_id, {UNATTRIBUTED: 0})
            row[recording_id] = row.get(recording_id, 0) + weight
    for output_id, row in truths.items():
        if sum(row.values()) != WHOLE_PPM:
            sheet.problem(
                None, "weight_ppm", f"the truth of {output_id} totals {sum(row.values()):,} ppm", "let each output total 1,000,000"
            )
    raise_if_any(sheet.problems)
    return {output_id: row for output_id, row in truths.items() if output_id in outputs}


def _measure(
    model_version: str, estimates: Weights, truths: Weights, leaks: Mapping[str, int], eligible: frozenset[str], exposure: Mapping[str, int]
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "model_version": model_version,
        "method": similarity.METHOD,
        "method_version": similarity.METHOD_VERSION,
        "outputs_with_truth": len(truths),
        "error_ppm": None,
        "error_low_ppm": None,
        "error_high_ppm": None,
        "aggregate_error_ppm": None,
        "leak_ppm": sum(leaks.values()) // len(leaks),
    }
    if not truths:
        return row
    measured = {output_id: estimates[output_id] for output_id in truths}
    quality = evaluate.compare(
        measured, truths, BOOTSTRAP_SEED, eligible=eligible, exposure=exposure, leaks_ppm={name: leaks[name] for name in truths}
    )
    return {
        **row,
        "error_ppm": quality.error.value_ppm,
        "error_low_ppm": quality.error.low_ppm,
        "error_high_ppm": quality.error.high_ppm,
        "aggregate_error_ppm": quality.aggregate_error.value_ppm,
        "recall_at_two_ppm": quality.recall_at_two_ppm,
        "uniform_error_ppm": quality.uniform_error_ppm,
        "exposure_error_ppm": quality.exposure_error_ppm,
        "exposure_aggregate_error_ppm": quality.exposure_aggregate_error_ppm,
    }


def _store(context: Context, model_version: str, estimates: Weights, report: dict[str, Any]) -> None:
    rows = [
        {"output_id": output_id, "recording_id": recording_id, "weight_ppm": weight}
        for output_id, weights in estimates.items()
        for recording_id, weight in weights.items()
        if weight or recording_id == UNATTRIBUTED
    ]
    table = encode_table(rows, PERIOD_TABLES["attribution"].key)
    batch = attributions.append_batch(
        context.connection,
        model_version,
        weights_sha256=context.files.put(table),
        quality_sha256=context.files.put(encode_document(report)),
        at_us=context.now_us(),
    )
    context.record("attribution", f"{model_version}/{batch}", fingerprint_table(table).hash)
