"""Measure the transparency log: appending, rooting and proving, side by side with pymerkle's SQLite tree in one run.

    python3 -m benchmarks.log [--entries 1000000] [--proofs 1000] [--singles 1000] [--folder FOLDER]

Both write the same entries to SQLite on the same disk, with commits that are durable (ours in WAL mode, theirs in the journal mode it
chooses), and make proofs of the same random positions from a
freshly opened log; roots are compared, and each proof is verified outside the measured time. Proof sizes are of compact JSON without
the entry. Ours reads the entry too and checks each proof before it hands it out. Without pymerkle (pip install pymerkle), only ours is measured.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ritornello.domain import merkle
from ritornello.store import log
from ritornello.store.database import open_engine, transaction, upgrade

BATCH = 50_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--proofs", type=int, default=1_000)
    parser.add_argument("--singles", type=int, default=1_000)
    parser.add_argument("--folder", type=Path, help="Where to write the databases. Default: a temporary folder.")
    arguments = parser.parse_args()
    places = random.Random(1).sample(range(arguments.entries), min(arguments.proofs, arguments.entries))
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        ours = measure_ours(Path(folder) / "ours.db", arguments.entries, places, arguments.singles)
        try:
            from pymerkle import SqliteTree
        except ImportError:
            print("pymerkle is not installed: no comparison (pip install pymerkle)")
            theirs = None
        else:
            theirs = measure_pymerkle(SqliteTree, Path(folder) / "theirs.db", arguments.entries, places, arguments.singles)
    if theirs is not None:
        assert ours.pop("root") == theirs.pop("root"), "the two roots differ"
    report(ours, theirs)


def make_entry(number: int) -> bytes:
    """As long as a real one."""
    return f'{{"at_us":{1_790_000_000_000_000 + number},"hash":"{number:064x}","id":"settlement-{number}","kind":"period/claims.jsonl"}}'.encode()


def measure_ours(path: Path, entries: int, places: list[int], singles: int) -> dict[str, Any]:
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)

    def append_all() -> None:
        with transaction(engine) as connection:
            for batch in _batches(entries):
                log.append_entries(connection, batch)

    def append_singly() -> None:
        for number in range(entries, entries + singles):
            with transaction(engine) as connection:
                log.append_entries(connection, [make_entry(number)])

    def find_root() -> bytes:
        with transaction(engine) as connection:
            return log.read_tree(connection).root()

    def prove() -> list[log.Proof]:
        with transaction(engine) as connection:
            tree = log.read_tree(connection)
            return [log.prove(tree, dict(log.read_entries(connection, place, 1)))[0] for place in places]

    result: dict[str, Any] = {"bulk append, entries/s": entries / _time(append_all)[0]}
    result["root, ms"] = 1000 * (found := _time(find_root))[0]
    root = result["root"] = found[1]
    seconds, proofs = _time(prove)
    for proof in proofs:
        hashes = [bytes.fromhex(each) for each in proof.hashes]
        assert merkle.verify_inclusion(merkle.leaf_hash(make_entry(proof.index)), proof.index, entries, hashes, root)
    result["proof, ms each"] = 1000 * seconds / len(places)
    shown = [{"hashes": each.hashes, "index": each.index, "tree_size": each.tree_size} for each in proofs]
    result["proof, bytes"] = sum(len(json.dumps(each, separators=(",", ":"))) for each in shown) / len(shown)
    result["single append, entries/s"] = singles / _time(append_singly)[0]
    engine.dispose()
    result["database, MB"] = path.stat().st_size / 1e6
    return result


def measure_pymerkle(tree_class: Callable[[str], Any], path: Path, entries: int, places: list[int], singles: int) -> dict[str, Any]:
    from pymerkle import verify_inclusion

    tree = tree_class(str(path))
    result: dict[str, Any] = {
        "bulk append, entries/s": entries / _time(lambda: tree.append_entries(make_entry(i) for i in range(entries)))[0]
    }
    tree.close()
    tree = tree_class(str(path))
    result["root, ms"] = 1000 * (found := _time(tree.get_root))[0]
    root = result["root"] = found[1]
    tree.close()
    tree = tree_class(str(path))
    seconds, proofs = _time(lambda: [tree.prove_inclusion(place + 1) for place in places])
    for place, proof in zip(places, proofs, strict=True):
        verify_inclusion(tree.get_leaf(place + 1), root, proof)
    result["proof, ms each"] = 1000 * seconds / len(places)
    result["proof, bytes"] = sum(len(json.dumps(each.serialize(), separators=(",", ":"))) for each in proofs) / len(proofs)
    result["single append, entries/s"] = (
        singles / _time(lambda: [tree.append_entry(make_entry(i)) for i in range(entries, entries + singles)])[0]
    )
    tree.close()
    result["database, MB"] = path.stat().st_size / 1e6
    return result


def report(ours: dict[str, Any], theirs: dict[str, Any] | None) -> None:
    print(f"{'':28}{'ritornello':>14}{'pymerkle':>14}{'ours/theirs':>14}")
    for name, value in ours.items():
        if name != "root":
            other = f"{theirs[name]:>14,.3f}{value / theirs[name]:>14.4f}" if theirs else f"{'-':>14}{'-':>14}"
            print(f"{name:28}{value:>14,.3f}{other}")


def _batches(entries: int) -> Iterator[list[bytes]]:
    for start in range(0, entries, BATCH):
        yield [make_entry(number) for number in range(start, min(start + BATCH, entries))]


def _time(action: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = action()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    main()
