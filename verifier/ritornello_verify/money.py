"""Step 4 of bundle.md: the settlement recomputed from the period folder alone, against every row of the result folder."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ritornello_verify.after_tail import Over, list_after_tail
from ritornello_verify.allocation import Allocation, Allocator, make_line_id
from ritornello_verify.balances import Balances, find_balances, list_reserves
from ritornello_verify.bundle import Bundle
from ritornello_verify.comparison import compare_rows
from ritornello_verify.correction import Delta, Place, find_deltas
from ritornello_verify.currency import MINOR_DIGITS
from ritornello_verify.earnings import PARTY, Earnings
from ritornello_verify.estimate import Signal
from ritornello_verify.following import follow_terms
from ritornello_verify.heard import Ear
from ritornello_verify.invariants import check_balances, check_deltas, check_pool, check_postings, check_receipts, check_terms
from ritornello_verify.ledger import Ledger, Posting
from ritornello_verify.period import Period
from ritornello_verify.pools import Pool, find_pools
from ritornello_verify.reading import Values, find_key
from ritornello_verify.receipts import Receipt, find_parts, find_receipts, restore_receipts
from ritornello_verify.report import Step
from ritornello_verify.settlement import check_settlement
from ritornello_verify.standing import StandingLine, StandingPool
from ritornello_verify.statements import Held, make_statements
from ritornello_verify.tables import TABLES
from ritornello_verify.totals import find_totals
from ritornello_verify.weights import Scales


def check_money(bundle: Bundle, period: Period, step: Step) -> None:
    """Recompute and compare, table by table."""
    period = follow_terms(bundle, period)
    receipts = find_receipts(period)
    after_tail = list_after_tail(bundle, period, receipts)
    over = frozenset((str(row["model_version"]), str(row["recording_id"])) for row in after_tail)
    scales = Scales(period, Ear(period))
    pools = find_pools(period, find_parts(receipts), scales)
    books = Books(period, Allocator(period, scales), step, over)
    compare_rows(bundle, "result/receipts.jsonl", map(make_receipt, receipts), step, "receipts recomputed")
    books.enter_receipts(receipts)
    compare_rows(bundle, "result/allocations.jsonl", books.make_lines(pools), step, "allocation lines recomputed")
    compare_rows(bundle, "result/pools.jsonl", books.pools, step, "pools recomputed")
    compare_rows(bundle, "result/splits.jsonl", make_splits(books.allocator), step, "split shares recomputed")
    books.enter_deltas()
    compare_rows(bundle, "result/deltas.jsonl", books.make_deltas(), step, "deltas recomputed")
    balances = find_balances(period, books.earnings)
    books.ledger.post_balances(balances)
    postings = list(books.ledger.list_postings())
    compare_rows(bundle, "result/postings.jsonl", make_postings(postings), step, "postings recomputed")
    compare_rows(bundle, "result/balances.jsonl", make_balances(balances), step, "balances recomputed")
    reserves = list(list_reserves(period, balances))
    compare_rows(bundle, "result/reserves_closing.jsonl", sort(reserves, "reserves_closing"), step, "reserves recomputed")
    compare_rows(bundle, "result/recoupments.jsonl", make_recoupments(period, balances), step, "recoupments recomputed")
    compare_rows(bundle, "result/payouts.jsonl", make_payouts(period, balances), step, "payouts recomputed")
    statements = make_statements(period, books.earnings, books.held, balances)
    compare_rows(bundle, "result/statements.jsonl", statements, step, "statements recomputed")
    compare_rows(bundle, "result/after_tail.jsonl", after_tail, step, "uses after a tail recomputed")
    check_receipts(receipts, pools, step)
    check_terms(period.list_terms(), books.allocator.sets.values(), step)
    check_postings(postings, balances, step)
    check_balances(balances, step)
    check_deltas(books.deltas, balances, period.standing is not None, step)
    totals = find_totals(balances, books.received, books.fees, period.reserves, reserves, step)
    check_settlement(bundle, period, totals, step)


@dataclass
class Books:
    """Everything that grows while receipts and pools go by; of a correction, by what is different from what stands."""

    period: Period
    allocator: Allocator
    step: Step
    over: Over
    received: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    fees: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    pools: list[Values] = field(default_factory=list)
    deltas: list[Delta] = field(default_factory=list)
    earnings: Earnings = field(init=False)
    held: Held = field(init=False)
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        self.earnings = Earnings(self.period, self.over)
        self.held = Held(self.allocator)
        self.ledger = Ledger(self.period)

    def enter_receipts(self, receipts: list[Receipt]) -> None:
        for sign, some in ((1, receipts), (-1, restore_receipts(self.period))):
            for receipt in some:
                self.ledger.post_receipt(receipt, sign)
                self.fees[receipt.currency] += sign * receipt.find_fee_units()
                self.received[receipt.currency] += sign * receipt.find_fee_units()

    def make_lines(self, pools: list[Pool]) -> Iterator[Values]:
        """Rows of allocations.jsonl, pool by pool; the books grow on the way."""
        for pool in pools:
            allocation = self.allocator.allocate(pool)
            standing = self.allocator.find_standing(pool.name)
            check_pool(allocation, standing, self.step)
            self.pools.append(make_pool(allocation))
            self.held.add_allocation(allocation)
            if self.period.standing is None:
                self.received[pool.part.currency] += pool.units
                self.ledger.post_allocation(allocation)
                self.earnings.add_allocation(allocation)
            else:
                lines = {(line.payee, line.recording_id): StandingLine(line.find_numerator(), line.units) for line in allocation.lines}
                where = pool.name, pool.part.income.name, pool.part.currency, pool.part.terms.version
                self.enter_difference(*where, pool.units, lines, standing)
            for line in allocation.lines:
                yield {
                    "pool": pool.name,
                    "payee": line.payee,
                    "recording_id": line.recording_id,
                    "line_id": make_line_id(self.period.header.settlement_id, pool.name, line.payee, line.recording_id),
                    "weight": str(line.weight),
                    "share_e8": line.share_e8,
                    "numerator": str(line.find_numerator()),
                    "amount_units": str(line.units),
                }

    def enter_difference(
        self,
        name: str,
        income: str,
        currency: str,
        version: int,
        units: int,
        lines: dict[tuple[str, str], StandingLine],
        standing: StandingPool | None,
    ) -> None:
        difference = units - (standing.units if standing else 0)
        self.received[currency] += difference
        self.ledger.post_pool(name, income, currency, difference)
        self.deltas += find_deltas(Place(name, currency, version), lines, standing)

    def enter_deltas(self) -> None:
        """Of a correction: the pools that are gone, and what all differences come to."""
        known = {row["pool"] for row in self.pools}
        for name, standing in (self.period.standing.pools if self.period.standing else {}).items():
            if name not in known:
                self.enter_difference(name, standing.income, standing.currency, standing.terms_version, 0, {}, standing)
        self.ledger.post_deltas(self.deltas)
        self.earnings.add_deltas(self.deltas)

    def make_deltas(self) -> Iterator[Values]:
        for delta in sorted(self.deltas, key=lambda delta: (delta.place.pool, delta.payee, delta.recording_id)):
            yield {
                "pool": delta.place.pool,
                "payee": delta.payee,
                "recording_id": delta.recording_id,
                "line_id": make_line_id(self.period.header.settlement_id, delta.place.pool, delta.payee, delta.recording_id),
                "before_numerator": str(delta.before.numerator),
                "after_numerator": str(delta.after.numerator),
                "before_units": str(delta.before.units),
                "after_units": str(delta.after.units),
                "delta_units": str(delta.find_units()),
            }


def sort(rows: Iterable[Values], name: str) -> list[Values]:
    table = TABLES[f"result/{name}.jsonl"]
    return sorted(rows, key=lambda row: find_key(row, table))


def make_receipt(receipt: Receipt) -> Values:
    return {
        "income": receipt.income.name,
        "model_version": receipt.model_version,
        "territory": receipt.territory,
        "reported_currency": receipt.reported_currency,
        "reported_units": str(receipt.reported_units),
        "currency": receipt.currency,
        "added_units": str(receipt.added_units),
        "units": str(receipt.units),
        "fee_units": str(receipt.find_fee_units()),
        "upstream_units": str(receipt.find_upstream_units()),
    }


def make_pool(allocation: Allocation) -> Values:
    pool = allocation.pool
    return {
        "pool": pool.name,
        "income": pool.part.income.name,
        "model_version": pool.part.model_version,
        "currency": pool.part.currency,
        "territory": pool.part.territory,
        "lane": pool.lane,
        "basis": pool.basis,
        "reason": pool.reason,
        "amount_units": str(pool.units),
        "denominator": str(allocation.denominator),
        "recordings": allocation.recordings,
        "terms_version": pool.part.terms.version,
        **make_signal(pool.signal),
    }


def make_signal(signal: Signal | None) -> Values:
    """The columns that only pools of a part that was compared have."""
    if signal is None:
        return {}
    return {
        "signal_ppm": signal.signal_ppm,
        "noise_ppm": signal.noise_ppm,
        "min_signal_to_noise_e3": signal.least_e3,
        "compared_by": "catalogue" if signal.by_catalogue else "recording",
    }


def make_splits(allocator: Allocator) -> Iterator[Values]:
    for (recording_id, lane, territory), found in sorted(allocator.sets.items(), key=lambda item: item[0]):
        for share in found.shares:
            yield {
                "recording_id": recording_id,
                "lane": lane,
                "territory": territory,
                "payee": share.payee,
                "status": found.status,
                "declared_e8": share.declared_e8,
                "share_e8": share.share_e8,
                "claim_ids": list(share.claim_ids),
            }


def make_postings(postings: list[Posting]) -> Iterator[Values]:
    for posting in postings:
        yield {
            "transfer_id": posting.transfer_id,
            "account": posting.account,
            "currency": posting.currency,
            "amount_units": str(posting.units),
            "state": posting.state,
        }


def make_balances(balances: Balances) -> Iterator[Values]:
    for (account, currency), balance in balances.items():
        yield {
            "account": account,
            "currency": currency,
            "opening_units": str(balance.opening),
            "earned_units": str(balance.earned),
            "withheld_units": str(balance.withheld),
            "released_units": str(balance.released),
            "recouped_units": str(balance.find_recouped()),
            "tax_units": str(balance.tax),
            "fee_units": str(balance.fee),
            "paid_units": str(balance.paid),
            "closing_units": str(balance.find_closing()),
        }


def make_recoupments(period: Period, balances: Balances) -> Iterator[Values]:
    """Advances with an opening; of a correction none."""
    if period.standing is not None:
        return
    recouped = {name: units for balance in balances.values() for name, units in balance.advances.items()}
    for advance in sorted(period.advances, key=lambda advance: advance.advance_id):
        if advance.open_units:
            own = recouped.get(advance.advance_id, 0)
            yield {
                "advance_id": advance.advance_id,
                "party_id": advance.party_id,
                "currency": advance.currency,
                "opening_units": str(advance.open_units),
                "recouped_units": str(own),
                "closing_units": str(advance.open_units - own),
            }


def make_payouts(period: Period, balances: Balances) -> Iterator[Values]:
    for (account, currency), balance in balances.items():
        if balance.paid:
            party_id = account.removeprefix(PARTY)
            yield {
                "party_id": party_id,
                "currency": currency,
                "payout_id": f"{period.header.settlement_id}/{party_id}/{currency}",
                "amount_units": str(balance.paid),
                "minor_digits": MINOR_DIGITS[currency],
            }
