"""Whatever goes wrong has one form, and says nothing of the inside."""

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy.exc import OperationalError

from ritornello.api.app import include
from ritornello.api.limits import Limiter
from ritornello.api.problems import MEDIA_TYPE, status_of
from ritornello.service import models
from tests.api.conftest import Door


def _check(answer: Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == MEDIA_TYPE and answer.headers["Cache-Control"] == "no-store"
    problem = answer.json()
    assert problem["status"] == status and problem["code"] == code and problem["title"] and problem["detail"] and problem["todo"]
    assert problem["type"] == f"urn:ritornello:problem:{code}"
    return problem


def test_each_kind_of_trouble(door: Door) -> None:
    _check(door.get("/nothing", expect=404), 404, "unknown_route")
    _check(door.get("/recordings/", "reader", 404), 404, "unknown_route")
    _check(door.get("/recordings/rx", "reader", 404), 404, "unknown_recording")
    _check(door.get("/recordings/..%2F%00", "reader", 404), 404, "unknown_route")
    _check(door.get("/recordings/%00", "reader", 422), 422, "bad_request")
    _check(door.get("/recordings/r1%0A", "reader", 422), 422, "bad_request")
    problem = _check(door.get("/recordings?limit=501", "reader", 422), 422, "bad_request")
    assert [(one["file"], one["field"]) for one in problem["problems"]] == [("query", "limit")]
    unsigned = door.get("/settlements", expect=401)
    assert _check(unsigned, 401, "not_signed_in") and unsigned.headers["WWW-Authenticate"].startswith("Bearer")
    wrong = door.client.get("/api/v1/settlements", headers={"Authorization": "Bearer x"})
    assert _check(wrong, 401, "not_signed_in") and wrong.headers["WWW-Authenticate"].startswith("Bearer")
    _check(door.get("/settlements", "catalogue", 403), 403, "no_scope")
    posted = door.client.post("/api/v1/settlements")
    assert _check(posted, 405, "unknown_method") and posted.headers["Allow"] == "GET"
    _check(door.client.request("GET", "/api/v1/programmes", content=b"x" * 70_000), 413, "too_large")
    _check(door.client.request("GET", "/api/v1/programmes", content=iter([b"x"])), 413, "too_large")


def test_a_broken_promise_shows_nothing_of_itself(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_promise(_context: object) -> None:
        raise AssertionError("the secret inside")

    def lose_database(_context: object) -> None:
        raise OperationalError("SELECT secret", {}, Exception("inside"))

    for trouble, status, code in ((break_promise, 500, "fault"), (lose_database, 503, "surroundings")):
        monkeypatch.setattr(models, "list_runs", trouble)
        answer = door.get("/models", "reader", status)
        _check(answer, status, code)
        assert "secret" not in answer.text and "Traceback" not in answer.text


def test_codes_have_their_status() -> None:
    wanted = {"unknown_party": 404, "no_statement": 404, "line_gone": 410, "no_scope": 403, "settled_already": 409, "no_home": 503}
    assert {code: status_of(code) for code in wanted} == wanted


def test_who_asks_too_much_waits(door: Door) -> None:
    now = [0.0]
    app = FastAPI()
    include(app, door.home, Limiter(per_second=0.5, burst=3, clock=lambda: now[0]))
    with TestClient(app) as client:
        assert [client.get("/api/v1/programmes").status_code for _ in range(4)] == [200, 200, 200, 429]
        answer = client.get("/api/v1/nothing")
        _check(answer, 429, "too_many_requests")
        assert answer.headers["Retry-After"] == "2"
        now[0] += 2
        assert client.get("/api/v1/programmes").status_code == 200


def test_a_key_has_a_limit_of_its_own_wherever_it_is_used(door: Door) -> None:
    app = FastAPI()
    include(app, door.home, Limiter(per_second=0.001, burst=3, clock=lambda: 0.0))
    found = []
    for number in range(4):
        with TestClient(app, client=(f"10.0.0.{number}", 1)) as client:
            found.append(client.get("/api/v1/models", headers={"Authorization": f"Bearer {door.keys['reader']}"}).status_code)
    assert found == [200, 200, 200, 429]


def test_a_limiter_forgets_the_longest_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ritornello.api.limits._MOST_KNOWN", 2)
    limiter = Limiter(per_second=1, burst=1, clock=lambda: 0.0)
    assert [limiter.take(name) for name in ("a", "b", "b", "c", "a")] == [0, 0, 1, 0, 0]
