"""Whether a file says that AI made it: found in its bytes, without any library, in one pass. A flag to look closer at, no proof: nothing is validated.

The IPTC term stands as plain text both in C2PA manifests (CBOR) and in XMP; a manifest that is compressed shows only that it is there.
"""

from pathlib import Path

STORE = b"jumdc2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71"  # C2PA 2.4, section 11.1.4.2: description and type of a manifest store
TERMS = {
    "trainedAlgorithmicMedia": b"digitalsourcetype/trainedAlgorithmicMedia",
    "compositeWithTrainedAlgorithmicMedia": b"digitalsourcetype/compositeWithTrainedAlgorithmicMedia",
}
UNSTATED = "C2PA manifest"  # there is one, and it doesn't openly say either
BLOCK_BYTES = 1 << 20
_NEEDLES = {**TERMS, UNSTATED: STORE}
_OVERLAP = max(map(len, _NEEDLES.values())) - 1


def find_marker(path: Path) -> str | None:
    """The IPTC term that the file carries (a wholly generated one first), `UNSTATED`, or None. Raises OSError."""
    found, tail = set[str](), b""
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            window = tail + block
            found |= {name for name, needle in _NEEDLES.items() if needle in window}
            tail = window[-_OVERLAP:]
    return next((name for name in _NEEDLES if name in found), None)
