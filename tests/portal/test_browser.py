"""The pages in a real browser: Chromium with its own rules for cookies, forms and security headers, at two sizes, in light and dark."""

import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from ritornello.serving import build
from ritornello.settings import read_settings
from ritornello.wiring import Home

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra dev)")
CHROMIUM = next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)
PASSWORD = "correct horse battery"
LOOKS = {"desktop, light": ("light", 1280), "desktop, dark": ("dark", 1280), "phone, light": ("light", 360), "phone, dark": ("dark", 360)}
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: chromium)")]
Run = Callable[..., str]


@pytest.fixture
def address(settled: Path) -> Iterator[str]:
    """The address of a service of the settled home, on a socket of this machine."""
    home = Home(settled, read_settings().database)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(build(home), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(30)
    assert not thread.is_alive()
    home.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def open_page(chromium: Any, look: str, *, bypass_csp: bool = False) -> tuple[Any, list[str]]:
    """A page of a fresh visitor, and where its console's complaints are collected."""
    scheme, width = LOOKS[look]
    context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=bypass_csp)
    context.set_default_timeout(20_000)
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page, complaints


def invite(run: Run, home: Path, user_id: str, *options: str) -> str:
    return str(json.loads(run("--home", home, "--json", "access", "add", user_id, *options))["invitation"])


def check(page: Any) -> None:
    """No violation of accessibility rules, and nothing that has to be scrolled for sideways."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("role", ["payee", "reader"])
def test_from_invitation_to_the_reason_of_a_line(chromium: Any, address: str, settled: Path, run: Run, look: str, role: str) -> None:
    welcome = invite(run, settled, "ana", "--role", role, *(["--party", "ana"] if role == "payee" else []))
    page, complaints = open_page(chromium, look, bypass_csp=True)  # for the checker's script; the pages have none
    page.goto(address)
    assert page.url == f"{address}/sign-in"
    check(page)
    page.click("nav >> text=Terms and totals")
    page.wait_for_url(f"{address}/public")
    check(page)
    page.goto(address + welcome)
    check(page)
    page.fill("#password", PASSWORD)
    page.fill("#again", PASSWORD)
    page.click("main button")
    page.wait_for_url(f"{address}/")
    check(page)
    page.click("a[href^='/statements/'] >> nth=0")
    page.wait_for_url(f"{address}/statements/**")
    check(page)
    page.click("a[href^='/lines/'] >> nth=0")
    page.wait_for_url(f"{address}/lines/**")
    check(page)
    assert page.text_content("h1") == "Why this amount"
    page.click("nav >> text=Recordings")
    page.wait_for_url(f"{address}/recordings")
    check(page)
    page.click("a[href^='/recordings/'] >> nth=0")
    page.wait_for_url(f"{address}/recordings/**")
    check(page)
    page.click("nav >> text=Payments")
    page.wait_for_url(f"{address}/payments")
    check(page)
    page.click("text=Sign out")
    page.wait_for_url(f"{address}/sign-in")
    page.goto(address)
    assert page.url == f"{address}/sign-in"
    assert complaints == []


def test_by_keyboard_and_under_the_pages_own_security_policy(chromium: Any, address: str, settled: Path, run: Run) -> None:
    welcome = invite(run, settled, "ana", "--role", "payee", "--party", "ana")
    page, complaints = open_page(chromium, "desktop, light")
    page.goto(address + welcome)
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/")
    page.focus("a[href^='/statements/'] >> nth=0")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/statements/**")
    with page.expect_download() as download:
        page.click("text=PDF")
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")
    assert page.evaluate("getComputedStyle(document.querySelector('.amount')).fontSize") != "16px", "the style was let in"
    assert page.evaluate("document.scripts.length") == 0
    assert page.context.cookies()[0]["httpOnly"]
    assert complaints == []


def test_another_site_can_not_sign_somebody_in(chromium: Any, address: str, settled: Path, run: Run) -> None:
    invite(run, settled, "ana", "--role", "payee", "--party", "ana")
    page, _ = open_page(chromium, "desktop, light")
    form = f"<form method=post action='{address}/sign-in'><input name=user_id value=ana><button>go</button></form>"
    page.goto("data:text/html," + form)
    page.click("button")
    page.wait_for_url(f"{address}/sign-in")
    assert "not sent by a page of this service" in str(page.text_content("main"))
