"""Notices leave the house once, signed; failures wait longer each time; answers are recorded. Against a real server on loopback, also a hostile one."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from ritornello import wiring
from ritornello.formats.canonical import encode
from ritornello.formats.checkpoint import ED25519, parse_key, split_note
from ritornello.service import deliveries
from ritornello.service.couriers import Outcome
from ritornello.settings import read_settings

Run = Callable[..., str]
MINUTE_US = 60 * 1_000_000


class Receiver(HTTPServer):
    """Keeps what it got; answers what the test says."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status, self.reply, self.location = 200, b"", ""
        self.drip_s: float | None = None
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/notices?token=secret"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.server.got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
        if self.server.drip_s is not None:
            for _ in range(1000):
                if self.server.over.wait(self.server.drip_s):
                    return
                try:
                    self.wfile.write(b"H")
                except OSError:
                    return
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.end_headers()
        self.wfile.write(self.server.reply)

    def log_message(self, *_: object) -> None:
        """Quietly."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def withdrawn(home: Path, run: Run) -> Path:
    """The small world after a snapshot that holds r3, which its owner then withdrew: one notice waits."""
    run("--home", home, "snapshot", "freeze", "--programme", "p")
    run("--home", home, "consent", "withdraw", "--programme", "p", "--party", "ben", "--recording", "r3")
    return home


def deliver(run: Run, home: Path, *options: object, expect: int = 0) -> dict[str, Any]:
    return dict(json.loads(run("--home", home, "--json", "notices", "deliver", *options, expect=expect)))


def listed(run: Run, home: Path) -> list[dict[str, Any]]:
    return list(json.loads(run("--home", home, "--json", "notices", "list")))


def logged(run: Run, home: Path) -> list[str]:
    return [entry["kind"] for entry in json.loads(run("--home", home, "--json", "log", "show"))]


def test_a_webhook_gets_a_signed_notice_once_and_acknowledges_it(withdrawn: Path, run: Run, receiver: Receiver) -> None:
    (notice,) = listed(run, withdrawn)
    receiver.reply = json.dumps({"acknowledged": notice["notice_id"]}).encode()
    to = ("--webhook", receiver.url, "--recipient", "Licensee")
    assert deliver(run, withdrawn, *to)["delivered"] == 1
    ((headers, body),) = receiver.got
    document = json.loads(body)
    assert headers["Idempotency-Key"] == document["notice"]["notice_id"] == notice["notice_id"]
    assert document["notice"]["event"]["decision"] == "withdraw" and document["notice"]["snapshot_id"] == "p-s1"
    vkey = json.loads(run("--home", withdrawn, "--json", "log", "checkpoint"))["vkey"]
    text, (signature,) = split_note(f"{encode(document['notice']).decode()}\n\n{document['signature']}\n")
    key = parse_key(vkey, ED25519)
    assert (signature.name, signature.key_id) == (key.name, key.key_id) and key.verifies(signature.value, text.encode())
    (notice,) = listed(run, withdrawn)
    assert (notice["state"], notice["next_attempt_us"]) == ("acknowledged", None)
    assert "secret" not in notice["attempts"][0]["target"]
    assert deliver(run, withdrawn, *to)["delivered"] == 0 and len(receiver.got) == 1, "never twice"
    assert {"delivery", "acknowledgement"} <= set(logged(run, withdrawn))


@pytest.mark.parametrize(
    ("status", "reply", "location", "words"),
    [
        (500, b"{}", "", "answered 500"),
        (404, b"", "", "answered 404"),
        (302, b"", "http://127.0.0.1:1/", "redirects are not followed"),
    ],
)
def test_a_refusal_is_a_failure_and_waits(
    withdrawn: Path, run: Run, receiver: Receiver, status: int, reply: bytes, location: str, words: str
) -> None:
    receiver.status, receiver.reply, receiver.location = status, reply, location
    to = ("--webhook", receiver.url, "--recipient", "Licensee")
    answer = deliver(run, withdrawn, *to, expect=3)
    assert (answer["delivered"], answer["failed"]) == (0, 1)
    (notice,) = listed(run, withdrawn)
    assert notice["state"] == "failed" and words in notice["attempts"][0]["detail"]
    assert deliver(run, withdrawn, *to) == {"delivered": 0, "acknowledged": 0, "failed": 0, "notices": []}, "it is not due yet"
    receiver.status, receiver.location = 204, ""
    assert deliver(run, withdrawn, *to, "--retry")["delivered"] == 1
    assert receiver.got[0][1] == receiver.got[1][1], "the same bytes at every attempt"
    (notice,) = listed(run, withdrawn)
    assert notice["state"] == "delivered", "204 says nothing about acknowledging"
    run("--home", withdrawn, "notices", "acknowledge", notice["notice_id"])
    assert "unknown_notice" in run("--home", withdrawn, "notices", "acknowledge", notice["notice_id"], expect=3)


def test_a_reply_that_drips_for_ever_and_one_that_lies_end(withdrawn: Path, run: Run, receiver: Receiver) -> None:
    to = ("--webhook", receiver.url, "--recipient", "Licensee", "--retry")
    receiver.drip_s = 0.05
    assert deliver(run, withdrawn, *to, "--timeout", "1", expect=3)["failed"] == 1
    receiver.drip_s, receiver.reply = None, b'{"acknowledged":"n-other"}' + b" " * 200_000
    assert deliver(run, withdrawn, *to)["acknowledged"] == 0
    assert [notice["state"] for notice in listed(run, withdrawn)] == ["delivered"], "somebody else's id acknowledges nothing"


def test_nobody_listens(withdrawn: Path, run: Run) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    answer = deliver(run, withdrawn, "--webhook", f"http://127.0.0.1:{port}/", "--recipient", "Licensee", expect=3)
    assert "no answer" in answer["notices"][0]["detail"]
    for wrong in ("ftp://x/", "file:///etc/passwd", "http://", "http://user:pw@x/", "http://x/#a", "http://x:99999/", "http://x/\n", "//x"):
        command = ("--home", withdrawn, "notices", "deliver", "--webhook", wrong, "--recipient", "Licensee")
        assert "bad_webhook" in run(*command, expect=3), wrong
    assert "recipient" in run("--home", withdrawn, "notices", "deliver", "--webhook", "http://x/", expect=2)
    run("--home", withdrawn, "notices", "deliver", expect=2)
    assert deliver(run, withdrawn, "--webhook", "http://127.0.0.1:1/", "--recipient", "Somebody else")["failed"] == 0


def test_a_folder_takes_notices_and_gives_answers_back(withdrawn: Path, run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert deliver(run, withdrawn, "--folder", folder)["delivered"] == 1
    (file,) = folder.iterdir()
    notice_id = json.loads(file.read_text())["notice"]["notice_id"]
    assert file.name == f"{notice_id}.json"
    (folder / f"{notice_id}.acknowledged.json").write_text('{"acknowledged":"n-else"}')
    (folder / "n-unknown.acknowledged.json").write_text('{"acknowledged":"n-unknown"}')
    assert deliver(run, withdrawn, "--folder", folder)["acknowledged"] == 0
    (folder / f"{notice_id}.acknowledged.json").write_text(json.dumps({"acknowledged": notice_id}))
    assert deliver(run, withdrawn, "--folder", folder)["acknowledged"] == 1
    assert deliver(run, withdrawn, "--folder", folder)["acknowledged"] == 0
    assert [notice["state"] for notice in listed(run, withdrawn)] == ["acknowledged"]


def test_a_file_that_is_in_the_way_is_a_failure(withdrawn: Path, run: Run, tmp_path: Path) -> None:
    (notice,) = listed(run, withdrawn)
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / f"{notice['notice_id']}.json").write_text("something else")
    assert "other content" in deliver(run, withdrawn, "--folder", folder, expect=3)["notices"][0]["detail"]
    assert (folder / f"{notice['notice_id']}.json").read_text() == "something else"


def test_waits_double_claims_exclude_and_broken_attempts_come_back(withdrawn: Path) -> None:
    clock = [int(datetime.now(UTC).timestamp() * 1_000_000) + MINUTE_US]

    @contextmanager
    def context() -> Iterator[Any]:
        with wiring.open_context(withdrawn, read_settings().database, lambda _: None, lambda: clock[0]) as opened:
            yield opened

    def claim() -> deliveries.Claimed | None:
        with context() as opened:
            due = deliveries.find_due(opened, None, retry=False)
            return deliveries.claim(opened, due[0], "test", retry=False) if due else None

    for number in range(1, deliveries.MOST_ATTEMPTS + 1):
        claimed = claim()
        assert claimed and claimed.number == number
        assert claim() is None, "one attempt at a time"
        with context() as opened:
            deliveries.finish(opened, claimed, Outcome(False, False, "no"))
        wait = min(MINUTE_US << (number - 1), 24 * 60 * MINUTE_US)
        clock[0] += wait - 1
        assert claim() is None
        clock[0] += 1
    assert claim() is None, "given up"
    with context() as opened:
        (notice,) = deliveries.list_all(opened)
        assert (notice["state"], notice["next_attempt_us"]) == ("failed", None)
        assert deliveries.claim(opened, notice["notice_id"], "test", retry=True), "until somebody says so"
    with context() as opened:
        assert deliveries.find_due(opened, None, retry=True) == [], "it is under way"
        clock[0] += deliveries.LEASE_US
        assert len(deliveries.find_due(opened, None, retry=True)) == 1, "it broke off"


def test_holders_are_told_of_an_admission_to_their_class(home: Path, run: Run, tmp_path: Path, catalogue_folder: Path) -> None:
    from tests.service.test_classes import DOCUMENT, name_class

    (tmp_path / "research.toml").write_text(DOCUMENT)
    run("--home", home, "class", "add", tmp_path / "research.toml")
    (tmp_path / "q.toml").write_text(name_class((catalogue_folder / "programme.toml").read_text(), DOCUMENT))
    run("--home", home, "programme", "add", tmp_path / "q.toml")
    for verb, party, recording in (("grant", "cleo", "r6"), ("grant", "ana", "r2"), ("withdraw", "ana", "r2")):
        scope = ("--programme", "class:research", "--party", party, "--recording", recording, "--from", datetime.now(UTC).date())
        run("--home", home, "consent", verb, *scope)
    admission = json.loads(run("--home", home, "--json", "class", "admit", "research", "--programme", "q", "--basis", "charter seen"))
    (notice,) = listed(run, home)
    assert (notice["kind"], notice["recipient"], notice["state"]) == ("admission", "party:cleo", "waits")
    deliver(run, home, "--folder", tmp_path / "out")
    (file,) = (tmp_path / "out").iterdir()
    told = json.loads(file.read_text())["notice"]
    assert told["admission"] == admission and told["licensee"] == "Licensee" and told["class_title"] == "Research"
