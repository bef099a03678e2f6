"""A correction set-wise: which amounts and lines of a settled period stand, and which are divided anew (docs/formats/settlement.md, Corrections).

The whole period is weighed and rounded as in `division`; these expressions then keep what need not change. Beside the tables of `division`:

    standing   pool, payee, recording, numerator, units      what stands so far, line by line
    before     pool, payee, before_numerator, before_lines, before_units
    kept       pool, units, denominator                      pools that stand with the same units and denominator
    same       pool, payee, same                             how many of the payee's lines stand with the same numerator
    amended    pool, payee, numerator, lines, units, stays   `stays`: 1 where the payee keeps its lines
    changes    pool, payee, recording, before_numerator, after_numerator, before_units, after_units
"""

import ibis
from ibis import _

from ritornello.settlement.division import EXACT, NARROW, Bounds, Table, apportion, divide, lay_out_lines, share_out

PLACE = ["pool", "payee"]
LINE = [*PLACE, "recording"]
STANDING = {"pool": "int32", "payee": "int32", "recording": "int32", "numerator": "decimal(38, 0)", "units": "int64"}
BEFORE = {"pool": "int32", "payee": "int32", "before_numerator": "decimal(38, 0)", "before_lines": "int64", "before_units": "int64"}
AMOUNTS = {"pool": "int32", "payee": "int32", "units": "int64"}
SAME = {"pool": "int32", "payee": "int32", "same": "int64"}
AMENDED = {"pool": "int32", "payee": "int32", "numerator": "decimal(38, 0)", "lines": "int64", "units": "int64", "stays": "int32"}
CHANGES = {"pool": "int32", "payee": "int32", "recording": "int32", "before_numerator": "decimal(38, 0)"} | {
    "after_numerator": "decimal(38, 0)", "before_units": "int64", "after_units": "int64"
}  # fmt: skip


def sum_before(standing: Table) -> Table:
    """What stands, by pool and payee."""
    return standing.group_by(*PLACE).agg(
        before_numerator=_.numerator.sum().cast(EXACT), before_lines=_.count(), before_units=_.units.sum().cast(NARROW).cast("int64")
    )


def keep_amounts(kept: Table, payees: Table, before: Table, bounds: Bounds) -> Table:
    """The payees' amounts in pools that stand: kept where the numerator is the same; the others share what is left."""
    known = _beside(payees.semi_join(kept, "pool").select(*PLACE, "numerator"), before)
    is_same = (known.numerator == known.before_numerator) & (known.before_lines > 0)
    stands = known.filter(is_same).select(*PLACE, units="before_units")
    moved = known.filter(~is_same).select(*PLACE, "numerator")
    taken = stands.group_by("pool").agg(taken=_.units.sum().cast(NARROW).cast("int64"))
    left = kept.left_join(taken, "pool").select(kept.pool, total=kept.units - taken.taken.fill_null(0))
    whole = moved.group_by("pool").agg(whole=_.numerator.sum().cast(EXACT))
    divided = apportion(moved.join(left, "pool").join(whole, "pool"), "pool", "payee", bounds)
    return divided.select(*PLACE, "units").union(stands)


def find_drifted(kept: Table, payees: Table, amounts: Table, before: Table, bounds: Bounds) -> Table:
    """Pools in which an amount is off its exact value by as much as 1 + the number of payees, those of before and of now together."""
    now = payees.select(*PLACE, "numerator").join(amounts, PLACE)
    everybody = now.select(*PLACE).union(before.semi_join(kept, "pool").select(*PLACE), distinct=True)
    counted = everybody.group_by("pool").agg(payees=_.count())
    exact = divide(now.join(counted, "pool").join(kept.select("pool", total="units", whole="denominator"), "pool"), bounds)
    above = exact.units - exact.floor
    is_off = (above > exact.payees + 1) | ((above == exact.payees + 1) & (exact.remainder == 0)) | (-above >= exact.payees + 1)
    return exact.filter(is_off).select("pool").distinct()


def count_same(pools: Table, weights: Table, splits: Table, standing: Table) -> Table:
    """How many of a payee's lines stand with the same numerator."""
    shares = share_out(pools, weights, splits).select(*LINE, "numerator")
    both = shares.join(standing.select(*LINE, was="numerator"), LINE)
    return both.filter(both.numerator == both.was).group_by(*PLACE).agg(same=_.count())


def amend_payees(payees: Table, kept: Table, amounts: Table, before: Table, same: Table) -> Table:
    """All payees with their amounts now. `amounts` are those that are kept or shared anew; elsewhere those of `payees` count."""
    now = payees.left_join(amounts, PLACE).select(
        payees.pool, payees.payee, payees.numerator, payees.lines, units=ibis.coalesce(amounts.units, payees.units)
    )
    known = _beside(now, before)
    matched = known.left_join(same, PLACE).select(known, same=same.same.fill_null(0))
    in_kept = kept.select("pool", in_kept=ibis.literal(1, "int32"))
    placed = matched.left_join(in_kept, "pool").select(matched, in_kept=in_kept.in_kept.fill_null(0))
    stays = (
        (placed.in_kept == 1)
        & (placed.units == placed.before_units)
        & (placed.lines == placed.before_lines)
        & (placed.lines == placed.same)
    )
    return placed.mutate(stays=stays.cast("int32")).select(*AMENDED)


def lay_out_amended(pools: Table, weights: Table, splits: Table, amended: Table, standing: Table, bounds: Bounds) -> Table:
    """Lines: those that stay as they stand, all others laid out anew within their payee's amount."""
    fresh = lay_out_lines(pools, weights, splits, amended.filter(amended.stays == 0), bounds)
    staying = amended.filter(amended.stays == 1).select(*PLACE)
    shares = share_out(pools, weights, splits).select(*LINE, "weight", "share_e8").semi_join(staying, PLACE)
    stays = shares.join(standing.select(*LINE, "units"), LINE).select(*LINE, "weight", "share_e8", "units")
    return fresh.union(stays)


def find_changes(lines: Table, standing: Table) -> Table:
    """Every line that differs from what stands, or stands on one side only; 0 on the side where it does not stand."""
    nothing, none = ibis.literal(0).cast(EXACT), ibis.literal(0, "int64")
    numerator = (lines.weight.cast(EXACT) * lines.share_e8.cast(EXACT)).cast(EXACT)
    columns = ["before_numerator", "after_numerator", "before_units", "after_units", "was", "now"]
    after = lines.mutate(
        before_numerator=nothing, after_numerator=numerator, before_units=none, after_units=lines.units, was=none, now=none + 1
    )
    before = standing.mutate(
        before_numerator=standing.numerator.cast(EXACT), after_numerator=nothing, before_units=standing.units, after_units=none, was=none + 1, now=none
    )  # fmt: skip
    both = after.select(*LINE, *columns).union(before.select(*LINE, *columns))
    summed = both.group_by(*LINE).agg(
        **{name: both[name].sum().cast(EXACT) for name in columns[:2]},
        **{name: both[name].sum().cast(NARROW).cast("int64") for name in columns[2:]},
    )
    differs = (summed.before_numerator != summed.after_numerator) | (summed.before_units != summed.after_units) | (summed.was != summed.now)
    return summed.filter(differs).select(*CHANGES)


def _beside(payees: Table, before: Table) -> Table:
    """With what stood for each payee, or zeros."""
    return payees.left_join(before, PLACE).select(
        payees,
        before_numerator=before.before_numerator.fill_null(0).cast(EXACT),
        before_lines=before.before_lines.fill_null(0),
        before_units=before.before_units.fill_null(0),
    )
