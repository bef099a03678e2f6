"""Writing and reading preferences in every format. Whatever is written is read back: it may never permit more, and every difference is named."""

from collections.abc import Sequence

from ritornello.domain.consent import PURPOSES
from ritornello.domain.errors import BadInput, Problem, raise_if_any
from ritornello.domain.preference import SILENT, Preference, Subject, at_most, meet, meet_overlapping
from ritornello.formats.preferences import aipref, c2pa, ddex, isrc_csv, odrl, rsl, tdmrep
from ritornello.formats.preferences.codec import Codec
from ritornello.formats.preferences.losses import Loss, compare
from ritornello.formats.preferences.source import Source

CODECS = {
    codec.name: codec
    for codec in (
        c2pa.CAWG,
        c2pa.C2PA,
        aipref.HEADER,
        aipref.ROBOTS,
        tdmrep.JSON,
        tdmrep.HEADERS,
        tdmrep.HTML,
        rsl.RSL,
        odrl.ODRL,
        ddex.DDEX,
        isrc_csv.CSV,
    )
}
FORMATS = tuple(CODECS)
PATHS_ONLY = {"aipref-robots", "tdmrep-json"}  # they speak of the host that serves them


def write(form: str, preferences: Sequence[Preference]) -> tuple[bytes, list[Loss]]:
    """The records in one of FORMATS, and what they lose by it.

    Raises BadInput when the format can't hold so many subjects (those that speak of their carrier hold one; those with paths only, one host).
    What comes out, read back, permits at most what went in: asserted for every purpose of every record.
    """
    codec = CODECS[form]
    joined = meet_overlapping(preferences)
    if not codec.names and len(joined) != 1:
        raise BadInput(
            [
                Problem(
                    form,
                    None,
                    None,
                    f"speaks of the one thing that carries it, not of {len(joined)}",
                    "choose one subject, or another format",
                )
            ]
        )
    origin = _origin(form, joined)
    kept = [(one, _key(form, codec, one.subject)) for one in joined]
    grouped: dict[Subject, list[Preference]] = {}
    for one, key in kept:
        if key is not None:
            grouped.setdefault(key, []).append(one)
    records = [
        Preference(key, {purpose: meet(one.says(purpose) for one in group) for purpose in PURPOSES}) for key, group in grouped.items()
    ]
    data = codec.encode(records) if records else codec.encode([]) if codec.names else b""
    found, _ = read(form, data, form) if data else ([], [])
    back = {one.subject: one for one in found}
    losses = []
    for original, one, key in zip(preferences, joined, [key for _, key in kept], strict=True):
        after = back.get(key) if key is not None else None
        if after is None and key is not None and any(one.says(purpose).use != SILENT for purpose in PURPOSES):
            after = Preference(key, {})  # it could be named, but nothing of it could be said
        for purpose in PURPOSES:
            assert after is None or at_most(after.says(purpose), one.says(purpose)), f"{form} would permit more: {purpose} of {one.subject}"
        shown = (
            Preference(Subject(location=original.subject.location) if origin and after else after.subject, after.statements)
            if after
            else None
        )
        losses += compare(original, shown, codec.explain(one))
    if origin:
        losses.append(Loss(origin, None, "subject", f"the file speaks of the host that serves it: publish it at {origin} and nowhere else"))
    assert set(back) <= set(grouped), f"{form} speaks of something that nobody named"
    return data, losses


def read(form: str, data: bytes, file: str, attached_to: Subject | None = None) -> tuple[list[Preference], list[Loss]]:
    """What a file in one of FORMATS says, and what it says beyond our words. Raises BadInput with every problem; then nothing was taken.

    `attached_to`: what the statement was found on, for formats that don't say (an asset's assertion, a response's header); a URL there also completes paths.
    """
    codec, source = CODECS[form], Source(file, data, attached_to or Subject())
    found = codec.decode(source)
    raise_if_any(source.problems)
    if attached_to is None:
        return found, source.losses
    origin = _host(attached_to.location or "")
    return [Preference(_attach(one.subject, attached_to, origin), one.statements) for one in found], source.losses


def _key(form: str, codec: Codec, subject: Subject) -> Subject | None:
    """The subject as this format names it; None when it can't."""
    key = subject.keep(codec.names)
    if codec.required and getattr(key, codec.required) is None:
        return None
    if codec.names and not key.names() and subject.names():
        return None
    if form in PATHS_ONLY and key.location:
        return Subject(location=key.location.removeprefix(_host(key.location)))
    return key


def _origin(form: str, preferences: Sequence[Preference]) -> str:
    """The one host that all locations are on, for formats with paths only; empty when they are paths already."""
    if form not in PATHS_ONLY:
        return ""
    hosts = {_host(one.subject.location) for one in preferences if one.subject.location}
    if len(hosts) > 1:
        raise BadInput([Problem(form, None, "location", f"speaks of one host, not of {len(hosts)}", "write a file for each host")])
    return hosts.pop() if hosts else ""


def _host(location: str) -> str:
    """`https://example.org` of a URL; empty for a path."""
    return "/".join(location.split("/", 3)[:3]) if location.startswith(("http://", "https://")) else ""


def _attach(subject: Subject, carrier: Subject, origin: str) -> Subject:
    if not subject.names():
        return carrier
    return (
        Subject(**{**subject.names(), "location": origin + subject.location})
        if origin and subject.location and not _host(subject.location)
        else subject
    )
