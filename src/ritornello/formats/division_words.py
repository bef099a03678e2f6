"""In plain words, what divided a pool and why: for statements and explanations."""

_RULES = {
    "attribution": "heard in outputs",
    "user_centric": "heard in outputs, each user's money by that user's uses",
    "exposure": "used in training",
    "count": "each recording in the training dataset equally",
    "works": "each work in the training dataset equally",
    "seconds": "seconds in the training dataset",
    "points": "points given for the period",
    "reserve": "kept in reserve",
}
_REASONS = {
    "rule": "as the programme says",
    "lineage": "a model made from this one earned it, and owes part of it to what this one was trained on",
    "no_model_version": "this income belongs to no single model version, so attribution can't divide it",
    "no_measured_error": "nobody has measured how wrong attribution is for this model, so the fallback divides it",
    "error_above_limit": "attribution was measured to be too wrong to divide money by, so the fallback divides it",
    "no_usage": "no use of attributed outputs was reported here, so the fallback divides it",
    "nothing_heard": "no recording was heard in the outputs used, so the fallback divides it",
    "no_measured_noise": "nobody has measured how far attribution moves by chance for this model, so the fallback divides it",
    "signal_below_noise": "attribution would move less of this pool than the programme asks for beside its noise, so the fallback divides it",
    "unattributed": "the part of outputs that no recording explains",
    "gone": "this money is not in the period any more",
}
_ORIGINS = {"unattributed-": "outputs no recording explains, divided by: ", "lineage-": "owed to the ancestors of a model, divided by: "}


def describe_basis(basis: str) -> str:
    """What a pool is divided by.

    >>> describe_basis("unattributed-exposure")
    'outputs no recording explains, divided by: used in training'
    """
    for origin, words in _ORIGINS.items():
        if basis.startswith(origin):
            return words + _RULES[basis.removeprefix(origin)]
    return _RULES[basis]


def describe_reason(reason: str) -> str:
    """Why this basis and no other divides the pool."""
    return _REASONS[reason]
