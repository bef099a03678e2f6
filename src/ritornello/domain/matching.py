"""Who and what is meant: parties known by name or identifier, recordings by ISRC, works by ISWC; and identifiers for those that are new.

Files of others name things in their own way. The same thing must get the same identifier of ours from every file, in any order.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping

from ritornello.domain.catalogue import Party, Recording, Work
from ritornello.domain.identifiers import parse_own

PARTY_IDENTIFIERS = ("isni", "ipi", "dpid")


def fold_name(name: str) -> str:
    """The same for names that differ in case, Unicode form or spaces only."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def make_own(text: str) -> str:
    """An identifier of ours made from anybody's text: itself where it is one, else its letters and sixteen characters of a hash of all of it."""
    try:
        return parse_own(text)
    except ValueError:
        return _hashed(text)


def _hashed(text: str, more: str = "") -> str:
    """Long enough a hash that two names are never one party, even where no letter of them is Latin."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "x"
    digest = hashlib.sha256("\n".join((unicodedata.normalize("NFC", text), more)).encode()).hexdigest()[:16]
    return f"{slug}-{digest}"


class PartyFinder:
    """Parties by what files call them. A new party is added with its first mention, so that the next one finds it."""

    def __init__(self, known: Iterable[Party]) -> None:
        self.parties: dict[str, Party] = {}
        self._by_name: dict[str, list[str]] = {}
        self._by_identifier: dict[tuple[str, str], str] = {}
        for party in known:
            self.add(party)

    def add(self, party: Party) -> None:
        """Remember a party, or what is new of a known one."""
        old = self.parties.get(party.party_id)
        self.parties[party.party_id] = party
        if old is None or fold_name(old.name) != fold_name(party.name):
            self._by_name.setdefault(fold_name(party.name), []).append(party.party_id)
        for name in PARTY_IDENTIFIERS:
            if value := getattr(party, name):
                self._by_identifier.setdefault((name, value), party.party_id)

    def find(self, name: str, identifiers: Mapping[str, str | None] | None = None) -> str:
        """The identifier of the party that is meant, known or new. An identifier counts more than a name; one that differs tells namesakes apart.

        Raises ValueError when several known parties fit.
        """
        given = {kind: value for kind, value in (identifiers or {}).items() if value and kind in PARTY_IDENTIFIERS}
        for kind, value in given.items():
            if found := self._by_identifier.get((kind, value)):
                return found
        same = [one for one in self._by_name.get(fold_name(name), []) if self._may_be(self.parties[one], given)]
        if len(same) > 1:
            raise ValueError(f"{name!r} is the name of {len(same)} parties ({', '.join(same[:5])})")
        if same:
            return same[0]
        mark = next((f"{kind}:{given[kind]}" for kind in PARTY_IDENTIFIERS if kind in given), "")
        return _hashed(fold_name(name), mark)

    def _may_be(self, party: Party, given: Mapping[str, str]) -> bool:
        return all(getattr(party, kind) in (None, value) for kind, value in given.items())


class RecordingFinder:
    """Recordings by ISRC, and works by ISWC."""

    def __init__(self, recordings: Iterable[Recording], works: Iterable[Work]) -> None:
        self._recordings = {one.isrc: one.recording_id for one in recordings if one.isrc}
        self._works = {one.iswc: one.work_id for one in works if one.iswc}

    def find_recording(self, isrc: str) -> str:
        """The known recording with this ISRC; else the ISRC itself, which then becomes its identifier."""
        return self._recordings.setdefault(isrc, isrc)

    def find_work(self, iswc: str) -> str:
        return self._works.setdefault(iswc, iswc)
