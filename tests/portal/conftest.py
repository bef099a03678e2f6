"""A browser before the small world's service, and how somebody comes in."""

import json
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from ritornello.service import settlement_files
from ritornello.serving import build
from ritornello.settings import read_settings
from ritornello.wiring import Home

PASSWORD = "correct horse battery"
Run = Callable[..., str]


@pytest.fixture
def opened(settled: Path) -> Iterator[Home]:
    home = Home(settled, read_settings().database)
    yield home
    home.close()


@pytest.fixture
def settlement_id(opened: Home) -> str:
    with opened.context(read_only=True) as context:
        (found,) = settlement_files.list_all(context)
    return found.settlement_id


@pytest.fixture
def browser(opened: Home) -> Iterator[TestClient]:
    with TestClient(build(opened), base_url="https://rights.example.org") as browser:
        yield browser


def join(browser: TestClient, run: Run, home: Path, user_id: str, *options: str) -> None:
    """Take an invitation: whoever has done it is signed in."""
    path = json.loads(run("--home", home, "--json", "access", "add", user_id, *options))["invitation"]
    assert escape(user_id) in browser.get(path).text
    browser.post(path, data={"password": PASSWORD, "again": PASSWORD})
    assert browser.get("/").status_code == 200
