"""The terms that snapshots and consents name by hash: programme.toml, and the files under terms/ (period-folder.md)."""

from collections.abc import Set
from dataclasses import dataclass

from ritornello_verify.bundle import TERMS_FORM, Bundle
from ritornello_verify.canonical import DOCUMENT_LIMIT
from ritornello_verify.period import Period
from ritornello_verify.programme import Programme, read_programme
from ritornello_verify.report import Malformed, Step, show


@dataclass(frozen=True, slots=True)
class Terms:
    """Programmes by the hash of their files; `current` is that of programme.toml, `paths` are the other files listed, readable or not."""

    current: str
    programmes: dict[str, Programme]
    paths: dict[str, str]

    def find_wrong(self, sha256: str, programme_id: str) -> str | None:
        """What is wrong with a row's terms; those that are there and cannot be read are wrong already."""
        if sha256 not in self.programmes:
            return None if sha256 in self.paths else f"its terms are not in the bundle: period/terms/{sha256}.toml is missing"
        found = self.programmes[sha256].programme_id
        return None if found == programme_id else f"programme_id is {show(programme_id)}, its terms are of {show(found)}"

    def refuse_unnamed(self, named: Set[str], step: Step) -> None:
        for sha256, path in self.paths.items():
            if sha256 not in named or sha256 == self.current:
                step.fail(path, "is named by no snapshot and no consent, or is programme.toml once more")


def load_terms(bundle: Bundle, period: Period, step: Step) -> Terms:
    """Read every listed file of terms; one that is not what its name says or cannot be read is the step's problem."""
    current = period.header.programme_sha256
    terms = Terms(current, {current: period.programme}, {})
    for path in bundle.entries:
        match = TERMS_FORM.fullmatch(path)
        if match is None:
            continue
        terms.paths[match[1]] = path
        step.count("files of other terms read")
        try:
            if bundle.hashes.get(path) != match[1]:
                raise Malformed(path, f"is named by a hash that is not its own, {bundle.hashes.get(path)}")
            terms.programmes.setdefault(match[1], read_terms(bundle, path))
        except Malformed as error:
            step.add(error.problem)
    return terms


def read_terms(bundle: Bundle, path: str) -> Programme:
    try:
        return read_programme(bundle.folder.read(path, DOCUMENT_LIMIT))
    except Malformed as error:
        raise Malformed(path, error.problem.message) from None
