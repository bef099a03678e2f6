"""Corrections set-wise against the documented rule in plain integers (docs/formats/settlement.md, Corrections)."""

import random
from collections import defaultdict
from pathlib import Path

from ritornello.domain.money import apportion
from ritornello.settlement.backends import DuckDB
from ritornello.settlement.bulk import Run, prove
from tests.settlement.divisions import (
    TYPES,
    Division,
    Row,
    divide_by_hand,
    random_division,
    random_set,
    read_rows,
    run_division,
    write_division,
    write_table,
)


def test_changed_split_sets_move_what_the_rule_says_and_nothing_else(tmp_path: Path) -> None:
    source = random.Random(20261102)
    for number in range(6):
        given, work = random_division(source), tmp_path / str(number)
        after = _change(source, given)
        write_division(given, work / "in")
        backend = DuckDB(work / "spill", 1 << 30, threads=2)
        payees, lines = run_division(given, backend, str(work / "in"), work)
        write_table(work / "changed.parquet", TYPES["changed"], _changed_rows(given, after))
        sums = {cell: sum(of_cell.values()) for cell, of_cell in given.weights().items()}
        bounds = prove(given.pools, sums, max(given.payees, after.payees))
        run = Run(backend, str(work), work / "correction.json", "test")
        tables = [str(work / f"{name}.parquet") for name in ("pools", "weights", "changed", "payees", "lines-*")]
        _, found, drifted = run.correct(*tables, bounds)
        expected, drift = _correct_by_hand(after, payees, lines)
        assert set(drifted) == drift
        assert [row for row in read_rows([found]) if row[0] not in drift] == expected
        backend.close()


def _change(source: random.Random, given: Division) -> Division:
    """Some split sets become others: payees come, go and change their shares."""
    keys = sorted({(lane, recording) for lane, recording, _, _ in given.splits})
    chosen = set(source.sample(keys, source.randint(1, len(keys))))
    splits = [row for row in given.splits if (row[0], row[1]) not in chosen]
    splits += [(*key, *share) for key in sorted(chosen) for share in random_set(source, given.payees + 1)]
    return Division(given.pools, given.usage, given.attribution, sorted(splits))


def _changed_rows(before: Division, after: Division) -> list[Row]:
    was, now = ({row[:3]: row[3] for row in one.splits} for one in (before, after))
    return [(*key, was.get(key, 0), now.get(key, 0)) for key in sorted({*was, *now})]


def _correct_by_hand(after: Division, payees: list[Row], lines: list[Row]) -> tuple[list[Row], set[int]]:
    """Delta rows, and the pools in which everything would have to be apportioned anew."""
    fresh_payees, fresh_lines = divide_by_hand(after)
    stands = {(pool, payee): (numerator, units) for pool, payee, numerator, _, units in payees}
    was = {row[:3]: (row[4], row[5]) for row in lines}
    now: dict[tuple[int, int], dict[int, tuple[int, int]]] = defaultdict(dict)
    for pool, payee, recording, weight, share, _ in fresh_lines:
        now[pool, payee][recording] = weight, share
    drifted, found = set(), []
    for pool in after.pools:
        totals = {payee: numerator for other, payee, numerator, _, _ in fresh_payees if other == pool.pool}
        amounts = {payee: stands[pool.pool, payee][1] for payee, n in totals.items() if stands.get((pool.pool, payee), (0, 0))[0] == n}
        changed = {payee: n for payee, n in totals.items() if payee not in amounts}
        if changed:
            amounts |= apportion(pool.units - sum(amounts.values()), changed)
        count = len(totals.keys() | {payee for other, payee in stands if other == pool.pool})
        whole = sum(totals.values())
        if any(abs(amounts[payee] * whole - pool.units * n) >= (1 + count) * whole for payee, n in totals.items()):
            drifted.add(pool.pool)
            continue
        units: dict[Row, int] = {}
        for payee in totals:
            mine = now[pool.pool, payee]
            before = {key[2]: value for key, value in was.items() if key[:2] == (pool.pool, payee)}
            if {recording: share for recording, (_, share) in mine.items()} == {
                recording: share for recording, (share, _) in before.items()
            }:
                parts = {recording: before[recording][1] for recording in mine}
            else:
                parts = apportion(amounts[payee], {recording: weight * share for recording, (weight, share) in mine.items()})
            units |= {(pool.pool, payee, recording): part for recording, part in parts.items()}
        weights = after.weights()[pool.cell]
        for key in sorted({*units, *(key for key in was if key[0] == pool.pool)}):
            before_e8, before_units = was.get(key, (0, 0))
            after_e8 = now.get(key[:2], {}).get(key[2], (0, 0))[1]
            if (before_e8, before_units) != (after_e8, units.get(key, 0)):
                found.append((*key, weights[key[2]], before_e8, after_e8, before_units, units.get(key, 0)))
    return found, drifted
