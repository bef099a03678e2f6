"""Text in the characters that every bank takes: the SEPA set (EPC217-08, the same as SWIFT's set X without line breaks)."""

import re

from anyascii import anyascii

_FOREIGN = re.compile(r"[^A-Za-z0-9/?:().,'+ -]")


def latin(text: str, limit: int) -> str:
    """Transliterated, `&` as `+`, anything else foreign as a space, at most `limit` characters; neither begins nor ends with `/`, has no `//`.

    >>> latin("Łukasz & Søren Ñandú", 70), latin("Дмитрий Шостакович", 12), latin("//a//b/", 9)
    ('Lukasz + Soren Nandu', 'Dmitriy Shos', 'a/b')
    """
    plain = _FOREIGN.sub(" ", anyascii(text).replace("&", "+"))
    plain = re.sub(r"/{2,}", "/", re.sub(r" {2,}", " ", plain))
    return plain.strip(" /")[:limit].strip(" /")
