"""Every route × who asks; what each shows, and to whom not."""

import csv
import io
import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI
from starlette.routing import Route

from ritornello.api.app import build
from ritornello.api.limits import Limiter
from tests.api.conftest import ROLES, Door

SETTLEMENT = "p-2026-10"
PUBLIC = "/programmes /programmes/{programme_id} /programmes/{programme_id}/programme.toml /log/checkpoint /log/key /log/entries/{position}/proof".split()
CATALOGUE = (
    "/recordings /recordings.ndjson /recordings/{recording_id} /snapshots /snapshots/{snapshot_id} /models /models/{model_version}".split()
)
MONEY = (
    "/settlements /settlements/{settlement_id}/statements /settlements/{settlement_id}/statements/{party_id} "
    "/settlements/{settlement_id}/statements/{party_id}/statement.csv "
    "/settlements/{settlement_id}/lines.ndjson /settlements/{settlement_id}/lines.parquet /lines/{line_id}"
).split()
HIDDEN = {  # from a payee whose party is another
    "/recordings/{recording_id}",
    "/settlements/{settlement_id}/statements",
    "/settlements/{settlement_id}/statements/{party_id}",
    "/settlements/{settlement_id}/statements/{party_id}/statement.csv",
    "/settlements/{settlement_id}/lines.ndjson",
    "/settlements/{settlement_id}/lines.parquet",
    "/lines/{line_id}",
}


def _fill(path: str, line_id: str) -> str:
    values = {"programme_id": "p", "recording_id": "r1", "snapshot_id": "p-s1", "model_version": "m", "settlement_id": SETTLEMENT}
    return path.format(**values, party_id="ana", line_id=line_id, position=0)


def _lines(door: Door, role: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in door.get(f"/settlements/{SETTLEMENT}/lines.ndjson", role).text.splitlines()]


def _routes(api: FastAPI) -> dict[str, set[str]]:
    """Path → methods of everything that is mounted or included, in the document or not."""
    found: dict[str, set[str]] = {}
    for route in api.routes:
        inner = [route] if isinstance(route, Route) else route.original_router.routes
        found |= {one.path: set(one.methods or ()) for one in inner}
    return found


def test_every_route_and_role(door: Door) -> None:
    routes = _routes(door.api)
    assert set(routes) == {*PUBLIC, *CATALOGUE, *MONEY, "/openapi.json"}
    assert {method for methods in routes.values() for method in methods} <= {"GET", "HEAD"}
    line_id = next(row["line_id"] for row in _lines(door, "payee") if row["recording_id"] == "r1")
    for path in set(routes) - {"/openapi.json"}:
        url, is_public = _fill(path, line_id), path in PUBLIC
        assert door.get(url, None, 200 if is_public else 401).headers["Cache-Control"] == ("no-cache" if is_public else "no-store")
        door.get(url, "ended", 200 if is_public else 401)
        door.get(url, "catalogue", 403 if path in MONEY else 200)
        door.get(url, "money", 403 if path in CATALOGUE else 200)
        for role in ROLES:
            answer = door.get(url, role, 404 if role == "stranger" and path in HIDDEN else 200)
            assert answer.headers["Cache-Control"] == ("no-cache" if is_public else "no-store")


def test_what_is_anothers_looks_as_if_it_did_not_exist(door: Door) -> None:
    (theirs, *_) = _lines(door, "payee")
    hidden = {
        f"/recordings/{'r1'}": "/recordings/rx",
        f"/lines/{theirs['line_id']}": f"/lines/{'0' * 16}",
        f"/settlements/{SETTLEMENT}/statements/ana": f"/settlements/{SETTLEMENT}/statements/nobody",
        f"/settlements/{SETTLEMENT}/statements/ben": "/settlements/p-1999-01/statements/ben",
        f"/settlements/{SETTLEMENT}/lines.ndjson": "/settlements/p-1999-01/lines.ndjson",
        f"/settlements/{SETTLEMENT}/statements": "/settlements/p-1999-01/statements",
    }
    for there, nowhere in hidden.items():
        first, second = door.get(there, "stranger", 404).json(), door.get(nowhere, "stranger", 404).json()
        names = {"rx": "r1", "0" * 16: theirs["line_id"], "nobody": "ana", "p-1999-01": SETTLEMENT}
        for made_up, real in names.items():
            second["detail"] = second["detail"].replace(made_up, real)
        assert first == second


def test_a_payee_sees_their_own_alone(door: Door) -> None:
    assert {row["payee"] for row in _lines(door, "payee")} == {"party:ana"}
    rows = door.get(f"/settlements/{SETTLEMENT}/statements", "payee").json()["items"]
    assert {row["party_id"] for row in rows} == {"ana"}
    assert [one["recording_id"] for one in door.get("/recordings", "payee").json()["items"]] == ["r1", "r2"]
    found = door.get("/recordings/r1", "payee").json()["splits"]["master"]
    assert found["status"] == "completed" and [share["payee"] for share in found["shares"]] == ["party:ana"]
    assert "total_e8" not in found
    for line in _lines(door, "payee"):
        mine, all_of_it = (door.get(f"/lines/{line['line_id']}", role).json() for role in ("payee", "reader"))
        told = json.dumps([mine["split"], mine["consent"]])
        assert "ben" not in told and "north" not in told and "songs" not in told
        assert mine["line"] == all_of_it["line"] and mine["weight"] == all_of_it["weight"]
        if line["recording_id"] == "r1":
            assert "2 more by others" in told and "north granted" in json.dumps(all_of_it["consent"])
    assert door.get("/settlements", "stranger").json()["items"] == []


def test_the_operators_people_see_all(door: Door) -> None:
    lines = _lines(door, "reader")
    assert {row["payee"] for row in lines} > {"party:ana", "party:ben", "party:north"}
    table = pq.read_table(io.BytesIO(door.get(f"/settlements/{SETTLEMENT}/lines.parquet", "reader").content)).to_pylist()
    assert [{**row, **{name: str(row[name]) for name in ("weight", "numerator", "amount_units")}} for row in table] == lines
    (sheet,) = [row for row in door.get(f"/settlements/{SETTLEMENT}/statements/ana", "reader").json()["items"] if row["currency"] == "EUR"]
    assert sum(int(item["amount_units"]) for item in sheet["items"]) == int(sheet["net_revenue_units"])
    text = door.get(f"/settlements/{SETTLEMENT}/statements/ana/statement.csv", "payee").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["line_id"] for row in rows} == {line["line_id"] for line in lines if line["payee"] == "party:ana"}
    assert door.get("/settlements", "reader").json()["items"][0]["corrects"] is None


def test_pages_of_recordings_join_to_all(door: Door) -> None:
    everything = [json.loads(line) for line in door.get("/recordings.ndjson", "reader").text.splitlines()]
    found, cursor = [], None
    while True:
        page = door.get("/recordings?limit=2" + (f"&cursor={cursor}" if cursor else ""), "reader").json()
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
        assert len(page["items"]) == 2
    assert found == everything and [row["recording_id"] for row in found] == [f"r{number}" for number in range(1, 7)]
    assert all(row["duration_ms"] == 4000 for row in found)


@pytest.mark.parametrize("cursor", ["!", "0a", "7f", "7", "72" * 65, "é"])
def test_a_cursor_that_no_page_gave(door: Door, cursor: str) -> None:
    problem = door.get(f"/recordings?cursor={cursor}", "reader", 422).json()
    assert problem["problems"][0]["field"] == "cursor"


def test_proofs_verify(door: Door, place: Path) -> None:
    from ritornello.domain import merkle
    from ritornello.formats.checkpoint import open_note

    note = open_note(door.get("/log/checkpoint").text, door.get("/log/key").text.strip())
    proof = door.get("/log/entries/3/proof").json()
    hashes = [bytes.fromhex(one) for one in proof["hashes"]]
    assert merkle.verify_inclusion(merkle.leaf_hash(proof["entry"].encode()), 3, note.size, hashes, note.root)
    assert door.get(f"/log/entries/{note.size}/proof", expect=404).json()["code"] == "unknown_entry"


def test_every_route_is_documented(door: Door) -> None:
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    assert {path for path in door.api.openapi()["paths"] if f"`{path}`" not in page} == set()


def test_openapi_says_what_comes(door: Door) -> None:
    document = door.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert document["servers"] == [{"url": "/api/v1"}]
    assert set(document["paths"]) == {*PUBLIC, *CATALOGUE, *MONEY}
    for path, methods in document["paths"].items():
        assert ("security" in methods["get"]) == (path not in PUBLIC), path
        assert "application/problem+json" in methods["get"]["responses"]["422"]["content"]
    text = json.dumps(document)
    assert "HTTPValidationError" not in text
    assert set(re.findall(r"#/components/schemas/(\w+)", text)) <= set(document["components"]["schemas"])
    assert build(door.home, Limiter()).openapi()["paths"] == document["paths"]
