"""What any file claims by Content Credentials, and whether that holds: read in a process of its own, since the file may be hostile."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ritornello.domain.errors import Refused
from ritornello.formats.provenance.child import CPU_SECONDS

GENERATED = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia")
MODULE = "ritornello.formats.provenance.child"
MAX_BYTES = 2 << 30  # the library needs as much memory as the file has bytes
# none: nothing there. unsupported: no container that the library reads. broken: something is there that can't be parsed.
STATES = ("none", "unsupported", "broken", "invalid", "valid", "trusted")


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything but `state` and the codes of `failures` is the file's word, bounded in size but not cleaned: show it through `plain`."""

    state: str  # one of STATES; "valid" is intact and signed by somebody, "trusted" by somebody whom a given anchor vouches for
    failures: tuple[Mapping[str, str], ...] = ()
    manifest_id: str | None = None
    title: str | None = None
    generator: tuple[Mapping[str, Any], ...] = ()
    signer: Mapping[str, Any] = field(default_factory=dict)
    actions: tuple[Mapping[str, Any], ...] = ()
    labels: tuple[str, ...] = ()
    ingredients: int = 0
    disclosure: Any = None
    statement: Any = None  # ours: statement.check_statement
    preferences: Any = None  # cawg.training-mining: formats/preferences

    @property
    def generated(self) -> str | None:
        """The IPTC source type when the file says that a trained model made it, or part of it."""
        found = {str(action.get("digitalSourceType")).rpartition("/")[2] for action in self.actions}
        return next((name for name in GENERATED if name in found), None)

    @property
    def validates(self) -> bool:
        return self.state in ("valid", "trusted")


def read(path: Path, anchors_pem: bytes = b"") -> Reading:
    """Read a file that anybody made. Raises Refused without the extra `provenance`, OSError when the file can't be opened."""
    require_library()
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise Refused("too_large", f"{path.name} is larger than {MAX_BYTES >> 30} GiB", "read it with a tool that streams")
    command = [sys.executable, "-P", "-m", MODULE]
    asked = json.dumps({"path": str(path.resolve()), "anchors": anchors_pem.decode()})
    try:
        done = subprocess.run(  # noqa: S603  # our own interpreter and module
            command, input=asked, capture_output=True, text=True, check=False, timeout=4 * (CPU_SECONDS + (size >> 24))
        )
        found = json.loads(done.stdout) if done.returncode == 0 else None
    except (subprocess.TimeoutExpired, ValueError):
        found = None
    if found is None:
        return Reading("broken", ({"code": "unreadable", "explanation": "reading it took too much memory or time, or broke the reader"},))
    return from_summary(found)


def from_summary(found: Mapping[str, Any]) -> Reading:
    """A reading from what library.read gives."""
    fields: dict[str, Any] = {name: tuple(found.get(name) or ()) for name in ("failures", "generator", "actions", "labels")}
    fields |= {name: found.get(name) for name in ("manifest_id", "title", "disclosure", "statement", "preferences")}
    fields |= {"signer": found.get("signer") or {}, "ingredients": int(found.get("ingredients") or 0)}
    return Reading(str(found["state"]) if found["state"] in STATES else "broken", **fields)


def require_library() -> None:
    """Raise Refused unless the extra is installed."""
    if find_spec("c2pa") is None:
        raise Refused("needs_extra", "Content Credentials need the extra `provenance`", "pip install 'ritornello[provenance]'")


def plain(value: object, most: int = 200) -> str:
    """A stranger's text for a terminal: no control or formatting characters, one line, not long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = "".join(character if character.isprintable() else "�" for character in text[: most + 1])
    return text[:most] + "…" if len(text) > most else text
