"""`ritornello catalogue …` and `ritornello programme …`."""

from dataclasses import asdict
from pathlib import Path

import click

from ritornello.cli.catalogue_ern import import_ern
from ritornello.cli.catalogue_preview import preview, tell_notes
from ritornello.cli.clones import compare_if_indexed, tell_new
from ritornello.cli.content_codes import iscc
from ritornello.cli.frame import FILE, FOLDER, NEW, Frame, pass_frame, seconds
from ritornello.cli.identity import fingerprint, identify
from ritornello.formats.mapping_toml import read_mapping
from ritornello.service import overview, programmes, registry
from ritornello.service.catalogue_exports import export_catalogue
from ritornello.service.catalogue_plan import Sources
from ritornello.service.mapped_imports import read_files
from ritornello.service.releases import find_release, list_releases


@click.group()
def catalogue() -> None:
    """Parties, recordings and claims."""


catalogue.add_command(preview)
catalogue.add_command(import_ern)
catalogue.add_command(iscc)
catalogue.add_command(fingerprint)
catalogue.add_command(identify)


@catalogue.command("import")
@click.argument("files", type=FILE, nargs=-1)
@click.option("--mapping", type=FILE, help="What the columns of FILES mean; `catalogue preview` writes one (docs/formats/mapping.md).")
@click.option("--parties", type=FILE, help="parties.csv")
@click.option("--recordings", type=FILE, help="recordings.csv; needs --audio")
@click.option("--audio", type=FOLDER, help="Folder that recordings.csv speaks of.")
@click.option("--releases", type=FILE, help="releases.csv")
@click.option("--contributions", type=FILE, help="contributions.csv")
@click.option("--claims", type=FILE, help="claims.csv")
@click.option(
    "--folder",
    type=FOLDER,
    help="Take parties.csv, recordings.csv, releases.csv, contributions.csv, claims.csv and audio/ from one folder.",
)
@pass_frame
def import_(
    frame: Frame,
    files: tuple[Path, ...],
    mapping: Path | None,
    parties: Path | None,
    recordings: Path | None,
    audio: Path | None,
    releases: Path | None,
    contributions: Path | None,
    claims: Path | None,
    folder: Path | None,
) -> None:
    """Import spreadsheets and the audio they name, all or nothing.

    In our own columns by the options below (docs/formats/spreadsheets.md); FILES in anybody's columns with --mapping.
    """
    if bool(files) != bool(mapping):
        raise click.UsageError("FILES and --mapping go together: `ritornello catalogue preview FILES --write-mapping m.toml` proposes one")

    def given(option: Path | None, name: str) -> Path | None:
        return option or (folder / name if folder and (folder / name).exists() else None)

    tables = {
        name: tuple(path for path in [given(option, f"{name}.csv")] if path)
        for name, option in (
            ("parties", parties),
            ("recordings", recordings),
            ("releases", releases),
            ("contributions", contributions),
            ("claims", claims),
        )
    }
    own = Sources(
        parties=tables["parties"],
        recordings=tables["recordings"],
        audio=given(audio, "audio"),
        releases=tables["releases"],
        contributions=tables["contributions"],
        claims=tables["claims"],
        files=tuple(path for found in tables.values() for path in found),
    )
    if bool(own) == bool(files):
        raise click.UsageError("name at least one spreadsheet, or --folder, or FILES with --mapping")
    with frame.context() as context:
        sources = read_files(context, files, read_mapping(mapping), given(audio, "audio"))[0] if mapping else own
        report = registry.import_catalogue(context, sources)
    text = (
        f"{report.parties} parties, {report.recordings} recordings ({report.assets} files), {report.releases} releases, {report.contributions} contributions; "
        f"claims: {report.claims_added} new, {report.claims_replaced} replaced, {report.claims_unchanged} as they were"
    )
    compared = compare_if_indexed(frame) if report.assets else None
    row = {**asdict(report), **({"clones": compared} if compared else {})}
    frame.show(row, "\n".join([text, *tell_notes(report.notes), *(tell_new(compared) if compared else [])]))


@catalogue.command()
@click.argument("recording_id", required=False)
@pass_frame
def show(frame: Frame, recording_id: str | None) -> None:
    """List recordings, or show one with its files, contributors and split sheets."""
    with frame.context() as context:
        if recording_id is None:
            rows = overview.list_recordings(context)
            text = "\n".join(
                f"{row['recording_id']:<24} {seconds(row['duration_ms']):>6}  {row['artist']} – {row['title']}" for row in rows
            )
            frame.show(rows, text or "no recordings yet: ritornello catalogue import")
        else:
            found = overview.describe_recording(context, recording_id)
            frame.show(found, overview.render_recording(found))


@catalogue.command()
@click.argument("release", required=False)
@pass_frame
def releases(frame: Frame, release: str | None) -> None:
    """List releases, or show one (by its identifier or barcode) with its tracks."""
    with frame.context() as context:
        found = list_releases(context) if release is None else [find_release(context, release)]
    text = []
    for one in found:
        text.append(f"{one.release_id}  {one.title}  barcode {one.barcode or 'none'}  {len(one.tracks)} tracks")
        text += [f"  {track.disc}-{track.track:<4} {track.recording_id}" for track in one.tracks] if release else []
    frame.show([asdict(one) for one in found], "\n".join(text) or "no releases yet: ritornello catalogue import --releases")


@catalogue.command()
@click.argument("folder", type=NEW)
@click.option("--audio", "with_audio", is_flag=True, help="Copy the audio too.")
@pass_frame
def export(frame: Frame, folder: Path, with_audio: bool) -> None:
    """Write the catalogue into a new FOLDER, in the columns that `catalogue import --folder` takes. Payout accounts are left out."""
    with frame.context() as context:
        rows = export_catalogue(context, folder, with_audio)
    frame.show(
        {"folder": str(folder), "rows": rows}, f"{folder}: " + ", ".join(f"{number:,} rows of {table}" for table, number in rows.items())
    )


@click.group()
def programme() -> None:
    """Terms between licensor and licensee."""


@programme.command()
@click.argument("file", type=FILE)
@pass_frame
def add(frame: Frame, file: Path) -> None:
    """Register a programme from TOML (docs/formats/programme.md)."""
    with frame.context() as context:
        found = programmes.register(context, file)
    frame.show(asdict(found), f"{found.programme_id} version {found.version}: terms {found.sha256}")


@programme.command()
@click.argument("file", type=FILE)
@pass_frame
def check(frame: Frame, file: Path) -> None:
    """Check a programme's file without registering it."""
    found, _ = programmes.read_file(file)
    frame.show(
        asdict(found),
        f"{file.name} is sound: {found.programme_id} version {found.version}, {len(found.incomes)} incomes, {len(found.lanes)} lanes",
    )
