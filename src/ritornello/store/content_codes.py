"""Content codes of assets (ISCC, ISO 24138): rows ↔ records."""

from collections.abc import Mapping
from dataclasses import asdict

from sqlalchemy import Connection, delete, insert, select

from ritornello.domain.catalogue import ContentCodes
from ritornello.store.schema import asset, asset_iscc


def read_codes(connection: Connection, recording_id: str | None = None) -> dict[str, ContentCodes]:
    """Asset → its codes, where they were computed; all, or those of one recording."""
    query = select(asset_iscc)
    if recording_id is not None:
        query = query.join(asset, asset.c.asset_id == asset_iscc.c.asset_id).where(asset.c.recording_id == recording_id)
    return {row.asset_id: ContentCodes(row.iscc, row.audio, row.data, row.instance) for row in connection.execute(query)}


def write_codes(connection: Connection, codes: Mapping[str, ContentCodes]) -> None:
    """Keep or replace the codes of assets: the same file may be heard better later."""
    for asset_id, code in codes.items():
        connection.execute(delete(asset_iscc).where(asset_iscc.c.asset_id == asset_id))
        connection.execute(insert(asset_iscc).values(asset_id=asset_id, **asdict(code)))
