"""`ritornello audit`."""

import os
from datetime import date
from pathlib import Path
from typing import Any

import click

from ritornello.cli.frame import Day, Frame, Size, pass_frame

STATES = {
    "licensed": "licensed",
    "agreed": "agreed, but in no snapshot",
    "withdrawn": "consent withdrawn",
    "held": "on hold",
    "no_consent": "no consent on record",
}
SHOWN_ASSETS = 40


@click.command()
@click.argument("place", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the result; an audit that was interrupted goes on in it.",
)
@click.option("--day", type=Day(), help="The day on which consent is looked up. Default: today.")
@click.option("--licensee", help="Who trains on it: only programmes with this licensee count. Default: all, each named.")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes that listen. Default: one for each core.")
@click.option(
    "--false-match",
    type=click.FloatRange(1e-9, 0.1),
    default=1e-4,
    show_default=True,
    help="Probability of a false match that one file may have.",
)
@click.option("--item-limit", type=Size(), default="2GB", show_default=True, help="Largest item of an archive that is read.")
@click.option(
    "--packs", is_flag=True, help="Also write, for each party with a claim on what is inside, a page with their passages to listen to."
)
@pass_frame
def audit(
    frame: Frame,
    place: Path,
    out: Path,
    day: date | None,
    licensee: str | None,
    workers: int | None,
    false_match: float,
    item_limit: int,
    packs: bool,
) -> None:
    """Which recordings of the catalogue are inside PLACE, in which passages, and what the consent was.

    PLACE is a folder, a tar (also .gz, .bz2, .xz), ZIP or Parquet file, one sound, or a list of SHA-256 hashes and ISRCs (.csv, .tsv, .txt, .jsonl).
    """
    from ritornello.service.extraction import packs as evidence  # here, since their libraries take a while to import
    from ritornello.service.extraction import report

    wish = report.Wish(place, out, day, licensee, workers or os.cpu_count() or 1, item_limit, round(false_match * 1e9))
    with frame.context() as context:
        plan = report.plan(context, wish)
    report.listen(plan, frame.tell)
    frame.clear()
    with frame.context() as context:
        outcome = report.conclude(context, plan)
        gathered = evidence.gather(context, plan, outcome) if packs else None
    parties = evidence.write(gathered, frame.tell) if gathered else []
    frame.clear()
    rows = [one.as_row() for one in outcome.matched.values()]
    frame.show(
        {"folder": str(out), "sha256": outcome.sha256, **outcome.document, "assets": rows, "packs": parties},
        _tell(out, outcome.document, rows, outcome.refused, parties),
    )


def _tell(out: Path, document: Any, rows: list[dict[str, Any]], refused: list[tuple[str, str]], parties: list[str]) -> str:
    counts = document["counts"]
    many = counts.get("items", 0)
    text = [
        f"{many:,} items: {counts.get('same_file', 0):,} are files of the catalogue, {counts.get('heard', 0):,} listened to, {counts.get('heard_in_part', 0):,} in part, "
        f"{counts.get('refused', 0):,} refused, {counts.get('not_sound', 0):,} no sound; {counts.get('heard_ms', 0) / 3_600_000:,.1f} hours heard"
        if many or "lines" not in counts
        else f"{counts['lines']:,} lines with hashes or ISRCs, {counts.get('refused', 0):,} with neither; nobody listened",
        f"{counts['recordings']:,} recordings of the catalogue are inside ({counts['assets']:,} files, {counts['matches']:,} passages)",
    ]
    for state, words in STATES.items():
        if counts.get(f"assets_{state}"):
            text.append(f"  {words}: {counts[f'assets_{state}']:,} files")
    shown = sorted(rows, key=lambda row: (-list(STATES).index(row["consent"]), row["recording_id"], row["asset_id"]))
    for row in shown[:SHOWN_ASSETS]:
        text.append(f"{row['recording_id']:<24} in {row['items']:,} items  {row['says']}")
    if len(shown) > SHOWN_ASSETS:
        text.append(f"… and {len(shown) - SHOWN_ASSETS:,} more: see assets.jsonl")
    text += [f"refused: {name}: {why}" for name, why in refused]
    if counts.get("refused", 0) > len(refused):
        text.append(f"… and {counts['refused'] - len(refused):,} more: see items.jsonl")
    text.append(f"{out}: audit.json (logged as {document['format']}), items.jsonl, matches.jsonl, assets.jsonl")
    if parties:
        text.append(f"{out / 'packs'}: evidence for {', '.join(parties[:SHOWN_ASSETS])}{' …' if len(parties) > SHOWN_ASSETS else ''}")
    text.append("It does not show that a model was trained on it; what it shows and what not stands in audit.json.")
    return "\n".join(text)
