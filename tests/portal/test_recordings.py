"""The recordings' pages: what they say of shares, consent, use and earnings, and what a payee is not told."""

import re
from decimal import Decimal
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from ritornello.domain.splits import format_share
from ritornello.service import recording_earnings, recording_page, settlement_files, statements
from ritornello.wiring import Home
from tests.portal.conftest import Run, join
from tests.test_corrections import LATE


def _words(page: str) -> str:
    """A page's text as a reader sees it, on one line."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.split('<main id="main">')[1]))).strip()


def _ids(page: str) -> list[str]:
    return re.findall(r'href="/recordings/([^"]+)"', page)


def test_the_list_shows_a_payee_theirs_alone(browser: TestClient, settled: Path, run: Run) -> None:
    join(browser, run, settled, "cleo@example.org", "--role", "payee", "--party", "cleo")
    assert 'href="/recordings"' in browser.get("/").text
    assert _ids(browser.get("/recordings").text) == ["r5", "r6"]
    for path in ("/recordings/r1", "/recordings/nothing"):
        answer = browser.get(path)
        assert answer.status_code == 404
        assert "there is no recording" in answer.text.lower()


def test_the_operators_people_search_and_page(browser: TestClient, settled: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    join(browser, run, settled, "op@example.org", "--role", "reader")
    everything = [f"r{number}" for number in range(1, 7)]
    assert _ids(browser.get("/recordings").text) == everything
    monkeypatch.setattr(recording_page, "PAGE", 4)
    first = browser.get("/recordings").text
    assert _ids(first) == everything[:4]
    (following,) = re.findall(r'href="(/recordings\?after=r4)"', first)
    last = browser.get(following).text
    assert _ids(last) == everything[4:]
    assert "Next page" not in last
    assert _ids(browser.get("/recordings?q=R3").text) == ["r3"]
    assert _ids(browser.get("/recordings?q=%25").text) == [], "a search for % finds the sign, not everything"
    assert browser.get("/recordings", params={"q": "\0" + "x" * 9_000, "after": "\0"}).status_code == 200
    page = browser.get("/recordings", params={"q": "<script>x"}).text
    assert "<script" not in page
    assert "No recording has" in page


def test_what_is_earned_is_what_the_statements_say(browser: TestClient, settled: Path, opened: Home, settlement_id: str, run: Run) -> None:
    with opened.context(read_only=True) as context:
        sheets = statements.show(context, settlement_id, "ana")
        items = [item for sheet in sheets for item in sheet["items"] if item["recording_id"] == "r1"]
        earnings = recording_earnings.read(context, ["r1"], "ana")
    assert {one.currency: one.amount_units for one in earnings} == {
        sheet["currency"]: sum(int(item["amount_units"]) for item in sheet["items"] if item["recording_id"] == "r1") for sheet in sheets
    }
    join(browser, run, settled, "ana@example.org", "--role", "payee", "--party", "ana")
    page = browser.get("/recordings/r1").text
    assert f'href="/statements/{settlement_id}/ana"' in page
    assert set(re.findall(r'href="/lines/([^"]+)"', page)) == {item["line_id"] for item in items}
    for item in items:
        assert browser.get(f"/lines/{item['line_id']}").status_code == 200
        assert 'href="/recordings/r1"' in browser.get(f"/lines/{item['line_id']}").text
    shown = re.findall(r"([\d.,]+) ([A-Z]{3}) earned by you", _words(page))
    assert sum(Decimal(amount.replace(",", "")) for amount, _ in shown) == sum(Decimal(item["amount"]) for item in items) > 0
    assert all(f"{amount} {currency}" in _words(browser.get("/recordings?q=r1").text) for amount, currency in shown)
    assert 'href="/recordings/r1"' in browser.get(f"/statements/{settlement_id}/ana").text


def test_a_payee_sees_no_other_name_share_or_amount(browser: TestClient, settled: Path, opened: Home, settlement_id: str, run: Run) -> None:
    with opened.context(read_only=True) as context:
        whole, own = (recording_page.read(context, "r1", reader) for reader in (None, "ana"))
    others = {one.payee for one in whole.earnings} - {"party:ana"}
    assert others, "r1 pays others too, or this proves nothing"
    assert {one.payee for one in own.earnings} == {"party:ana"}
    assert set(own.names) == {"ana"}
    join(browser, run, settled, "op@example.org", "--role", "reader")
    seen = _words(browser.get("/recordings/r1").text)
    told = [name for party, name in whole.names.items() if party != "ana"]
    assert told
    assert all(name in seen for name in told), "the operator's people are told"
    join(browser, run, settled, "ana@example.org", "--role", "payee", "--party", "ana")
    for path in ("/recordings", "/recordings/r1"):
        page = browser.get(path).text
        assert not [name for name in told if name in page], path
        assert not [party for party in whole.names if party != "ana" and re.search(rf"\b{party}\b", page)], path
        for one in whole.earnings:
            if one.payee in others:
                assert not [line.line_id for line in one.lines if line.line_id in page], path
    shares = [share for split in whole.splits.values() for share in split["shares"] if share["payee"] != "party:ana"]
    mine = [share["share_e8"] for split in own.splits.values() for share in split["shares"]]
    for share in shares:
        if share["share_e8"] not in mine:
            assert f"{format_share(share['share_e8'])} %" not in page


def test_consent_in_words_as_it_changes(browser: TestClient, settled: Path, run: Run) -> None:
    """r6 belongs to cleo, who granted, and its work to songs, who hasn't said anything; r1 and r2 are granted by all."""
    join(browser, run, settled, "op@example.org", "--role", "reader")
    assert "granted by everyone needed" in _words(browser.get("/recordings?q=r1").text)
    assert "waiting for 1 other AI training" in _words(browser.get("/recordings?q=r6").text)
    assert "has not granted ai_training" in _words(browser.get("/recordings/r6").text)
    _decide(run, settled, "withdraw", "ana", "r1")
    assert "granted, withdrawn from" in _words(browser.get("/recordings/r1").text)
    _decide(run, settled, "hold", "north", "r2")
    assert "no: on hold" in _words(browser.get("/recordings?q=r2").text)
    assert "no: the claims don’t total 100 %" in _words(browser.get("/recordings?q=r5").text)
    join(browser, run, settled, "cleo@example.org", "--role", "payee", "--party", "cleo")
    page = _words(browser.get("/recordings/r6").text)
    assert "waiting for 1 other" in page
    assert "You allowed it from" in page
    assert "1 other owner has not agreed" in page
    join(browser, run, settled, "songs@example.org", "--role", "payee", "--party", "songs")
    page = _words(browser.get("/recordings/r6").text)
    assert "waiting for you" in page
    assert "You have said nothing about it" in page
    _decide(run, settled, "grant", "songs", "r6")
    assert "granted by everyone needed" in _words(browser.get("/recordings/r6").text)


def _decide(run: Run, home: Path, decision: str, party_id: str, recording_id: str) -> None:
    run("--home", home, "consent", decision, "--programme", "p", "--party", party_id, "--recording", recording_id)


def test_every_programme_is_asked_for_itself(browser: TestClient, settled: Path, tmp_path: Path, catalogue_folder: Path, run: Run) -> None:
    terms = (catalogue_folder / "programme.toml").read_text(encoding="utf-8")
    (tmp_path / "other.toml").write_text(terms.replace('"p"', '"other"').replace("Test terms", "Other terms"), encoding="utf-8")
    run("--home", settled, "programme", "add", tmp_path / "other.toml")
    join(browser, run, settled, "ana@example.org", "--role", "payee", "--party", "ana")
    seen = _words(browser.get("/recordings?q=r1").text)
    assert "Other terms no AI training Test terms granted by everyone needed AI training" in seen
    page = _words(browser.get("/recordings/r1").text)
    assert "You have said nothing about it 2 other owners have not agreed" in page


def test_where_it_is_used(browser: TestClient, settled: Path, run: Run) -> None:
    join(browser, run, settled, "op@example.org", "--role", "reader")
    page = _words(browser.get("/recordings/r1").text)
    assert "p-s1" in page
    assert "It is in no snapshot" in _words(browser.get("/recordings/r5").text)


def test_after_a_correction_what_is_earned_is_what_stands(settled: Path, opened: Home, run: Run, tmp_path: Path) -> None:
    (tmp_path / "late.csv").write_text(LATE)
    run("--home", settled, "revenue", "import", tmp_path / "late.csv", "--programme", "p", "--period", "2026-10", "--late")
    run("--home", settled, "correct", "--programme", "p", "--period", "2026-10")
    with opened.context(read_only=True) as context:
        earnings = recording_earnings.read(context, ["r1"], None)
        stands = [row for row in settlement_files.read_table(context, "p-2026-10-c1", "allocations") if row["recording_id"] == "r1"]
    assert {one.settlement.number for one in earnings} == {0, 1}
    assert sum(one.amount_units for one in earnings) == sum(int(row["amount_units"]) for row in stands) > 0
