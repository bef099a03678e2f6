"""An ERN message while it is being taken in: what version it is, whom it is from, and which of its elements nobody has taken.

Files of others are read by the hardened reader of `preferences/xml.py`: no document types, so no entities and no outside files; bounds on size, depth and count.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ritornello.domain.errors import Problem
from ritornello.formats.preferences.source import MAX_BYTES, Source
from ritornello.formats.preferences.xml import Element, read_xml

_NAMESPACE = re.compile(r"http://(?:service\.)?ddex\.net/xml/ern/([0-9]+)(?:/.*)?")
_CREATED = re.compile(rb"<(?:[A-Za-z0-9]+:)?MessageCreatedDateTime>\s*([0-9TZ:.+-]{10,40})\s*<")
VERSIONS = {"43": "4.3", "431": "4.3.1", "432": "4.3.2"}


@dataclass(slots=True)
class Message:
    """A NewReleaseMessage of ERN 4.3, and what of it was taken."""

    file: str
    path: Path
    sha256: str
    version: str
    root: Element
    source: Source
    message_id: str
    created: str  # as written; messages are taken in this order
    sender: str
    taken: set[int] = field(default_factory=set)  # ids of elements whose text or attributes were taken

    def take(self, element: Element | None) -> str | None:
        """The element's text, noted as taken."""
        if element is None:
            return None
        self.taken.add(id(element))
        return element.text or None

    def value(self, element: Element, *path: str) -> str | None:
        """The text of the first element along a path of names, noted as taken."""
        here: Element | None = element
        for name in path:
            here = next(iter(here.all(name)), None) if here else None
        return self.take(here)

    def not_taken(self) -> Counter[str]:
        """What nobody took: the highest element of which nothing was taken, by its path → how often."""
        return Counter("/".join(path) for path in self._untaken(self.root, ()))

    def _untaken(self, element: Element, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for child in element.children:
            here = (*path, child.name)
            if not any(id(one) in self.taken for one in child.walk()):
                yield here
            else:
                yield from self._untaken(child, here)


def read_message(path: Path, name: str, strangers_too: bool = False) -> tuple[Message | None, list[Problem]]:
    """The message; None and its problems when it can't be read or is not one that we understand. `name` is what problems call it.

    With `strangers_too`, XML that is no ERN message at all is no problem: deliveries have other files among them.
    """
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        return None, [Problem(name, None, None, f"there is no such file, or it is larger than {MAX_BYTES >> 20} MiB", "check the path")]
    data = path.read_bytes()
    source = Source(name, data)
    root = read_xml(source)
    if root is None:
        return None, source.problems
    if strangers_too and not _NAMESPACE.fullmatch(root.namespace):
        return None, []
    version = _find_version(source, root)
    if version is None:
        return None, source.problems
    header = next(iter(root.all("MessageHeader")), root)
    message = Message(name, path, hashlib.sha256(data).hexdigest(), version, root, source, "", "", "")
    message.message_id = message.value(header, "MessageId") or ""
    message.created = message.value(header, "MessageCreatedDateTime") or ""
    for recipient in header.all("MessageRecipient"):  # deals are for the recipient only
        message.value(recipient, "PartyName", "FullName")
        message.value(recipient, "PartyId")
    message.sender = (
        message.value(header, "MessageSender", "PartyName", "FullName") or message.value(header, "MessageSender", "PartyId") or ""
    )
    if not message.message_id:
        source.problem("MessageId", "is missing", "ask the sender for the message again", row=header.line)
        return None, source.problems
    return message, []


def find_created(path: Path) -> str:
    """When a message says that it was created, from its first 64 KiB: messages are taken in this order. Empty when it doesn't say."""
    with path.open("rb") as stream:
        match = _CREATED.search(stream.read(65_536))
    return match[1].decode() if match else ""


def _find_version(source: Source, root: Element) -> str | None:
    match = _NAMESPACE.fullmatch(root.namespace)
    if match is None:
        what = f"is {root.name[:60]!r} in the namespace {root.namespace[:80]!r}, no ERN message"
        source.problem(None, what, "bring a NewReleaseMessage of DDEX ERN 4.3", row=root.line)
        return None
    number = match[1]
    if number not in VERSIONS:
        written = ".".join(number)
        what = f"is ERN {written}; {', '.join(VERSIONS.values())} can be read"
        source.problem(None, what, "ask the sender for ERN 4.3, or convert the message with a converter of your own", row=root.line)
        return None
    if root.name != "NewReleaseMessage":
        source.problem(None, f"is a {root.name[:60]}, which brings no catalogue", "bring a NewReleaseMessage", row=root.line)
        return None
    return VERSIONS[number]
