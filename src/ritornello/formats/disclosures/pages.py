"""A disclosure for people: one self-contained page without scripts, and Markdown."""

import re
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ritornello.formats.disclosures.document import BOTH, PROVIDER, RECORDS, Disclosure, Grid, Item, hours, seconds
from ritornello.formats.disclosures.work_notice import describe_work

BASIS_WORDS: Mapping[str, str] = {
    RECORDS: "from the records",
    PROVIDER: "stated by the provider",
    BOTH: "from the records and stated by the provider",
}
_DIGEST = re.compile(r"(sha256:)?[0-9a-f]{64}")
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~])")


def render_page(disclosure: Disclosure) -> bytes:
    """HTML. Everything that somebody wrote is escaped; addresses that begin with http become links."""
    environment = Environment(
        loader=PackageLoader("ritornello.formats"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(basis=lambda basis: BASIS_WORDS[basis], hours=hours, seconds=seconds)
    environment.tests.update(
        grid=lambda answer: isinstance(answer, Grid),
        several=lambda answer: isinstance(answer, tuple),
        digest=lambda text: bool(_DIGEST.fullmatch(text)),
    )
    works = [(work["title"], work["id"], describe_work(work)) for work in disclosure.works]
    answered, not_applicable = disclosure.count()
    template = environment.get_template("disclosure.html")
    return template.render(d=disclosure, works=works, answered=answered, not_applicable=not_applicable).encode()


def render_markdown(disclosure: Disclosure) -> bytes:
    """CommonMark with tables. Everything that somebody wrote is escaped."""
    source = disclosure.source
    lines = [
        f"# {_plain(disclosure.title)}",
        "",
        f"{_plain(source.law)}, {_plain(source.section)}. Follows: {_plain(source.version)}.",
        "",
        f"About: {_plain(', '.join(disclosure.subject))}. Made on {disclosure.made_on}.",
        "",
        _plain(disclosure.summary),
    ]
    for section in disclosure.sections:
        lines += ["", f"## {section.number}. {_plain(section.title)}"]
        for item in section.items:
            lines += ["", f"**{_plain(item.number)} {_plain(item.asked)}**", "", *_answer(item)]
    if disclosure.works:
        lines += ["", "## Works"]
    for work in disclosure.works:
        lines += ["", f"### {_plain(work['title'])} ({_plain(work['id'])})", ""]
        lines += [f"- {label}: {_plain(text)}" for label, text in describe_work(work).items()]
    lines += ["", "## Figures", "", *_figures(disclosure.totals)]
    lines += ["", "## What this rests on", ""]
    lines += _table(
        ("Artefact", "Name", "Hash", "Entry of the log"), [(e.kind, e.id, e.hash, str(e.log_index)) for e in disclosure.evidence]
    )
    if disclosure.provider_sha256:
        lines += ["", f"The provider's statements are those of the file with the SHA-256 {disclosure.provider_sha256}."]
    if disclosure.files:
        lines += ["", "## Files", "", *_table(("File", "Hash"), [(file.path, file.hash) for file in disclosure.files])]
    return ("\n".join(lines) + "\n").encode()


def _answer(item: Item) -> list[str]:
    if item.reason:
        return [f"Not applicable: {_plain(item.reason)}."]
    assert item.answer is not None and item.basis is not None
    files = [f"*shown by: {_plain(', '.join(item.files))}*", ""] if item.files else []
    basis = [f"*{BASIS_WORDS[item.basis]}*"]
    if isinstance(item.answer, Grid):
        return [*_table(item.answer.columns, item.answer.rows), "", *files, *basis]
    if isinstance(item.answer, tuple):
        return [*(f"- {_plain(line)}" for line in item.answer), "", *files, *basis]
    return [_plain(item.answer), "", *files, *basis]


def _figures(totals: Mapping[str, Any]) -> list[str]:
    snapshots = [
        (row["snapshot_id"], f"{row['recordings']:,}", f"{row['assets']:,}", f"{seconds(row['duration_ms'])} s", f"{row['ended_assets']:,}")
        for row in totals["snapshots"]
    ]
    models = [
        (row["model_version"], "a parent" if row["inherited"] else "itself", f"{row['assets_read']:,}", f"{seconds(row['exposure_ms'])} s")
        for row in totals["models"]
    ]
    return [
        *_table(("Snapshot", "Recordings", "Files", "Length", "Files whose consent ended since"), snapshots),
        "",
        *_table(("Model version", "Which", "Files read", "Read over all passes"), models),
    ]


def _table(columns: Any, rows: Any) -> list[str]:
    heads = [f"| {' | '.join(_plain(column) for column in columns)} |", f"|{'---|' * len(columns)}"]
    return [*heads, *(f"| {' | '.join(_plain(cell) or ' ' for cell in row)} |" for row in rows)]


def _plain(text: str) -> str:
    """Text that stays text: one line, special characters escaped."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))
