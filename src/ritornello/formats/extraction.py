"""The tables and the document of an extraction check (docs/formats/audit.md), and what it does and doesn't show, in plain words."""

from collections.abc import Mapping
from typing import Any

FORMAT = "ritornello-audit-1"
PACK_FORMAT = "ritornello-evidence-1"
ITEM_KEY, MATCH_KEY, ASSET_KEY = ("item",), ("item", "asset_id", "start_ms", "asset_start_ms", "how"), ("asset_id",)

HEARD_SHOWS = (
    (
        "Each passage found as “heard” sounds like the passage of the recording that stands beside it: so many peaks of its spectrum lie in their places "
        "that chance does this with no more than the stated probability in one file."
    ),
    "Each file found as “the same file” has the SHA-256 of the catalogue's own file: it is that file, byte for byte.",
    "The consent stated is what the catalogue's records said on the day and at the moment named.",
)
LIST_SHOWS = (
    "Hashes and identifiers in the list are those of recordings in the catalogue. Nobody has listened to anything: a list has no sound.",
    "The consent stated is what the catalogue's records said on the day and at the moment named.",
)
DOES_NOT_SHOW = (
    "That a model was trained on it. A recording that lies in a folder may never have been read; ask for the record of what training read.",
    "That the use is unlawful. Consent may have been given to somebody else, by a contract that is not recorded here, or the law may not ask for it.",
    "Who put it there, and when, or that the folder is what the party really trains on.",
    (
        "That nothing else is inside. What was refused was not listened to; encrypted, strongly altered or very short passages are not found; "
        "other recordings of the same work are not looked for."
    ),
    "Who was first. Two recordings may share a sample, a loop or a sound library: listen to both passages before you claim anything.",
    "That the catalogue's own claims are right: it says who claims a share, not who deserves it.",
)
LISTED_DOES_NOT_SHOW = (
    "That the sound behind a hash or an ISRC is the recording: an ISRC can be wrong or used twice, and a list can be made up."
)


def write_audit(header: Mapping[str, Any], counts: Mapping[str, int], tables: Mapping[str, str], *, listed: bool) -> dict[str, Any]:
    """The content of audit.json. `tables`: each table's file → the root over its rows."""
    return {
        "format": FORMAT,
        **header,
        "counts": dict(counts),
        "tables": dict(tables),
        "shows": list(LIST_SHOWS if listed else HEARD_SHOWS),
        "does_not_show": [*((LISTED_DOES_NOT_SHOW,) if listed else ()), *DOES_NOT_SHOW],
    }
