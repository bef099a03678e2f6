"""`ritornello doctor`: what is missing here."""

import sys
from dataclasses import asdict, replace

import click

from ritornello.checkup import WRONG, look
from ritornello.cli.frame import REFUSED, Frame, pass_frame
from ritornello.settings import read_settings


@click.command()
@pass_frame
def doctor(frame: Frame) -> None:
    """Say what is missing or wrong with this home and installation, and what to do; exit code 3 when something is wrong."""
    found = look(replace(read_settings(), home=frame.home, database=frame.database, data_key=frame.data_key))
    frame.show([asdict(one) for one in found], "\n".join(f"{one.state:8}{one.what}{f' → {one.todo}' if one.todo else ''}" for one in found))
    if any(one.state == WRONG for one in found):
        sys.exit(REFUSED)
