"""Why this cent: one line of a statement walked back to pool, weight, claim, consent, snapshot, training run and revenue row."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ritornello.domain.catalogue import WHOLE_E8
from ritornello.domain.consent import CLASS
from ritornello.domain.errors import Refused
from ritornello.domain.money import digits_of, format_units
from ritornello.domain.programme import HEARD, Income, Programme
from ritornello.domain.splits import format_share
from ritornello.formats.canonical import lines
from ritornello.formats.division_words import WEIGHT_PARTS, describe_attribution, describe_basis, describe_reason
from ritornello.formats.minimum_counts import describe_small, find_small
from ritornello.formats.statement_files import COMPARED, NOT_SHOWN
from ritornello.service import settlement_files, statements
from ritornello.service.context import Context

Row = Mapping[str, Any]


def explain(context: Context, line_id: str) -> dict[str, Any]:
    """The chain behind a line of any settlement in the database. Raises Refused when there is no such line."""
    return explain_to(context, line_id, None)


def explain_to(context: Context, line_id: str, reader: str | None) -> dict[str, Any]:
    """The same as a payee may see it: only a line of theirs, as if there were no others. `reader` None: the operator's people, who see all."""
    named = f'"line_id":"{line_id}"'.encode()
    for kept in settlement_files.list_newest_first(context):
        files = settlement_files.read_all(context, kept.settlement_id)
        tables = [files["result/allocations.jsonl"], files["result/deltas.jsonl"]]
        if any(named in data for data in tables) and (reader is None or _is_theirs(tables, named, reader)):
            return trace(files, line_id, reader)
    raise Refused("unknown_line", f"no settlement has a line {line_id!r}", "copy the line's 16 characters from a statement")


def explain_folder(folder: Path, line_id: str) -> dict[str, Any]:
    """The same from a bundle's files alone."""
    return trace(statements.read_folder(folder), line_id)


def _is_theirs(tables: list[bytes], named: bytes, party_id: str) -> bool:
    """Reads the line alone, so that another's line takes no longer to be refused than one that isn't there."""
    rows = (json.loads(line) for data in tables for line in lines(data) if named in line)
    return any(row["payee"] == f"party:{party_id}" for row in rows)


def trace(files: Mapping[str, bytes], line_id: str, reader: str | None = None) -> dict[str, Any]:
    """Everything that decided one line, from a settlement's files.

    For a payee (`reader`) without what is not theirs to know: claims of other parties, who else granted, which user paid.
    """
    tables = statements.parse_tables(files)
    line = next((row for row in tables["allocations"] if row["line_id"] == line_id), None)
    if any(row["line_id"] == line_id and row["after_numerator"] == "0" for row in tables["deltas"]):
        what = f"the line {line_id!r} is gone: the correction took back what stood before"
        raise Refused("line_gone", what, "see what stood: ritornello statement, of the settlement that is corrected")
    if line is None:
        raise Refused("unknown_line", f"there is no line {line_id!r}", "copy the line's 16 characters from a statement")
    pool = next(row for row in tables["pools"] if row["pool"] == line["pool"])
    own, *others = statements.read_terms(files)
    programme = next(terms for terms in (own, *others) if terms.version == pool["terms_version"])
    recording = next((row for row in tables["recordings"] if row["recording_id"] == line["recording_id"]), None)
    digits = digits_of(pool["currency"])
    chain = {
        "line": {**line, "amount": f"{format_units(int(line['amount_units']), digits)} {pool['currency']}"},
        "recording": recording,
        "pool": {**pool, "amount": f"{format_units(int(pool['amount_units']), digits)} {pool['currency']}"},
        "basis": {"means": describe_basis(pool["basis"]), "because": describe_reason(pool), **_quality(tables, programme, pool)},
        "correction": _correction(tables, line, digits),
        "rounding": _rounding(line, pool, tables, digits),
        "income": _income(tables, programme, pool, digits, reader),
        "weight": _weight(tables, line, pool, programme),
        "split": _split(tables, line, pool, reader),
        "consent": _consent(tables, line, pool, {terms.sha256: terms for terms in others}, reader),
        "programme": {"programme_id": programme.programme_id, "version": programme.version, "sha256": programme.sha256},
    }
    least = find_small(tables, (own, *others)).get(pool["pool"])
    return chain if least is None else _withhold(chain, least)


def render(chain: Mapping[str, Any]) -> str:
    """The chain as text, top-down: amount, then each reason."""
    line, pool, rounding = chain["line"], chain["pool"], chain["rounding"]
    recording = chain["recording"]
    out = [
        f"{line['amount']} to {line['payee']} through {recording['title'] + ' (' + recording['recording_id'] + ')' if recording else 'no recording'}",
        f"  pool       {pool['pool']}: {pool['amount']}",
        f"             divided by: {chain['basis']['means']}; {chain['basis']['because']}",
    ]
    if chain["basis"].get("error_ppm") is not None:
        out.append(
            f"             measured error of attribution: {chain['basis']['error_ppm'] / 10_000:.2f} % (limit {_percent(chain['basis']['max_error_ppm'])})"
        )
    out += [f"             {note}" for note in chain["basis"].get("notes", [])]
    if chain["correction"]:
        moved = chain["correction"]
        out.append(f"  corrected  from {moved['before']} to {moved['after']} {pool['currency']}: {moved['delta']}")
    if "exact" in rounding:
        out.append(
            f"  amount     {pool['amount']} × {rounding['numerator']} ÷ {rounding['denominator']} = {rounding['exact']} ledger units, booked {line['amount_units']}"
        )
    out.append(f"  income     {chain['income']['sentence']}")
    out += [
        f"             row {row['row']} of report {row['report_sha256'][:12]}…: {row['net']} net ({row['product']})"
        for row in chain["income"]["revenue_rows"]
    ]
    out.append(f"  weight     {chain['weight']['sentence']}")
    out += [f"             {part}" for part in chain["weight"]["parts"]]
    out.append(f"  split      {chain['split']['sentence']}")
    out += [f"             {claim}" for claim in chain["split"]["claims"]]
    for snapshot in chain["consent"]:
        out.append(f"  consent    {snapshot['sentence']}")
        out += [f"             {grant}" for grant in snapshot["grants"]]
    out.append(
        f"  terms      {chain['programme']['programme_id']} version {chain['programme']['version']}, SHA-256 {chain['programme']['sha256'][:16]}…"
    )
    return "\n".join(out)


def _withhold(chain: dict[str, Any], least: int) -> dict[str, Any]:
    """The chain without the weights of a pool that has too few outputs or payees behind it: amounts alone."""
    hidden = {"weight", "numerator", "denominator", "exact", "amount_units", *COMPARED, *WEIGHT_PARTS}
    line = {name: value for name, value in chain["line"].items() if name not in hidden - {"amount_units"}}
    pool, basis, rounding = (
        {name: value for name, value in chain[part].items() if name not in hidden} for part in ("pool", "basis", "rounding")
    )
    return {
        **chain,
        "line": line,
        "pool": {**pool, "amount": NOT_SHOWN},
        "basis": {**basis, "notes": []},
        "rounding": rounding,
        "weight": {"sentence": describe_small(least), "parts": []},
    }


def _percent(ppm: int | None) -> str:
    return "none" if ppm is None else f"{ppm / 10_000:g} %"


def _quality(tables: statements.Tables, programme: Programme, pool: Row) -> dict[str, Any]:
    row = next((row for row in tables["quality"] if row["model_version"] == pool["model_version"]), None)
    if row is None:
        return {}
    limit = next(income.max_error_ppm for income in programme.incomes if income.name == pool["income"])
    return {
        **{name: row[name] for name in ("error_ppm", "error_low_ppm", "error_high_ppm", "method", "method_version")},
        **{name: row.get(name) for name in WEIGHT_PARTS},
        "max_error_ppm": limit,
        "notes": describe_attribution(pool, row),
    }


def _rounding(line: Row, pool: Row, tables: statements.Tables, digits: int) -> dict[str, Any]:
    whole, rest = divmod(int(pool["amount_units"]) * int(line["numerator"]), int(pool["denominator"]))
    same = [row for row in tables["allocations"] if (row["pool"], row["payee"]) == (line["pool"], line["payee"])]
    return {
        "numerator": line["numerator"],
        "denominator": pool["denominator"],
        "exact": f"{whole}.{rest * 10_000 // int(pool['denominator']):04d}",
        "payee_total": format_units(sum(int(row["amount_units"]) for row in same), digits),
        "payee_lines": len(same),
    }


def _correction(tables: statements.Tables, line: Row, digits: int) -> dict[str, str] | None:
    """What the line was before, if this is a correction that changed it."""
    key = (line["pool"], line["payee"], line["recording_id"])
    found = next((row for row in tables["deltas"] if (row["pool"], row["payee"], row["recording_id"]) == key), None)
    return found and {name: format_units(int(found[f"{name}_units"]), digits) for name in ("before", "after", "delta")}


def _income(tables: statements.Tables, programme: Programme, pool: Row, digits: int, reader: str | None) -> dict[str, Any]:
    """What brought the pool's money in, and the revenue rows it came from."""
    income = next(income for income in programme.incomes if income.name == pool["income"])
    rows = _revenue_rows(tables, income, pool)
    parts = [
        f"{income.name}: {_source(income, rows, pool, digits)}",
        *(f"{fee.name} takes {_percent(fee.rate_ppm)}" for fee in programme.fees if not fee.incomes or income.name in fee.incomes),
        *(["part of it is owed by models made from this one"] if pool["reason"] == "lineage" else []),
        f"{pool['lane']} gets {_percent(income.lanes[pool['lane']])} of it",
    ]
    if reader is not None:
        rows = [{**row, "user_id": None} for row in rows]
    shown = [{**row, "net": f"{format_units(int(row['net_units']), digits_of(row['currency']))} {row['currency']}"} for row in rows]
    return {"sentence": "; ".join(parts), "revenue_rows": shown}


def _source(income: Income, rows: list[dict[str, Any]], pool: Row, digits: int) -> str:
    if income.amount_units is not None:
        once = f" in {income.period_id}" if income.period_id else " a period"
        return f"{format_units(income.amount_units, digits_of(str(income.currency)))} {income.currency}{once}"
    floor = ""
    if income.minimum_units and income.currency:
        floor = f", at least {format_units(income.minimum_units, digits_of(income.currency))} {income.currency}"
    if income.unit_rate_units is not None:
        price = f"{format_units(income.unit_rate_units, digits_of(str(income.currency)))} {income.currency}"
        count = format_units(sum(int(row["quantity_e6"] or 0) for row in rows), 2)
        return f"{price} for each {income.per if income.per > 1 else ''} {income.unit} × {count}".replace("  ", " ") + floor
    sums: dict[str, int] = {}
    for row in rows:
        sums[row["currency"]] = sums.get(row["currency"], 0) + int(row[f"{income.of}_units"] or 0)
    total = " + ".join(f"{format_units(units, digits_of(code))} {code}" for code, units in sorted(sums.items())) or "no"
    return f"{_percent(income.rate_ppm)} of {total} {income.of} revenue{floor}"


def _revenue_rows(tables: statements.Tables, income: Income, pool: Row) -> list[dict[str, Any]]:
    """The revenue rows that the pool's income looks at: of its own model version and territory, or of any, for money that came upstream."""
    upstream = pool["reason"] == "lineage"
    return [
        row
        for row in tables["revenue"]
        if income.amount_units is None
        and (upstream or (row["model_version"], row["territory"]) == (pool["model_version"], pool["territory"]))
        and (upstream or row["currency"] == pool["currency"] or any(rate["currency"] == row["currency"] for rate in tables["rates"]))
        and (not income.products or row["product"] in income.products)
        and (not income.model_versions or row["model_version"] in income.model_versions)
        and (income.unit is None or row["unit"] == income.unit)
    ]


def _weight(tables: statements.Tables, line: Row, pool: Row, programme: Programme) -> dict[str, Any]:
    found = _weight_alone(tables, line, pool, programme.min_count_shown)
    income = programme.find_income(pool["income"])
    if income and pool["basis"] in HEARD:
        parts = found["parts"]
        if pool.get("compared_by", income.aggregate_by[0]) == "catalogue":
            read = _read_in_training(tables, line, pool)
            parts = [
                *parts,
                "attribution gives this to all recordings of the principal owner together; each gets by what training read:",
                *read,
            ]
        if income.cap_ppm is not None:
            parts = [*parts, f"by attribution no recording, and no sound, gets more than {_percent(income.cap_ppm)} of the lane's money"]
        return {**found, "parts": parts}
    rule = pool["basis"].removeprefix("unattributed-").removeprefix("lineage-")
    cluster_of = {row["recording_id"]: row["cluster"] for row in tables.get("clusters", [])}
    cluster = cluster_of.get(line["recording_id"])
    copies = [name for name, other in cluster_of.items() if other == cluster and name != line["recording_id"]]
    if cluster is None or rule == "reserve" or rule in HEARD:
        return found
    return {
        **found,
        "parts": [
            *found["parts"],
            f"one sound with {', '.join(copies)}: those that count here share what the largest of them would bring alone",
        ],
    }


def _weight_alone(tables: statements.Tables, line: Row, pool: Row, least: int) -> dict[str, Any]:
    total = int(pool["denominator"]) // WHOLE_E8
    part = f"{line['weight']} of {total} ({int(line['weight']) * 100 / total:.4f} %)"
    rule = pool["basis"].removeprefix("unattributed-").removeprefix("lineage-")
    if rule == "reserve" and line["recording_id"]:
        return {"sentence": f"{part}: a reserve that was released, divided by the rule of the terms", "parts": []}
    if rule == "reserve":
        return {"sentence": "kept in reserve: it belongs to no recording", "parts": []}
    if rule in HEARD:
        outputs = {row["output_id"] for row in tables["outputs"] if row["model_version"] == pool["model_version"]}
        weights = {row["output_id"]: row["weight_ppm"] for row in tables["attribution"] if row["recording_id"] == line["recording_id"]}
        parts = [
            f"output {row['output_id']}: {row['uses']} uses × {weights[row['output_id']]:,} ppm ({row['usage_id']})"
            for row in tables["usage"]
            if row["output_id"] in outputs and row["territory"] == pool["territory"] and row["output_id"] in weights
        ]
        if least > 1:  # behind the weight in one output stands one output
            parts = [f"its parts by output are not shown: the programme shows no figure that fewer than {least} outputs stand behind"]
        means = "uses × what was heard of the recording" if rule == "attribution" else "units of users' money that their uses brought"
        return {"sentence": f"{part}: {means}", "parts": parts}
    if rule == "points":
        parts = [f"{row['points']} points of tier {row['tier']}" for row in tables["points"] if row["recording_id"] == line["recording_id"]]
        return {"sentence": f"{part}: points × the tier's weight", "parts": parts}
    if rule == "exposure":
        return {"sentence": f"{part}: milliseconds read in training", "parts": _read_in_training(tables, line, pool)}
    rows = [row for row in tables["manifest"] if row["recording_id"] == line["recording_id"]]
    parts = [f"snapshot {row['snapshot_id']} holds {row['duration_ms'] / 1000:g} s of it ({row['asset_id'][:19]}…)" for row in rows]
    means = {"seconds": "milliseconds in the training dataset", "count": "each recording counts once", "works": "each work counts once"}[
        rule
    ]
    return {"sentence": f"{part}: {means}", "parts": parts}


def _read_in_training(tables: statements.Tables, line: Row, pool: Row) -> list[str]:
    return [
        f"training of {row['model_version']} read {row['exposure_ms'] / 1000:g} s of {row['asset_id'][:19]}…"
        for row in tables["exposure"]
        if row["recording_id"] == line["recording_id"] and pool["model_version"] in {"*", row["model_version"]}
    ]


def _split(tables: statements.Tables, line: Row, pool: Row, reader: str | None) -> dict[str, Any]:
    key = (line["recording_id"], pool["lane"], pool["territory"])
    rows = [row for row in tables["splits"] if (row["recording_id"], row["lane"], row["territory"]) == key]
    mine = next((row for row in rows if row["payee"] == line["payee"]), None)
    if mine is None:
        return {"sentence": "no split: the reserve belongs to no recording", "claims": []}
    claims = {row["claim_id"]: row for row in tables["claims"]}
    told = [claims[claim_id] for claim_id in mine["claim_ids"] if reader in {None, claims[claim_id]["party_id"]}]
    status = {
        "complete": "all claims total 100 %",
        "completed": "claims total almost 100 % and were completed in proportion",
        "gap": "claims total less than 100 %: the rest waits in suspense",
        "released": "claims total less than 100 %; the time to claim the rest is over, and it goes to those who are known",
        "unclaimed": "nobody claims this lane: it waits in suspense",
        "overclaim": "claims total more than 100 %: the whole lane waits until the owners agree",
    }[mine["status"]]
    if mine["payee"] == "held:dispute" and mine["status"] != "overclaim":
        status += "; a claim to this part is contested"
    return {
        "sentence": f"{format_share(mine['share_e8'])} % of the {pool['lane']} lane; {status}",
        "claims": [
            f"claim {row['claim_id']}: {row['party_id']} {format_share(row['share_e8'])} % of {row['subject_id']}, {row['territory']}, from {row['valid_from']}"
            for row in told
        ],
    }


def _consent(
    tables: statements.Tables, line: Row, pool: Row, other_terms: Mapping[str, Programme], reader: str | None
) -> list[dict[str, Any]]:
    """The snapshots that let the recording into this pool's model versions, and the grants they relied on."""
    models = [row for row in tables["runs"] if pool["model_version"] in {"*", row["model_version"]}]
    snapshot_ids = {snapshot_id for row in models for snapshot_id in row["snapshot_ids"]}
    events = {row["event_id"]: row for row in tables["consents"]}
    later = [row for row in tables["consents"] if row["recording_id"] == line["recording_id"] and row["decision"] == "withdraw"]
    found = []
    for manifest in tables["manifest"]:
        if manifest["snapshot_id"] in snapshot_ids and manifest["recording_id"] == line["recording_id"]:
            snapshot = next(row for row in tables["snapshots"] if row["snapshot_id"] == manifest["snapshot_id"])
            sentence = (
                f"in snapshot {snapshot['snapshot_id']} of {snapshot['day']} ({manifest['kind']}), root {snapshot['manifest_root'][:16]}…"
            )
            if terms := other_terms.get(snapshot["programme_sha256"]):
                sentence += f"; frozen under version {terms.version} of the terms, SHA-256 {terms.sha256[:16]}…"
            if later:
                sentence += f"; withdrawn from {min(row['effective_from'] for row in later)}: models trained before still pay"
            relied_on = [events[name] for name in manifest["consent_events"]]
            grants = [_grant(event) for event in relied_on if reader in {None, event["party_id"]}]
            if kept_back := len(relied_on) - len(grants):
                grants.append(f"{kept_back} more by others who had to agree")
            found.append({"snapshot_id": snapshot["snapshot_id"], "asset_id": manifest["asset_id"], "sentence": sentence, "grants": grants})
    return found


def _grant(event: Row) -> str:
    to = f" to class {event['programme_id'].removeprefix(CLASS)}" if event["programme_id"].startswith(CLASS) else ""
    return f"{event['party_id']} granted {event['purpose']}{to} ({event['event_id']})"
