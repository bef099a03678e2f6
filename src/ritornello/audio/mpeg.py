"""Walking the frames of an MPEG audio stream (ISO/IEC 11172-3 and 13818-3, Layer III).

MP3 has no container, so nothing states how long a stream should be, unless its encoder left a Xing header. What can be
found out is whether the last frame is whole and whether there are as many frames as that header counted. A stream
cut exactly between two frames, without such a header, cannot be told from a whole one.
"""

from typing import BinaryIO

from ritornello.audio.trouble import UnreadableAudio

COPY_AGAIN = "Copy the file again from its source, or export it again."
FRAMES_LIMIT = 4_000_000  # 24 hours of the shortest common frames
KBIT_V1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
KBIT_V2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
RATES_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def looks_like_mpeg(file: BinaryIO) -> bool:
    """Whether two Layer III frames, or one that ends the file, follow each other at the start (behind any ID3 tag)."""
    start = skip_tag(file)
    first = _read_frame_bytes(file, start)
    if first is None:
        return False
    file.seek(start + first)
    return len(file.read(4)) < 4 or _read_frame_bytes(file, start + first) is not None


def check_mpeg(file: BinaryIO, size_bytes: int) -> None:
    """Raise `UnreadableAudio` where the last frame is cut or frames are missing that the Xing header counted."""
    position = skip_tag(file)
    promised = _read_promised_frames(file, position)
    frames = 0
    while frames < FRAMES_LIMIT:
        frame_bytes = _read_frame_bytes(file, position)
        if frame_bytes is None:
            break  # a tag behind the sound, or the end
        if position + frame_bytes > size_bytes:
            raise UnreadableAudio("The MP3 file is cut off within a frame.", COPY_AGAIN)
        position += frame_bytes
        frames += 1
    # The frame with the header is not counted by every encoder.
    if promised is not None and frames < promised:
        raise UnreadableAudio(f"The MP3 header counts {promised} frames, the file holds {frames}.", COPY_AGAIN)


def skip_tag(file: BinaryIO) -> int:
    """Position behind an ID3v2 tag (its length is written in four bytes of seven bits)."""
    file.seek(0)
    head = file.read(10)
    if head[:3] != b"ID3" or len(head) < 10:
        return 0
    length = 0
    for byte in head[6:10]:
        length = length << 7 | byte & 0x7F
    return 10 + length


def _read_frame_bytes(file: BinaryIO, position: int) -> int | None:
    """Length of the frame whose header lies at `position`; None where no Layer III header lies there."""
    file.seek(position)
    head = file.read(4)
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    rate_index, kbit_index = head[2] >> 2 & 3, head[2] >> 4
    if version == 1 or layer != 1 or rate_index == 3 or kbit_index in (0, 15):
        return None
    kbit = (KBIT_V1 if version == 3 else KBIT_V2)[kbit_index]
    return (144 if version == 3 else 72) * kbit * 1000 // RATES_HZ[version][rate_index] + (head[2] >> 1 & 1)


def _read_promised_frames(file: BinaryIO, position: int) -> int | None:
    """The count of frames in a Xing or Info header, if the first frame carries one."""
    file.seek(position)
    frame = file.read(200)
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if at < 0 or len(frame) < at + 12 or not frame[at + 7] & 1:
        return None
    return int.from_bytes(frame[at + 8 : at + 12], "big")
