"""The API of a settled home, with a key for each kind of reader."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response

from ritornello.api.app import include
from ritornello.api.limits import Limiter
from ritornello.service import access
from ritornello.wiring import Home
from tests.conftest import Worlds

ROLES = {
    "admin": None,
    "editor": None,
    "reader": None,
    "payee": "ana",
    "stranger": "cleo",
}  # stranger: a payee with no claim in what is ana's


@dataclass
class Door:
    """The API as a client sees it; `keys` by role."""

    client: TestClient
    api: FastAPI
    keys: dict[str, str]
    home: Home

    def get(self, path: str, role: str | None = None, expect: int = 200) -> Response:
        headers = {"Authorization": f"Bearer {self.keys[role]}"} if role else {}
        answer = self.client.get(f"/api/v1{path}", headers=headers)
        assert answer.status_code == expect, (path, role, answer.text)
        return answer


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, worlds: Worlds) -> Path:
    """One settled home for all tests of a file: they only read."""
    return worlds.bring("settled", tmp_path_factory.mktemp("api"))


@pytest.fixture(scope="module")
def door(place: Path) -> Iterator[Door]:
    with open_door(Home(place, None)) as opened:
        yield opened


@contextmanager
def open_door(home: Home) -> Iterator[Door]:
    keys = {}
    with home.context() as context:
        for role, party_id in ROLES.items():
            access.invite(context, role, role, "payee" if party_id else role, party_id)
            keys[role] = access.make_key(context, role, "test", access.SCOPES)[1]
        keys["catalogue"] = access.make_key(context, "admin", "test", ["catalogue:read"])[1]
        keys["money"] = access.make_key(context, "admin", "test", ["money:read"])[1]
        ended, keys["ended"] = access.make_key(context, "admin", "test", access.SCOPES)
        access.end_key(context, ended)
    app = FastAPI()
    api = include(app, home, Limiter(per_second=1e6, burst=10**6))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Door(client, api, keys, home)
    home.close()
