"""What the API shows after a correction, and of weights that a programme hides."""

import json
from collections.abc import Callable
from pathlib import Path

from ritornello.formats.line_files import encode_lines_parquet
from ritornello.wiring import Home
from tests.api.conftest import open_door
from tests.conftest import make_home, settle, train

Run = Callable[..., str]


def test_lines_that_a_correction_changed_and_took_back(settled: Path, run: Run) -> None:
    found = json.loads(run("--home", settled, "--json", "catalogue", "show", "r1"))
    claim_id = found["splits"]["publishing"]["shares"][0]["claim_ids"][0]  # all of ana's
    run("--home", settled, "dispute", "open", claim_id, "--by", "ben", "--reason", "wrote it with her")
    run("--home", settled, "correct", "--programme", "p", "--period", "2026-10")
    with open_door(Home(settled, None)) as door:
        newest, first = door.get("/settlements", "payee").json()["items"]
        assert (newest["settlement_id"], newest["corrects"], first["corrects"]) == ("p-2026-10-c1", "p-2026-10", None)
        lines = [json.loads(line) for line in door.get("/settlements/p-2026-10-c1/lines.ndjson", "payee").text.splitlines()]
        assert lines and all(int(row["amount_units"]) < 0 and row["recording_id"] == "r1" for row in lines)
        (sheet,) = [
            row for row in door.get("/settlements/p-2026-10-c1/statements/ana", "payee").json()["items"] if row["currency"] == "EUR"
        ]
        in_eur = [int(row["amount_units"]) for row in lines if "/EUR/" in row["pool"]]
        assert sum(in_eur) == int(sheet["net_revenue_units"])
        gone = f"/lines/{lines[0]['line_id']}"
        assert door.get(gone, "payee", 410).json()["code"] == door.get(gone, "reader", 410).json()["code"] == "line_gone"
        assert door.get(gone, "stranger", 404).json()["code"] == "unknown_line"


def test_weights_that_a_programme_hides_are_null(tmp_path: Path, catalogue_folder: Path, run: Run) -> None:
    terms = tmp_path / "programme.toml"
    terms.write_text((catalogue_folder / "programme.toml").read_text().replace("tail_days", "min_count_shown = 1000\ntail_days"))
    home = settle(train(make_home(tmp_path, catalogue_folder, run, terms), tmp_path, run), tmp_path, run)
    with open_door(Home(home, None)) as door:
        own, everything = (
            {row["line_id"]: row for row in map(json.loads, door.get("/settlements/p-2026-10/lines.ndjson", role).text.splitlines())}
            for role in ("payee", "reader")
        )
        hidden = {name: row for name, row in own.items() if row["pool"].endswith("/attribution")}
        assert hidden and all(row["weight"] is None and row["numerator"] is None for row in hidden.values())
        assert all(row == everything[name] for name, row in own.items() if name not in hidden)
        assert all(everything[name]["weight"] and everything[name]["amount_units"] == row["amount_units"] for name, row in hidden.items())
        assert encode_lines_parquet(list(own.values())) == door.get("/settlements/p-2026-10/lines.parquet", "payee").content
        for name in own:
            assert ("weight" in door.get(f"/lines/{name}", "payee").json()["line"]) == (name not in hidden)
