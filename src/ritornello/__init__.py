"""Ritornello: the open meter and ledger for music used in AI.

`ritornello.record` records the training of a PyTorch model (docs/influence.md); it is loaded only when it is asked for, since torch is an extra.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "record":
        return import_module("ritornello.recording").record
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
