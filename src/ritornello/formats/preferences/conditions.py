"""A constraint as one line of text, for formats that leave the conditions to free text: `ritornello-1; licensee=…; territories=DE,SE; …`."""

from urllib.parse import quote, unquote

from ritornello.domain.identifiers import parse_country
from ritornello.domain.preference import Constraint
from ritornello.formats.preferences.source import parse_class, parse_name, parse_sha256, parse_url
from ritornello.formats.sheet import parse_day

MARK = "ritornello-1"
PARSERS = {
    "licensee": parse_name,
    "licensee_classes": parse_class,
    "territories": parse_country,
    "valid_from": parse_day,
    "valid_to": parse_day,
    "terms_sha256": parse_sha256,
    "terms_url": parse_url,
}
LISTS = ("licensee_classes", "territories")


def write_conditions(constraint: Constraint) -> str | None:
    """The line, or None for a constraint without conditions. Values are percent-encoded (RFC 3986)."""
    parts = []
    for name, value in constraint.conditions().items():
        values = value if isinstance(value, tuple) else (value,)
        parts.append(f"{name}={','.join(quote(str(one), safe=':/') for one in values)}")
    return "; ".join([MARK, *parts]) if parts else None


def read_conditions(text: str) -> Constraint | None:
    """The constraint in a line of ours; None when the text is somebody else's. A condition that we don't know makes all of them unknown."""
    mark, *parts = [part.strip() for part in text.split(";")]
    if mark != MARK or not parts:
        return None
    values: dict[str, str] = {}
    for part in parts:
        name, _, value = part.partition("=")
        if name not in PARSERS or name in values:
            return None
        values[name] = value
    try:
        return build({name: [unquote(one) for one in value.split(",")] for name, value in values.items()})
    except ValueError:
        return None


def build(values: dict[str, list[str]]) -> Constraint:
    """A constraint from texts. Raises ValueError at the first that is wrong."""
    found: dict[str, object] = {}
    for name, texts in values.items():
        parsed = [PARSERS[name](text) for text in texts]
        if name not in LISTS and len(parsed) != 1:
            raise ValueError(f"{name} has {len(parsed)} values")
        found[name] = tuple(sorted(set(map(str, parsed)))) if name in LISTS else parsed[0]
    constraint = Constraint(**found)  # type: ignore[arg-type]
    if constraint.valid_from and constraint.valid_to and constraint.valid_to < constraint.valid_from:
        raise ValueError(f"the last day {constraint.valid_to} is before the first {constraint.valid_from}")
    return constraint
