"""The formats of payout files by name, each with what it takes and how it is written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ritornello.formats.payouts import nacha, pain001, service_csv
from ritornello.formats.payouts.payment import Debtor, FileHeader, Obstacle, Payment


@dataclass(frozen=True, slots=True)
class Format:
    """`obstacle` says why a payment can't go in; `render` writes those that can; `block_of` names the part of the file it stands in."""

    obstacle: Callable[[Payment, Debtor], Obstacle | None]
    render: Callable[[FileHeader, str, Sequence[Payment]], bytes]
    block_of: Callable[[Payment, Debtor], str | None] = lambda payment, debtor: None
    most: int | None = None  # payments in one file
    one_currency: bool = False
    files_a_day: int | None = None


FORMATS = {
    "pain001": Format(pain001.obstacle, pain001.render, pain001.block_of),
    "pain001-03": Format(pain001.obstacle, pain001.render_v03, pain001.block_of),
    "nacha": Format(nacha.obstacle, nacha.render, files_a_day=len(nacha.MODIFIERS)),
    "csv-paypal": Format(service_csv.paypal_obstacle, service_csv.render_paypal, most=service_csv.PAYPAL_ROWS, one_currency=True),
    "csv-wise": Format(service_csv.wise_obstacle, service_csv.render_wise, most=service_csv.WISE_ROWS),
    "csv-tipalti": Format(service_csv.tipalti_obstacle, service_csv.render_tipalti),
    "csv-list": Format(service_csv.list_obstacle, service_csv.render_list),
}
