"""Canaries: marked files that are never released, half of them put where a model may read them, to test one that discloses nothing (docs/canaries.md)."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ritornello.attribution.rank_test import test_larger
from ritornello.audio.decode import UnreadableAudio, examine
from ritornello.domain.errors import Problem, Refused, raise_if_any
from ritornello.formats.canaries import commit, describe_test, read_scores
from ritornello.formats.canonical import encode_document, hash_file, write_atomically
from ritornello.service import log as logs
from ritornello.service.context import Context
from ritornello.store import catalogue
from ritornello.store.canaries import Canary, add_canaries, read_canaries, read_last_batch

LOG_KIND = "canary"
LEAST = 8  # files of a batch: with fewer, no result could be below 1 in 70


def register(context: Context, paths: Sequence[Path]) -> list[Canary]:
    """Register a batch: a random half of it (rounded down) is to be used, the rest are controls. Raises BadInput, or Refused when there are too few.

    The files stay where they are; the log gets one salted commitment each, which tells neither the file nor its role.
    """
    found = _examine(context, paths)
    if len(found) < LEAST:
        raise Refused(
            "too_few_canaries", f"{len(found)} files are a batch too small to show anything", f"register at least {LEAST}, better 40"
        )
    lots = sorted(found, key=lambda sha256: (context.random_bytes(32), sha256))
    used = frozenset(lots[: len(lots) // 2])
    known, now = read_canaries(context.connection), context.now_us()
    batch = read_last_batch(context.connection) + 1
    canaries = []
    for number, sha256 in enumerate(sorted(found), len(known) + 1):
        name, salt, role = f"c{number:06d}", context.random_bytes(32).hex(), int(sha256 in used)
        canaries.append(Canary(name, batch, sha256, str(found[sha256]), role, salt, commit(name, sha256, role, salt), now))
    add_canaries(context.connection, canaries)
    context.record_all(LOG_KIND, ((one.canary_id, one.commitment) for one in canaries))
    return canaries


def list_all(context: Context) -> list[Canary]:
    """All canaries with their roles: for the operator's eyes alone."""
    return read_canaries(context.connection)


def test(context: Context, path: Path, *, lower: bool, out: Path | None) -> dict[str, Any]:
    """Test one batch with scores that somebody measured on a model. `lower`: a model that has read a canary scores it lower, as with a loss.

    `out`: where to write the record of the test; it opens the commitments, so that these canaries are known from then on.
    """
    canaries = {one.canary_id: one for one in read_canaries(context.connection)}
    scores, batch = read_scores(path, {name: one.batch for name, one in canaries.items()})
    mine = [one for one in canaries.values() if one.batch == batch]
    assert all(one.commitment == commit(one.canary_id, one.sha256, one.used, one.salt) for one in mine), "a canary was changed"
    sign = -1.0 if lower else 1.0
    used, unused = ([sign * scores[one.canary_id] for one in mine if one.used == role] for role in (1, 0))
    found = test_larger(used, unused, seed=batch)
    result = {
        "batch": batch,
        "used": len(used),
        "unused": len(unused),
        "read_canaries_score": "lower" if lower else "higher",
        **asdict(found),
    }
    if out is not None:
        if out.exists():
            raise Refused("out_exists", f"{out} exists already", "choose a new file")
        rows = [
            {
                "canary_id": one.canary_id,
                "sha256": one.sha256,
                "used": one.used,
                "salt": one.salt,
                "commitment": one.commitment,
                "score": scores[one.canary_id],
                "proof": logs.prove_artefact(context, LOG_KIND, one.canary_id)[0],
            }
            for one in mine
        ]
        note, vkey = logs.checkpoint(context)
        write_atomically(out, encode_document(describe_test(rows, result, {"checkpoint": note, "vkey": vkey})))
    return result


def _examine(context: Context, paths: Sequence[Path]) -> dict[str, Path]:
    """SHA-256 → file, each a sound that is neither in the catalogue nor a canary yet."""
    released = {asset_id.removeprefix("sha256:") for asset_id in catalogue.read_assets(context.connection)}
    known = {one.sha256 for one in read_canaries(context.connection)}
    found: dict[str, Path] = {}
    problems = []
    for path in paths:
        try:
            examine(path)
        except UnreadableAudio as error:
            problems.append(Problem(path.name, None, None, error.what, error.todo))
            continue
        sha256 = hash_file(path)
        if sha256 in released:
            problems.append(
                Problem(
                    path.name,
                    None,
                    None,
                    "is in the catalogue",
                    "a canary is a file that nobody is ever given under another name: make one for this alone",
                )
            )
        elif sha256 in known or sha256 in found:
            problems.append(Problem(path.name, None, None, "is a canary already, or given twice", "give each file once"))
        else:
            found[sha256] = path.resolve()
    raise_if_any(problems)
    return found
