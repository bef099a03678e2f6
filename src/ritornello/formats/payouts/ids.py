"""Identifications in payout files, derived from our own so that a file written again is the same file, and answers find their payout."""

import base64
import hashlib
from uuid import UUID

PREFIX = "RTN"
_LENGTH = 29  # of at most 35 (Max35Text); 26 characters carry 130 bits


def end_to_end_id(payout_id: str) -> str:
    """EndToEndId of a payout: capital letters and digits 2–7. Its first 15 characters are used where there is no room for more."""
    return _derive("end-to-end", payout_id)


def message_id(batch_id: str) -> str:
    """MsgId of a file."""
    return _derive("message", batch_id)


def uetr(payout_id: str, batch_id: str) -> str:
    """Unique end-to-end transaction reference: a UUID in the form of version 4, derived from payout and file."""
    digest = hashlib.sha256(f"uetr\n{batch_id}\n{payout_id}".encode()).digest()
    return str(UUID(bytes=digest[:16], version=4))


def is_ours(text: str) -> bool:
    """Whether an identification in a bank's file can be one that `end_to_end_id` made, whole or its first 15 characters."""
    return text.startswith(PREFIX) and len(text) in {15, _LENGTH} and set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


def _derive(use: str, name: str) -> str:
    digest = hashlib.sha256(f"{use}\n{name}".encode()).digest()
    return PREFIX + base64.b32encode(digest).decode()[: _LENGTH - len(PREFIX)]
