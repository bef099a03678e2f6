"""`python3 dev.py bench NAME …`: runs one benchmark; without a name, lists them."""

import runpy
import sys
from pathlib import Path


def main() -> int:
    here = Path(__file__).parent
    names = sorted([path.stem for path in here.glob("[a-z]*.py")] + [path.parent.name for path in here.glob("[a-z]*/__main__.py")])
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        print("benchmarks:", *names, sep="\n  ")
        return 0 if len(sys.argv) < 2 else 2
    name = sys.argv.pop(1)
    runpy.run_module(f"benchmarks.{name}", run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
