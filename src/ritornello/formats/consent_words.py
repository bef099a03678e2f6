"""In plain words, what is missing for an asset to be used: for the command line and for pages."""

from collections.abc import Sequence

from ritornello.domain.consent import Missing
from ritornello.domain.splits import format_share

_REASONS = {
    "no_grant": "has not granted {purpose}",
    "withdrawn": "has withdrawn {purpose}",
    "other_terms": "granted {purpose} under other terms: the programme has changed since",
    "expired": "granted {purpose} for a term that is over",
    "elsewhere": "granted {purpose} for another territory",
    "no_mandate": "was represented by somebody without a mandate for {purpose} here",
    "hold": "has put a hold on it ({purpose})",
    "unclaimed": "nobody claims this lane",
    "gap": "{share} % of this lane is claimed by nobody",
    "overclaim": "this lane is claimed {share} % too much",
    "not_in_class": "granted {purpose} to a class that this programme doesn't fall under: {detail}",
}


def describe_missing(missing: Missing, purposes: Sequence[str]) -> str:
    """What a party, or a lane, lacks for these purposes: `has not granted ai_training`."""
    why = _REASONS[missing.reason].format(purpose=", ".join(purposes), share=format_share(missing.share_e8), detail=missing.detail)
    return f"{why} (class {missing.class_id})" if missing.class_id else why
