"""Division by largest remainder (conventions.md)."""


def apportion(total: int, weights: dict[str, int]) -> dict[str, int]:
    """Parts of `total` ≥ 0 in proportion to weights ≥ 0 whose sum is positive: ⌊total·w/W⌋ each, and the units left over to the
    largest remainders, equal remainders in ascending order of the key."""
    whole = sum(weights.values())
    if total < 0 or whole <= 0 or min(weights.values()) < 0:
        raise ValueError("apportion needs a total of at least 0 and weights of at least 0 with a positive sum")
    parts: dict[str, int] = {}
    order: list[tuple[int, str]] = []
    for key, weight in weights.items():
        parts[key], remainder = divmod(total * weight, whole)
        order.append((-remainder, key))
    order.sort()
    for _, key in order[: total - sum(parts.values())]:
        parts[key] += 1
    return parts
