"""Rows that name what is not in the folder, and tables that may have no rows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bundle_maker.worlds import make_world
from bundle_maker.writing import Contents
from ritornello_verify.references import REFERENCES

Verify = Callable[..., tuple[int, dict[str, Any]]]
Write = Callable[[Contents], Path]


@pytest.mark.parametrize(("path", "column", "target"), REFERENCES)
def test_what_rows_name_is_in_the_folder(write: Write, verify: Verify, path: str, column: str, target: str) -> None:
    contents = make_world(path)
    del contents.table(path)[1:]
    contents.table(path)[0][column] = "zz"
    code, report = verify(write(contents))
    assert code == 1
    assert report["verdict"].startswith(f"FAILED: {path} row 1 ("), report["verdict"]
    assert f'{column} "zz" is not in {target.removeprefix("period/")}' in report["verdict"]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("account", "party:zz", 'account "party:zz" is neither held money nor of a party in parties.jsonl'),
        ("account", "paid:EUR", 'account "paid:EUR" is neither held money nor of a party in parties.jsonl'),
        ("balance_units", "-1", "a held account opens below zero"),
    ],
)
def test_opening_balances_are_of_accounts_that_are_there(
    write: Write, contents: Contents, verify: Verify, column: str, value: str, message: str
) -> None:
    contents.period["opening.jsonl"] = [{"account": "held:suspense", "currency": "EUR", "balance_units": "1", column: value}]
    assert message in verify(write(contents))[1]["verdict"]


PREVIOUS = ("period/previous_receipts.jsonl", "period/previous_pools.jsonl", "period/previous_allocations.jsonl")


@pytest.mark.parametrize("path", PREVIOUS)
def test_nothing_stands_where_nothing_is_corrected(write: Write, contents: Contents, verify: Verify, path: str) -> None:
    contents.period[path.removeprefix("period/")] = make_world(path).table(path)
    verdict = verify(write(contents))[1]["verdict"]
    assert verdict.startswith(f"FAILED: {path}") and ("corrects nothing" in verdict or "is not in previous_pools.jsonl" in verdict)


def test_lines_that_stand_are_of_pools_that_stand(write: Write, verify: Verify) -> None:
    contents = make_world(PREVIOUS[2])
    contents.period["previous_pools.jsonl"] = contents.period["previous_pools.jsonl"][1:]
    assert "is not in previous_pools.jsonl" in verify(write(contents))[1]["verdict"]


@pytest.mark.parametrize(("column", "value"), [("into", "USD"), ("rate_e12", "0")])
def test_rates_are_into_the_programmes_currency(write: Write, verify: Verify, column: str, value: str) -> None:
    contents = make_world("period/rates.jsonl")
    contents.period["rates.jsonl"][0][column] = value
    assert verify(write(contents))[1]["verdict"] == "FAILED: period/rates.jsonl row 1: is no rate above 0 into a currency of a conversion"


def test_points_are_in_a_tier_of_the_programme(write: Write, verify: Verify) -> None:
    contents = make_world("period/points.jsonl")
    contents.period["points.jsonl"][1]["tier"] = "silver"
    assert verify(write(contents))[1]["verdict"] == 'FAILED: period/points.jsonl row 2: tier "silver" is of none of the terms'


def test_a_group_of_advances_is_one_partys(write: Write, verify: Verify) -> None:
    contents = make_world("period/advances.jsonl")
    contents.period["advances.jsonl"][1]["party_id"] = "bob"
    assert 'group "album" has advances of several parties' in verify(write(contents))[1]["verdict"]


@pytest.mark.parametrize("path", ["period/usage.jsonl", "period/points.jsonl"])
def test_each_report_that_rows_name_is_there(write: Write, verify: Verify, path: str) -> None:
    contents = make_world("period/points.jsonl")
    contents.table(path)[0]["report_sha256"] = "00" * 32
    assert "report_sha256 names a report that is not in reports/" in verify(write(contents))[1]["verdict"]
