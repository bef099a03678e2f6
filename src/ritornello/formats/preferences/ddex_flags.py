"""What DDEX ERN (4.3.2) says about a recording that holds AI output: `ContainsAI`, and `AiContribution` of its contributors. A disclosure, and no permission."""

from collections.abc import Sequence
from dataclasses import dataclass

from ritornello.domain.errors import Problem, raise_if_any
from ritornello.domain.identifiers import parse_isrc
from ritornello.formats.preferences.source import Source
from ritornello.formats.preferences.xml import Element, escape, read_xml, render

VALUES = ("None", "Partly", "All")


@dataclass(frozen=True, slots=True)
class AiFlags:
    """One recording's disclosure. None: nothing is said."""

    isrc: str
    contains_ai: str | None  # one of VALUES
    contributions: tuple[tuple[str, str | None], ...] = ()  # contributor's party reference, one of VALUES


def check_flags(flags: Sequence[AiFlags], file: str = "") -> list[Problem]:
    """The cross-field rule: a contributor's AI must be in the recording too, and a recording that is all AI has no contributor without."""
    problems = []
    for one in flags:
        said = {value for _, value in one.contributions if value is not None}
        unknown = sorted({value for value in (one.contains_ai, *said) if value is not None} - set(VALUES))
        for value in unknown:
            problems.append(Problem(file, None, one.isrc, f"{value[:40]!r} is not known", f"use one of: {', '.join(VALUES)}"))
        if unknown:
            continue
        if said & {"Partly", "All"} and one.contains_ai in (None, "None"):
            what = f"a contributor has an AiContribution, and ContainsAI is {one.contains_ai or 'missing'}"
            problems.append(Problem(file, None, one.isrc, what, "write ContainsAI Partly or All"))
        if one.contains_ai == "All" and said & {"None", "Partly"}:
            problems.append(
                Problem(file, None, one.isrc, "ContainsAI is All, and a contributor's AiContribution is not", "correct one of the two")
            )
    return problems


def write_flags(flags: Sequence[AiFlags]) -> bytes:
    """A fragment with a SoundRecording for each, to be merged into a message. Raises BadInput where the cross-field rule is broken."""
    raise_if_any(check_flags(flags))
    return (
        ("".join(_recording(number, one) + "\n" for number, one in enumerate(flags, 1)))
        .join(("<ResourceList>\n", "</ResourceList>\n"))
        .encode()
    )


def read_flags(file: str, data: bytes) -> list[AiFlags]:
    """The disclosures of a message's (or fragment's) recordings. Raises BadInput with every problem."""
    source = Source(file, data)
    root = read_xml(source)
    found = [_read(source, element) for element in root.walk() if element.name == "SoundRecording"] if root else []
    flags = [one for one in found if one]
    raise_if_any([*source.problems, *check_flags(flags, file)])
    return flags


def _recording(number: int, flags: AiFlags) -> str:
    edition = render("SoundRecordingEdition", {}, render("ResourceId", {}, render("ISRC", {}, escape(flags.isrc))))
    parts = [render("ResourceReference", {}, f"A{number}"), edition]
    for reference, value in flags.contributions:
        said = [render("AiContribution", {}, value)] if value else []
        parts.append(render("Contributor", {}, render("ContributorPartyReference", {}, escape(reference)), *said))
    parts += [render("ContainsAI", {}, flags.contains_ai)] if flags.contains_ai else []
    return render("SoundRecording", {}, *parts)


def _read(source: Source, element: Element) -> AiFlags | None:
    text = next((one.text for one in element.walk() if one.name == "ISRC"), None)
    isrc = source.parse("ISRC", text, parse_isrc)
    contributions = tuple((one.value("ContributorPartyReference") or "", one.value("AiContribution")) for one in element.all("Contributor"))
    return AiFlags(isrc, element.value("ContainsAI"), contributions) if isrc else None
