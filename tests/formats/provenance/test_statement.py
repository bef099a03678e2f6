"""A statement proves what it says, offline: any part of it that is changed is noticed, and rubbish of any shape is refused without a fault."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from ritornello.formats.provenance.statement import check_statement

Run = Callable[..., str]


@pytest.fixture
def made(trained: Path) -> tuple[dict[str, Any], str]:
    """A statement about an output of the small world, and the log's key."""
    from ritornello.service.output_statement import Statements
    from ritornello.service.renditions import find_output
    from ritornello.wiring import open_context

    with open_context(trained, None, print) as context:
        statements = Statements(context)
        output = find_output(context, "o2")
        return json.loads(json.dumps(statements.make(output, output.sha256))), statements.vkey


def test_every_part_is_proved(made: tuple[dict[str, Any], str]) -> None:
    statement, vkey = made
    assert check_statement(statement, vkey) == check_statement(statement, None) == []
    zeros = "0" * 64

    def change(**parts: Any) -> list[str]:
        return check_statement({**statement, **parts}, vkey)

    assert "run m" in change(exposure_root=zeros)[0]
    assert "output o1" in change(output_id="o1")[0]
    assert "its two hashes deny" in change(source_sha256=zeros)[0]
    assert change(source_sha256=zeros, relation="encoded") == []  # the signer's word: nothing in the log could know
    assert "output o2" in change(registered_sha256=zeros, source_sha256=zeros)[0]
    assert "snapshot p-s1" in change(snapshots=[{**statement["snapshots"][0], "root": zeros}])[0]
    batch = statement["attribution"]
    assert "attribution m/2" in change(attribution={**batch, "batch": 2})[0]
    assert change(attribution={**batch, "unattributed_ppm": batch["unattributed_ppm"] + 1}) == [
        "the unattributed part is not a row of the attribution batch"
    ]
    assert "attribution m/1" in change(attribution={**batch, "root": zeros})[0]
    other = copy.deepcopy(statement)
    other["log"]["proofs"][0]["hashes"][0] = zeros
    assert "proof 1 doesn't lead" in check_statement(other, vkey)[0]
    other = copy.deepcopy(statement)
    origin, size, *rest = statement["log"]["checkpoint"].split("\n")
    other["log"]["checkpoint"] = "\n".join([origin, str(int(size) + 1), *rest])
    assert "signature" in check_statement(other, vkey)[0]
    assert check_statement(statement, "other.example/log+00000000+AQ==") != []


Rubbish = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def test_rubbish_of_any_shape_is_refused_without_a_fault(made: tuple[dict[str, Any], str]) -> None:
    statement, vkey = made
    paths = [(name,) for name in statement] + [
        ("log", "proofs"),
        ("log", "checkpoint"),
        ("log", "proofs", 0),
        ("log", "proofs", 0, "index"),
    ]
    paths += [("log", "proofs", 1, "entry"), ("log", "proofs", 0, "hashes"), ("attribution", "proof"), ("attribution", "proof", "rows")]
    paths += [
        ("attribution", "unattributed_ppm"),
        ("attribution", "root"),
        ("attribution", "batch"),
        ("snapshots", 0),
        ("snapshots", 0, "root"),
    ]
    silent = {("parents",), ("made_on",), ("weights_sha256",), ("attribution",)}  # nothing logged speaks of these

    @settings(max_examples=400, deadline=None)
    @given(some.sampled_from(paths), Rubbish)
    def check(path: tuple[Any, ...], rubbish: Any) -> None:
        value = copy.deepcopy(statement)
        place: Any = value
        for step in path[:-1]:
            place = place[step]
        unchanged = place[path[-1]] == rubbish
        place[path[-1]] = rubbish
        found = check_statement(value, vkey)
        assert found or unchanged or path in silent, (path, rubbish)

    check()
    for value in (None, [], 3, "x", {}, {"format": "ritornello-output-1"}):
        assert check_statement(value, None)
