"""What the small period must give, worked out with pencil and paper.

Fee: 10 EUR = 10,000,000 units, master 6,000,000 and publishing 4,000,000, over 3000 ms of r1 and 1000 ms of r2.
Share: half of 20 EUR = 10,000,000 units, nine tenths by attribution (7 parts r1, 2 parts r2), one tenth in reserve.
r1 master is completed to 33,333,334 (alice, the first by name), 33,333,333 and 33,333,333; r2 publishing has 40 % alice and a gap.
"""

from hashlib import sha256

from bundle_maker.period import HEADER, PROGRAMME, REPORT, SETTLEMENT, USAGE, make_period
from bundle_maker.rows import (
    CHECKS,
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
from bundle_maker.writing import Contents

__all__ = ["CHECKS", "make_contents"]
FEE_MASTER, FEE_PUBLISHING = "fee/*/EUR/WW/master/exposure", "fee/*/EUR/WW/publishing/exposure"
SHARE_MASTER, MASTER_RESERVE = "share/m1/EUR/DE/master/attribution", "share/m1/EUR/DE/master/unattributed-reserve"
SHARE_PUBLISHING, PUBLISHING_RESERVE = "share/m1/EUR/DE/publishing/attribution", "share/m1/EUR/DE/publishing/unattributed-reserve"
POOLS = (
    (FEE_MASTER, "rule", 6_000_000, 400_000_000_000, 2),
    (FEE_PUBLISHING, "rule", 4_000_000, 400_000_000_000, 2),
    (SHARE_MASTER, "rule", 5_400_000, 180_000_000_000_000, 2),
    (MASTER_RESERVE, "unattributed", 600_000, 100_000_000, 0),
    (SHARE_PUBLISHING, "rule", 3_600_000, 180_000_000_000_000, 2),
    (PUBLISHING_RESERVE, "unattributed", 400_000, 100_000_000, 0),
)
LINES = (
    (FEE_MASTER, "party:alice", "r1", 3000, 33_333_334, 1_500_000),
    (FEE_MASTER, "party:bob", "r1", 3000, 33_333_333, 1_500_000),
    (FEE_MASTER, "party:bob", "r2", 1000, 100_000_000, 1_500_000),
    (FEE_MASTER, "party:carol", "r1", 3000, 33_333_333, 1_500_000),
    (FEE_PUBLISHING, "held:suspense", "r2", 1000, 60_000_000, 600_000),
    (FEE_PUBLISHING, "party:alice", "r1", 3000, 100_000_000, 3_000_000),
    (FEE_PUBLISHING, "party:alice", "r2", 1000, 40_000_000, 400_000),
    (SHARE_MASTER, "party:alice", "r1", 1_400_000, 33_333_334, 1_400_000),
    (SHARE_MASTER, "party:bob", "r1", 1_400_000, 33_333_333, 1_400_000),
    (SHARE_MASTER, "party:bob", "r2", 400_000, 100_000_000, 1_200_000),
    (SHARE_MASTER, "party:carol", "r1", 1_400_000, 33_333_333, 1_400_000),
    (MASTER_RESERVE, "held:reserve", "", 1, 100_000_000, 600_000),
    (SHARE_PUBLISHING, "held:suspense", "r2", 400_000, 60_000_000, 480_000),
    (SHARE_PUBLISHING, "party:alice", "r1", 1_400_000, 100_000_000, 2_800_000),
    (SHARE_PUBLISHING, "party:alice", "r2", 400_000, 40_000_000, 320_000),
    (PUBLISHING_RESERVE, "held:reserve", "", 1, 100_000_000, 400_000),
)
SPLITS: tuple[tuple[str, str, str, str, int, int, list[str]], ...] = (
    ("r1", "master", "party:alice", "completed", 33_330_000, 33_333_334, ["c1"]),
    ("r1", "master", "party:bob", "completed", 33_330_000, 33_333_333, ["c2"]),
    ("r1", "master", "party:carol", "completed", 33_330_000, 33_333_333, ["c3"]),
    ("r1", "publishing", "party:alice", "complete", 100_000_000, 100_000_000, ["c5"]),
    ("r2", "master", "party:bob", "complete", 100_000_000, 100_000_000, ["c4"]),
    ("r2", "publishing", "held:suspense", "gap", 0, 60_000_000, []),
    ("r2", "publishing", "party:alice", "gap", 40_000_000, 40_000_000, ["c6"]),
)
TRANSFERS = {
    f"allocate/{FEE_MASTER}": {
        f"pool:{FEE_MASTER}": 6_000_000,
        "party:alice": -1_500_000,
        "party:bob": -3_000_000,
        "party:carol": -1_500_000,
    },
    f"allocate/{FEE_PUBLISHING}": {f"pool:{FEE_PUBLISHING}": 4_000_000, "held:suspense": -600_000, "party:alice": -3_400_000},
    f"allocate/{SHARE_MASTER}": {
        f"pool:{SHARE_MASTER}": 5_400_000,
        "party:alice": -1_400_000,
        "party:bob": -2_600_000,
        "party:carol": -1_400_000,
    },
    f"allocate/{MASTER_RESERVE}": {f"pool:{MASTER_RESERVE}": 600_000, "held:reserve": -600_000},
    f"allocate/{SHARE_PUBLISHING}": {f"pool:{SHARE_PUBLISHING}": 3_600_000, "held:suspense": -480_000, "party:alice": -3_120_000},
    f"allocate/{PUBLISHING_RESERVE}": {f"pool:{PUBLISHING_RESERVE}": 400_000, "held:reserve": -400_000},
    "pay/alice/EUR": {"party:alice": 9_420_000, "paid:EUR": -9_420_000},
    "pay/carol/EUR": {"party:carol": 5_000_000, "paid:EUR": -5_000_000},
    "receive/fee": {"received:fee": 10_000_000, f"pool:{FEE_MASTER}": -6_000_000, f"pool:{FEE_PUBLISHING}": -4_000_000},
    "receive/share": {
        "received:share": 10_000_000,
        f"pool:{SHARE_MASTER}": -5_400_000,
        f"pool:{MASTER_RESERVE}": -600_000,
        f"pool:{SHARE_PUBLISHING}": -3_600_000,
        f"pool:{PUBLISHING_RESERVE}": -400_000,
    },
}
BALANCES = {
    "held:reserve": {"earned": 1_000_000, "closing": 1_000_000},
    "held:suspense": {"opening": 7, "earned": 1_080_000, "closing": 1_080_007},
    "party:alice": {"earned": 9_420_000, "paid": 9_420_000},
    "party:bob": {"earned": 5_600_000, "closing": 5_600_000},
    "party:carol": {"opening": 2_105_000, "earned": 2_900_000, "paid": 5_000_000, "closing": 5_000},
}
STATEMENTS = (
    ("alice", 6, {"attribution": 4_520_000, "exposure": 4_900_000}, 1_080_000),
    ("bob", 4, {"attribution": 2_600_000, "exposure": 3_000_000}, 0),
    ("carol", 2, {"attribution": 1_400_000, "exposure": 1_500_000}, 0),
)
TOTAL = {"opening": 2_105_007, "received": 20_000_000, "paid": 14_420_000, "held": 2_080_007, "carried": 5_605_000}


def make_contents() -> Contents:
    balances = make_balances(BALANCES)
    return Contents(
        settlement_id=SETTLEMENT,
        period=make_period(),
        result={
            "receipts.jsonl": [receipt("fee", "*", "WW", 10_000_000), receipt("share", "m1", "DE", 10_000_000)],
            "pools.jsonl": make_pools(POOLS),
            "splits.jsonl": make_splits(SPLITS, ("DE", "WW")),
            "allocations.jsonl": make_lines(SETTLEMENT, LINES),
            "deltas.jsonl": [],
            "postings.jsonl": make_postings(SETTLEMENT, TRANSFERS),
            "balances.jsonl": balances,
            "reserves_closing.jsonl": [],
            "recoupments.jsonl": [],
            "payouts.jsonl": make_payouts(SETTLEMENT, {"alice": 9_420_000, "carol": 5_000_000}),
            "after_tail.jsonl": [],
            "statements.jsonl": make_statements(SETTLEMENT, None, balances, STATEMENTS),
        },
        header=dict(HEADER),
        programme=PROGRAMME,
        settlement=make_document(SETTLEMENT, TOTAL),
        reports={sha256(data).hexdigest(): data for data in (REPORT, USAGE)},
    )
