"""`ritornello catalogue import-ern …`: messages of distributors and labels."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ritornello.cli.catalogue_preview import show_preview, tell_notes
from ritornello.cli.clones import compare_if_indexed, tell_new
from ritornello.cli.frame import FILE, Frame, pass_frame
from ritornello.service import ern_imports

SHOWN = 40


@click.command("import-ern")
@click.argument("place", metavar="FILE|FOLDER", type=click.Path(path_type=Path, exists=True, readable=True))
@click.option(
    "--schema", type=FILE, help="Your own copy of DDEX's schema: messages must be valid against it. Its imports are looked for beside it."
)
@click.option("--preview", is_flag=True, help="Show what would change, and what of the messages is not taken; write nothing.")
@pass_frame
def import_ern(frame: Frame, place: Path, schema: Path | None, preview: bool) -> None:
    """Import DDEX ERN 4.3 messages, all or nothing; audio that they name lies beside them (docs/formats/ern.md)."""
    if preview:
        with frame.context() as context:
            found, delivery = ern_imports.preview_ern(context, place, schema)
        show_preview(frame, found, _tell(delivery), _row(delivery))
        return
    with frame.context() as context:
        report, delivery = ern_imports.import_ern(context, place, schema)
    text = (
        f"{len(delivery.messages)} messages: {report.parties} parties, {report.recordings} recordings ({report.assets} files), {report.releases} releases, "
        f"{report.contributions} contributions; claims: {report.claims_added} new, {report.claims_replaced} replaced, {report.claims_unchanged} as they were"
    )
    compared = compare_if_indexed(frame) if report.assets else None
    row = {**asdict(report), **_row(delivery), **({"clones": compared} if compared else {})}
    frame.show(row, "\n".join([text, *_tell(delivery), *tell_notes(report.notes), *(tell_new(compared) if compared else [])]))


def _tell(delivery: ern_imports.Delivery) -> list[str]:
    lines = [f"{len(delivery.messages):,} messages of ERN {', '.join(sorted({one['version'] for one in delivery.messages})) or '–'}"]
    if delivery.strangers:
        lines.append(f"  {len(delivery.strangers)} other XML files are no ERN messages and were left out, such as {delivery.strangers[0]}")
    lines += _section("deals, in the messages' words", delivery.deals)
    lines += _section("what they say about AI (preferences of their senders: they ask for consent, and give none)", delivery.statements)
    lines += _section("of these deals our words can't hold", delivery.left_out)
    flags = Counter(one.contains_ai for _, one in delivery.declared if one.contains_ai)
    lines += _section(
        "recordings that contain AI, as declared", Counter({f"ContainsAI {value}": number for value, number in flags.items()})
    )
    return lines + _section("not taken", delivery.not_taken)


def _section(title: str, counts: Counter[str]) -> list[str]:
    if not counts:
        return []
    lines = [
        f"  {title}:",
        *(f"    {number:,} × {text}" for text, number in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]),
    ]
    return lines + ([f"    … and {len(counts) - SHOWN:,} more kinds (all of them: --json)"] if len(counts) > SHOWN else [])


def _row(delivery: ern_imports.Delivery) -> dict[str, Any]:
    return {
        "messages": delivery.messages,
        "other_files": delivery.strangers,
        "deals": dict(delivery.deals),
        "statements": dict(delivery.statements),
        "left_out": dict(delivery.left_out),
        "not_taken": dict(delivery.not_taken),
        "declared": [{"message_sha256": sha256, **asdict(one)} for sha256, one in delivery.declared],
    }
