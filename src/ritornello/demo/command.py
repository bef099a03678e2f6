"""`ritornello demo`."""

from pathlib import Path

import click

from ritornello.settings import read_settings


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path("demo-run"))
@click.option("--portable", is_flag=True, help="Use the portable catalogue even where real music can be fetched.")
def demo(folder: Path, portable: bool) -> None:
    """Run the whole loop on real music, in FOLDER (default: demo-run)."""
    from ritornello.demo.story import run_demo  # here, since its libraries take a while to import

    run_demo(folder.resolve(), read_settings().cache.resolve(), portable=portable)
