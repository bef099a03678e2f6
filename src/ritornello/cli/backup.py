"""`ritornello backup`: a copy of the home."""

from pathlib import Path

import click

from ritornello.cli.frame import NEW, Frame, pass_frame
from ritornello.service.backup import back_up
from ritornello.wiring import Home


@click.command()
@click.argument("folder", type=NEW)
@pass_frame
def backup(frame: Frame, folder: Path) -> None:
    """Copy the home into FOLDER, a new one or an earlier backup of it, while others work. The copy is a home itself."""
    home = Home(frame.home, frame.database, data_key=frame.data_key)
    try:
        with home.context(frame.tell, read_only=True) as context:
            done = back_up(context, folder)
    finally:
        home.close()
    frame.clear()
    shown = {"folder": str(done.folder), "files_copied": done.files_copied, "files_there": done.files_there, "database": done.database}
    text = f"{done.folder} is a copy of {frame.home}: {done.files_copied:,} files copied, {done.files_there:,} were there."
    text += "\nKeep it where only you can read it: it holds the log's key."
    if not done.database:
        text += "\nThe database is not in it: copy that with the server's own tools (pg_dump), and before this command."
    frame.show(shown, text)
