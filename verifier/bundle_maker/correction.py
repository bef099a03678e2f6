"""A correction of the small period, worked out with pencil and paper.

A late report brings 5 EUR more, and carol's claim on r1 turns out to be dave's. The fee's pools stand: alice and bob keep what they have,
dave gets what carol had. The share's pools grow by a quarter. Nothing is paid; carol now owes what she was paid for others.
"""

from hashlib import sha256
from typing import Any

from bundle_maker.period import HEADER, KNOWN, PROGRAMME, REPORT, SETTLEMENT, USAGE, claim, make_period
from bundle_maker.result import (
    FEE_MASTER,
    FEE_PUBLISHING,
    MASTER_RESERVE,
    POOLS,
    PUBLISHING_RESERVE,
    SHARE_MASTER,
    SHARE_PUBLISHING,
    make_contents,
)
from bundle_maker.rows import (
    Line,
    make_balances,
    make_document,
    make_line_id,
    make_lines,
    make_pools,
    make_postings,
    make_splits,
    make_statements,
    receipt,
    units,
)
from bundle_maker.writing import Contents, Rows

CORRECTION = "s-2026-10-c1"
LATER = KNOWN + 1_000_000
LATE = b"line_id,product,model_version,territory,currency,net_amount\nL3,app,m1,DE,EUR,5.00\n"
LINES: tuple[Line, ...] = (
    (FEE_MASTER, "party:alice", "r1", 3000, 33_333_334, 1_500_000),
    (FEE_MASTER, "party:bob", "r1", 3000, 33_333_333, 1_500_000),
    (FEE_MASTER, "party:bob", "r2", 1000, 100_000_000, 1_500_000),
    (FEE_MASTER, "party:dave", "r1", 3000, 33_333_333, 1_500_000),
    (FEE_PUBLISHING, "held:suspense", "r2", 1000, 60_000_000, 600_000),
    (FEE_PUBLISHING, "party:alice", "r1", 3000, 100_000_000, 3_000_000),
    (FEE_PUBLISHING, "party:alice", "r2", 1000, 40_000_000, 400_000),
    (SHARE_MASTER, "party:alice", "r1", 1_400_000, 33_333_334, 1_750_000),
    (SHARE_MASTER, "party:bob", "r1", 1_400_000, 33_333_333, 1_750_000),
    (SHARE_MASTER, "party:bob", "r2", 400_000, 100_000_000, 1_500_000),
    (SHARE_MASTER, "party:dave", "r1", 1_400_000, 33_333_333, 1_750_000),
    (MASTER_RESERVE, "held:reserve", "", 1, 100_000_000, 750_000),
    (SHARE_PUBLISHING, "held:suspense", "r2", 400_000, 60_000_000, 600_000),
    (SHARE_PUBLISHING, "party:alice", "r1", 1_400_000, 100_000_000, 3_500_000),
    (SHARE_PUBLISHING, "party:alice", "r2", 400_000, 40_000_000, 400_000),
    (PUBLISHING_RESERVE, "held:reserve", "", 1, 100_000_000, 500_000),
)
SPLITS: tuple[tuple[str, str, str, str, int, int, list[str]], ...] = (
    ("r1", "master", "party:alice", "completed", 33_330_000, 33_333_334, ["c1"]),
    ("r1", "master", "party:bob", "completed", 33_330_000, 33_333_333, ["c2"]),
    ("r1", "master", "party:dave", "completed", 33_330_000, 33_333_333, ["c8"]),
    ("r1", "publishing", "party:alice", "complete", 100_000_000, 100_000_000, ["c5"]),
    ("r2", "master", "party:bob", "complete", 100_000_000, 100_000_000, ["c4"]),
    ("r2", "publishing", "held:suspense", "gap", 0, 60_000_000, []),
    ("r2", "publishing", "party:alice", "gap", 40_000_000, 40_000_000, ["c6"]),
)
WHOLE = 100_000_000
DELTAS: tuple[tuple[str, str, str, int, int, int, int, int], ...] = (
    (FEE_MASTER, "party:carol", "r1", 3000 * 33_333_333, 0, 1_500_000, 0, -1_500_000),
    (FEE_MASTER, "party:dave", "r1", 0, 3000 * 33_333_333, 0, 1_500_000, 1_500_000),
    (SHARE_MASTER, "party:alice", "r1", 1_400_000 * 33_333_334, 1_400_000 * 33_333_334, 1_400_000, 1_750_000, 350_000),
    (SHARE_MASTER, "party:bob", "r1", 1_400_000 * 33_333_333, 1_400_000 * 33_333_333, 1_400_000, 1_750_000, 350_000),
    (SHARE_MASTER, "party:bob", "r2", 400_000 * WHOLE, 400_000 * WHOLE, 1_200_000, 1_500_000, 300_000),
    (SHARE_MASTER, "party:carol", "r1", 1_400_000 * 33_333_333, 0, 1_400_000, 0, -1_400_000),
    (SHARE_MASTER, "party:dave", "r1", 0, 1_400_000 * 33_333_333, 0, 1_750_000, 1_750_000),
    (MASTER_RESERVE, "held:reserve", "", WHOLE, WHOLE, 600_000, 750_000, 150_000),
    (SHARE_PUBLISHING, "held:suspense", "r2", 400_000 * 60_000_000, 400_000 * 60_000_000, 480_000, 600_000, 120_000),
    (SHARE_PUBLISHING, "party:alice", "r1", 1_400_000 * WHOLE, 1_400_000 * WHOLE, 2_800_000, 3_500_000, 700_000),
    (SHARE_PUBLISHING, "party:alice", "r2", 400_000 * 40_000_000, 400_000 * 40_000_000, 320_000, 400_000, 80_000),
    (PUBLISHING_RESERVE, "held:reserve", "", WHOLE, WHOLE, 400_000, 500_000, 100_000),
)
TRANSFERS = {
    f"allocate/{FEE_MASTER}": {"party:carol": 1_500_000, "party:dave": -1_500_000},
    f"allocate/{SHARE_MASTER}": {
        f"pool:{SHARE_MASTER}": 1_350_000,
        "party:alice": -350_000,
        "party:bob": -650_000,
        "party:carol": 1_400_000,
        "party:dave": -1_750_000,
    },
    f"allocate/{MASTER_RESERVE}": {f"pool:{MASTER_RESERVE}": 150_000, "held:reserve": -150_000},
    f"allocate/{SHARE_PUBLISHING}": {f"pool:{SHARE_PUBLISHING}": 900_000, "held:suspense": -120_000, "party:alice": -780_000},
    f"allocate/{PUBLISHING_RESERVE}": {f"pool:{PUBLISHING_RESERVE}": 100_000, "held:reserve": -100_000},
    "receive/share": {
        "received:share": 2_500_000,
        f"pool:{SHARE_MASTER}": -1_350_000,
        f"pool:{MASTER_RESERVE}": -150_000,
        f"pool:{SHARE_PUBLISHING}": -900_000,
        f"pool:{PUBLISHING_RESERVE}": -100_000,
    },
}
BALANCES = {
    "held:reserve": {"opening": 1_000_000, "earned": 250_000, "closing": 1_250_000},
    "held:suspense": {"opening": 1_080_007, "earned": 120_000, "closing": 1_200_007},
    "party:alice": {"earned": 1_130_000, "closing": 1_130_000},
    "party:bob": {"opening": 5_600_000, "earned": 650_000, "closing": 6_250_000},
    "party:carol": {"opening": 5_000, "earned": -2_900_000, "closing": -2_895_000},
    "party:dave": {"earned": 3_250_000, "closing": 3_250_000},
}
STATEMENTS = (
    ("alice", 3, {"attribution": 1_130_000}, 1_200_000),
    ("bob", 2, {"attribution": 650_000}, 0),
    ("carol", 2, {"attribution": -1_400_000, "exposure": -1_500_000}, 0),
    ("dave", 2, {"attribution": 1_750_000, "exposure": 1_500_000}, 0),
)
TOTAL = {
    "opening": 7_685_007,
    "opening_reserves": 55,
    "received": 2_500_000,
    "held": 2_450_007,
    "reserved": 55,
    "carried": 7_735_000,
}


def make_correction() -> Contents:
    balances = make_balances(BALANCES)
    grown = {SHARE_MASTER: 6_750_000, MASTER_RESERVE: 750_000, SHARE_PUBLISHING: 4_500_000, PUBLISHING_RESERVE: 500_000}
    pools = tuple((name, reason, grown.get(name, units), denominator, count) for name, reason, units, denominator, count in POOLS)
    return Contents(
        settlement_id=CORRECTION,
        period=make_tables(),
        result={
            "receipts.jsonl": [receipt("fee", "*", "WW", 10_000_000), receipt("share", "m1", "DE", 12_500_000)],
            "pools.jsonl": make_pools(pools),
            "splits.jsonl": make_splits(SPLITS, ("DE", "WW")),
            "allocations.jsonl": make_lines(CORRECTION, LINES),
            "deltas.jsonl": [make_delta(*delta) for delta in DELTAS],
            "postings.jsonl": make_postings(CORRECTION, TRANSFERS),
            "balances.jsonl": balances,
            "reserves_closing.jsonl": make_reserves(),
            "recoupments.jsonl": [],
            "payouts.jsonl": [],
            "after_tail.jsonl": [],
            "statements.jsonl": make_statements(CORRECTION, SETTLEMENT, balances, STATEMENTS),
        },
        header={**HEADER, "settlement_id": CORRECTION, "corrects": SETTLEMENT, "known_at_us": LATER},
        programme=PROGRAMME,
        settlement=make_document(CORRECTION, TOTAL),
        reports={sha256(data).hexdigest(): data for data in (REPORT, USAGE, LATE)},
    )


def make_delta(pool: str, payee: str, recording: str, old: int, new: int, before: int, after: int, delta: int) -> dict[str, Any]:
    return {
        "pool": pool,
        "payee": payee,
        "recording_id": recording,
        "line_id": make_line_id(CORRECTION, pool, payee, recording),
        "before_numerator": str(old),
        "after_numerator": str(new),
        **units(before=before, after=after, delta=delta),
    }


def make_reserves() -> Rows:
    """Nothing is released by a correction, not even what is due."""
    return [{"party_id": "bob", "currency": "EUR", "settlement_id": "s-2026-04", "units": "55", "release_on": "2026-10-30"}]


def make_tables() -> dict[str, Rows]:
    """The small period's a second later, with what its settlement left standing."""
    period = make_period()
    period["parties.jsonl"].append({"party_id": "dave", "name": "Dave", "kind": "person", "payable": True})
    claims = {row["claim_id"]: row for row in period["claims.jsonl"]}
    claims["c3"]["retracted_at_us"] = LATER
    period["claims.jsonl"].append(claim("c8", "r1", "master", "dave", 33_330_000, recorded_at_us=LATER))
    late = {"report_sha256": sha256(LATE).hexdigest(), "line_id": "L3", "row": 2, "net_units": "5000000"}
    period["revenue.jsonl"].append({**period["revenue.jsonl"][0], **late})
    period["revenue.jsonl"].sort(key=lambda row: (row["report_sha256"], row["line_id"]))
    period["reserves.jsonl"] = make_reserves()
    before = make_contents().result
    period["opening.jsonl"] = [
        {"account": row["account"], "currency": row["currency"], "balance_units": row["closing_units"]}
        for row in before["balances.jsonl"]
        if row["closing_units"] != "0"
    ]
    period["previous_receipts.jsonl"] = before["receipts.jsonl"]
    for name, columns in (
        ("pools", ("pool", "income", "currency", "amount_units", "denominator", "terms_version")),
        ("allocations", ("pool", "payee", "recording_id", "numerator", "amount_units")),
    ):
        period[f"previous_{name}.jsonl"] = [{column: row[column] for column in columns} for row in before[f"{name}.jsonl"]]
    return period
