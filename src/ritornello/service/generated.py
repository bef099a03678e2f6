"""Files that come in as recordings and say, or are known, to be made by AI: taken in, marked, and told. Who may earn from them is not decided here."""

from collections.abc import Mapping, Sequence

from ritornello.domain.catalogue import Asset
from ritornello.formats.provenance.marker import UNSTATED
from ritornello.service.context import Context
from ritornello.store import renditions

SHOWN = 20


def find(context: Context, assets: Sequence[Asset], markers: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Which of these assets AI made: their bytes say so (`markers`: asset → formats/provenance/marker.py), or they are a registered output. Asset → why, and notes."""
    known = renditions.name_generated(context.connection)
    terms = {asset.asset_id: known.get(asset.asset_id.removeprefix("sha256:")) or markers.get(asset.asset_id) for asset in assets}
    found = {asset_id: term for asset_id, term in terms.items() if term and term != UNSTATED}
    files = {asset.asset_id: asset.file for asset in assets}
    notes = [
        f"AI made {files[name]} ({term}): it is taken in and marked; clear it up before anyone is paid for it"
        for name, term in found.items()
    ]
    notes = [*notes[:SHOWN], *([f"and {len(notes) - SHOWN} more files that AI made"] if len(notes) > SHOWN else [])]
    silent = [asset.file for asset in assets if terms[asset.asset_id] == UNSTATED]
    if silent:
        notes.append(f"{len(silent)} files carry a {UNSTATED}, such as {silent[0]}: see `ritornello output provenance FILE`")
    return found, notes
