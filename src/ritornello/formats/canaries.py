"""Scores that a tester measured of canaries, what a canary's commitment is made of, and the record of a test (docs/canaries.md)."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ritornello.domain.errors import BadInput, Problem, raise_if_any
from ritornello.formats.canonical import encode
from ritornello.formats.sheet import check_unique, read_sheet

TEST_FORMAT = "ritornello-canary-test-1"
SHOWS = (
    "Roles were drawn by lot and committed to the log before the test. If the model never read the used canaries, scores as far apart as these come up "
    "with no more than the stated probability."
)
DOES_NOT_SHOW = (
    "Which recordings a model was trained on: it speaks of the canaries, and through them of the place where they lay.",
    "By which way they came there: whoever else had the used canaries may have passed them on.",
    "That a model did not read them: a test without an alarm may only be too weak.",
    "Anything at all when somebody who knew the roles chose which scores to report, or tested until it alarmed: test once, all canaries, and report every test.",
)


def commit(canary_id: str, sha256: str, used: int, salt: str) -> str:
    """The commitment to a canary: SHA-256 over the canonical JSON of its id, file hash, role and salt (256 random bits): hidden until it is opened."""
    return hashlib.sha256(encode({"canary_id": canary_id, "salt": salt, "sha256": sha256, "used": used})).hexdigest()


def read_scores(path: Path, expected: Mapping[str, int]) -> tuple[dict[str, float], int]:
    """Canary → score, and the batch; `expected` is canary → batch of all registered ones.

    Raises BadInput with every problem: one that is unknown, missing, twice or no number, or several batches.
    """
    sheet = read_sheet(path, ["canary_id", "score"])
    scores: dict[str, float] = {}
    seen = []
    for cells in sheet.rows:
        name, score = cells.required("canary_id", str), cells.required("score", _parse_score)
        seen.append((cells.number, name))
        if name is not None and name not in expected:
            cells.problem("canary_id", f"there is no canary {name!r}", "see `ritornello canary list`")
        elif name is not None and score is not None:
            scores[name] = score
    check_unique(sheet, "canary_id", seen)
    batches = sorted({expected[name] for _, name in seen if name is not None and name in expected})
    if len(batches) > 1:
        sheet.problem(
            None, "canary_id", f"are of the batches {', '.join(map(str, batches))}", "test one batch at a time: each was drawn by itself"
        )
    elif batches:
        listed = {name for _, name in seen}
        for name in sorted(name for name, batch in expected.items() if batch == batches[0] and name not in listed):
            sheet.problem(
                None,
                "canary_id",
                f"{name} has no score",
                "measure every canary of the batch, used and unused: leaving some out makes the p-value worthless",
            )
    raise_if_any(sheet.problems)
    if not batches:
        raise BadInput([Problem(path.name, None, None, "has no rows", "give each canary of a batch a score")])
    return scores, batches[0]


def describe_test(rows: Sequence[Mapping[str, Any]], result: Mapping[str, Any], log: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a test: every canary opened, its score, the result, and the log's proofs of the commitments."""
    return {
        "format": TEST_FORMAT,
        "canaries": [dict(row) for row in rows],
        "result": dict(result),
        "log": dict(log),
        "shows": SHOWS,
        "does_not_show": list(DOES_NOT_SHOW),
    }


def _parse_score(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is no number written like -1.25e-3")
    return value
