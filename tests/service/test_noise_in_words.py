"""A statement and `explain` say where attribution's weight comes from, and by which figures it divides or doesn't."""

import csv
import io
import random
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from ritornello.domain.errors import BadInput
from ritornello.formats.statement_files import itemise, render_csv, render_page
from ritornello.formats.statement_pdf import render_pdf
from ritornello.service.explain import explain_folder, render
from ritornello.service.settlement import settle_folder
from ritornello.service.statements import parse_tables, read_folder
from tests.settlement.folders import random_folder

Row = Mapping[str, Any]
HEAD: dict[str, Any] = {
    "programme_title": "P",
    "licensor": "L",
    "licensee": "A",
    "first_day": date(2026, 10, 1),
    "last_day": date(2026, 10, 31),
}
PARTS = {"evidence_ppm": 620_000, "influence_ppm": 300_000, "exposure_ppm": 55_000}
SHOWN = "of an output's weight, on average 62 % was heard, 30 % came from influence on the model, 5.5 % from exposure, as a filler"


@pytest.mark.parametrize("reason", ["signal_below_noise", "rule"])
def test_figures_stand_on_every_form_of_a_statement_and_in_explain(reason: str, tmp_path: Path) -> None:
    folder, pool, line = find(reason, tmp_path)
    signal, noise, ratio = pool["signal_ppm"] / 10_000, pool["noise_ppm"] / 10_000, pool["min_signal_to_noise_e3"] / 1000
    if reason == "rule":
        told = [SHOWN, f"attribution moves {signal:g} % of this pool, its measured noise is {noise:g} %; at least the ratio {ratio:g} that"]
    else:
        told = [
            f"attribution would have moved {signal:g} % of this pool, its measured noise is {noise:g} %; below the ratio {ratio:g} that"
        ]
    sheets = itemise(parse_tables(read_folder(folder)), line["payee"].removeprefix("party:"))
    pdf = render_pdf(sheets, **HEAD, known_at=datetime(2026, 11, 1, tzinfo=UTC))
    shown = [
        render(explain_folder(folder, line["line_id"])),
        render_page(sheets, **HEAD).decode().replace("&#39;", "'"),
        " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split()),
    ]
    for text in shown:
        assert all(words in text for words in told)
    rows = csv.DictReader(io.StringIO(render_csv(sheets).decode("utf-8-sig")))
    row = next(row for row in rows if row["line_id"] == line["line_id"])
    assert (row["signal_percent"], row["noise_percent"]) == (f"{signal:g}", f"{noise:g}")
    parts = [row[f"{name}_percent"] for name in ("evidence", "influence", "exposure")]
    assert parts == (["62", "30", "5.5"] if reason == "rule" else [""] * 3)


def find(reason: str, place: Path) -> tuple[Path, Row, Row]:
    """A settled random folder with a line of a party in a compared pool that has this reason; the pool and the line."""
    for seed in count():
        folder, root = random_folder(random.Random(seed)), place / str(seed)
        for row in folder.tables["quality.jsonl"]:
            row |= PARTS
        if "min_signal" in folder.programme:
            folder.write(root / "period")
            with suppress(BadInput):
                settle_folder(root / "period", root / "result")
                tables = parse_tables(read_folder(root))
                pools = {row["pool"]: row for row in tables["pools"] if row["reason"] == reason and "signal_ppm" in row}
                for line in tables["allocations"]:
                    if line["pool"] in pools and line["payee"].startswith("party:"):
                        return root, pools[line["pool"]], line
    raise AssertionError
