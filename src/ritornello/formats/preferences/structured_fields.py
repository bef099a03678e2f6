"""Dictionaries of Structured Field Values for HTTP (RFC 9651, section 3.2): as much as usage preferences need. Only tokens are told; other values are read over."""

import re

_KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")
_BARE = re.compile(
    r"""(?P<token>[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]*) | "(?:[ !\x23-\x5b\x5d-\x7e]|\\["\\])*" | -?[0-9]{1,12}\.[0-9]{1,3} | @?-?[0-9]{1,15}
    | \?[01] | :[A-Za-z0-9+/=]*: | %"(?:[ !\x23\x24\x26-\x7e]|%[0-9a-f]{2})*" """,
    re.VERBOSE,
)


def read_dictionary(text: str) -> dict[str, str | None]:
    """Key → token, or None for a value of another type; the last of two equal keys wins. Raises ValueError where parsing fails (RFC 9651, section 4.2)."""
    found: dict[str, str | None] = {}
    text, place = text.strip(" "), 0
    while place < len(text):
        key = _KEY.match(text, place)
        if not key:
            raise ValueError(f"there is no key at {text[place : place + 20]!r}: keys have small letters")
        place, value = key.end(), None
        if text[place : place + 1] == "=":
            place, value = _item(text, place + 1)
        found[key[0]] = value
        place = _space(text, _parameters(text, place))
        if place < len(text):
            if text[place] != ",":
                raise ValueError(f"a comma is missing before {text[place : place + 20]!r}")
            place = _space(text, place + 1)
            if place == len(text):
                raise ValueError("ends in a comma")
    return found


def _item(text: str, place: int) -> tuple[int, str | None]:
    if text[place : place + 1] == "(":
        place = _space(text, place + 1)
        while text[place : place + 1] != ")":
            place, _ = _item(text, place)
            after = _space(text, _parameters(text, place))
            if after == place and text[after : after + 1] != ")":
                raise ValueError("an inner list is not closed")
            place = after
        return place + 1, None
    bare = _BARE.match(text, place)
    if not bare:
        raise ValueError(f"there is no value at {text[place : place + 20]!r}")
    return bare.end(), bare["token"]


def _parameters(text: str, place: int) -> int:
    while text[place : place + 1] == ";":
        place = _space(text, place + 1)
        key = _KEY.match(text, place)
        if not key:
            raise ValueError(f"there is no parameter at {text[place : place + 20]!r}")
        place = key.end()
        if text[place : place + 1] == "=":
            place = _item(text, place + 1)[0]
    return place


def _space(text: str, place: int) -> int:
    while text[place : place + 1] in (" ", "\t") and place < len(text):
        place += 1
    return place
