"""Weights of attribution that too few outputs or payees stand behind are not shown to payees; money is the same (`min_count_shown`)."""

import csv
import io
import random
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from ritornello.domain.errors import BadInput
from ritornello.formats.minimum_counts import find_small
from ritornello.formats.programme_toml import read_programme
from ritornello.formats.statement_files import itemise, render_csv, render_json, render_page
from ritornello.formats.statement_pdf import render_pdf
from ritornello.service.explain import explain_folder, render
from ritornello.service.settlement import settle_folder
from ritornello.service.statements import parse_tables, read_folder, read_terms
from ritornello_verify.programme import read_programme as read_independently
from ritornello_verify.report import Malformed
from tests.service.test_noise_in_words import HEAD
from tests.settlement.folders import random_folder


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A seed whose settlement has a pool divided by attribution, under one version of the terms; the pool, a party's line, and what stands behind it."""
    for seed in count():
        root = tmp_path_factory.mktemp("seed")
        with suppress(BadInput):
            tables = settle(seed, root, 0)
            for line in tables["allocations"]:
                pool = next(row for row in tables["pools"] if row["pool"] == line["pool"])
                if (
                    pool["basis"] == "attribution"
                    and line["payee"].startswith("party:")
                    and random_folder(random.Random(seed)).older is None
                ):
                    least = min(count_outputs(tables, pool), count_payees(tables, pool))
                    if least > 1:
                        return {"seed": seed, "root": root, "line": line, "pool": pool, "least": least, "tables": tables}
    raise AssertionError


def count_outputs(tables: dict[str, Any], pool: dict[str, Any]) -> int:
    of_model = {row["output_id"] for row in tables["outputs"] if row["model_version"] == pool["model_version"]}
    attributed = {row["output_id"] for row in tables["attribution"]} & of_model
    return len(attributed & {row["output_id"] for row in tables["usage"] if row["territory"] == pool["territory"] and row["uses"]})


def count_payees(tables: dict[str, Any], pool: dict[str, Any]) -> int:
    return len({row["payee"] for row in tables["allocations"] if row["pool"] == pool["pool"] and row["payee"].startswith("party:")})


def settle(seed: int, root: Path, least: int) -> dict[str, Any]:
    folder = random_folder(random.Random(seed))
    if least:
        folder.programme = f"min_count_shown = {least}\n{folder.programme}"
    folder.write(root / "period")
    settle_folder(root / "period", root / "result")
    return parse_tables(read_folder(root))


def test_below_the_minimum_amounts_alone_are_shown_and_money_is_the_same(found: dict[str, Any], tmp_path: Path) -> None:
    line, pool, least = found["line"], found["pool"], found["least"] + 1
    tables = settle(found["seed"], tmp_path, least)
    for name in ("allocations", "pools", "balances", "postings", "statements"):
        assert tables[name] == found["tables"][name]
    small = find_small(tables, read_terms(read_folder(tmp_path)))
    assert small[pool["pool"]] == least
    sheets = itemise(tables, line["payee"].removeprefix("party:"), small)
    told = f"fewer than {least} outputs or payees stand behind these weights, so the programme lets only amounts be shown"
    row = next(row for row in csv.DictReader(io.StringIO(render_csv(sheets).decode("utf-8-sig"))) if row["line_id"] == line["line_id"])
    assert row["weight"] == row["total_weight"] == row["evidence_percent"] == row["signal_percent"] == ""
    assert row["amount"]
    item = next(item for sheet in sheets for item in sheet["items"] if item["line_id"] == line["line_id"])
    assert item["amount_units"] == line["amount_units"]
    assert item["weight"] == item["numerator"] == item["pool_units"] == ""
    chain = explain_folder(tmp_path, line["line_id"])
    pdf = render_pdf(sheets, **HEAD, known_at=datetime(2026, 11, 1, tzinfo=UTC))
    shown = [
        render(chain),
        render_page(sheets, **HEAD).decode(),
        render_json(sheets).decode(),
        " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split()),
    ]
    for text in shown:
        assert told in text
    assert chain["line"]["amount_units"] == line["amount_units"]
    assert not {"weight", "numerator"} & set(chain["line"])
    assert not {"amount_units", "denominator", "signal_ppm"} & set(chain["pool"])
    assert set(chain["rounding"]) == {"payee_total", "payee_lines"}
    assert f"× {line['numerator']}" not in shown[0]


def test_at_the_minimum_weights_are_shown_but_none_of_a_single_output(found: dict[str, Any], tmp_path: Path) -> None:
    line, pool, least = found["line"], found["pool"], found["least"]
    tables = settle(found["seed"], tmp_path, least)
    assert pool["pool"] not in find_small(tables, read_terms(read_folder(tmp_path)))
    chain, before = explain_folder(tmp_path, line["line_id"]), explain_folder(found["root"], line["line_id"])
    assert chain["line"] == before["line"]
    assert chain["weight"]["sentence"] == before["weight"]["sentence"]
    assert any(part.startswith("output ") for part in before["weight"]["parts"])
    assert not any(part.startswith("output ") for part in chain["weight"]["parts"])
    assert f"no figure that fewer than {least} outputs stand behind" in render(chain)


def test_both_readers_refuse_what_is_no_count(found: dict[str, Any]) -> None:
    terms = (found["root"] / "period/programme.toml").read_text()
    for value in ("-1", "true", '"5"', "100_001"):
        data = f"min_count_shown = {value}\n{terms}".encode()
        with pytest.raises(BadInput, match="min_count_shown"):
            read_programme("programme.toml", data)
        with pytest.raises(Malformed, match="min_count_shown"):
            read_independently(data)
    assert read_programme("programme.toml", f"min_count_shown = 5\n{terms}".encode()).min_count_shown == 5
    read_independently(f"min_count_shown = 5\n{terms}".encode())
