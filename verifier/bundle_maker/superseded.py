"""The small period, superseded in the middle: m1 goes on under version 1, m2 is trained on r1 under version 2, worked out with pencil and paper.

Version 2 gives everything to masters, asks a quarter of revenue and at least 13.20 EUR, and lets a fifth of a child's money go to its parents, by count.
Fee (version 2): 4 EUR over 4000 ms of r1 and 1000 ms of r2, of both models.
Share: half of m1's 20 EUR, 10 EUR, and a quarter of m2's 8 EUR, 2 EUR, together 12; the missing 1.20 go 1.00 to m1 and 0.20 to m2.
Bob withdrew r2 from 10 September, and version 1 leaves m1 twenty days: all that m1 brings through r2 is after the tail.
m1's 11 EUR are divided as version 1 says. Of m2's 2.20 EUR, 0.44 go to what m1 was trained on, as version 2 says, and 1.76 to r1.
"""

from hashlib import sha256
from typing import Any

from bundle_maker.period import ASSET_1, ASSET_2, HEADER, PROGRAMME, RECORDED, REPORT, SETTLEMENT, USAGE, chain, make_period
from bundle_maker.result import SPLITS
from bundle_maker.rows import (
    make_balances,
    make_document,
    make_lines,
    make_payouts,
    make_pools,
    make_postings,
    make_splits,
    make_statements,
    receipt,
)
from bundle_maker.writing import Contents, Rows, rows_root

FIRST = PROGRAMME.replace(b"tail_days = 365", b"tail_days = 20")
SECOND = (
    PROGRAMME.replace(b"version = 1\n", b"version = 2\n")
    .replace(b"valid_from = 2026-01-01", b"valid_from = 2026-10-15")
    .replace(b'purposes = ["ai_training", "ai_use"]', b'purposes = ["ai_training"]')
    .replace(b'quorum = ["master", "publishing"]', b'quorum = ["master"]')
    .replace(b"master = 600_000\npublishing = 400_000", b"master = 1_000_000")
    .replace(b'amount = "10.00"', b'amount = "4.00"')
    .replace(
        b'rate = "0.50"\ndivide_by = "attribution"\nunattributed = "reserve"\nmax_error_ppm = 200_000\nfallback = "exposure"',
        b'rate = "0.25"\nminimum = "13.20"\ncurrency = "EUR"\ndivide_by = "exposure"',
    )
    + b'\n[lineage]\nancestors = "direct"\nshare_ppm = 200_000\ndivide_by = "count"\n'
)
LATER_REPORT = b"line_id,product,model_version,territory,currency,net_amount\nL3,app,m2,SE,EUR,8.00\n"
FEE = "fee/*/EUR/WW/master/exposure"
OLD_MASTER, OLD_MASTER_RESERVE = "share@1/m1/EUR/DE/master/attribution", "share@1/m1/EUR/DE/master/unattributed-reserve"
OLD_PUBLISHING, OLD_PUBLISHING_RESERVE = "share@1/m1/EUR/DE/publishing/attribution", "share@1/m1/EUR/DE/publishing/unattributed-reserve"
PARENT, OWN = "share/m1/EUR/SE/master/lineage-count", "share/m2/EUR/SE/master/exposure"
POOLS = (
    (FEE, "rule", 4_000_000, 500_000_000_000, 2),
    (PARENT, "lineage", 440_000, 200_000_000, 2),
    (OWN, "rule", 1_760_000, 100_000_000_000, 1),
    (OLD_MASTER, "rule", 5_940_000, 180_000_000_000_000, 2),
    (OLD_MASTER_RESERVE, "unattributed", 660_000, 100_000_000, 0),
    (OLD_PUBLISHING, "rule", 3_960_000, 180_000_000_000_000, 2),
    (OLD_PUBLISHING_RESERVE, "unattributed", 440_000, 100_000_000, 0),
)
LINES = (
    (FEE, "party:alice", "r1", 4000, 33_333_334, 1_066_667),
    (FEE, "party:bob", "r1", 4000, 33_333_333, 1_066_667),
    (FEE, "party:bob", "r2", 1000, 100_000_000, 800_000),
    (FEE, "party:carol", "r1", 4000, 33_333_333, 1_066_666),
    (PARENT, "party:alice", "r1", 1, 33_333_334, 73_334),
    (PARENT, "party:bob", "r1", 1, 33_333_333, 73_333),
    (PARENT, "party:bob", "r2", 1, 100_000_000, 220_000),
    (PARENT, "party:carol", "r1", 1, 33_333_333, 73_333),
    (OWN, "party:alice", "r1", 1000, 33_333_334, 586_667),
    (OWN, "party:bob", "r1", 1000, 33_333_333, 586_667),
    (OWN, "party:carol", "r1", 1000, 33_333_333, 586_666),
    (OLD_MASTER, "party:alice", "r1", 1_400_000, 33_333_334, 1_540_000),
    (OLD_MASTER, "party:bob", "r1", 1_400_000, 33_333_333, 1_540_000),
    (OLD_MASTER, "party:bob", "r2", 400_000, 100_000_000, 1_320_000),
    (OLD_MASTER, "party:carol", "r1", 1_400_000, 33_333_333, 1_540_000),
    (OLD_MASTER_RESERVE, "held:reserve", "", 1, 100_000_000, 660_000),
    (OLD_PUBLISHING, "held:suspense", "r2", 400_000, 60_000_000, 528_000),
    (OLD_PUBLISHING, "party:alice", "r1", 1_400_000, 100_000_000, 3_080_000),
    (OLD_PUBLISHING, "party:alice", "r2", 400_000, 40_000_000, 352_000),
    (OLD_PUBLISHING_RESERVE, "held:reserve", "", 1, 100_000_000, 440_000),
)
TRANSFERS = {
    f"allocate/{FEE}": {f"pool:{FEE}": 4_000_000, "party:alice": -1_066_667, "party:bob": -1_866_667, "party:carol": -1_066_666},
    f"allocate/{PARENT}": {f"pool:{PARENT}": 440_000, "party:alice": -73_334, "party:bob": -293_333, "party:carol": -73_333},
    f"allocate/{OWN}": {f"pool:{OWN}": 1_760_000, "party:alice": -586_667, "party:bob": -586_667, "party:carol": -586_666},
    f"allocate/{OLD_MASTER}": {
        f"pool:{OLD_MASTER}": 5_940_000,
        "party:alice": -1_540_000,
        "party:bob": -2_860_000,
        "party:carol": -1_540_000,
    },
    f"allocate/{OLD_MASTER_RESERVE}": {f"pool:{OLD_MASTER_RESERVE}": 660_000, "held:reserve": -660_000},
    f"allocate/{OLD_PUBLISHING}": {f"pool:{OLD_PUBLISHING}": 3_960_000, "held:suspense": -528_000, "party:alice": -3_432_000},
    f"allocate/{OLD_PUBLISHING_RESERVE}": {f"pool:{OLD_PUBLISHING_RESERVE}": 440_000, "held:reserve": -440_000},
    "pay/alice/EUR": {"party:alice": 6_690_000, "paid:EUR": -6_690_000},
    "pay/carol/EUR": {"party:carol": 5_370_000, "paid:EUR": -5_370_000},
    "receive/fee": {"received:fee": 4_000_000, f"pool:{FEE}": -4_000_000},
    "receive/share": {
        "received:share": 13_200_000,
        **{f"pool:{pool}": -units for pool, _, units, _, _ in POOLS if pool != FEE},
    },
}
BALANCES = {
    "held:reserve": {"earned": 1_100_000, "closing": 1_100_000},
    "held:suspense": {"opening": 7, "earned": 528_000, "closing": 528_007},
    "party:alice": {"earned": 6_698_668, "paid": 6_690_000, "closing": 8_668},
    "party:bob": {"earned": 5_606_667, "closing": 5_606_667},
    "party:carol": {"opening": 2_105_000, "earned": 3_266_665, "paid": 5_370_000, "closing": 1_665},
}
STATEMENTS = (
    ("alice", 6, {"attribution": 4_972_000, "exposure": 1_653_334, "lineage-count": 73_334}, 528_000),
    ("bob", 7, {"attribution": 2_860_000, "exposure": 2_453_334, "lineage-count": 293_333}, 0),
    ("carol", 4, {"attribution": 1_540_000, "exposure": 1_653_332, "lineage-count": 73_333}, 0),
)
BY_TERMS = {
    "alice": {"1": 4_972_000, "2": 1_726_668},
    "bob": {"1": 2_860_000, "2": 2_746_667},
    "carol": {"1": 1_540_000, "2": 1_726_665},
}
AFTER_TAIL = {"alice": 352_000, "bob": 1_540_000}
TOTAL = {"opening": 2_105_007, "received": 17_200_000, "paid": 12_060_000, "held": 1_628_007, "carried": 5_617_000}


def make_superseded() -> Contents:
    balances = make_balances(BALANCES)
    masters = tuple(split for split in SPLITS if split[1] == "master")
    splits = make_splits(SPLITS, ("DE",)) + make_splits(masters, ("SE", "WW"))
    return Contents(
        settlement_id=SETTLEMENT,
        period=make_tables(),
        result={
            "receipts.jsonl": [
                receipt("fee", "*", "WW", 4_000_000),
                receipt("share", "m1", "DE", 10_000_000, added=1_000_000, units=11_000_000),
                receipt("share", "m2", "SE", 2_000_000, added=200_000, units=2_200_000, upstream=440_000),
            ],
            "pools.jsonl": make_pools(POOLS, 2),
            "splits.jsonl": sorted(splits, key=lambda row: (row["recording_id"], row["lane"], row["territory"], row["payee"])),
            "allocations.jsonl": make_lines(SETTLEMENT, LINES),
            "deltas.jsonl": [],
            "postings.jsonl": make_postings(SETTLEMENT, TRANSFERS),
            "balances.jsonl": balances,
            "reserves_closing.jsonl": [],
            "recoupments.jsonl": [],
            "payouts.jsonl": make_payouts(SETTLEMENT, {"alice": 6_690_000, "carol": 5_370_000}),
            "after_tail.jsonl": [
                {"model_version": "m1", "recording_id": "r2", "party_id": "bob", "withdrawn_from": "2026-09-10", "tail_until": "2026-09-30"}
            ],
            "statements.jsonl": make_statements(SETTLEMENT, None, balances, STATEMENTS, BY_TERMS, AFTER_TAIL),
        },
        header=dict(HEADER),
        programme=SECOND,
        settlement=make_document(SETTLEMENT, TOTAL),
        reports={sha256(data).hexdigest(): data for data in (REPORT, USAGE, LATER_REPORT)},
        terms=[FIRST],
    )


def make_tables() -> dict[str, Rows]:
    """The small period's, with grants of r1 under version 2, a snapshot of them and a model trained on it."""
    period = make_period()
    consents = period["consents.jsonl"]
    for row in (*consents, *period["snapshots.jsonl"], *period["admissions.jsonl"]):
        row["terms_sha256" if "terms_sha256" in row else "programme_sha256"] = sha256(FIRST).hexdigest()
    newer = {
        "terms_sha256": sha256(SECOND).hexdigest(),
        "effective_from": "2026-10-15",
        "purpose": "ai_training",
        "recorded_at_us": RECORDED,
    }
    for party in ("alice", "bob", "carol"):
        seq = consents[-1]["seq"] + 1
        consents.append({**consents[1], **newer, "seq": seq, "event_id": f"e{seq}", "party_id": party, "actor_id": party})
    left = {"decision": "withdraw", "party_id": "bob", "actor_id": "bob", "asset_id": ASSET_2, "recording_id": "r2"}
    consents.append({**consents[1], **left, "purpose": "ai_use", "effective_from": "2026-09-10", "seq": 26, "event_id": "e26"})
    chain(consents)
    manifest = {**period["manifest.jsonl"][0], "snapshot_id": "snap-2", "consent_events": ["e23", "e24", "e25"]}
    period["manifest.jsonl"].append(manifest)
    snapshot: dict[str, Any] = {
        "snapshot_id": "snap-2",
        "programme_sha256": sha256(SECOND).hexdigest(),
        "purposes": ["ai_training"],
        "day": "2026-10-16",
    }
    snapshot |= {"quorum": {"master": 1_000_000}, "manifest_root": rows_root([manifest]), "assets": 1, "duration_ms": 60_000}
    period["snapshots.jsonl"].append({**period["snapshots.jsonl"][0], **snapshot})
    exposure = {"model_version": "m2", "asset_id": ASSET_1, "recording_id": "r1", "exposure_ms": 1000}
    run = {"model_version": "m2", "run_id": "run-2", "parents": ["m1"], "snapshot_ids": ["snap-2"], "exposure_root": rows_root([exposure])}
    period["runs.jsonl"].append({**period["runs.jsonl"][0], **run, "trained_on": "2026-10-17"})
    period["exposure.jsonl"].append(exposure)
    sold = {"report_sha256": sha256(LATER_REPORT).hexdigest(), "line_id": "L3", "row": 2, "model_version": "m2", "territory": "SE"}
    period["revenue.jsonl"].append({**period["revenue.jsonl"][0], **sold, "net_units": "8000000"})
    period["revenue.jsonl"].sort(key=lambda row: (row["report_sha256"], row["line_id"]))
    return period
