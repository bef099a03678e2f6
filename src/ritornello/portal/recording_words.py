"""What stands about a recording, in words for a page."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from babel.dates import format_date

from ritornello.domain.splits import format_share
from ritornello.service.recording_consent import Decision, ProgrammeStand, Stand

# A badge of several files shows the one that is furthest from being allowed.
_WORST_FIRST = ("withdrawn", "held", "unsplit", "none", "waiting", "ending", "granted")
_AGREED = {
    "complete": "total 100 %",
    "completed": "total 100 %, rounding completed",
    "gap": "total less than 100 %: the rest is held",
    "unclaimed": "nobody claims it",
    "overclaim": "total more than 100 %: all of it is held",
}
_DECIDED = {
    "grant": "allowed it",
    "withdraw": "withdrew it",
    "hold": "put a hold on it",
    "release": "lifted a hold",
}


def list_badges(programme: ProgrammeStand) -> list[tuple[str, str, str]]:
    """Purpose, words and state for a recording as a whole: of its main files, or of all where it has none."""
    files = [file for file in programme.files if file.kind == "recording"] or programme.files
    by_purpose: dict[str, list[Stand]] = {}
    for file in files:
        for stand in file.purposes:
            by_purpose.setdefault(stand.purpose, []).append(stand)
    worst = (min(stands, key=lambda one: _WORST_FIRST.index(one.state)) for stands in by_purpose.values())
    return [(stand.purpose, describe_stand(stand), stand.state) for stand in worst]


def describe_stand(stand: Stand) -> str:
    """One purpose as it stands: `waiting for 2 others`."""
    day = show_date(stand.day) if stand.day else ""
    if stand.state == "waiting":
        return f"waiting for {_whom(stand)}"
    return {
        "granted": "granted by everyone needed",
        "ending": f"granted, withdrawn from {day}",
        "withdrawn": f"withdrawn from {day}",
        "held": "no: on hold",
        "unsplit": "no: the claims don’t total 100 %",
        "none": "no",
    }[stand.state]


def describe_decision(decision: Decision) -> str:
    """`allowed it from 3 October 2026`."""
    to = f" to the class {decision.scope.removeprefix('class:')}" if decision.scope.startswith("class:") else ""
    return f"{_DECIDED[decision.decision]}{to} from {show_date(decision.effective_from)}, said"


def describe_purpose(purpose: str) -> str:
    """`AI training`."""
    words = purpose.replace("_", " ")
    return f"AI{words[2:]}" if words.startswith("ai ") else words.capitalize()


def describe_role(role: str) -> str:
    """`Main artist`, of `MainArtist`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", role).capitalize()


def describe_file(asset: Any) -> str:
    """`Recording`, `Stem: drums`."""
    kind, label = (asset["kind"], asset["label"]) if isinstance(asset, Mapping) else (asset.kind, asset.label)
    return f"{kind.replace('_', ' ').capitalize()}{f': {label}' if label else ''}"


def describe_payee(payee: str, names: Mapping[str, str], reader: str | None) -> str:
    """The name behind `party:ID`, or what a held account is."""
    kind, _, name = payee.partition(":")
    if kind != "party":
        return f"held ({name})"
    return "You" if name == reader else names.get(name, name)


def describe_status(status: str) -> str:
    """What the claims of a lane come to."""
    return _AGREED[status]


def show_length(duration_ms: int) -> str:
    """`3:07 min`."""
    minutes, seconds = divmod(round(duration_ms / 1000), 60)
    return f"{minutes}:{seconds:02d} min"


def show_date(day: date) -> str:
    return str(format_date(day, "d MMMM y", locale="en"))


def _whom(stand: Stand) -> str:
    others = f"{stand.others} other{'s' if stand.others > 1 else ''}"
    if not stand.yours:
        return others
    return f"you and {others}" if stand.others else "you"


FILTERS = {
    "badges": list_badges,
    "standing": describe_stand,
    "decided": describe_decision,
    "purpose": describe_purpose,
    "role": describe_role,
    "file": describe_file,
    "payee": describe_payee,
    "agreed": describe_status,
    "length_of": show_length,
    "share_percent": format_share,
}
