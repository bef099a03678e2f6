"""Batches of attribution: appended; the newest of a model version is the one that counts."""

from sqlalchemy import Connection, func, insert, select

from ritornello.store.schema import attribution


def append_batch(connection: Connection, model_version: str, *, weights_sha256: str, quality_sha256: str, at_us: int) -> int:
    """Keep a batch by the hashes of its two files in the file store; returns its number, counted from 1."""
    query = select(func.coalesce(func.max(attribution.c.batch), 0)).where(attribution.c.model_version == model_version)
    batch = int(connection.scalar(query) or 0) + 1
    row = {"model_version": model_version, "batch": batch, "weights_sha256": weights_sha256, "quality_sha256": quality_sha256}
    connection.execute(insert(attribution).values(**row, recorded_at_us=at_us))
    return batch


def read_latest(connection: Connection, model_version: str, known_at_us: int | None = None) -> tuple[str, str] | None:
    """Hashes of weights table and quality document of the newest batch (known at a moment), or None."""
    found = read_latest_batch(connection, model_version, known_at_us)
    return (found[1], found[2]) if found else None


def read_latest_batch(connection: Connection, model_version: str, known_at_us: int | None = None) -> tuple[int, str, str] | None:
    """The number of the newest batch (known at a moment) and those two hashes, or None."""
    query = select(attribution).where(attribution.c.model_version == model_version).order_by(attribution.c.batch.desc()).limit(1)
    if known_at_us is not None:
        query = query.where(attribution.c.recorded_at_us <= known_at_us)
    row = connection.execute(query).first()
    return (row.batch, row.weights_sha256, row.quality_sha256) if row else None
