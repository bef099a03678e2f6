"""Releases of a message: their track lists, and which recordings a deal about a release is about."""

from collections.abc import Iterator

from ritornello.domain.identifiers import parse_barcode
from ritornello.domain.matching import make_own
from ritornello.formats.ern.taking import Taking, default
from ritornello.formats.preferences.xml import Element


def take_release(taking: Taking, element: Element) -> tuple[str, ...]:
    """The recordings of a release, in order; one with a barcode or another identifier also becomes the rows of its tracks."""
    message = taking.message
    single = tuple(name for one in element.all("ReleaseResourceReference") if (name := taking.resources.get(message.take(one) or "")))
    if element.name == "TrackRelease":
        return single
    ids = next(iter(element.all("ReleaseId")), element)
    barcode = message.value(ids, "ICPN")
    own = None if barcode else message.value(ids, "GRid") or message.value(ids, "ProprietaryId")
    release_id = taking.finders.releases.get(_bare(barcode)) if barcode else make_own(own) if own else None
    title = message.take(default(element.all("DisplayTitleText"))) or message.take(default(element.all("DisplayTitle"), "TitleText"))
    places = list(_find_places(taking, element))
    if places and not (release_id or barcode):
        taking.note("a release has no identifier: its track list is left out")
    for disc, track, recording_id, line in places if release_id or barcode else ():
        texts = {"release_id": release_id, "barcode": barcode, "title": title}
        taking.row("releases", line, **texts, disc=str(disc), track=str(track), recording_id=recording_id)
    return (*single, *(recording_id for _, _, recording_id, _ in places))


def _find_places(taking: Taking, release: Element) -> Iterator[tuple[int, int, str, int]]:
    """Disc, track, recording and line of each recording on a release. Groups of resources within the release's own are its discs."""
    for top in release.all("ResourceGroup"):
        groups = [one for one in top.all("ResourceGroup") if _items(one)]
        discs = [top.all("ResourceGroupContentItem"), *(_items(group) for group in groups)]
        for disc, items in enumerate([items for items in discs if items], 1):
            yield from _number(taking, disc, items)


def _number(taking: Taking, disc: int, items: list[Element]) -> Iterator[tuple[int, int, str, int]]:
    """Recordings count from 1 in the message's order: pictures and texts have places there too."""
    track = 0
    for item in items:
        recording_id = taking.resources.get(item.value("ReleaseResourceReference") or "")
        if recording_id:
            track += 1
            taking.message.value(item, "ReleaseResourceReference")
            taking.message.value(item, "SequenceNumber")
            yield disc, track, recording_id, item.line


def _items(group: Element) -> list[Element]:
    return [one for one in group.walk() if one.name == "ResourceGroupContentItem"]


def _bare(barcode: str) -> str:
    try:
        return parse_barcode(barcode)
    except ValueError:
        return barcode
