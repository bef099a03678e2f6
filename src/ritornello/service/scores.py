"""Influence scores of any method beside what is heard: read with the audit that says how far they may divide money, and blended into each output's weights."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ritornello.attribution.combine import Blend, blend
from ritornello.attribution.shares import Shares
from ritornello.domain.errors import BadInput, Problem
from ritornello.domain.money import apportion
from ritornello.domain.period import UNATTRIBUTED
from ritornello.domain.programme import WHOLE_PPM
from ritornello.formats.attribution_audit import Audit, read_audit
from ritornello.formats.attribution_scores import Scores, read_scores
from ritornello.formats.canonical import hash_file


@dataclass(slots=True)
class Influence:
    """Scores and their audit, and what their blends came to so far."""

    scores: Scores
    audit: Audit
    sha256: Mapping[str, str]
    _parts: Counter[str] = field(default_factory=Counter)
    _leak_ppm: list[int] = field(default_factory=list)

    def blend(self, output_id: str, heard: Shares, exposure: Mapping[str, int], clusters: Sequence[Sequence[str]]) -> Blend:
        """The shares of one output (docs/shares.md)."""
        found = blend(
            heard,
            self.scores.by_output[output_id],
            exposure,
            a_ppm=self.audit.fit.a_ppm,
            clusters=clusters,
            self_influence=self.scores.self_influence,
        )
        parts = {"evidence_ppm": found.evidence_ppm, "influence_ppm": found.influence_ppm, "exposure_ppm": found.exposure_ppm}
        self._parts.update({**parts, UNATTRIBUTED: found.weights[UNATTRIBUTED]})
        self._leak_ppm.append(found.leak_ppm)
        return found

    def describe(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The quality of a batch of evidence alone, `row`, as that of the blend: what its error is comes from the audit, unless a truth was given."""
        parts = apportion(WHOLE_PPM, self._parts)
        del parts[UNATTRIBUTED]
        report = self.audit.report
        errors = ("error_ppm", "error_low_ppm", "error_high_ppm", "aggregate_error_ppm")
        audited = {name: getattr(report, name) for name in errors} if row["error_ppm"] is None else {}
        return {
            **row,
            **audited,
            **parts,
            "method": f"{row['method']}+{self.scores.method}",
            "method_version": f"{row['method_version']}+{self.scores.method_version}",
            "noise_recording_ppm": report.noise_recording_ppm,
            "noise_catalogue_ppm": report.noise_catalogue_ppm,
            "influence_leak_ppm": sum(self._leak_ppm) // len(self._leak_ppm),
            "a_ppm": self.audit.fit.a_ppm,
            "audit": {"truth": self.audit.truth, "world": self.audit.world, **self.sha256},
        }


def read_influence(scores: Path, audit: Path, lane: str | None, outputs: Collection[str], recordings: Collection[str]) -> Influence:
    """Scores of exactly these outputs, with an audit of the same method and version. Raises BadInput with every problem of both files."""
    problems: list[Problem] = []
    found: dict[str, Any] = {}
    for name, read in (("audit", lambda: read_audit(audit)), ("scores", lambda: read_scores(scores, outputs, recordings, lane))):
        try:
            found[name] = read()
        except BadInput as error:
            problems += error.problems
    if len(found) == 2 and (theirs := (found["audit"].method, found["audit"].method_version)) != (
        ours := (found["scores"].method, found["scores"].method_version)
    ):
        what = f"is an audit of {' '.join(theirs)}, and the scores are of {' '.join(ours)}"
        problems.append(Problem(audit.name, None, "method", what, "give the audit of the method and version that made the scores"))
    if problems:
        raise BadInput(problems)
    return Influence(found["scores"], found["audit"], {"scores_sha256": hash_file(scores), "audit_sha256": hash_file(audit)})
