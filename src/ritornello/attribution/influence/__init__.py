"""Influence of training recordings on outputs, for whoever has the model: record training, `cache()` once, then `attribute()` (docs/influence.md).

Needs the extra `torch`, which is loaded only when something here is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ritornello.attribution.influence.attributing import Scores, attribute, attribute_each
    from ritornello.attribution.influence.caching import Cache, cache, open_cache
    from ritornello.attribution.influence.features import Settings
    from ritornello.attribution.influence.methods import METHODS, Method, with_damping
    from ritornello.attribution.influence.recording import Recording, open_recording
    from ritornello.attribution.influence.segments import Segment

_HOMES = {
    "METHODS": "methods",
    "Cache": "caching",
    "Method": "methods",
    "Recording": "recording",
    "Scores": "attributing",
    "Segment": "segments",
    "Settings": "features",
    "attribute": "attributing",
    "attribute_each": "attributing",
    "cache": "caching",
    "open_cache": "caching",
    "open_recording": "recording",
    "with_damping": "methods",
}

__all__ = [
    "METHODS",
    "Cache",
    "Method",
    "Recording",
    "Scores",
    "Segment",
    "Settings",
    "attribute",
    "attribute_each",
    "cache",
    "open_cache",
    "open_recording",
    "with_damping",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
