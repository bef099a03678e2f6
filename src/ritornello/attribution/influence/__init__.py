"""Influence of training recordings on outputs, for whoever has the model: record training, `cache()` once, then `attribute()` (docs/influence.md).

Needs the extra `torch`, which is loaded only when something here is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ritornello.attribution.influence.attributing import Scores, attribute, attribute_each
    from ritornello.attribution.influence.caching import Cache, cache, open_cache
    from ritornello.attribution.influence.features import Settings
    from ritornello.attribution.influence.methods import METHODS, Method, Mix, with_damping
    from ritornello.attribution.influence.mixing import fit_mix
    from ritornello.attribution.influence.recording import Recording, open_recording
    from ritornello.attribution.influence.segments import Segment
    from ritornello.attribution.influence.truth import Truth, measure_lds
    from ritornello.attribution.influence.tuning import Trial, choose_settings

_HOMES = {
    "METHODS": "methods",
    "Cache": "caching",
    "Method": "methods",
    "Mix": "methods",
    "Recording": "recording",
    "Scores": "attributing",
    "Segment": "segments",
    "Settings": "features",
    "Trial": "tuning",
    "Truth": "truth",
    "attribute": "attributing",
    "attribute_each": "attributing",
    "cache": "caching",
    "choose_settings": "tuning",
    "fit_mix": "mixing",
    "measure_lds": "truth",
    "open_cache": "caching",
    "open_recording": "recording",
    "with_damping": "methods",
}

__all__ = [
    "METHODS",
    "Cache",
    "Method",
    "Mix",
    "Recording",
    "Scores",
    "Segment",
    "Settings",
    "Trial",
    "Truth",
    "attribute",
    "attribute_each",
    "cache",
    "choose_settings",
    "fit_mix",
    "measure_lds",
    "open_cache",
    "open_recording",
    "with_damping",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
