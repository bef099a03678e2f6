"""Canonical JSON (RFC 8785) as conventions.md narrows it: integers only, within ±(2^53 − 1)."""

import json
from typing import NoReturn

LINE_LIMIT = 1 << 23
"""Bytes a table's line may have, its end included."""
DOCUMENT_LIMIT = 1 << 26
"""Bytes a JSON or TOML document may have."""
INTEGER_LIMIT = 2**53 - 1


class NotCanonical(Exception):
    """Bytes that are not one canonical JSON value."""


def parse(data: bytes) -> object:
    """Read one canonical value. Writing it again and comparing bytes finds white space, key order, repeated keys and odd escapes alike."""
    try:
        value: object = DECODER.decode(data.decode("utf-8"))
        again = write(value)
    except UnicodeDecodeError as error:
        raise NotCanonical(f"not UTF-8 at byte {error.start + 1}") from None
    except UnicodeEncodeError:
        raise NotCanonical("a string holds half a surrogate pair") from None
    except RecursionError:
        raise NotCanonical("nested too deeply") from None
    except ValueError as error:
        raise NotCanonical(f"not JSON: {error}") from None
    if again != data:
        place = next(
            (index for index, (one, other) in enumerate(zip(again, data, strict=False)) if one != other), min(len(again), len(data))
        )
        raise NotCanonical(f"not canonical JSON (white space, key order, a repeated key or an odd escape) at byte {place + 1}")
    return value


def write(value: object) -> bytes:
    """A value made of objects, lists, strings, integers, booleans and null as RFC 8785 writes it (keys are ASCII)."""
    return ENCODER.encode(value).encode("utf-8")


def read_integer(text: str) -> int:
    if len(text) > 17 or not -INTEGER_LIMIT <= int(text) <= INTEGER_LIMIT:
        raise NotCanonical(f"the integer {text[:40]} is beyond ±(2^53 − 1)")
    return int(text)


def refuse_number(text: str) -> NoReturn:
    raise NotCanonical(f"the number {text[:40]} is not an integer")


DECODER = json.JSONDecoder(parse_int=read_integer, parse_float=refuse_number, parse_constant=refuse_number)
ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False, check_circular=False)
