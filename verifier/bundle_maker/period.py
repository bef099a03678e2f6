"""A small period, by hand: three parties, two recordings, one model, two incomes."""

from hashlib import sha256
from itertools import pairwise
from typing import Any

from bundle_maker.writing import Rows, canonical, rows_root

SETTLEMENT = "s-2026-10"
ASSET_1, ASSET_2 = "sha256:" + "11" * 32, "sha256:" + "22" * 32
RECORDED, KNOWN = 1_780_000_000_000_000, 1_793_500_000_000_000
CLASS = b"""format = "ritornello-class-1"
class_id = "research"
version = 1
title = "Research"
summary = "Models for research alone."
licensors = ["Society"]
purposes = ["ai_training", "ai_use"]
valid_from = 2026-01-01
valid_to = 2027-12-31
objection_days = 14
notice_days = 30
tail_days = 365
quorum = ["master"]
"""
PROGRAMME = b"""format = "ritornello-programme-1"
programme_id = "mosaic"
version = 1
title = "Mosaic"
licensor = "Society"
licensee = "Company"
purposes = ["ai_training", "ai_use"]
licence = "LicenseRef-mosaic-1"
valid_from = 2026-01-01
valid_to = 2027-12-31
notice_days = 30
tail_days = 365
quorum = ["master", "publishing"]

[lanes]
master = 600_000
publishing = 400_000

[classes]
research = "CLASS"

[[income]]
name = "fee"
amount = "10.00"
currency = "EUR"
divide_by = "exposure"

[[income]]
name = "share"
rate = "0.50"
divide_by = "attribution"
unattributed = "reserve"
max_error_ppm = 200_000
fallback = "exposure"

[payout]
thresholds = { EUR = "5.00" }
""".replace(b"CLASS", sha256(CLASS).hexdigest().encode())
USAGE = b"usage_id,output_id,territory,uses\nu1,o1,DE,2\n"
REPORT = b"line_id,product,model_version,territory,currency,net_amount\nL1,app,m1,DE,EUR,15.00\nL2,app,m1,DE,EUR,5.00\n"
EMPTY = (
    "points",
    "clusters",
    "rates",
    "disputes",
    "reserves",
    "advances",
    "taxes",
    "previous_receipts",
    "previous_pools",
    "previous_allocations",
)
HEADER = {
    "format": "ritornello-period-1",
    "settlement_id": SETTLEMENT,
    "programme_id": "mosaic",
    "period_id": "2026-10",
    "first_day": "2026-10-01",
    "last_day": "2026-10-31",
    "known_at_us": KNOWN,
    "corrects": None,
}


def claim(claim_id: str, subject: str, lane: str, party: str, share: int, **more: Any) -> dict[str, Any]:
    return {
        "claim_id": claim_id,
        "subject_kind": "work" if lane == "publishing" else "recording",
        "subject_id": subject,
        "lane": lane,
        "party_id": party,
        "share_e8": share,
        "territory": "WW",
        "valid_from": "2000-01-01",
        "valid_to": None,
        "recorded_at_us": RECORDED,
        "retracted_at_us": None,
        **more,
    }


def make_claims() -> Rows:
    """r1's master is 33.33 × 3; carol's part of w2 ends before the period does, after the snapshot's day."""
    return [
        claim("c1", "r1", "master", "alice", 33_330_000),
        claim("c2", "r1", "master", "bob", 33_330_000),
        claim("c3", "r1", "master", "carol", 33_330_000),
        claim("c4", "r2", "master", "bob", 100_000_000),
        claim("c5", "w1", "publishing", "alice", 100_000_000),
        claim("c6", "w2", "publishing", "alice", 40_000_000),
        claim("c7", "w2", "publishing", "carol", 60_000_000, valid_to="2026-10-15"),
    ]


def make_consents() -> Rows:
    """Each party of both quorums grants both purposes; bob first refuses one."""
    decisions = [("bob", ASSET_1, "ai_training", "withdraw")]
    decisions += [
        (party, asset, purpose, "grant")
        for asset in (ASSET_1, ASSET_2)
        for party in ("alice", "bob", "carol")
        for purpose in ("ai_training", "ai_use")
    ]
    rows: Rows = [
        {
            "seq": 10 + number,
            "event_id": f"e{10 + number}",
            "decision": decision,
            "party_id": party,
            "actor_id": party,
            "mandate_id": None,
            "asset_id": asset,
            "recording_id": "r1" if asset == ASSET_1 else "r2",
            "purpose": purpose,
            "programme_id": "mosaic",
            "terms_sha256": sha256(PROGRAMME).hexdigest(),
            "territory": "WW",
            "effective_from": "2026-08-01",
            "effective_to": None,
            "recorded_at_us": RECORDED,
            "channel": "portal",
            "authentication": "password",
            "evidence_sha256": None,
            "previous_sha256": "ee" * 32,
        }
        for number, (party, asset, purpose, decision) in enumerate(decisions)
    ]
    return chain(rows)


def chain(rows: Rows) -> Rows:
    """Bind each event to the one before."""
    for last, row in pairwise(rows):
        if last["seq"] == row["seq"] - 1:
            row["previous_sha256"] = sha256(canonical(last)).hexdigest()
    return rows


def make_manifest() -> Rows:
    return [
        {
            "snapshot_id": "snap-1",
            "asset_id": asset,
            "recording_id": recording,
            "kind": "recording",
            "file": f"{recording}.wav",
            "bytes": 1000,
            "duration_ms": 60_000,
            "dataset_split": "train",
            "consent_events": events,
        }
        for asset, recording, events in (
            (ASSET_1, "r1", ["e11", "e12", "e13", "e14", "e15", "e16"]),
            (ASSET_2, "r2", ["e17", "e18", "e19", "e20", "e21", "e22"]),
        )
    ]


def make_period() -> dict[str, Rows]:
    manifest = make_manifest()
    exposure: Rows = [
        {"model_version": "m1", "asset_id": ASSET_1, "recording_id": "r1", "exposure_ms": 3000},
        {"model_version": "m1", "asset_id": ASSET_2, "recording_id": "r2", "exposure_ms": 1000},
    ]
    revenue: Rows = [
        {
            "report_sha256": sha256(REPORT).hexdigest(),
            "line_id": line,
            "row": row,
            "product": "app",
            "model_version": "m1",
            "territory": "DE",
            "currency": "EUR",
            "net_units": units,
            "gross_units": None,
            "quantity_e6": None,
            "unit": None,
            "user_id": None,
        }
        for line, row, units in (("L1", 2, "15000000"), ("L2", 3, "5000000"))
    ]
    return {
        "parties.jsonl": [
            {"party_id": party, "name": party.capitalize(), "kind": "person", "payable": payable}
            for party, payable in (("alice", True), ("bob", False), ("carol", True))
        ],
        "works.jsonl": [{"work_id": work, "title": work, "iswc": None} for work in ("w1", "w2")],
        "recordings.jsonl": [
            {"recording_id": recording, "title": "Lied für zwei", "artist": "Trio", "isrc": None, "work_id": work}
            for recording, work in (("r1", "w1"), ("r2", "w2"))
        ],
        "claims.jsonl": make_claims(),
        "mandates.jsonl": [
            {
                "mandate_id": "d1",
                "party_id": "alice",
                "representative_id": "bob",
                "lanes": ["master", "publishing"],
                "purposes": ["ai_training", "ai_use"],
                "programme_id": "*",
                "valid_from": "2026-01-01",
                "valid_to": None,
                "recorded_at_us": RECORDED,
                "retracted_at_us": None,
            }
        ],
        "classes.jsonl": [{"class_sha256": sha256(CLASS).hexdigest(), "class_id": "research", "text": CLASS.decode()}],
        "admissions.jsonl": [
            {
                "admission_id": "a1",
                "class_id": "research",
                "class_sha256": sha256(CLASS).hexdigest(),
                "programme_id": "mosaic",
                "programme_sha256": sha256(PROGRAMME).hexdigest(),
                "basis": "charter seen",
                "valid_from": "2026-08-01",
                "valid_to": None,
                "recorded_at_us": RECORDED,
                "ended_from": None,
                "ended_at_us": None,
            }
        ],
        "consents.jsonl": make_consents(),
        "snapshots.jsonl": [
            {
                "snapshot_id": "snap-1",
                "programme_id": "mosaic",
                "programme_sha256": sha256(PROGRAMME).hexdigest(),
                "purposes": ["ai_training", "ai_use"],
                "territory": "WW",
                "quorum": {"master": 1_000_000, "publishing": 1_000_000},
                "day": "2026-09-01",
                "known_at_us": KNOWN - 1,
                "manifest_root": rows_root(manifest),
                "assets": 2,
                "duration_ms": 120_000,
                "licence": "LicenseRef-mosaic-1",
            }
        ],
        "manifest.jsonl": manifest,
        "runs.jsonl": [
            {
                "model_version": "m1",
                "run_id": "run-1",
                "parents": [],
                "snapshot_ids": ["snap-1"],
                "code_sha256": "aa" * 32,
                "weights_sha256": "bb" * 32,
                "trained_on": "2026-09-10",
                "exposure_root": rows_root(exposure),
            }
        ],
        "exposure.jsonl": exposure,
        "outputs.jsonl": [{"output_id": "o1", "model_version": "m1", "sha256": "cc" * 32, "duration_ms": 9000, "made_on": "2026-10-02"}],
        "usage.jsonl": [
            {
                "usage_id": "u1",
                "output_id": "o1",
                "territory": "DE",
                "uses": 2,
                "user_id": None,
                "report_sha256": sha256(USAGE).hexdigest(),
            }
        ],
        "quality.jsonl": [
            {
                "model_version": "m1",
                "method": "landmarks",
                "method_version": "1",
                "outputs_with_truth": 5,
                "error_ppm": 100_000,
                "error_low_ppm": 90_000,
                "error_high_ppm": 110_000,
                "aggregate_error_ppm": 5000,
                "leak_ppm": 0,
            }
        ],
        "attribution.jsonl": [
            {"output_id": "o1", "recording_id": recording, "weight_ppm": weight}
            for recording, weight in (("r1", 700_000), ("r2", 200_000), ("unattributed", 100_000))
        ],
        "revenue.jsonl": revenue,
        "opening.jsonl": [
            {"account": "held:suspense", "currency": "EUR", "balance_units": "7"},
            {"account": "party:carol", "currency": "EUR", "balance_units": "2105000"},
        ],
        **{f"{name}.jsonl": [] for name in EMPTY},
    }
