"""The transparency log: entries are only ever appended; their Merkle tree commits to all of them.

For each 256 entries (and each 256 of those, and so on: the tiles of docs/formats/log.md) the hashes above them are kept, so that
appending computes what is new and a proof reads the hashes it consists of, whatever the log's size.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, insert, select

from ritornello.domain import merkle
from ritornello.formats.canonical import encode
from ritornello.store.schema import log_entry, log_name, log_subtree

HEIGHT = 8
WIDTH = 1 << HEIGHT
ENTRY_LIMIT = 65_535  # bytes; entry bundles write lengths in 16 bits
_KEPT_TILES = 4096  # at most some 40 MB held while proving


@dataclass(frozen=True, slots=True)
class Proof:
    """Where an entry stands, and the way from it to the root of a tree of `tree_size`."""

    entry: str
    index: int
    tree_size: int
    hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """The log's tree as stored, over its first `size` entries. Reads what is asked for and keeps it for the next question."""

    connection: Connection
    size: int
    _layers: dict[tuple[int, int], list[Sequence[bytes]]] = field(default_factory=dict)

    def root(self, size: int | None = None) -> bytes:
        """The root over the first `size` entries; by default over all."""
        assert size is None or 0 <= size <= self.size
        return merkle.range_root(self.node, 0, self.size if size is None else size)

    def node(self, height: int, index: int) -> bytes:
        """The hash of the complete subtree over entries index·2^height … (index + 1)·2^height - 1 (a `merkle.NodeReader`)."""
        assert (index + 1) << height <= self.size
        level, within = divmod(height, HEIGHT)
        if within == 0:
            return self.tile(level, index, 1)[0]
        number, offset = divmod(index, WIDTH >> within)
        return self._read_layers(level, number)[within][offset]

    def tile(self, level: int, start: int, count: int) -> list[bytes]:
        """`count` consecutive hashes of subtrees of 256^level entries, from the `start`-th on."""
        return _read_tile(self.connection, level, start, count)

    def _read_layers(self, level: int, number: int) -> list[Sequence[bytes]]:
        """`merkle.layers` of a tile: from what is kept when it is full, computed when it is still growing."""
        if (level, number) not in self._layers:
            if len(self._layers) >= _KEPT_TILES:
                self._layers.clear()
            width = min(WIDTH, (self.size >> HEIGHT * level) - number * WIDTH)
            self._layers[level, number] = (
                self._unpack(level, number) if width == WIDTH else _layers(self.tile(level, number * WIDTH, width))
            )
        return self._layers[level, number]

    def _unpack(self, level: int, number: int) -> list[Sequence[bytes]]:
        nodes = self.connection.scalar(select(log_subtree.c.nodes).where(log_subtree.c.level == level, log_subtree.c.number == number))
        assert nodes is not None and len(nodes) == 32 * (WIDTH - 1), "the log's stored tree has a hole"
        return [(), *(_Slices(nodes, (WIDTH >> height) - 1, WIDTH >> height) for height in range(1, HEIGHT + 1))]


@dataclass(frozen=True, slots=True)
class _Slices(Sequence[bytes]):
    """One level of a kept tile, cut out only where it is read."""

    nodes: bytes
    first: int
    length: int

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> bytes:  # type: ignore[override]  # slices of it are never asked for
        assert 0 <= index < self.length
        return self.nodes[32 * (self.first + index) : 32 * (self.first + index + 1)]


def append(connection: Connection, artefacts: Iterable[tuple[str, str, str]], at_us: int) -> int:
    """Append one entry for each artefact (kind, id, hash), to be found by kind and id; returns the position of the first.

    Durable when the transaction commits.
    """
    told = list(artefacts)
    start = append_entries(connection, [encode({"at_us": at_us, "hash": digest, "id": name, "kind": kind}) for kind, name, digest in told])
    if told:
        rows = [{"kind": kind, "id": name, "position": position} for position, (kind, name, _) in enumerate(told, start)]
        connection.execute(insert(log_name), rows)
    return start


def append_entries(connection: Connection, entries: Iterable[bytes]) -> int:
    """Append entries as they are (UTF-8, at most 65,535 bytes each), without names for `find`; returns the position of the first."""
    start, rows, leaves = size(connection), [], []
    for position, entry in enumerate(entries, start):
        assert len(entry) <= ENTRY_LIMIT, "an entry is too long to be published"
        leaves.append(merkle.leaf_hash(entry))
        rows.append((position, entry.decode(), leaves[-1]))
    if rows:
        _insert(connection, rows)
        _keep_subtrees(connection, 0, start, leaves)
    return start


def size(connection: Connection) -> int:
    last = connection.scalar(select(func.max(log_entry.c.position)))
    return 0 if last is None else int(last) + 1


def read_tree(connection: Connection) -> Tree:
    """The tree over everything logged so far."""
    return Tree(connection, size(connection))


def read_leaves(connection: Connection) -> list[bytes]:
    """All leaf hashes in order. Each is recomputed from its entry: a changed entry is a broken promise."""
    rows = connection.execute(select(log_entry.c.position, log_entry.c.entry, log_entry.c.leaf).order_by(log_entry.c.position)).all()
    assert all(place == row.position and merkle.leaf_hash(row.entry.encode()) == row.leaf for place, row in enumerate(rows)), (
        "the log was changed on disk"
    )
    return [row.leaf for row in rows]


def read_entries(connection: Connection, start: int, limit: int) -> list[tuple[int, str]]:
    """(position, entry) from `start` on."""
    columns = select(log_entry.c.position, log_entry.c.entry).where(log_entry.c.position >= start)
    return [(position, entry) for position, entry in connection.execute(columns.order_by(log_entry.c.position).limit(limit))]


def prove(tree: Tree, wanted: Mapping[int, str]) -> list[Proof]:
    """Inclusion proofs of positions (their entries given) in the tree. Each is checked against the root before it is handed out."""
    root, proofs = tree.root(), []
    for position, entry in sorted(wanted.items()):
        path = [merkle.range_root(tree.node, start, end) for start, end in merkle.inclusion_ranges(position, tree.size)]
        assert merkle.verify_inclusion(merkle.leaf_hash(entry.encode()), position, tree.size, path, root), "the log was changed on disk"
        proofs.append(Proof(entry, position, tree.size, tuple(step.hex() for step in path)))
    return proofs


def find(connection: Connection, kind: str, name: str) -> tuple[int, str]:
    """(position, entry) of the latest entry that `append` made with this kind and id; that there is none is a broken promise."""
    query = select(log_entry.c.position, log_entry.c.entry).join(log_name, log_name.c.position == log_entry.c.position)
    wanted = query.where(log_name.c.kind == kind, log_name.c.id == name).order_by(log_entry.c.position.desc()).limit(1)
    row = connection.execute(wanted).first()
    assert row is not None, f"{kind} {name} is not in the log"
    position, entry = row
    value = json.loads(entry)
    assert (value["kind"], value["id"]) == (kind, name), "the log was changed on disk"
    return position, entry


def hashes_of(connection: Connection, kind: str) -> dict[str, str]:
    """Id → hash of every artefact of one kind; the latest where it was logged more than once. From all entries: audits believe no index."""
    query = select(log_entry.c.entry).where(log_entry.c.entry.like(f'%"kind":"{kind}"%')).order_by(log_entry.c.position)
    entries = [json.loads(entry) for entry in connection.scalars(query)]
    return {entry["id"]: entry["hash"] for entry in entries if entry["kind"] == kind}


def _insert(connection: Connection, rows: list[tuple[int, str, bytes]]) -> None:
    """Through the driver where it takes rows as they are: SQLAlchemy's handling of each would take as long as all the rest."""
    statement = insert(log_entry)
    compiled = statement.compile(dialect=connection.dialect)
    names = ("position", "entry", "leaf")
    if compiled.positional and tuple(compiled.positiontup or ()) == names:
        connection.exec_driver_sql(str(compiled), rows)
    else:
        connection.execute(statement, [dict(zip(names, row, strict=True)) for row in rows])


def _keep_subtrees(connection: Connection, level: int, start: int, hashes: list[bytes]) -> None:
    """Keep the hashes above every tile that became full when `hashes` joined a level that had `start`; then the same a level higher."""
    before = start % WIDTH
    if before + len(hashes) < WIDTH:
        return
    if before:
        hashes = [*_read_tile(connection, level, start - before, before), *hashes]
    rows, roots = [], []
    for place in range(0, len(hashes) // WIDTH * WIDTH, WIDTH):
        above = merkle.layers(hashes[place : place + WIDTH])[1:]
        nodes = b"".join(node for layer in reversed(above) for node in layer)
        roots.append(above[-1][0])
        rows.append({"level": level, "number": (start - before + place) // WIDTH, "nodes": nodes})
    connection.execute(insert(log_subtree), rows)
    _keep_subtrees(connection, level + 1, start // WIDTH, roots)


def _read_tile(connection: Connection, level: int, start: int, count: int) -> list[bytes]:
    if level == 0:
        place = log_entry.c.position
        query = select(log_entry.c.leaf)
    else:
        place = log_subtree.c.number
        query = select(func.substr(log_subtree.c.nodes, 1, 32)).where(log_subtree.c.level == level - 1)
    found = [bytes(value) for value in connection.scalars(query.where(place >= start, place < start + count).order_by(place))]
    assert len(found) == count, "the log's stored tree has a hole"
    return found


def _layers(hashes: list[bytes]) -> list[Sequence[bytes]]:
    return list(merkle.layers(hashes))
