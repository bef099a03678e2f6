"""XML of others, read without trusting it: no document types (so no entities, bombs or outside files) and limits on everything; written with all escaped."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from ritornello.formats.preferences.source import MAX_BYTES, Source

MAX_DEPTH, MAX_ELEMENTS = 64, 200_000


@dataclass(slots=True)
class Element:
    """One element by its local name; attributes without a namespace only."""

    name: str
    namespace: str
    attributes: dict[str, str]
    line: int
    children: list["Element"] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces).strip()

    def all(self, name: str) -> list["Element"]:
        return [child for child in self.children if child.name == name]

    def value(self, *path: str) -> str | None:
        """The text of the first element along a path of names."""
        here = self
        for name in path:
            found = here.all(name)
            if not found:
                return None
            here = found[0]
        return here.text or None

    def walk(self) -> Iterator["Element"]:
        """The element and all below it, in document order."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting.extend(reversed(element.children))


class _RefusedXml(Exception):
    pass


def read_xml(source: Source) -> Element | None:
    """The root element; None and a problem when the file is not XML or is of a kind that is refused."""
    if len(source.data) > MAX_BYTES:
        source.problem(None, f"is larger than {MAX_BYTES >> 20} MiB", "split it")
        return None
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    stack: list[Element] = [Element("", "", {}, 0)]
    count = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > MAX_ELEMENTS or len(stack) > MAX_DEPTH:
            raise _RefusedXml(f"has more than {MAX_ELEMENTS} elements, or elements more than {MAX_DEPTH} deep")
        namespace, _, local = name.rpartition(" ")
        element = Element(local, namespace, {key: value for key, value in attributes.items() if " " not in key}, parser.CurrentLineNumber)
        stack[-1].children.append(element)
        stack.append(element)

    def refuse(*_: object) -> int:
        raise _RefusedXml("has a document type or entities, with which a file can grow without end or reach for other files")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: stack.pop()
    parser.CharacterDataHandler = lambda text: stack[-1].pieces.append(text)
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    try:
        parser.Parse(source.data, True)
    except _RefusedXml as error:
        source.problem(None, str(error), "remove it", row=parser.CurrentLineNumber)
        return None
    except (expat.ExpatError, LookupError, ValueError) as error:
        source.problem(None, f"is not well-formed XML: {error}", "correct the file", row=parser.CurrentLineNumber)
        return None
    return stack[0].children[0]


def render(name: str, attributes: Mapping[str, str], *content: str) -> str:
    """One element as text; `content` is text made by `render` or `escape`."""
    pairs = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    return f"<{name}{pairs}>{''.join(content)}</{name}>" if content else f"<{name}{pairs}/>"


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
