"""The portal as a browser meets it: joining, signing in, a statement, a line, and everything that is kept from whoever it is not for."""

import hashlib
import json
import re
from contextlib import ExitStack
from html import escape
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from ritornello.domain.money import digits_of
from ritornello.formats.statement_files import show_money
from ritornello.portal.app import ROUTERS
from ritornello.portal.door import TURNS, Door
from ritornello.service import access, explain, log, overview, settlement_files, statements
from ritornello.serving import build
from ritornello.store import catalogue
from ritornello.wiring import Home
from tests.portal.conftest import PASSWORD, Run, join


def show(opened: Home, settlement_id: str, party_id: str) -> list[dict[str, Any]]:
    with opened.context(read_only=True) as context:
        return statements.show(context, settlement_id, party_id)


def test_from_invitation_to_the_reason_of_a_line(browser: TestClient, settled: Path, opened: Home, settlement_id: str, run: Run) -> None:
    join(browser, run, settled, "ana@example.org", "--role", "payee", "--party", "ana", "--name", "Ana Example")
    first = browser.get("/").text
    assert "Ana Example" in first
    sheets = show(opened, settlement_id, "ana")
    page = browser.get(f"/statements/{settlement_id}/ana").text
    assert f'href="/statements/{settlement_id}/ana"' in first
    assert page.count('href="/lines/') == sum(len(sheet["items"]) for sheet in sheets) > 1
    line = sheets[0]["items"][0]
    why = browser.get(f"/lines/{line['line_id']}").text
    assert line["amount"].rstrip("0") in why
    assert "The arithmetic" in why
    assert "ben" not in re.sub(r"[^a-z]+", " ", why.lower()).split(), "a payee is not told who the others are"


def test_statement_files(browser: TestClient, settled: Path, opened: Home, settlement_id: str, run: Run) -> None:
    join(browser, run, settled, "ana@example.org", "--role", "payee", "--party", "ana")
    sheet = show(opened, settlement_id, "ana")
    given = browser.get(f"/statements/{settlement_id}/ana/json")
    assert given.json() == sheet
    assert given.headers["content-disposition"].startswith("attachment; ")
    assert browser.get(f"/statements/{settlement_id}/ana/csv").content.startswith(b"\xef\xbb\xbfline_id,")
    assert browser.get(f"/statements/{settlement_id}/ana/pdf").content.startswith(b"%PDF-")
    for form in ("exe", "html"):
        assert browser.get(f"/statements/{settlement_id}/ana/{form}").status_code == 404


def test_a_payee_sees_nobody_else(browser: TestClient, settled: Path, opened: Home, settlement_id: str, run: Run) -> None:
    join(browser, run, settled, "ana@example.org", "--role", "payee", "--party", "ana")
    bens = show(opened, settlement_id, "ben")[0]
    for path in (
        f"/statements/{settlement_id}/ben",
        f"/statements/{settlement_id}/ben/csv",
        f"/statements/{settlement_id}/nobody",
        f"/lines/{bens['items'][0]['line_id']}",
        "/lines/0000000000000000",
    ):
        answer = browser.get(path)
        assert answer.status_code == 404, path
        assert bens["items"][0]["amount"] not in answer.text
    assert "Ben Example" not in browser.get("/").text


def test_the_operators_people_see_everybody(browser: TestClient, settled: Path, opened: Home, settlement_id: str, run: Run) -> None:
    join(browser, run, settled, "op@example.org", "--role", "reader")
    first = browser.get("/").text
    assert "Ana Example" in first
    assert "Ben Example" in first
    assert browser.get(f"/statements/{settlement_id}/ben").status_code == 200


@pytest.mark.parametrize("path", ["/", "/statements/{id}/ana", "/statements/{id}/ana/csv", "/lines/0000000000000000"])
def test_strangers_are_led_to_the_door(browser: TestClient, settlement_id: str, path: str) -> None:
    answer = browser.get(path.format(id=settlement_id), follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")
    assert "Ana" not in answer.text


def test_every_page_wants_somebody_signed_in(browser: TestClient) -> None:
    """Whatever route is added later: without a session only the door, the welcome and the style are open."""
    open_to_all = {"/sign-in", "/sign-out", "/welcome/{token}", "/style.css", "/public"}
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    assert len(routes) > 6
    for route in routes:
        if route.path not in open_to_all:
            assert route.methods <= {"GET", "HEAD"}, "a new form needs its own test of who may send it"
            answer = browser.get(re.sub(r"\{[a-z_]+\}", "x", route.path), follow_redirects=False)
            assert answer.status_code == 303, route.path


def test_wrong_passwords_and_removed_logins(browser: TestClient, settled: Path, run: Run) -> None:
    join(browser, run, settled, "ana@example.org", "--role", "payee", "--party", "ana")
    run("--home", settled, "access", "remove", "ana@example.org")
    assert browser.get("/", follow_redirects=False).status_code == 303
    answer = browser.post("/sign-in", data={"user_id": "ana@example.org", "password": PASSWORD})
    assert answer.status_code == 403
    assert "wrong" in answer.text


def test_guessing_from_one_address_is_slowed(browser: TestClient) -> None:
    codes = [browser.post("/sign-in", data={"user_id": "x", "password": "y"}).status_code for _ in range(12)]
    assert codes[:10] == [403] * 10
    assert 429 in codes[10:]


def test_signing_in_leads_back_but_never_away(browser: TestClient, settled: Path, opened: Home, settlement_id: str, run: Run) -> None:
    join(browser, run, settled, "ana@example.org", "--role", "payee", "--party", "ana")
    for wanted, led_to in (
        (f"/statements/{settlement_id}/ana", f"/statements/{settlement_id}/ana"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
    ):
        form = {"user_id": "ana@example.org", "password": PASSWORD, "to": wanted}
        answer = browser.post("/sign-in", data=form, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, led_to)


def test_forms_of_other_sites_are_refused(browser: TestClient, settled: Path, run: Run) -> None:
    join(browser, run, settled, "ana@example.org", "--role", "payee", "--party", "ana")
    form = {"user_id": "ana@example.org", "password": PASSWORD}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}, {"Origin": "http://["}):
        assert browser.post("/sign-in", data=form, headers=headers).status_code == 403
        assert browser.post("/sign-out", headers=headers).status_code == 403
    assert browser.post("/sign-out", data={"mark": "0" * 64}).status_code == 403
    assert browser.get("/", follow_redirects=False).status_code == 200
    (mark,) = re.findall(r'name="mark" value="([0-9a-f]{64})"', browser.get("/").text)
    browser.post("/sign-out", data={"mark": mark})
    assert browser.get("/", follow_redirects=False).status_code == 303


def test_cookie_and_headers(browser: TestClient, settled: Path, opened: Home, run: Run) -> None:
    path = json.loads(run("--home", settled, "--json", "access", "add", "a", "--role", "admin"))["invitation"]
    answer = browser.post(path, data={"password": PASSWORD, "again": PASSWORD}, follow_redirects=False)
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("__host-ritornello=")
    assert {"httponly", "secure", "samesite=lax", "path=/"} <= {part.strip() for part in cookie.split(";")}
    page = browser.get("/")
    assert "script" not in page.headers["content-security-policy"]
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert page.headers["cache-control"] == "no-store"
    assert "<script" not in page.text
    assert " style=" not in page.text
    with TestClient(build(opened), base_url="http://localhost") as plain:
        form = {"user_id": "a", "password": PASSWORD}
        assert "secure" not in plain.post("/sign-in", data=form, follow_redirects=False).headers["set-cookie"].lower()


def test_what_is_too_large_is_not_read(browser: TestClient) -> None:
    assert browser.post("/sign-in", data={"user_id": "x" * 20_000}).status_code == 413
    assert browser.post("/sign-in", content=(b"x" for _ in range(3))).status_code == 413
    zeros = {"Content-Length": "0" * 12 + "20000", "Content-Type": "application/x-www-form-urlencoded"}
    assert browser.post("/sign-in", content=b"x" * 20_000, headers=zeros).status_code == 413


def test_names_are_shown_as_text(browser: TestClient, settled: Path, run: Run) -> None:
    join(browser, run, settled, "<b>op</b>", "--role", "admin", "--name", "<script>alert(1)</script>")
    page = browser.get("/").text
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_two_different_passwords_leave_the_invitation(browser: TestClient, settled: Path, run: Run) -> None:
    path = json.loads(run("--home", settled, "--json", "access", "add", "a", "--role", "admin"))["invitation"]
    assert "differ" in browser.post(path, data={"password": PASSWORD, "again": "x"}).text
    short = browser.post(path, data={"password": "short", "again": "short"})
    assert short.status_code == 422
    assert browser.post(path, data={"password": PASSWORD, "again": PASSWORD}, follow_redirects=False).status_code == 303
    assert browser.get(path).status_code == 410


def test_a_fault_shows_nothing_of_itself(opened: Home, settled: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("a secret of the program")

    with TestClient(build(opened), base_url="https://rights.example.org", raise_server_exceptions=False) as browser:
        join(browser, run, settled, "ana@example.org", "--role", "payee", "--party", "ana")
        monkeypatch.setattr(explain, "explain_to", fail)
        answer = browser.get("/lines/0000000000000000")
    assert answer.status_code == 500
    assert "something failed" in answer.text.lower()
    assert "secret" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_everybody_sees_terms_and_totals_and_nobodys_own(browser: TestClient, opened: Home, settlement_id: str) -> None:
    page = browser.get("/public").text
    with opened.context(read_only=True) as context:
        rows = settlement_files.read_table(context, settlement_id, "statements")
        note, vkey = log.checkpoint(context)
        parties = catalogue.read_parties(context.connection).values()
        titles = [recording["title"] for recording in overview.list_recordings(context)]
    for currency in {row["currency"] for row in rows}:
        paid = sum(int(row["paid_units"]) for row in rows if row["currency"] == currency)
        assert f"{show_money(paid, digits_of(currency))} {currency}" in page
    assert "Test terms" in page
    assert vkey in page
    assert note.splitlines()[2] in page, "the log's root"
    for name in (*titles, *(party.name for party in parties), *(party.party_id for party in parties)):
        assert not re.search(rf"\b{re.escape(escape(name))}\b", page), name


def test_malformed_forms_show_nothing_of_themselves(browser: TestClient) -> None:
    long = browser.post("/sign-in", data={"user_id": "x", "password": "a secret " * 200})
    assert long.status_code == 422
    assert "a secret" not in long.text
    assert browser.post("/sign-in", files={"password": ("a secret", b"x")}).status_code == 422
    part = b'--b\r\nContent-Disposition: form-data; name="user_id"\r\n\r\n\\ud800\r\n--b--\r\n'
    headers = {"Content-Type": "multipart/form-data; charset=unicode_escape; boundary=b"}
    assert browser.post("/sign-in", content=part, headers=headers).status_code == 422
    assert browser.post("/sign-in", data={"user_id": "x\0", "password": "y"}).status_code == 403


def test_no_address_is_made_from_what_a_request_says(browser: TestClient) -> None:
    assert browser.get("/api/v1", headers={"Host": "evil.example"}, follow_redirects=False).status_code == 404
    assert browser.get("/lines/a%26to=b", follow_redirects=False).headers["location"] == "/sign-in?to=/lines/a%26to%3Db"


def test_an_invitation_counts_where_others_have_shut_the_door(browser: TestClient, settled: Path, run: Run) -> None:
    path = json.loads(run("--home", settled, "--json", "access", "add", "a", "--role", "admin"))["invitation"]
    for _ in range(access.TRIES):
        browser.post("/sign-in", data={"user_id": "a", "password": "x"})
    browser.post(path, data={"password": PASSWORD, "again": PASSWORD})
    assert browser.get("/", follow_redirects=False).status_code == 200


def test_hashing_a_password_holds_up_no_writer(browser: TestClient, opened: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it wait for one that is long at work, beyond the record of what came of it."""
    checked = []

    def check(kept: str | None, password: str) -> None:
        with opened.context() as context:  # would wait for itself if sign-in held the write lock
            checked.append(access.find_password(context, "x") == kept)

    monkeypatch.setattr(access, "check_password", check)
    assert browser.post("/sign-in", data={"user_id": "x", "password": "y"}).status_code == 403
    assert checked == [True]


def test_strangers_take_no_write_lock(browser: TestClient, opened: Home) -> None:
    with opened.context():
        assert browser.post("/welcome/x", data={"password": PASSWORD, "again": PASSWORD}).status_code == 410
        mark = hashlib.sha256(b"form ").hexdigest()
        assert browser.post("/sign-out", data={"mark": mark}, follow_redirects=False).status_code == 303


def test_only_some_hash_at_once(opened: Home) -> None:
    door = Door(opened, lambda _: 0)
    with TestClient(build(opened)) as browser, ExitStack() as turns:
        browser.app.app.state.door = door  # type: ignore[attr-defined]
        for _ in range(TURNS):
            turns.enter_context(door.take_turn())
        assert browser.post("/sign-in", data={"user_id": "x", "password": "y"}).status_code == 503
        turns.close()
        assert browser.post("/sign-in", data={"user_id": "x", "password": "y"}).status_code == 403


def test_nobody_is_a_proxy_for_everybody(settled: Path, run: Run) -> None:
    assert "bad_proxy" in run("--home", settled, "serve", "--proxy", "10.0.0.1,*", expect=3)
