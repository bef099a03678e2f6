"""The program as it is started: all commands, the demo among them."""

from ritornello.cli import main as cli
from ritornello.demo.command import demo

cli.program.add_command(demo)


def main() -> None:
    """Run the command line."""
    cli.main()
