"""Every file of a bundle: the tables with their columns and keys (period-folder.md, settlement.md, statement.md, bundle.md), and the documents."""

from dataclasses import dataclass

from ritornello_verify.kinds import (
    ASCENDING,
    ASSET,
    COUNT,
    CURRENCY,
    DAY,
    HASH,
    IDENTIFIER,
    INTEGER,
    LANE_NAME,
    NATURAL,
    QUORUM,
    TERRITORY,
    TEXT,
    TEXTS,
    UNITS,
    UNITS_BY_NAME,
    WHOLE_PPM,
    WHOLE_SHARE,
    YES_OR_NO,
    Kind,
    allow_null,
    bound,
    choose,
)


@dataclass(frozen=True, slots=True)
class Table:
    """Columns with what they may hold, and the key columns rows are sorted by. A row may lack those that `lacking` names."""

    key: tuple[str, ...]
    columns: dict[str, Kind]
    lacking: frozenset[str] = frozenset()


RECEIPTS = Table(
    ("income", "model_version", "territory", "reported_currency"),
    {
        "income": TEXT,
        "model_version": TEXT,
        "territory": TERRITORY,
        "reported_currency": CURRENCY,
        "reported_units": NATURAL,
        "currency": CURRENCY,
        "added_units": NATURAL,
        "units": NATURAL,
        "fee_units": NATURAL,
        "upstream_units": NATURAL,
    },
)
QUALITY_SINCE = frozenset({"evidence_ppm", "influence_ppm", "exposure_ppm", "noise_recording_ppm", "noise_catalogue_ppm"})
PERIOD_TABLES = {
    "parties.jsonl": Table(
        ("party_id",), {"party_id": IDENTIFIER, "name": TEXT, "kind": choose("person", "organisation"), "payable": YES_OR_NO}
    ),
    "works.jsonl": Table(("work_id",), {"work_id": IDENTIFIER, "title": TEXT, "iswc": allow_null(TEXT)}),
    "recordings.jsonl": Table(
        ("recording_id",),
        {"recording_id": IDENTIFIER, "title": TEXT, "artist": TEXT, "isrc": allow_null(TEXT), "work_id": allow_null(IDENTIFIER)},
    ),
    "claims.jsonl": Table(
        ("claim_id",),
        {
            "claim_id": TEXT,
            "subject_kind": choose("recording", "work"),
            "subject_id": IDENTIFIER,
            "lane": LANE_NAME,
            "party_id": IDENTIFIER,
            "share_e8": bound(1, WHOLE_SHARE),
            "territory": TERRITORY,
            "valid_from": DAY,
            "valid_to": allow_null(DAY),
            "recorded_at_us": INTEGER,
            "retracted_at_us": allow_null(INTEGER),
        },
    ),
    "mandates.jsonl": Table(
        ("mandate_id",),
        {
            "mandate_id": TEXT,
            "party_id": IDENTIFIER,
            "representative_id": IDENTIFIER,
            "lanes": ASCENDING,
            "purposes": ASCENDING,
            "programme_id": TEXT,
            "valid_from": DAY,
            "valid_to": allow_null(DAY),
            "recorded_at_us": INTEGER,
            "retracted_at_us": allow_null(INTEGER),
        },
    ),
    "classes.jsonl": Table(("class_sha256",), {"class_sha256": HASH, "class_id": TEXT, "text": TEXT}),
    "admissions.jsonl": Table(
        ("admission_id",),
        {
            "admission_id": TEXT,
            "class_id": TEXT,
            "class_sha256": HASH,
            "programme_id": TEXT,
            "programme_sha256": HASH,
            "basis": TEXT,
            "valid_from": DAY,
            "valid_to": allow_null(DAY),
            "recorded_at_us": INTEGER,
            "ended_from": allow_null(DAY),
            "ended_at_us": allow_null(INTEGER),
        },
    ),
    "consents.jsonl": Table(
        ("seq",),
        {
            "seq": bound(1),
            "event_id": TEXT,
            "decision": choose("grant", "withdraw", "hold", "release"),
            "party_id": IDENTIFIER,
            "actor_id": IDENTIFIER,
            "mandate_id": allow_null(TEXT),
            "asset_id": ASSET,
            "recording_id": IDENTIFIER,
            "purpose": TEXT,
            "programme_id": TEXT,
            "terms_sha256": HASH,
            "territory": TERRITORY,
            "effective_from": DAY,
            "effective_to": allow_null(DAY),
            "recorded_at_us": INTEGER,
            "channel": TEXT,
            "authentication": TEXT,
            "evidence_sha256": allow_null(HASH),
            "previous_sha256": HASH,
        },
    ),
    "snapshots.jsonl": Table(
        ("snapshot_id",),
        {
            "snapshot_id": TEXT,
            "programme_id": TEXT,
            "programme_sha256": HASH,
            "purposes": TEXTS,
            "territory": TERRITORY,
            "quorum": QUORUM,
            "day": DAY,
            "known_at_us": INTEGER,
            "manifest_root": HASH,
            "assets": COUNT,
            "duration_ms": COUNT,
            "licence": TEXT,
        },
    ),
    "manifest.jsonl": Table(
        ("snapshot_id", "asset_id"),
        {
            "snapshot_id": TEXT,
            "asset_id": ASSET,
            "recording_id": IDENTIFIER,
            "kind": choose("recording", "stem", "vocal_take"),
            "file": TEXT,
            "bytes": COUNT,
            "duration_ms": COUNT,
            "dataset_split": TEXT,
            "consent_events": ASCENDING,
        },
    ),
    "runs.jsonl": Table(
        ("model_version",),
        {
            "model_version": IDENTIFIER,
            "run_id": IDENTIFIER,
            "parents": ASCENDING,
            "snapshot_ids": ASCENDING,
            "code_sha256": HASH,
            "weights_sha256": HASH,
            "trained_on": DAY,
            "exposure_root": HASH,
        },
    ),
    "exposure.jsonl": Table(
        ("model_version", "asset_id"), {"model_version": IDENTIFIER, "asset_id": ASSET, "recording_id": IDENTIFIER, "exposure_ms": COUNT}
    ),
    "outputs.jsonl": Table(
        ("output_id",), {"output_id": IDENTIFIER, "model_version": IDENTIFIER, "sha256": HASH, "duration_ms": COUNT, "made_on": DAY}
    ),
    "usage.jsonl": Table(
        ("usage_id",),
        {
            "usage_id": TEXT,
            "output_id": IDENTIFIER,
            "territory": TERRITORY,
            "uses": bound(1),
            "user_id": allow_null(TEXT),
            "report_sha256": HASH,
        },
    ),
    "quality.jsonl": Table(
        ("model_version",),
        {
            "model_version": IDENTIFIER,
            "method": TEXT,
            "method_version": TEXT,
            "outputs_with_truth": COUNT,
            "error_ppm": allow_null(COUNT),
            "error_low_ppm": allow_null(INTEGER),
            "error_high_ppm": allow_null(INTEGER),
            "aggregate_error_ppm": allow_null(INTEGER),
            "leak_ppm": allow_null(INTEGER),
            **dict.fromkeys(QUALITY_SINCE, allow_null(COUNT)),
        },
        QUALITY_SINCE,
    ),
    "attribution.jsonl": Table(
        ("output_id", "recording_id"), {"output_id": IDENTIFIER, "recording_id": IDENTIFIER, "weight_ppm": bound(0, 1_000_000)}
    ),
    "revenue.jsonl": Table(
        ("report_sha256", "line_id"),
        {
            "report_sha256": HASH,
            "line_id": TEXT,
            "row": COUNT,
            "product": TEXT,
            "model_version": IDENTIFIER,
            "territory": TERRITORY,
            "currency": CURRENCY,
            "net_units": UNITS,
            "gross_units": allow_null(UNITS),
            "quantity_e6": allow_null(UNITS),
            "unit": allow_null(TEXT),
            "user_id": allow_null(TEXT),
        },
    ),
    "opening.jsonl": Table(("account", "currency"), {"account": TEXT, "currency": CURRENCY, "balance_units": UNITS}),
    "points.jsonl": Table(("recording_id",), {"recording_id": IDENTIFIER, "points": bound(1), "tier": TEXT, "report_sha256": HASH}),
    "clusters.jsonl": Table(("recording_id",), {"recording_id": IDENTIFIER, "cluster": IDENTIFIER}),
    "rates.jsonl": Table(
        ("currency", "into"),
        {"currency": CURRENCY, "into": CURRENCY, "rate_e12": NATURAL, "day": DAY, "source": TEXT, "recorded_at_us": INTEGER},
    ),
    "disputes.jsonl": Table(
        ("dispute_id",),
        {"dispute_id": TEXT, "claim_id": TEXT, "opened_at_us": INTEGER, "resolved_at_us": allow_null(INTEGER), "reason": TEXT},
    ),
    "reserves.jsonl": Table(
        ("party_id", "currency", "settlement_id"),
        {"party_id": IDENTIFIER, "currency": CURRENCY, "settlement_id": TEXT, "units": NATURAL, "release_on": DAY},
    ),
    "advances.jsonl": Table(
        ("advance_id",),
        {
            "advance_id": TEXT,
            "party_id": IDENTIFIER,
            "group": TEXT,
            "currency": CURRENCY,
            "recordings": TEXTS,
            "rate_ppm": bound(0, WHOLE_PPM),
            "granted_on": DAY,
            "open_units": NATURAL,
        },
    ),
    "taxes.jsonl": Table(("party_id",), {"party_id": IDENTIFIER, "rate_ppm": bound(0, WHOLE_PPM), "authority": TEXT}),
    "previous_receipts.jsonl": RECEIPTS,
    "previous_pools.jsonl": Table(
        ("pool",),
        {"pool": TEXT, "income": TEXT, "currency": CURRENCY, "amount_units": NATURAL, "denominator": NATURAL, "terms_version": COUNT},
    ),
    "previous_allocations.jsonl": Table(
        ("pool", "payee", "recording_id"),
        {"pool": TEXT, "payee": TEXT, "recording_id": TEXT, "numerator": NATURAL, "amount_units": NATURAL},
    ),
}

COMPARED = frozenset({"signal_ppm", "noise_ppm", "min_signal_to_noise_e3", "compared_by"})
RESULT_TABLES = {
    "receipts.jsonl": RECEIPTS,
    "pools.jsonl": Table(
        ("pool",),
        {
            "pool": TEXT,
            "income": TEXT,
            "model_version": TEXT,
            "currency": CURRENCY,
            "territory": TERRITORY,
            "lane": TEXT,
            "basis": TEXT,
            "reason": TEXT,
            "amount_units": UNITS,
            "denominator": NATURAL,
            "recordings": COUNT,
            "terms_version": COUNT,
            **dict.fromkeys(COMPARED, COUNT),
            "compared_by": choose("recording", "catalogue"),
        },
        COMPARED,
    ),
    "splits.jsonl": Table(
        ("recording_id", "lane", "territory", "payee"),
        {
            "recording_id": TEXT,
            "lane": TEXT,
            "territory": TERRITORY,
            "payee": TEXT,
            "status": TEXT,
            "declared_e8": COUNT,
            "share_e8": COUNT,
            "claim_ids": ASCENDING,
        },
    ),
    "allocations.jsonl": Table(
        ("pool", "payee", "recording_id"),
        {
            "pool": TEXT,
            "payee": TEXT,
            "recording_id": TEXT,
            "line_id": TEXT,
            "weight": NATURAL,
            "share_e8": COUNT,
            "numerator": NATURAL,
            "amount_units": UNITS,
        },
    ),
    "deltas.jsonl": Table(
        ("pool", "payee", "recording_id"),
        {
            "pool": TEXT,
            "payee": TEXT,
            "recording_id": TEXT,
            "line_id": TEXT,
            "before_numerator": NATURAL,
            "after_numerator": NATURAL,
            "before_units": UNITS,
            "after_units": UNITS,
            "delta_units": UNITS,
        },
    ),
    "postings.jsonl": Table(
        ("transfer_id", "account", "currency"),
        {"transfer_id": TEXT, "account": TEXT, "currency": CURRENCY, "amount_units": UNITS, "state": TEXT},
    ),
    "balances.jsonl": Table(
        ("account", "currency"),
        {
            "account": TEXT,
            "currency": CURRENCY,
            "opening_units": UNITS,
            "earned_units": UNITS,
            "withheld_units": UNITS,
            "released_units": UNITS,
            "recouped_units": UNITS,
            "tax_units": UNITS,
            "fee_units": UNITS,
            "paid_units": UNITS,
            "closing_units": UNITS,
        },
    ),
    "reserves_closing.jsonl": Table(
        ("party_id", "currency", "settlement_id"),
        {"party_id": TEXT, "currency": CURRENCY, "settlement_id": TEXT, "units": UNITS, "release_on": DAY},
    ),
    "recoupments.jsonl": Table(
        ("advance_id",),
        {
            "advance_id": TEXT,
            "party_id": TEXT,
            "currency": CURRENCY,
            "opening_units": UNITS,
            "recouped_units": UNITS,
            "closing_units": UNITS,
        },
    ),
    "payouts.jsonl": Table(
        ("party_id", "currency"), {"party_id": TEXT, "currency": CURRENCY, "payout_id": TEXT, "amount_units": UNITS, "minor_digits": COUNT}
    ),
    "statements.jsonl": Table(
        ("party_id", "currency"),
        {
            "settlement_id": TEXT,
            "corrects": allow_null(TEXT),
            "period_id": TEXT,
            "programme_id": TEXT,
            "party_id": TEXT,
            "name": TEXT,
            "currency": CURRENCY,
            "opening_units": UNITS,
            "net_revenue_units": UNITS,
            "net_costs_units": UNITS,
            "recouped_units": UNITS,
            "tax_units": UNITS,
            "fee_units": UNITS,
            "reserves_withheld_units": UNITS,
            "reserves_released_units": UNITS,
            "paid_units": UNITS,
            "closing_units": UNITS,
            "lines": COUNT,
            "by_basis": UNITS_BY_NAME,
            "by_terms": UNITS_BY_NAME,
            "after_tail_units": UNITS,
            "held_with_others_units": UNITS,
        },
    ),
    "after_tail.jsonl": Table(
        ("model_version", "recording_id", "party_id"),
        {"model_version": TEXT, "recording_id": TEXT, "party_id": TEXT, "withdrawn_from": DAY, "tail_until": DAY},
    ),
}

PROOFS = "proofs.jsonl"
TABLES = {
    **{f"period/{name}": table for name, table in PERIOD_TABLES.items()},
    **{f"result/{name}": table for name, table in RESULT_TABLES.items()},
    PROOFS: Table(("path",), {"path": TEXT, "entry": TEXT, "index": COUNT, "tree_size": COUNT, "hashes": TEXTS}),
}
DOCUMENTS = ("period/period.json", "period/programme.toml", "result/settlement.json")
