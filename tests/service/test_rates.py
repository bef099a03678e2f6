"""Exchange rates that come in twice."""

import json
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., str]


def test_a_rate_that_replaces_another_is_named(run: Run, tmp_path: Path) -> None:
    home = ("--home", tmp_path / "home")
    run(*home, "init", "--origin", "rates")
    file = tmp_path / "rates.csv"
    file.write_text("currency,into,day,rate,source\nUSD,EUR,2026-10-30,0.923,ECB\nGBP,EUR,2026-10-30,1.15,ECB\n")
    assert json.loads(run(*home, "--json", "rates", "import", file)) == {"stored": 2, "known": 0, "replaced": []}
    file.write_text("currency,into,day,rate,source\nUSD,EUR,2026-10-30,0.933,ECB\nGBP,EUR,2026-10-30,1.15,ECB\n")
    said = run(*home, "rates", "import", file)
    assert "1 rates stored, 1 stood already" in said and "ritornello correct" in said
    assert "1 USD is 0.93300000 EUR on 2026-10-30 from now on, not 0.92300000" in said
    assert len(json.loads(run(*home, "--json", "rates", "list"))) == 3
