"""What an ERN message says about parties, recordings, works, releases, contributions and shares, as rows in our own columns.

The rows then go through the same checks as a spreadsheet's, with the message's lines in place of row numbers. docs/formats/ern.md says what is taken.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ritornello.domain import identifiers
from ritornello.domain.catalogue import Party
from ritornello.domain.errors import Problem
from ritornello.domain.matching import PARTY_IDENTIFIERS, PartyFinder, RecordingFinder, make_own
from ritornello.formats.ern.deals import Deal, read_deals
from ritornello.formats.ern.message import Message
from ritornello.formats.mapping import TABLES
from ritornello.formats.preferences.ddex import WORDS
from ritornello.formats.preferences.ddex_flags import AiFlags, check_flags
from ritornello.formats.preferences.xml import Element
from ritornello.formats.sheet import Cells, Sheet, parse_relative_path

_PARTY_IDS = {"ISNI": "isni", "DPID": "dpid", "IpiNameNumber": "ipi"}
_PARSERS = {"isni": identifiers.parse_isni, "dpid": identifiers.parse_dpid, "ipi": identifiers.parse_ipi}
_HASHES = {"MD5": "md5", "SHA1": "sha1", "SHA-1": "sha1", "SHA256": "sha256", "SHA-256": "sha256", "SHA512": "sha512", "SHA-512": "sha512"}
_TRAINING = frozenset(word.word for word in WORDS)
_COLUMNS = {**TABLES, "parties": ("party_id", "name", "kind", "ipi", "isni", "dpid")}


@dataclass(slots=True)
class Finders:
    """What the catalogue knows already, shared by all messages of an import."""

    parties: PartyFinder
    recordings: RecordingFinder
    releases: dict[str, str]  # barcode → release


@dataclass(slots=True)
class ErnTables:
    """One message in our columns."""

    message: Message
    sheets: dict[str, Sheet]
    flags: dict[str, AiFlags] = field(default_factory=dict)  # recording → what it says about AI, contributors by their party
    deals: list[Deal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what was left out for a reason, each once
    problems: list[Problem] = field(default_factory=list)
    recordings: dict[str, str] = field(default_factory=dict)  # recording → ISRC, of those that have one


def read_tables(message: Message, finders: Finders, root: Path) -> ErnTables:
    """The message as tables. `root` is the folder of the import: files that the message names lie beside it, and are named as lying below the root."""
    sheets = {table: Sheet(message.file, columns, [], ";", {}) for table, columns in _COLUMNS.items()}
    return _Taker(ErnTables(message, sheets), finders, root).take()


class _Taker:
    def __init__(self, tables: ErnTables, finders: Finders, root: Path) -> None:
        self.tables, self.message, self.finders, self.root = tables, tables.message, finders, root
        self.parties: dict[str, str] = {}  # reference in the message → our identifier
        self.resources: dict[str, str] = {}  # reference → recording
        self.noted: dict[str, int] = {}

    def take(self) -> ErnTables:
        root, message = self.message.root, self.message
        organisations = set(self._references(("ReleaseLabelReference", "RightsControllerPartyReference", "RecordCompanyPartyReference")))
        people = set(self._references(("ArtistPartyReference", "ContributorPartyReference")))
        for party in _below(root, "PartyList", "Party"):
            self._take_party(party, organisations - people)
        for recording in _below(root, "ResourceList", "SoundRecording"):
            self._take_recording(recording)
        by_release: dict[str, tuple[str, ...]] = {}
        for release in (*_below(root, "ReleaseList", "Release"), *_below(root, "ReleaseList", "TrackRelease")):
            reference = message.value(release, "ReleaseReference") or ""
            by_release[reference] = self._take_release(release)
        self.tables.deals = read_deals(message, by_release)
        self.tables.problems += check_flags(list(self.tables.flags.values()), message.file)
        self.tables.notes += [f"{text} ({times} times)" if times > 1 else text for text, times in self.noted.items()]
        return self.tables

    def _references(self, names: Iterable[str]) -> Iterator[str]:
        return (element.text for element in self.message.root.walk() if element.name in names)

    def _row(self, table: str, line: int, **texts: str | None) -> None:
        sheet = self.tables.sheets[table]
        sheet.rows.append(Cells(sheet, line, {name: texts.get(name) or "" for name in sheet.columns}))

    def _note(self, text: str) -> None:
        self.noted[text] = self.noted.get(text, 0) + 1

    def _take_party(self, element: Element, organisations: set[str]) -> None:
        message = self.message
        reference = message.value(element, "PartyReference") or ""
        name = message.take(_default(element.all("PartyName"), "FullName"))
        given: dict[str, str | None] = {}
        for ids in element.all("PartyId"):
            for theirs, ours in _PARTY_IDS.items():
                given.setdefault(ours, message.value(ids, theirs))
        if not name:
            self.tables.problems.append(
                Problem(
                    message.file, element.line, "PartyName", f"party {reference!r} has no FullName", "ask the sender for the message again"
                )
            )
            return
        sound = {kind: _sound(kind, value) for kind, value in given.items()}
        try:
            party_id = self.finders.parties.find(name, sound)
        except ValueError as error:
            self.tables.problems.append(
                Problem(message.file, element.line, "PartyName", str(error), "give the parties that you have an ISNI, IPI or DPID")
            )
            return
        old = self.finders.parties.parties.get(party_id)
        kind = old.kind if old else "organisation" if sound.get("dpid") or reference in organisations else "person"
        known = {column: sound.get(column) or (getattr(old, column) if old else None) for column in PARTY_IDENTIFIERS}
        self.finders.parties.add(Party(party_id, name, kind, **known))
        texts = {column: given.get(column) or known[column] for column in PARTY_IDENTIFIERS}
        self._row("parties", element.line, party_id=party_id, name=name, kind=kind, **texts)
        self.parties[reference] = party_id

    def _take_recording(self, element: Element) -> None:
        message = self.message
        reference = message.value(element, "ResourceReference") or ""
        title = message.take(_default(element.all("DisplayTitleText"))) or message.take(_default(element.all("DisplayTitle"), "TitleText"))
        artist = message.take(_default(element.all("DisplayArtistName")))
        works = self._take_works(element)
        for number, edition in enumerate(element.all("SoundRecordingEdition") or [element]):
            ids = edition.all("ResourceId")
            isrc = next((text for one in ids if (text := message.value(one, "ISRC"))), None)
            own = next((text for one in ids if (text := message.value(one, "ProprietaryId"))), None) if not isrc else None
            if not isrc and not own:
                what = f"recording {reference!r} has neither an ISRC nor a proprietary identifier"
                self.tables.problems.append(Problem(message.file, edition.line, "ISRC", what, "ask the sender for the message again"))
                continue
            recording_id = self._identify(isrc, own or "")
            if number == 0:
                self.resources[reference] = recording_id
            if isrc:
                self.tables.recordings[recording_id] = isrc
            work_id, iswc = works if works else (None, None)
            self._row(
                "recordings", edition.line, recording_id=recording_id, file=self._take_file(edition), isrc=isrc, title=title, artist=artist,
                work_id=work_id, iswc=iswc,
            )  # fmt: skip
            self._take_contributions(element, edition, recording_id)
            self._take_flags(element, edition, recording_id, isrc)
            self._take_claims(element, recording_id, works[0] if works else None)

    def _identify(self, isrc: str | None, own: str) -> str:
        try:
            return self.finders.recordings.find_recording(identifiers.parse_isrc(isrc)) if isrc else make_own(own)
        except ValueError:
            return make_own(isrc or own)  # the row's own check says what is wrong with it

    def _take_works(self, element: Element) -> tuple[str, str | None] | None:
        """The recording's work and its ISWC. A medley's further works have no place in our catalogue: they are left out, and said."""
        found: tuple[str, str | None] | None = None
        for one in element.all("WorkId"):
            if found:
                self._note("a recording has several works (a medley): only the first is taken")
                break
            iswc, own = self.message.value(one, "ISWC"), None
            if iswc is None:
                own = self.message.value(one, "ProprietaryId")
            if iswc:
                try:
                    found = self.finders.recordings.find_work(identifiers.parse_iswc(iswc)), iswc
                except ValueError:
                    found = make_own(iswc), iswc
            elif own:
                found = make_own(own), None
        return found

    def _take_file(self, edition: Element) -> str | None:
        """The delivered file, named below the root; None where it isn't there: an update often brings no audio."""
        for file in (one for one in edition.walk() if one.name == "File" and one.value("URI")):
            uri = self.message.value(file, "URI") or ""
            try:
                path = self.message.path.parent / parse_relative_path(uri)
            except ValueError:
                self._note("a file is named by an address that leads out of the message's folder: left out")
                continue
            if not path.is_file():
                self._note("a file that a message names is not there: its recording is taken without audio")
                return None
            self._check_hash(file, path, uri)
            return (
                str(PurePosixPath(path.resolve().relative_to(self.root.resolve())))
                if path.resolve().is_relative_to(self.root.resolve())
                else None
            )
        return None

    def _check_hash(self, file: Element, path: Path, uri: str) -> None:
        for one in file.all("HashSum"):
            algorithm = _HASHES.get((self.message.value(one, "Algorithm") or "").upper())
            stated = self.message.value(one, "HashSumValue")
            if not algorithm or not stated:
                continue
            digest = hashlib.new(algorithm, usedforsecurity=False)
            with path.open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
            if digest.hexdigest() != stated.lower():
                what = f"{uri!r} does not have the {algorithm} that the message states"
                self.tables.problems.append(Problem(self.message.file, one.line, "HashSum", what, "ask for the delivery again"))

    def _take_contributions(self, element: Element, edition: Element, recording_id: str) -> None:
        for one, reference, roles in (
            *((one, "ArtistPartyReference", "DisplayArtistRole") for one in element.all("DisplayArtist")),
            *((one, "ContributorPartyReference", "Role") for one in element.all("Contributor")),
            *((one, "ContributorPartyReference", "Role") for one in edition.all("EditionContributor")),
        ):
            party_id = self._party(one, reference)
            for role in one.all(roles):
                word = role.attributes.get("UserDefinedValue", "") if role.text == "UserDefined" else role.text
                if party_id and word.isalpha() and len(word) <= 64:
                    self.message.take(role)
                    self._row("contributions", one.line, recording_id=recording_id, party_id=party_id, role=word)

    def _party(self, element: Element, name: str) -> str | None:
        """Our party behind a reference; a reference that leads nowhere is a problem."""
        reference = self.message.value(element, name)
        if reference in self.parties:
            return self.parties[reference]
        if not any(problem.field == "PartyName" for problem in self.tables.problems):
            what = f"there is no party {(reference or '')[:40]!r} in the PartyList"
            self.tables.problems.append(Problem(self.message.file, element.line, name, what, "ask the sender for the message again"))
        return None

    def _take_flags(self, element: Element, edition: Element, recording_id: str, isrc: str | None) -> None:
        contains = self.message.value(edition, "ContainsAI") or self.message.value(element, "ContainsAI")
        contributions = []
        for one in (
            *element.all("Contributor"),
            *element.all("DisplayArtist"),
            *(edition.all("EditionContributor") if edition is not element else ()),
        ):
            value = self.message.value(one, "AiContribution")
            reference = one.value("ContributorPartyReference") or one.value("ArtistPartyReference") or ""
            if value is not None:
                contributions.append((self.parties.get(reference, reference), value))
        if contains is not None or contributions:
            self.tables.flags[recording_id] = AiFlags(isrc or recording_id, contains, tuple(contributions))

    def _take_claims(self, element: Element, recording_id: str, work_id: str | None) -> None:
        resource = [one for one in element.all("ResourceRightsController") if self._owns(one)]
        for one in resource:
            self._claim(one, recording_id, "master", len(resource), self._delegation(one))
        work = element.all("WorkRightsController")
        for one in work:
            if work_id is None:
                self._note("shares of a work are stated, but no WorkId names it: they are left out")
                break
            spans = [
                (text, self.message.value(one, "StartDate"), self.message.value(one, "EndDate")) for text in self._places(one, "Territory")
            ]
            self._claim(one, work_id, "publishing", len(work), spans)

    def _owns(self, element: Element) -> bool:
        """False for a right that was delegated for other uses only: streaming rights say nothing about training."""
        uses = {use.text for rights in element.all("DelegatedUsageRights") for use in rights.all("UseType")}
        if uses and not uses & _TRAINING:
            self._note("rights are delegated for other uses than training only: no claim is made of them")
            return False
        return True

    def _delegation(self, element: Element) -> list[tuple[str, str | None, str | None]]:
        """Territories, first and last day of each delegation that covers training; the world where nothing was delegated."""
        found = []
        for rights in element.all("DelegatedUsageRights"):
            uses = [use for use in rights.all("UseType") if use.text in _TRAINING]
            for use in uses:
                self.message.take(use)
            period = next(iter(rights.all("PeriodOfRightsDelegation")), None)
            first, last = (self.message.value(period, name) if period else None for name in ("StartDate", "EndDate"))
            found += [(place, first, last) for place in self._places(rights, "TerritoryOfRightsDelegation")] if uses else []
        return found or [("WW", None, None)]

    def _places(self, element: Element, name: str) -> list[str]:
        """Countries; the world where none is named. Codes that aren't countries of today make no claim."""
        codes = element.all(name)
        found = []
        for code in codes:
            try:
                found.append(identifiers.parse_territory(code.text))
                self.message.take(code)
            except ValueError:
                self._note(f"{code.text[:20]!r} is no country of today: no claim is made for it")
        return found if codes else ["WW"]

    def _claim(self, element: Element, subject: str, lane: str, controllers: int, spans: list[tuple[str, str | None, str | None]]) -> None:
        share = self.message.value(element, "RightSharePercentage")
        if share is None:
            if controllers > 1 or element.value("RightShareUnknown") == "true":
                self._note("a share is unknown, or missing where there are several controllers: no claim is made of it")
                return
            share = "100"
            self._note("a controller without a percentage is taken as holding 100 %, as the standard says")
        party_id = self._party(element, "RightsControllerPartyReference")
        for place, first, last in spans if party_id else ():
            self._row(
                "claims", element.line, subject=subject, lane=lane, party_id=party_id, share_percent=share, territory=place, valid_from=first, valid_to=last
            )  # fmt: skip

    def _take_release(self, element: Element) -> tuple[str, ...]:
        """The recordings of a release, in order; a release with a barcode or identifier of its own also becomes rows of its tracks."""
        message = self.message
        single = tuple(name for one in element.all("ReleaseResourceReference") if (name := self.resources.get(message.take(one) or "")))
        if element.name == "TrackRelease":
            return single
        ids = next(iter(element.all("ReleaseId")), element)
        barcode = message.value(ids, "ICPN")
        own = None if barcode else message.value(ids, "GRid") or message.value(ids, "ProprietaryId")
        title = message.take(_default(element.all("DisplayTitleText"))) or message.take(_default(element.all("DisplayTitle"), "TitleText"))
        places = list(self._places_of_tracks(element))
        release_id = self.finders.releases.get(_bare(barcode)) if barcode else make_own(own) if own else None
        for disc, track, recording_id, line in places if release_id or barcode else ():
            self._row(
                "releases",
                line,
                release_id=release_id,
                barcode=barcode,
                title=title,
                disc=str(disc),
                track=str(track),
                recording_id=recording_id,
            )
        if places and not (release_id or barcode):
            self._note("a release has no identifier: its track list is left out")
        return (*single, *(recording_id for _, _, recording_id, _ in places))

    def _places_of_tracks(self, release: Element) -> Iterator[tuple[int, int, str, int]]:
        """Disc, track, recording and line of each recording on a release: nested groups of resources are discs."""
        for top in release.all("ResourceGroup"):
            groups = [one for one in top.all("ResourceGroup") if any(item.name == "ResourceGroupContentItem" for item in one.walk())]
            for disc, group in enumerate([top, *groups] if top.all("ResourceGroupContentItem") else groups or [top], 1):
                items = (
                    group.all("ResourceGroupContentItem")
                    if group is top
                    else [one for one in group.walk() if one.name == "ResourceGroupContentItem"]
                )
                track = 0
                for item in items:
                    recording_id = self.resources.get(item.value("ReleaseResourceReference") or "")
                    if recording_id:
                        track += 1
                        self.message.value(item, "ReleaseResourceReference")
                        self.message.value(item, "SequenceNumber")
                        yield disc, track, recording_id, item.line


def _below(root: Element, *names: str) -> list[Element]:
    found = [root]
    for name in names:
        found = [child for element in found for child in element.all(name)]
    return found


def _default(elements: list[Element], *path: str) -> Element | None:
    """Of several for different languages and places, the one that is meant where nothing else is said."""

    def rank(element: Element) -> int:
        if element.attributes.get("IsDefault") == "true":
            return 0
        return 1 if element.attributes.get("ApplicableTerritoryCode", "Worldwide") == "Worldwide" else 2

    chosen = min(elements, key=rank, default=None)
    for name in path:
        chosen = next(iter(chosen.all(name)), None) if chosen else None
    return chosen


def _sound(kind: str, value: str | None) -> str | None:
    try:
        return _PARSERS[kind](value) if value else None
    except ValueError:
        return None


def _bare(barcode: str) -> str:
    try:
        return identifiers.parse_barcode(barcode)
    except ValueError:
        return barcode


def recordings_of(tables: Iterable[ErnTables]) -> Mapping[str, str]:
    """Recording → ISRC over several messages."""
    return {recording_id: isrc for one in tables for recording_id, isrc in one.recordings.items()}
