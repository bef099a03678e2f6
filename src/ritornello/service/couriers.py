"""Couriers: how a notice leaves the house. To a folder that somebody collects from, or to a web address; each says what became of it."""

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

import ritornello
from ritornello.domain.errors import Refused
from ritornello.formats.canonical import write_atomically

MOST_REPLY_BYTES = 64 << 10
_MOST_URL = 2000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt."""

    delivered: bool
    acknowledged: bool  # the recipient answered with the notice's id
    detail: str


class Courier(Protocol):
    """Takes one notice to its recipient. Never raises for what happens on the way: that is an outcome."""

    @property
    def target(self) -> str:
        """Where to, as it may be kept and shown."""

    def send(self, notice_id: str, data: bytes) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class FolderCourier:
    """Writes `NOTICE_ID.json` into a folder; `NOTICE_ID.acknowledged.json` beside it is the answer."""

    folder: Path

    @property
    def target(self) -> str:
        return f"folder {self.folder.name}"

    def send(self, notice_id: str, data: bytes) -> Outcome:
        path = self.folder / f"{notice_id}.json"
        try:
            if path.exists():
                same = path.read_bytes() == data
                return Outcome(same, False, "was there already" if same else f"{path.name} exists with other content")
            write_atomically(path, data)
        except OSError as error:
            return Outcome(False, False, f"can't be written: {error.strerror or error}")
        return Outcome(True, False, f"written as {path.name}")

    def answers(self) -> Iterator[str]:
        """The notices that were acknowledged here. A file that says anything else is no answer."""
        for path in sorted(self.folder.glob("*.acknowledged.json")):
            notice_id = path.name.removesuffix(".acknowledged.json")
            try:
                with path.open("rb") as stream:
                    if is_acknowledgement(stream.read(MOST_REPLY_BYTES), notice_id):
                        yield notice_id
            except OSError:
                continue


@dataclass(frozen=True, slots=True)
class WebhookCourier:
    """Posts to a web address. Redirects aren't followed, replies beyond 64 KiB aren't read, and the whole exchange ends after `timeout_s`."""

    url: SplitResult
    timeout_s: float

    @property
    def target(self) -> str:
        return f"{self.url.scheme}://{self.url.netloc}{self.url.path}"  # a query may hold a secret

    def send(self, notice_id: str, data: bytes) -> Outcome:
        try:
            with self._connect() as connection:
                connection.request("POST", self._path(), body=data, headers=_headers(notice_id))
                reply = connection.getresponse()
                status, text = reply.status, reply.read(MOST_REPLY_BYTES)
        except (OSError, http.client.HTTPException) as error:
            return Outcome(False, False, f"no answer: {error.__class__.__name__} {error}".strip()[:300])
        if not 200 <= status < 300:
            hint = "; redirects are not followed" if 300 <= status < 400 else ""
            return Outcome(False, False, f"answered {status} {reply.reason}"[:300] + hint)
        return Outcome(True, is_acknowledgement(text, notice_id), f"answered {status}")

    @contextmanager
    def _connect(self) -> Iterator[http.client.HTTPConnection]:
        """A connection that is cut when the time is over, however slowly the other side drips."""
        host, port = str(self.url.hostname), self.url.port
        connection = (
            http.client.HTTPSConnection(host, port, timeout=self.timeout_s, context=ssl.create_default_context())
            if self.url.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=self.timeout_s)
        )
        connection.connect()
        watch = threading.Timer(self.timeout_s, _cut, [connection.sock])
        watch.daemon = True
        watch.start()
        try:
            yield connection
        finally:
            watch.cancel()
            connection.close()

    def _path(self) -> str:
        return (self.url.path or "/") + (f"?{self.url.query}" if self.url.query else "")


def parse_webhook(text: str) -> SplitResult:
    """An http(s) address without a user's name or fragment. Raises Refused."""
    try:
        url = urlsplit(text)
        sound = url.scheme in {"http", "https"} and bool(url.hostname) and not url.username and not url.fragment and url.port != 0
    except ValueError:
        sound = False
    if not sound or len(text) > _MOST_URL or not text.isascii() or any(character <= " " or character == "\x7f" for character in text):
        raise Refused("bad_webhook", f"{text[:80]!r} is no web address that notices can be posted to", "write https://host/path")
    return url


def is_acknowledgement(data: bytes, notice_id: str) -> bool:
    """True for a JSON object whose `acknowledged` is this notice."""
    try:
        reply = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(reply, dict) and reply.get("acknowledged") == notice_id


def _headers(notice_id: str) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "Idempotency-Key": notice_id,
        "User-Agent": f"ritornello/{ritornello.__version__}",
        "Connection": "close",
    }


def _cut(connected: socket.socket) -> None:
    try:
        connected.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is closed already
