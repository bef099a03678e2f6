"""What an ERN message says about parties, recordings, works, releases, contributions and shares, as rows in our own columns.

The rows then go through the same checks as a spreadsheet's. docs/formats/ern.md says what is taken; everything else is counted as not taken.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ritornello.domain import identifiers
from ritornello.domain.catalogue import Party
from ritornello.domain.errors import Problem
from ritornello.domain.matching import PARTY_IDENTIFIERS, make_own
from ritornello.formats.ern.deals import Deal, read_deals
from ritornello.formats.ern.files import take_file
from ritornello.formats.ern.message import Message
from ritornello.formats.ern.shares import take_recording_shares, take_work_shares
from ritornello.formats.ern.taking import Finders, Taking, below, default, references
from ritornello.formats.ern.tracks import take_release
from ritornello.formats.preferences.ddex_flags import AiFlags, check_flags
from ritornello.formats.preferences.xml import Element
from ritornello.formats.sheet import Sheet

_PARTY_IDS = {"ISNI": "isni", "DPID": "dpid", "IpiNameNumber": "ipi"}
_PARSERS = {"isni": identifiers.parse_isni, "dpid": identifiers.parse_dpid, "ipi": identifiers.parse_ipi}


@dataclass(slots=True)
class ErnTables:
    """One message in our columns."""

    sheets: dict[str, Sheet]
    flags: dict[str, AiFlags] = field(default_factory=dict)  # recording → what it says about AI, contributors by their party
    deals: list[Deal] = field(default_factory=list)
    recordings: dict[str, str] = field(default_factory=dict)  # recording → ISRC, of those that have one
    notes: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)


def read_tables(message: Message, finders: Finders, root: Path) -> ErnTables:
    """The message as tables. `root` is the folder of the import: files that the message names are named as lying below it."""
    taking = Taking(message, finders, root)
    tables = ErnTables(taking.sheets, notes=taking.notes, problems=taking.problems)
    companies = set(references(message.root, "ReleaseLabelReference", "RightsControllerPartyReference", "RecordCompanyPartyReference"))
    people = set(references(message.root, "ArtistPartyReference", "ContributorPartyReference"))
    for party in below(message.root, "PartyList", "Party"):
        _take_party(taking, party, companies - people)
    for recording in below(message.root, "ResourceList", "SoundRecording"):
        _take_recording(taking, tables, recording)
    by_release: dict[str, tuple[str, ...]] = {}
    for release in (*below(message.root, "ReleaseList", "Release"), *below(message.root, "ReleaseList", "TrackRelease")):
        reference = message.value(release, "ReleaseReference") or ""
        by_release[reference] = take_release(taking, release)
    tables.deals = read_deals(message, by_release)
    tables.problems += check_flags(list(tables.flags.values()), message.file)
    return tables


def _take_party(taking: Taking, element: Element, companies: set[str]) -> None:
    message, finder = taking.message, taking.finders.parties
    reference = message.value(element, "PartyReference") or ""
    name = message.take(default(element.all("PartyName"), "FullName"))
    given = {ours: text for ids in element.all("PartyId") for theirs, ours in _PARTY_IDS.items() if (text := message.value(ids, theirs))}
    sound = {kind: found for kind, value in given.items() if (found := _parse(kind, value))}
    if not name:
        taking.problem(element, "PartyName", f"party {reference[:40]!r} has no FullName")
        return
    try:
        party_id = finder.find(name, sound)
    except ValueError as error:
        taking.problem(element, "PartyName", str(error), "give the parties that you have an ISNI, IPI or DPID")
        return
    old = finder.parties.get(party_id)
    kind = old.kind if old else "organisation" if "dpid" in sound or reference in companies else "person"
    known = {column: sound.get(column) or (getattr(old, column) if old else None) for column in PARTY_IDENTIFIERS}
    finder.add(Party(party_id, name, kind, **known))
    taking.row("parties", element.line, party_id=party_id, name=name, kind=kind, **{**known, **given})
    taking.parties[reference] = party_id


def _parse(kind: str, value: str) -> str | None:
    """The identifier if it is one; the row's own check says what is wrong with it."""
    try:
        return _PARSERS[kind](value)
    except ValueError:
        return None


def _take_recording(taking: Taking, tables: ErnTables, element: Element) -> None:
    """Each edition of a recording that has an identifier of its own is a recording of ours."""
    message = taking.message
    reference = message.value(element, "ResourceReference") or ""
    title = message.take(default(element.all("DisplayTitleText"))) or message.take(default(element.all("DisplayTitle"), "TitleText"))
    artist = message.take(default(element.all("DisplayArtistName")))
    work_id, iswc = _take_work(taking, element)
    for edition in element.all("SoundRecordingEdition") or [element]:
        ids = edition.all("ResourceId")
        isrc = next((text for one in ids if (text := message.value(one, "ISRC"))), None)
        own = None if isrc else next((text for one in ids if (text := message.value(one, "ProprietaryId"))), None)
        recording_id = _identify(taking, isrc, own)
        if recording_id is None:
            taking.problem(edition, "ISRC", f"recording {reference[:40]!r} has neither an ISRC nor a proprietary identifier")
            continue
        taking.resources.setdefault(reference, recording_id)
        tables.recordings |= {recording_id: isrc} if isrc else {}
        texts = {"recording_id": recording_id, "isrc": isrc, "title": title, "artist": artist, "work_id": work_id, "iswc": iswc}
        taking.row("recordings", edition.line, **texts, file=take_file(taking, edition))
        _take_contributions(taking, element, edition, recording_id)
        _take_flags(taking, tables, element, edition, recording_id)
        take_recording_shares(taking, element, recording_id)
    take_work_shares(taking, element, work_id)


def _identify(taking: Taking, isrc: str | None, own: str | None) -> str | None:
    try:
        return taking.finders.recordings.find_recording(identifiers.parse_isrc(isrc)) if isrc else make_own(own) if own else None
    except ValueError:
        return make_own(str(isrc))  # the row's own check says what is wrong with it


def _take_work(taking: Taking, element: Element) -> tuple[str | None, str | None]:
    """The recording's work and its ISWC. A medley's further works have no place in our catalogue: they are left out, and said."""
    works = element.all("WorkId")
    if len(works) > 1:
        taking.note("a recording has several works (a medley): only the first is taken")
    if not works:
        return None, None
    iswc = taking.message.value(works[0], "ISWC")
    own = None if iswc else taking.message.value(works[0], "ProprietaryId")
    try:
        return (taking.finders.recordings.find_work(identifiers.parse_iswc(iswc)) if iswc else make_own(own) if own else None), iswc
    except ValueError:
        return make_own(str(iswc)), iswc


def _take_contributions(taking: Taking, element: Element, edition: Element, recording_id: str) -> None:
    found = [(one, "ArtistPartyReference", "DisplayArtistRole") for one in element.all("DisplayArtist")]
    found += [(one, "ContributorPartyReference", "Role") for one in (*element.all("Contributor"), *edition.all("EditionContributor"))]
    for one, reference, roles in found:
        party_id = taking.party(one, reference)
        for role in one.all(roles):
            word = role.attributes.get("UserDefinedValue", "") if role.text == "UserDefined" else role.text
            if party_id and word.isalpha() and len(word) <= 64:
                taking.message.take(role)
                taking.row("contributions", one.line, recording_id=recording_id, party_id=party_id, role=word)


def _take_flags(taking: Taking, tables: ErnTables, element: Element, edition: Element, recording_id: str) -> None:
    """What is disclosed about AI in a recording: of it, and of each contributor."""
    message = taking.message
    contains = message.value(edition, "ContainsAI") or message.value(element, "ContainsAI")
    contributions = []
    for one in (*element.all("Contributor"), *element.all("DisplayArtist"), *edition.all("EditionContributor")):
        reference = one.value("ContributorPartyReference") or one.value("ArtistPartyReference") or ""
        if (value := message.value(one, "AiContribution")) is not None:
            contributions.append((taking.parties.get(reference, reference), value))
    if contains is not None or contributions:
        name = tables.recordings.get(recording_id, recording_id)
        tables.flags[recording_id] = AiFlags(name, contains, tuple(contributions))
