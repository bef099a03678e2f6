"""Attribution: which recordings an output sounds like, from its audio alone, and how wrong the method is where the truth is known."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select

from ritornello.attribution import evaluate, shares
from ritornello.attribution.witnesses import Passage, list_matches
from ritornello.audio.decode import UnreadableAudio, examine
from ritornello.domain.errors import Refused, raise_if_any
from ritornello.domain.period import UNATTRIBUTED
from ritornello.domain.programme import WHOLE_PPM
from ritornello.formats.attribution_evidence import encode_evidence, read_evidence
from ritornello.formats.canonical import encode_document, encode_table, fingerprint_table, hash_file, lines
from ritornello.formats.schema import PERIOD_TABLES
from ritornello.formats.sheet import parse_count, read_sheet
from ritornello.service import models
from ritornello.service.clusters import find_clusters
from ritornello.service.context import Context
from ritornello.service.listening import METHODS, Listener, Source, choose_method, sort_sources
from ritornello.service.scores import read_influence
from ritornello.store import attributions, catalogue, schema

CONTROLS = 2  # recordings never trained on that are put into the index all the same
BOOTSTRAP_SEED = 20260101
Weights = dict[str, dict[str, int]]


def attribute(
    context: Context,
    model_version: str,
    *,
    controls: tuple[str, ...] = (),
    truth: Path | None = None,
    method: str | None = None,
    scores: Path | None = None,
    audit: Path | None = None,
    lane: str | None = None,
) -> dict[str, Any]:
    """Attribute every output of a model version; replaces no earlier batch but is used instead of it. Returns the quality report.

    `controls` are recordings that must be in the index although never trained on (two more are drawn). `truth` names a sheet of known
    truth (docs/formats/spreadsheets.md): it is read after the audio has been judged, only to measure the error. `method`: one of `listening.METHODS`.
    What was heard in an output is kept, also when this is interrupted: it is not heard again for the same recordings. `scores` are the influence of
    recordings by another method, `audit` says how far they may divide what is not heard (docs/shares.md), `lane` which of the file's lanes is meant.
    """
    if (scores is None) != (audit is None):
        raise Refused("scores_need_audit", "scores divide money only as far as an audit allows", "give both --scores and --audit")
    outputs = _find_outputs(context, model_version)
    if not outputs:
        raise Refused("no_outputs", f"{model_version} has no outputs", "register some: ritornello output add")
    rules, listener, chosen = _prepare(context, model_version, controls, method)
    names = {row.output_id for row in outputs}
    truths = _read_truth(context, truth, names) if truth else {}
    influence = read_influence(scores, audit, lane, names, catalogue.read_recordings(context.connection)) if scores and audit else None
    estimates: Weights = {}
    leaks: dict[str, int] = {}
    evidence = []
    for number, row in enumerate(outputs, 1):
        context.tell(f"attributing outputs of {model_version} {number}/{len(outputs)}")
        line = listener.hear_output(row.output_id, Path(row.path), row.sha256, row.duration_ms)
        found = rules.divide(json.loads(line)["passages"], row.duration_ms)
        leaks[row.output_id] = found.leak_ppm
        blended = influence.blend(row.output_id, found, rules.exposure, rules.clusters) if influence else found
        estimates[row.output_id] = blended.weights
        evidence.append(line)
    report = _measure(model_version, listener.method, estimates, truths, leaks, rules)
    report = influence.describe(report) if influence else report
    header = {
        "model_version": model_version,
        "method": listener.method,
        "method_version": METHODS[listener.method],
        "sources_key": listener.key,
    }
    evidence_sha256 = context.files.put(encode_evidence(header, evidence))
    report |= {"controls": sorted(chosen), "clusters": [list(one) for one in rules.clusters], "evidence_sha256": evidence_sha256}
    _store(context, model_version, estimates, report)
    return report


def stream(
    context: Context, model_version: str, names: Iterable[str], *, controls: tuple[str, ...] = (), method: str | None = None
) -> Iterator[dict[str, Any]]:
    """Judge outputs one by one as they are named, by id or by file, and store no batch. Yields weights and passages of each, or what is wrong with it."""
    outputs = {row.output_id: row for row in _find_outputs(context, model_version)}
    rules, listener, _ = _prepare(context, model_version, controls, method)
    for name in names:
        row = outputs.get(name)
        path = Path(row.path) if row else Path(name)
        try:
            duration_ms = row.duration_ms if row else examine(path).duration_ms
            line = json.loads(listener.hear_output(name, path, row.sha256 if row else hash_file(path), duration_ms))
            yield {**line, "weights": rules.divide(line["passages"], duration_ms).weights}
        except (UnreadableAudio, Refused) as error:
            yield {"output_id": name, "error": {"what": error.what, "todo": error.todo}}
        except OSError as error:
            what = f"is no output of {model_version}, and can't be read as a file: {error.strerror or error}"
            yield {"output_id": name, "error": {"what": what, "todo": "name an output or a sound file"}}


def find_passages(context: Context, output_id: str) -> dict[str, Any]:
    """What the newest batch heard in an output: its evidence, its weights, and the names of the recordings. Raises Refused."""
    model_version = context.connection.scalar(select(schema.output.c.model_version).where(schema.output.c.output_id == output_id))
    if model_version is None:
        raise Refused("unknown_output", f"there is no output {output_id!r}", "see `ritornello output show`")
    latest = attributions.read_latest_batch(context.connection, model_version)
    report = json.loads(context.files.get(latest[2])) if latest else {}
    header, heard = read_evidence(context.files.get(report["evidence_sha256"])) if "evidence_sha256" in report else ({}, [])
    line = next((one for one in heard if one["output_id"] == output_id), None)
    if not latest or line is None:
        raise Refused(
            "not_attributed",
            f"no evidence of {output_id!r} is stored",
            f"attribute the model's outputs: ritornello attribute {model_version}",
        )
    rows = map(json.loads, lines(context.files.get(latest[1])))
    known = catalogue.read_recordings(context.connection)
    titles = {one["recording_id"]: known[one["recording_id"]].title for one in line["passages"]}
    weights = {row["recording_id"]: row["weight_ppm"] for row in rows if row["output_id"] == output_id}
    return {
        **line,
        "batch": latest[0],
        "method": header["method"],
        "method_version": header["method_version"],
        "weights": weights,
        "titles": titles,
    }


@dataclass(frozen=True, slots=True)
class _Rules:
    """Who can earn, and who counts once with whom."""

    exposure: dict[str, int]  # recording → milliseconds read, above zero
    clusters: tuple[tuple[str, ...], ...]

    def divide(self, passages: Sequence[Mapping[str, Any]], output_ms: int) -> shares.Shares:
        """The shares of an output from its passages, as evidence has them."""
        counted = list_matches(Passage(**{**one, "counted": tuple(map(tuple, one["counted"]))}) for one in passages)
        return shares.to_weights(counted, output_ms, eligible=frozenset(self.exposure), clusters=self.clusters, exposure=self.exposure)


def _find_outputs(context: Context, model_version: str) -> Sequence[Row[Any]]:
    models.find_run(context, model_version)
    query = select(schema.output).where(schema.output.c.model_version == model_version)
    return context.connection.execute(query.order_by(schema.output.c.output_id)).all()


def _prepare(context: Context, model_version: str, named: tuple[str, ...], method: str | None) -> tuple[_Rules, Listener, frozenset[str]]:
    """The rules, the listener, and the controls it listens for besides what was trained on."""
    models.find_run(context, model_version)
    exposure = _exposure(context, model_version)
    controls = _choose_controls(context, model_version, frozenset(exposure), named)
    exposed = {row["asset_id"] for row in models.read_exposure(context, model_version) if row["exposure_ms"]}
    paths = catalogue.read_asset_paths(context.connection)
    sources = [
        Source(one.recording_id, one.asset_id.removeprefix("sha256:"), paths[one.asset_id])
        for one in catalogue.read_assets(context.connection).values()
        if one.asset_id in exposed or (one.recording_id in controls and one.kind == "recording")
    ]
    listener = Listener(choose_method(method), sort_sources(sources), context.evidence, context.tell)
    return _Rules(exposure, find_clusters(context)), listener, controls


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
    model_version: str, method: str, estimates: Weights, truths: Weights, leaks: Mapping[str, int], rules: _Rules
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "model_version": model_version,
        "method": method,
        "method_version": METHODS[method],
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
    of_truths = {name: leaks[name] for name in truths}
    quality = evaluate.compare(
        measured, truths, BOOTSTRAP_SEED, eligible=frozenset(rules.exposure), exposure=rules.exposure, leaks_ppm=of_truths
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
    context.record("attribution-evidence", f"{model_version}/{batch}", report["evidence_sha256"])
