"""A correction set-wise: what changed split sets move, from stored numerators and lines, as signed differences (docs/formats/settlement.md, Corrections).

Holds for pools whose units, weights and so denominators stand. A payee whose numerator stays keeps its amount; the others share what is left, by their
new numerators. A payee none of whose lines changed keeps its lines; the others' lines are laid out anew. The tables, beside those of `division`:

    changed  lane, recording, payee, before_e8, after_e8     both sides of each changed split set; 0 where the payee has no share
    touched  pool, payee, before_numerator, numerator, lines, before_units, units
    deltas   pool, payee, recording, weight, before_e8, after_e8, before_units, after_units
"""

import ibis
from ibis import _

from ritornello.settlement.division import EXACT, Bounds, Table, apportion, divide

PLACE = ["pool", "payee"]
DELTAS = {"pool": "int32", "payee": "int32", "recording": "int32", "weight": "int64", "before_e8": "int32", "after_e8": "int32"} | {
    "before_units": "int64", "after_units": "int64"
}  # fmt: skip
TOUCHED = {"pool": "int32", "payee": "int32", "before_numerator": "decimal(38, 0)", "numerator": "decimal(38, 0)", "lines": "int64"} | {
    "before_units": "int64", "units": "int64"
}  # fmt: skip


def find_touched(pools: Table, weights: Table, changed: Table, payees: Table, bounds: Bounds) -> Table:
    """Every payee with a changed line, by pool, with its new numerator and amount."""
    lines = _move(pools, weights, changed)
    moved = lines.group_by(*PLACE).agg(
        change=(_.weight.cast(EXACT) * (_.after_e8 - _.before_e8).cast(EXACT)).sum().cast(EXACT),
        more=((_.after_e8 > 0).cast("int64") - (_.before_e8 > 0).cast("int64")).sum(),
    )
    known = moved.left_join(payees, PLACE).select(
        moved.pool,
        moved.payee,
        moved.change,
        before_numerator=payees.numerator.fill_null(0).cast(EXACT),
        before_units=payees.units.fill_null(0),
        lines=(payees.lines.fill_null(0) + moved.more).cast("decimal(18, 0)").cast("int64"),
    )
    now = known.mutate(numerator=(_.before_numerator + _.change).cast(EXACT))
    shifted = now.filter(now.change != 0)
    sums = shifted.group_by("pool").agg(total=shifted.before_units.sum(), whole=shifted.numerator.sum().cast(EXACT))
    divided = apportion(shifted.join(sums.mutate(total=sums.total.cast("decimal(18, 0)").cast("int64")), "pool"), "pool", "payee", bounds)
    kept = now.filter(now.change == 0).mutate(units=_.before_units)
    columns = [*PLACE, "before_numerator", "numerator", "lines", "before_units", "units"]
    return divided.select(*columns).union(kept.select(*columns))


def find_drifted(pools: Table, payees: Table, touched: Table, bounds: Bounds) -> Table:
    """Pools in which an amount is off its exact value by as much as 1 + the number of payees, before and now together: they are divided anew as a whole."""
    now = payees.left_join(touched, PLACE).select(
        payees.pool,
        numerator=ibis.coalesce(touched.numerator, payees.numerator).cast(EXACT),
        units=ibis.coalesce(touched.units, payees.units),
    )
    new = touched.filter(touched.before_numerator == 0).select("pool", "numerator", "units")
    rows = now.union(new)
    counted = rows.group_by("pool").agg(payees=_.count())
    placed = rows.join(counted, "pool").join(pools.select("pool", total="units", whole="denominator"), "pool")
    exact = divide(placed, bounds)
    above = exact.units - exact.floor
    is_off = (above > exact.payees + 1) | ((above == exact.payees + 1) & (exact.remainder == 0)) | (-above >= exact.payees + 1)
    return exact.filter(is_off).select("pool").distinct()


def find_deltas(pools: Table, weights: Table, changed: Table, touched: Table, lines: Table, bounds: Bounds) -> Table:
    """Every line that differs from what stands."""
    amounts = touched.select(*PLACE, whole="numerator", total="units")
    moved = _move(pools, weights, changed)
    standing = lines.semi_join(amounts, PLACE).left_join(moved.select(*PLACE, "recording", "after_e8"), [*PLACE, "recording"])
    columns = [*PLACE, "recording", "weight", "before_e8", "after_e8", "before_units"]
    known = standing.mutate(before_e8=_.share_e8, after_e8=ibis.coalesce(_.after_e8, _.share_e8), before_units=_.units).select(*columns)
    new = moved.filter(moved.before_e8 == 0).mutate(before_units=ibis.literal(0, "int64")).select(*columns)
    rows = known.union(new).join(amounts, PLACE)
    place = (rows.pool.cast("int64") * bounds.payees + rows.payee).cast(bounds.place)
    shares = rows.mutate(place=place, numerator=(rows.weight.cast(EXACT) * rows.after_e8.cast(EXACT)).cast(EXACT))
    gone = shares.filter(shares.whole == 0).mutate(units=ibis.literal(0, "int64"))
    divided = apportion(shares.filter(shares.whole > 0), "place", "recording", bounds)
    both = divided.select("place", *columns, after_units="units").union(gone.select("place", *columns, after_units="units"))
    differs = both.filter((both.before_e8 != both.after_e8) | (both.before_units != both.after_units))
    return differs.select(*columns, "after_units")


def _move(pools: Table, weights: Table, changed: Table) -> Table:
    """The lines whose shares change."""
    weighed = pools.select("pool", "cell", "lane").join(weights, "cell")
    return weighed.join(changed.filter(changed.before_e8 != changed.after_e8), ["lane", "recording"]).select(
        *PLACE, "recording", "weight", "before_e8", "after_e8"
    )
