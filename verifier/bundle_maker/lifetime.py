"""The small period with the rest of money's life in it, worked out with pencil and paper.

Fee: 10 USD at 0.9 are 9 EUR, less 10 % administration: 8,100,000 units, equally over recordings. Prize: 3 EUR to masters, by points (3 to 1).
Share: half of 20 EUR; a tenth of it goes to the parent m0, divided by seconds (equal ones); the rest as in the small period.
Bob's claim on r2 is disputed, so r2's masters are held. A fifth of earnings is withheld for 180 days. Alice gets a reserve back and pays an
advance back with a quarter of what she earns; carol's payout is taxed; each payout costs 0.353535 EUR, below what the bank can move.
"""

import json
from hashlib import sha256
from typing import Any

from bundle_maker.period import HEADER, PROGRAMME, RECORDED, REPORT, SETTLEMENT, USAGE, chain, make_period
from bundle_maker.rows import (
    make_balances,
    make_document,
    make_lines,
    make_payouts,
    make_pools,
    make_postings,
    make_splits,
    make_statements,
    name_reports,
    receipt,
)
from bundle_maker.writing import Contents, Rows, rows_root

TERMS = (
    PROGRAMME.replace(b'currency = "EUR"\ndivide_by = "exposure"', b'currency = "USD"\ndivide_by = "count"')
    + b"""fees = { EUR = "0.353535" }

[[income]]
name = "prize"
amount = "3.00"
currency = "EUR"
divide_by = "points"
lanes = { master = 1_000_000 }

[tiers]
gold = "2.5"
plain = "1"

[conversion]
currency = "EUR"

[[fee]]
name = "administration"
rate = "0.10"
incomes = ["fee"]

[lineage]
ancestors = "direct"
share_ppm = 100_000
divide_by = "seconds"

[reserve]
rate = "0.20"
release_after_days = 180
"""
)
POINTS = b"recording_id,points,tier\nr1,6,gold\nr2,5,plain\n"
FEE_MASTER, FEE_PUBLISHING = "fee/*/EUR/WW/master/count", "fee/*/EUR/WW/publishing/count"
PRIZE = "prize/*/EUR/WW/master/points"
OLD_MASTER, OLD_PUBLISHING = "share/m0/EUR/DE/master/lineage-seconds", "share/m0/EUR/DE/publishing/lineage-seconds"
SHARE_MASTER, MASTER_RESERVE = "share/m1/EUR/DE/master/attribution", "share/m1/EUR/DE/master/unattributed-reserve"
SHARE_PUBLISHING, PUBLISHING_RESERVE = "share/m1/EUR/DE/publishing/attribution", "share/m1/EUR/DE/publishing/unattributed-reserve"
POOLS = (
    (FEE_MASTER, "rule", 4_860_000, 200_000_000, 2),
    (FEE_PUBLISHING, "rule", 3_240_000, 200_000_000, 2),
    (PRIZE, "rule", 3_000_000, 2_000_000_000_000_000, 2),
    (OLD_MASTER, "lineage", 600_000, 12_000_000_000_000, 2),
    (OLD_PUBLISHING, "lineage", 400_000, 12_000_000_000_000, 2),
    (SHARE_MASTER, "rule", 4_860_000, 180_000_000_000_000, 2),
    (MASTER_RESERVE, "unattributed", 540_000, 100_000_000, 0),
    (SHARE_PUBLISHING, "rule", 3_240_000, 180_000_000_000_000, 2),
    (PUBLISHING_RESERVE, "unattributed", 360_000, 100_000_000, 0),
)


def divide(pool: str, first: int, second: int, thirds: int, disputed: int) -> tuple[tuple[str, str, str, int, int, int], ...]:
    """A master pool: r1 in thirds, r2 held; weights of r1 and r2, units of a third and of r2."""
    return (
        (pool, "held:dispute", "r2", second, 100_000_000, disputed),
        (pool, "party:alice", "r1", first, 33_333_334, thirds),
        (pool, "party:bob", "r1", first, 33_333_333, thirds),
        (pool, "party:carol", "r1", first, 33_333_333, thirds),
    )


LINES = (
    *divide(FEE_MASTER, 1, 1, 810_000, 2_430_000),
    (FEE_PUBLISHING, "held:suspense", "r2", 1, 60_000_000, 972_000),
    (FEE_PUBLISHING, "party:alice", "r1", 1, 100_000_000, 1_620_000),
    (FEE_PUBLISHING, "party:alice", "r2", 1, 40_000_000, 648_000),
    *divide(PRIZE, 15_000_000, 5_000_000, 750_000, 750_000),
    *divide(OLD_MASTER, 60_000, 60_000, 100_000, 300_000),
    (OLD_PUBLISHING, "held:suspense", "r2", 60_000, 60_000_000, 120_000),
    (OLD_PUBLISHING, "party:alice", "r1", 60_000, 100_000_000, 200_000),
    (OLD_PUBLISHING, "party:alice", "r2", 60_000, 40_000_000, 80_000),
    *divide(SHARE_MASTER, 1_400_000, 400_000, 1_260_000, 1_080_000),
    (MASTER_RESERVE, "held:reserve", "", 1, 100_000_000, 540_000),
    (SHARE_PUBLISHING, "held:suspense", "r2", 400_000, 60_000_000, 432_000),
    (SHARE_PUBLISHING, "party:alice", "r1", 1_400_000, 100_000_000, 2_520_000),
    (SHARE_PUBLISHING, "party:alice", "r2", 400_000, 40_000_000, 288_000),
    (PUBLISHING_RESERVE, "held:reserve", "", 1, 100_000_000, 360_000),
)
SPLITS: tuple[tuple[str, str, str, str, int, int, list[str]], ...] = (
    ("r1", "master", "party:alice", "completed", 33_330_000, 33_333_334, ["c1"]),
    ("r1", "master", "party:bob", "completed", 33_330_000, 33_333_333, ["c2"]),
    ("r1", "master", "party:carol", "completed", 33_330_000, 33_333_333, ["c3"]),
    ("r1", "publishing", "party:alice", "complete", 100_000_000, 100_000_000, ["c5"]),
    ("r2", "master", "held:dispute", "complete", 100_000_000, 100_000_000, ["c4"]),
    ("r2", "publishing", "held:suspense", "gap", 0, 60_000_000, []),
    ("r2", "publishing", "party:alice", "gap", 40_000_000, 40_000_000, ["c6"]),
)


def allocate(pool: str, **payees: int) -> dict[str, dict[str, int]]:
    names = {"dispute": "held:dispute", "reserve": "held:reserve", "suspense": "held:suspense"}
    parts = {names.get(name, f"party:{name}"): -units for name, units in payees.items()}
    return {f"allocate/{pool}": {f"pool:{pool}": sum(payees.values()), **parts}}


TRANSFERS = {
    **allocate(FEE_MASTER, dispute=2_430_000, alice=810_000, bob=810_000, carol=810_000),
    **allocate(FEE_PUBLISHING, suspense=972_000, alice=2_268_000),
    **allocate(PRIZE, dispute=750_000, alice=750_000, bob=750_000, carol=750_000),
    **allocate(OLD_MASTER, dispute=300_000, alice=100_000, bob=100_000, carol=100_000),
    **allocate(OLD_PUBLISHING, suspense=120_000, alice=280_000),
    **allocate(SHARE_MASTER, dispute=1_080_000, alice=1_260_000, bob=1_260_000, carol=1_260_000),
    **allocate(MASTER_RESERVE, reserve=540_000),
    **allocate(SHARE_PUBLISHING, suspense=432_000, alice=2_808_000),
    **allocate(PUBLISHING_RESERVE, reserve=360_000),
    "receive/fee": {
        "received:fee USD": 10_000_000,
        "exchange:USD USD": -10_000_000,
        "exchange:USD": 9_000_000,
        "fee:administration": -900_000,
        f"pool:{FEE_MASTER}": -4_860_000,
        f"pool:{FEE_PUBLISHING}": -3_240_000,
    },
    "receive/prize": {"received:prize": 3_000_000, f"pool:{PRIZE}": -3_000_000},
    "receive/share": {
        "received:share": 10_000_000,
        f"pool:{OLD_MASTER}": -600_000,
        f"pool:{OLD_PUBLISHING}": -400_000,
        f"pool:{SHARE_MASTER}": -4_860_000,
        f"pool:{MASTER_RESERVE}": -540_000,
        f"pool:{SHARE_PUBLISHING}": -3_240_000,
        f"pool:{PUBLISHING_RESERVE}": -360_000,
    },
    "withhold/alice/EUR": {"party:alice": 1_655_200, "reserve:alice": -1_655_200},
    "withhold/bob/EUR": {"party:bob": 584_000, "reserve:bob": -584_000},
    "withhold/carol/EUR": {"party:carol": 584_000, "reserve:carol": -584_000},
    "release/alice/EUR": {"reserve:alice": 700_000, "party:alice": -700_000},
    "recoup/alice/EUR": {"party:alice": 2_069_000, "advance:a1": -1_000_000, "advance:a2": -1_069_000},
    "pay/alice/EUR": {"party:alice": 5_243_535, "paid:EUR": -4_890_000, "fee:payout": -353_535},
    "pay/carol/EUR": {"party:carol": 5_433_535, "paid:EUR": -4_220_000, "tax:Finanzamt": -860_000, "fee:payout": -353_535},
}
BALANCES = {
    "held:dispute": {"earned": 4_560_000, "closing": 4_560_000},
    "held:reserve": {"earned": 900_000, "closing": 900_000},
    "held:suspense": {"opening": 7, "earned": 1_524_000, "closing": 1_524_007},
    "party:alice": {
        "earned": 8_276_000,
        "withheld": 1_655_200,
        "released": 700_000,
        "recouped": 2_069_000,
        "fee": 353_535,
        "paid": 4_890_000,
        "closing": 8_265,
    },
    "party:bob": {"earned": 2_920_000, "withheld": 584_000, "closing": 2_336_000},
    "party:carol": {
        "opening": 3_105_000,
        "earned": 2_920_000,
        "withheld": 584_000,
        "tax": 860_000,
        "fee": 353_535,
        "paid": 4_220_000,
        "closing": 7_465,
    },
}
STATEMENTS = (
    ("alice", 10, {"attribution": 4_068_000, "count": 3_078_000, "lineage-seconds": 380_000, "points": 750_000}, 1_524_000),
    ("bob", 4, {"attribution": 1_260_000, "count": 810_000, "lineage-seconds": 100_000, "points": 750_000}, 4_560_000),
    ("carol", 4, {"attribution": 1_260_000, "count": 810_000, "lineage-seconds": 100_000, "points": 750_000}, 0),
)
TOTAL = {
    "opening": 3_105_007,
    "opening_reserves": 700_123,
    "received": 22_000_000,
    "recouped": 2_069_000,
    "fees": 1_607_070,
    "tax": 860_000,
    "paid": 9_110_000,
    "held": 6_984_007,
    "reserved": 2_823_323,
    "carried": 2_351_730,
}


def make_lifetime() -> Contents:
    balances = make_balances(BALANCES)
    contents = Contents(
        settlement_id=SETTLEMENT,
        period=make_tables(),
        result={
            "receipts.jsonl": [
                receipt("fee", "*", "WW", 10_000_000, "USD", units=9_000_000, fee=900_000),
                receipt("prize", "*", "WW", 3_000_000),
                receipt("share", "m1", "DE", 10_000_000, upstream=1_000_000),
            ],
            "pools.jsonl": make_pools(POOLS),
            "splits.jsonl": make_splits(SPLITS, ("DE", "WW")),
            "allocations.jsonl": make_lines(SETTLEMENT, LINES),
            "deltas.jsonl": [],
            "postings.jsonl": make_postings(SETTLEMENT, TRANSFERS),
            "balances.jsonl": balances,
            "reserves_closing.jsonl": [
                reserve("alice", "s-2026-09", 123, "2027-03-29"),
                *(reserve(party, SETTLEMENT, units, "2027-04-29") for party, units in WITHHELD),
            ],
            "recoupments.jsonl": [recoupment("a1", 1_000_000, 1_000_000, 0), recoupment("a2", 5_000_000, 1_069_000, 3_931_000)],
            "payouts.jsonl": make_payouts(SETTLEMENT, {"alice": 4_890_000, "carol": 4_220_000}),
            "after_tail.jsonl": [],
            "statements.jsonl": make_statements(SETTLEMENT, None, balances, STATEMENTS),
        },
        header=dict(HEADER),
        programme=TERMS,
        settlement=make_document(SETTLEMENT, TOTAL),
    )
    name_reports(contents, revenue=REPORT, usage=USAGE, points=POINTS)
    return contents


WITHHELD = (("alice", 1_655_200), ("bob", 584_000), ("carol", 584_000))


def reserve(party: str, settlement: str, units: int, day: str) -> dict[str, Any]:
    return {"party_id": party, "currency": "EUR", "settlement_id": settlement, "units": str(units), "release_on": day}


def recoupment(advance: str, opening: int, recouped: int, closing: int) -> dict[str, Any]:
    numbers = {"opening_units": str(opening), "recouped_units": str(recouped), "closing_units": str(closing)}
    return {"advance_id": advance, "party_id": "alice", "currency": "EUR", **numbers}


def make_tables() -> dict[str, Rows]:
    """The small period's, under the new terms, with a parent of the model and the tables of money's life."""
    old, new = (sha256(terms).hexdigest() for terms in (PROGRAMME, TERMS))
    period: dict[str, Rows] = json.loads(json.dumps(make_period()).replace(old, new))
    chain(period["consents.jsonl"])
    (run,) = period["runs.jsonl"]
    parent = {**run, "model_version": "m0", "run_id": "run-0", "exposure_root": rows_root([])}
    period["runs.jsonl"] = [parent, {**run, "parents": ["m0"]}]
    period["opening.jsonl"][1]["balance_units"] = "3105000"
    period["points.jsonl"] = [
        {"recording_id": recording, "points": points, "tier": tier, "report_sha256": ""}
        for recording, points, tier in (("r1", 6, "gold"), ("r2", 5, "plain"))
    ]
    rate = {"currency": "USD", "into": "EUR", "rate_e12": "900000000000", "day": "2026-10-30", "source": "ECB", "recorded_at_us": RECORDED}
    period["rates.jsonl"] = [rate]
    period["disputes.jsonl"] = [
        {"dispute_id": dispute, "claim_id": claim, "opened_at_us": RECORDED, "resolved_at_us": resolved, "reason": "who played"}
        for dispute, claim, resolved in (("d1", "c4", None), ("d2", "c2", RECORDED + 1))
    ]
    period["reserves.jsonl"] = [
        reserve("alice", "s-2026-04", 700_000, "2026-10-31"),
        reserve("alice", "s-2026-09", 123, "2027-03-29"),
    ]
    advance = {"party_id": "alice", "group": "album", "currency": "EUR", "rate_ppm": 250_000}
    period["advances.jsonl"] = [
        {**advance, "advance_id": "a1", "recordings": ["r1"], "granted_on": "2026-01-01", "open_units": "1000000"},
        {**advance, "advance_id": "a2", "recordings": ["r2"], "granted_on": "2026-02-01", "open_units": "5000000"},
    ]
    period["taxes.jsonl"] = [
        {"party_id": party, "rate_ppm": rate_ppm, "authority": "Finanzamt"} for party, rate_ppm in (("bob", 158_250), ("carol", 158_250))
    ]
    return period
