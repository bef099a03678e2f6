"""Entry: `ritornello-verify`, `python -m ritornello_verify`, or this folder given to a bare Python."""

import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from ritornello_verify.command import run


def main() -> int:
    return run()


if __name__ == "__main__":
    raise SystemExit(main())
