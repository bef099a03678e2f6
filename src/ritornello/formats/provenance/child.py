"""Run as a program by reading.py: reads one file's Content Credentials under limits of memory, time and writing, and prints them as JSON.

A hostile file of 66 kB was seen to make the parser take 1.6 GB; where it goes beyond the limit, this process dies and nothing else.
"""

import json
import sys
from pathlib import Path

MEMORY_BYTES = 1 << 30  # and as much as the file holds: the library reads it whole
CPU_SECONDS = 30  # and one more for each 16 MiB


def main() -> None:
    """Reads `{"path", "anchors"}` from standard input."""
    asked = json.load(sys.stdin)
    path = Path(asked["path"])
    limit(path.stat().st_size)
    from ritornello.formats.provenance import library

    json.dump(library.read(path, asked["anchors"].encode()), sys.stdout)


def limit(size_bytes: int) -> None:
    """Bind this process; on systems without such limits, the parent's time limit is what remains."""
    try:
        import resource
    except ImportError:
        return
    memory, seconds = MEMORY_BYTES + 2 * size_bytes, CPU_SECONDS + (size_bytes >> 24)
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    main()
