"""`ritornello catalogue preview …`: what an import would do, before it does it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ritornello.cli.frame import FILE, FOLDER, NEW, Frame, pass_frame
from ritornello.domain.errors import BadInput
from ritornello.formats.canonical import write_atomically
from ritornello.formats.mapping_toml import read_mapping, write_mapping
from ritornello.service import registry
from ritornello.service.mapped_imports import Reading, read_files

SHOWN_CHANGES, SHOWN_NEW, SHOWN_NOTES = 60, 3, 40


@click.command()
@click.argument("files", type=FILE, nargs=-1, required=True)
@click.option("--mapping", type=FILE, help="What the columns mean. Without it, a mapping is proposed.")
@click.option("--audio", type=FOLDER, help="Folder that the files' names of audio files speak of.")
@click.option("--sheet", help="Which sheet of an Excel workbook, where several have rows.")
@click.option("--write-mapping", "target", type=NEW, help="Write the proposed mapping of one FILE here, to be read and corrected.")
@pass_frame
def preview(
    frame: Frame, files: tuple[Path, ...], mapping: Path | None, audio: Path | None, sheet: str | None, target: Path | None
) -> None:
    """Show what importing FILES would create and change, and every problem, writing nothing to the catalogue.

    FILES may have our columns (docs/formats/spreadsheets.md) or anybody's (docs/formats/mapping.md).
    """
    if target and (mapping or len(files) != 1):
        raise click.UsageError("--write-mapping goes with one FILE and without --mapping")
    if sheet and mapping:
        raise click.UsageError("with --mapping, the sheet stands in it")
    given = read_mapping(mapping) if mapping else None
    with frame.context() as context:
        sources, readings = read_files(context, files, given, audio, sheet)
        found = registry.preview_catalogue(context, sources)
    if target:
        _write(readings[0], target)
    text = [line for reading in readings for line in _tell_reading(reading, proposed=given is None)]
    show_preview(frame, found, text, {"files": [_row(reading) for reading in readings]})


def show_preview(frame: Frame, found: registry.Preview, before: Iterable[str], more: dict[str, Any]) -> None:
    """The preview for people or programs; leaves with exit code 1 when there are problems."""
    if frame.as_json:
        changes = [
            {
                "kind": one.kind,
                "name": one.name,
                "new": one.new,
                "fields": {name: [_plain(value) for value in pair] for name, pair in one.fields.items()},
            }
            for one in found.changes
        ]
        problems = [problem.as_dict() for problem in found.problems]
        frame.show({**more, "changes": changes, "unchanged": dict(found.unchanged), "notes": list(found.notes), "problems": problems}, "")
        if problems:
            raise click.exceptions.Exit(1)
        return
    frame.show({}, "\n".join([*before, *tell_changes(found.changes, found.unchanged), *tell_notes(found.notes)]))
    if found.problems:
        raise BadInput(found.problems)


def tell_notes(notes: Sequence[str]) -> list[str]:
    """The first of them: a large catalogue has thousands of gaps."""
    more = [f"… and {len(notes) - SHOWN_NOTES:,} more notes (all of them: --json)"] if len(notes) > SHOWN_NOTES else []
    return [*(f"note: {note}" for note in notes[:SHOWN_NOTES]), *more]


def tell_changes(changes: Sequence[registry.Change], unchanged: Any) -> list[str]:
    new, changed = (Counter(change.kind for change in changes if change.new is state) for state in (True, False))
    lines = []
    for label, counts in (("would be new", new), ("would change", changed), ("as they are", Counter(dict(unchanged)))):
        lines.append(f"{label}: {', '.join(f'{number:,} {_plural(kind, number)}' for kind, number in sorted(counts.items())) or 'nothing'}")
    altered = [change for change in changes if not change.new]
    for change in altered[:SHOWN_CHANGES]:
        fields = "; ".join(f"{name} {_value(old)} → {_value(value)}" for name, (old, value) in change.fields.items())
        lines.append(f"  {change.kind} {change.name}: {fields}")
    if len(altered) > SHOWN_CHANGES:
        lines.append(f"  … and {len(altered) - SHOWN_CHANGES:,} more changes (all of them: --json)")
    for kind in sorted(new):
        names = [change.name for change in changes if change.new and change.kind == kind]
        lines.append(f"  new {kind}: {', '.join(names[:SHOWN_NEW])}{' …' if len(names) > SHOWN_NEW else ''}")
    return lines


def _plural(kind: str, number: int) -> str:
    return kind if number == 1 else {"party": "parties"}.get(kind, f"{kind}s")


def _plain(value: Any) -> Any:
    """For JSON: the tracks of a release as objects."""
    return [asdict(one) for one in value] if isinstance(value, tuple) else value


def _value(value: Any) -> str:
    if isinstance(value, tuple) and value:
        return f"{len(value)} tracks"
    return "nothing" if value in (None, "", ()) else repr(value) if isinstance(value, str) else str(value)


def _tell_reading(reading: Reading, proposed: bool) -> list[str]:
    lines = [f"{reading.path.name}: {reading.form or 'can not be read'}" + (f", {reading.own}.csv in our columns" if reading.own else "")]
    mapped = reading.mapped
    if mapped is None or reading.mapping is None:
        return lines
    if proposed and reading.mapping.sections:
        lines += [
            "  proposed mapping (check it; --write-mapping FILE writes it):",
            *(f"    {line}" for line in write_mapping(reading.mapping).splitlines()),
        ]
    if mapped.untaken:
        lines.append(f"  not taken: {', '.join(mapped.untaken)}")
    for repair in mapped.repairs.values():
        times = f"{repair.times:,} times, such as " if repair.times > 1 else ""
        lines.append(f"  repaired, {repair.column}: {repair.reason}; {times}row {repair.row}: {repair.before!r} → {repair.after!r}")
    if mapped.repeated:
        lines.append(f"  {mapped.repeated:,} rows say again what a row before has said")
    return lines


def _row(reading: Reading) -> dict[str, Any]:
    mapped = reading.mapped
    return {
        "file": reading.path.name,
        "form": reading.form,
        "table": reading.own,
        "mapping": write_mapping(reading.mapping) if reading.mapping and reading.mapping.sections else None,
        "not_taken": mapped.untaken if mapped else [],
        "repairs": [asdict(repair) for repair in mapped.repairs.values()] if mapped else [],
        "repeated": mapped.repeated if mapped else 0,
    }


def _write(reading: Reading, path: Path) -> None:
    if reading.mapping is None or not reading.mapping.sections:
        raise click.UsageError(f"{reading.path.name} needs no mapping, or none can be proposed")
    write_atomically(path, write_mapping(reading.mapping).encode())
