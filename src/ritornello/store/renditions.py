"""Signed copies of outputs, and assets that say that AI made them."""

from collections.abc import Mapping

from sqlalchemy import Connection, insert, select

from ritornello.store.schema import generated_flag, output, rendition


def add_rendition(connection: Connection, output_id: str, *, signed_sha256: str, source_sha256: str, record_sha256: str, path: str) -> None:
    """Register a signed copy: its hash, the hash of what it was signed from, its document in the file store, where it was written."""
    hashes = {"signed_sha256": signed_sha256, "source_sha256": source_sha256, "record_sha256": record_sha256}
    connection.execute(insert(rendition).values(output_id=output_id, path=path, **hashes))


def read_record_hashes(connection: Connection, output_id: str) -> list[str]:
    """The documents of an output's signed copies."""
    return list(connection.scalars(select(rendition.c.record_sha256).where(rendition.c.output_id == output_id)))


def read_signed_from(connection: Connection, path: str, source_sha256: str) -> set[str]:
    """Hashes of the copies that were signed from these bytes and written here."""
    query = select(rendition.c.signed_sha256).where(rendition.c.path == path, rendition.c.source_sha256 == source_sha256)
    return set(connection.scalars(query))


def count_renditions(connection: Connection) -> dict[str, int]:
    """Output → how many signed copies it has."""
    counts: dict[str, int] = {}
    for output_id in connection.scalars(select(rendition.c.output_id)):
        counts[output_id] = counts.get(output_id, 0) + 1
    return counts


def name_generated(connection: Connection) -> dict[str, str]:
    """Hash of every registered output and signed copy → which it is, in words."""
    outputs = connection.execute(select(output.c.output_id, output.c.sha256))
    found = {row.sha256: f"registered output {row.output_id}" for row in outputs}
    signed = connection.execute(select(rendition.c.output_id, rendition.c.signed_sha256))
    return found | {row.signed_sha256: f"signed copy of output {row.output_id}" for row in signed}


def read_generated_flags(connection: Connection) -> dict[str, str]:
    """Asset → what about it says that AI made it, for those that have such a mark."""
    return {row.asset_id: row.term for row in connection.execute(select(generated_flag))}


def add_generated_flags(connection: Connection, terms: Mapping[str, str], at_us: int) -> None:
    """Mark assets; a mark that is there stays."""
    known = read_generated_flags(connection)
    rows = [{"asset_id": one, "term": term, "recorded_at_us": at_us} for one, term in terms.items() if one not in known]
    if rows:
        connection.execute(insert(generated_flag), rows)
