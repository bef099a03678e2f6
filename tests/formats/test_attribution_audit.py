"""The audit document: read back as written, and refused with every problem at once."""

import json
from pathlib import Path
from typing import Any

import pytest

from ritornello.domain.errors import BadInput
from ritornello.formats.attribution_audit import Audit, Fit, Report, read_audit, write_audit
from ritornello.formats.canonical import encode_document

AUDIT = Audit(
    "ek-fac",
    "1",
    "Shapley values",
    "a small model",
    Fit(64, 580_000, 520_000, 640_000),
    Report(64, 117_000, 104_000, 131_000, 41_000, 32, 130_000, None),
)


def write(folder: Path, document: Any) -> Path:
    path = folder / "audit.json"
    path.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
    return path


def test_there_and_back(tmp_path: Path) -> None:
    assert read_audit(write(tmp_path, encode_document(write_audit(AUDIT)))) == AUDIT


def test_all_problems_at_once(tmp_path: Path) -> None:
    document = write_audit(AUDIT)
    document |= {"method": " ", "mood": 1, "fit": {**document["fit"], "a_ppm": 1.5, "outputs": True, "b": 1}, "report": [1]}
    with pytest.raises(BadInput) as raised:
        read_audit(write(tmp_path, document))
    assert [problem.field for problem in raised.value.problems] == ["mood", "method", "fit.b", "fit.outputs", "fit.a_ppm", "report"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"format": "another"}', b"[" * 100_000, b" " * (1 << 21)])
def test_what_is_no_audit(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadInput, match="format"):
        read_audit(write(tmp_path, content))


def test_a_figure_outside_its_interval(tmp_path: Path) -> None:
    document = write_audit(AUDIT)
    document["fit"]["a_low_ppm"] = 600_000
    with pytest.raises(BadInput, match="interval"):
        read_audit(write(tmp_path, document))
