"""All bundles made by hand, for tests that need a row of every table."""

from collections.abc import Callable

from bundle_maker.copies import make_copies
from bundle_maker.correction import make_correction
from bundle_maker.lifetime import make_lifetime
from bundle_maker.result import make_contents
from bundle_maker.superseded import make_superseded
from bundle_maker.writing import Contents

WORLDS: tuple[Callable[[], Contents], ...] = (make_contents, make_lifetime, make_correction, make_superseded, make_copies)


def find_world(path: str) -> Callable[[], Contents]:
    """Makes the first whose table has rows."""
    return next(make for make in WORLDS if path == "proofs.jsonl" or make().table(path))


def make_world(path: str) -> Contents:
    """The first whose table has rows."""
    return find_world(path)()
