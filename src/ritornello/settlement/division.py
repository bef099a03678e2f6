"""Dividing pools set-wise: the whole of steps 4 and 6 of docs/formats/settlement.md as Ibis expressions over integer tables.

    usage ⋈ attribution → weights ⋈ split sets → numerators → one rounding per pool and payee → lines within each payee's amount

Every key is a rank (an integer that orders as its text does), every number an integer: int64 where `bounds.prove` has shown that it fits,
decimal(38, 0) elsewhere. Nothing depends on an engine's hashes, collation, partitions or row order. The tables and their columns:

    usage        cell, output, uses                 a cell is a model version in a territory
    attribution  output, recording, weight_ppm      without the unattributed rows
    weights      cell, recording, weight
    pools        pool, cell, lane, units, denominator   `lane`: which split sets apply; denominator = Σ weight × 10^8
    splits       lane, recording, payee, share_e8
    payees       pool, payee, numerator, lines, units
    lines        pool, payee, recording, weight, share_e8, units
"""

from dataclasses import dataclass
from typing import Any

import ibis
from ibis import _

Table = Any  # an ibis table; ibis ships no types that mypy could use
Column = Any
EXACT = "decimal(38, 0)"
NARROW = "decimal(18, 0)"  # a tripwire: casting to it fails where a product left its proven bound
LIMB_BITS = 30
RANKS = 1 << 31  # more than there are ranks of anything


@dataclass(frozen=True, slots=True)
class Bounds:
    """What was proven of one settlement's numbers."""

    payees: int
    limbs: int = 1
    place: str = "int32"


def sum_weights(usage: Table, attribution: Table) -> Table:
    """Σ uses × weight_ppm per cell and recording."""
    heard = usage.join(attribution, "output")
    product = heard.uses * heard.weight_ppm.cast("int64")
    return heard.group_by("cell", "recording").agg(weight=product.sum().cast(NARROW).cast("int64"))


def sum_numerators(pools: Table, weights: Table, splits: Table) -> Table:
    """N(p) = Σ weight × share_e8 per pool and payee, and how many lines that is."""
    shares = share_out(pools, weights, splits)
    return shares.group_by("pool", "payee").agg(numerator=_.numerator.sum().cast(EXACT), lines=_.count())


def round_payees(pools: Table, numerators: Table, bounds: Bounds) -> Table:
    """The payees' amounts: each pool's units by largest remainder over its payees, the one rounding that money sees."""
    joined = numerators.join(pools.select("pool", total="units", whole="denominator"), "pool")
    rounded = apportion(joined, "pool", "payee", bounds)
    return rounded.select("pool", "payee", "numerator", "lines", "units")


def lay_out_lines(pools: Table, weights: Table, splits: Table, payees: Table, bounds: Bounds) -> Table:
    """Each payee's amount by largest remainder over the recordings it is for."""
    amounts = payees.select("pool", "payee", whole="numerator", total="units")
    shares = share_out(pools, weights, splits).join(amounts, ["pool", "payee"])
    place = (shares.pool.cast("int64") * bounds.payees + shares.payee).cast(bounds.place)  # one narrow key instead of two: quicker
    rounded = apportion(shares.mutate(place=place), "place", "recording", bounds)
    return rounded.select("pool", "payee", "recording", "weight", "share_e8", "units")


def share_out(pools: Table, weights: Table, splits: Table) -> Table:
    """One row per pool, recording and payee, with its numerator weight × share_e8."""
    weighed = pools.select("pool", "cell", "lane").join(weights, "cell")
    shares = weighed.join(splits, ["lane", "recording"]).select("pool", "payee", "recording", "weight", "share_e8")
    return shares.mutate(numerator=(_.weight.cast(EXACT) * _.share_e8.cast(EXACT)).cast(EXACT))


def apportion(table: Table, group: str, key: str, bounds: Bounds) -> Table:
    """Column `units`: `total` divided over the rows of each group in proportion to `numerator`, by largest remainder, ties by ascending `key`.

    `whole` is the sum of the group's numerators. The same as `domain.money.apportion`, row by row.
    """
    divided = divide(table, bounds)
    order = (divided.remainder * _exact(ibis.literal(RANKS)) - _exact(divided[key])).cast(
        EXACT
    )  # one sort key instead of two: a third quicker
    ordered = divided.mutate(order=order)
    left = ordered.total - ordered.floor.sum().over(ibis.window(group_by=group))
    turn = ibis.row_number().over(ibis.window(group_by=group, order_by=ordered.order.desc()))
    return ordered.mutate(units=ordered.floor + (turn < left).cast("int64"))


def divide(table: Table, bounds: Bounds) -> Table:
    """Columns `floor` and `remainder` of total × numerator ÷ whole, exactly.

    With two limbs, `total` is taken apart as high × 2^30 + low and divided as on paper, so that no product exceeds whole × 2^31.
    """
    if bounds.limbs == 1:
        return _divide_product(table.mutate(product=_exact(_.total) * _.numerator))
    high = _divide_product(table.mutate(product=_exact(_.total >> LIMB_BITS) * _.numerator))
    low = _exact(_.total & ((1 << LIMB_BITS) - 1)) * _.numerator
    carried = high.mutate(high=_.floor, product=_.remainder * _exact(ibis.literal(1 << LIMB_BITS)) + low)
    return _divide_product(carried).mutate(floor=_.high * (1 << LIMB_BITS) + _.floor)


def _divide_product(table: Table) -> Table:
    """Columns `floor` (int64) and `remainder` of product ÷ whole.

    Ibis has no exact integer division (`//` becomes float division), and engines divide 128-bit integers slowly. So floats only guess: the first guess
    is off by a few thousand at most, the second, of what it left, by one; that one is put right by the exact remainder. No float reaches the result.
    """
    exact = table.mutate(product=_.product.cast(EXACT))
    first = exact.mutate(guess=_guess(_.product, _.whole))
    second = first.mutate(rest=(_.product - _exact(_.guess) * _.whole).cast(EXACT))
    third = second.mutate(nudge=_guess(_.rest, _.whole))
    fourth = third.mutate(floor=_.guess + _.nudge, rest=(_.rest - _exact(_.nudge) * _.whole).cast(EXACT))
    below, above = fourth.rest < 0, fourth.rest >= fourth.whole
    one = (above.cast("int64") - below.cast("int64")).cast("int64")
    return fourth.mutate(floor=fourth.floor + one, remainder=(fourth.rest - _exact(one) * fourth.whole).cast(EXACT))


def _guess(product: Column, whole: Column) -> Column:
    return (product.cast("float64") / whole.cast("float64")).cast("int64")


def _exact(value: Column) -> Column:
    return value.cast(EXACT)
