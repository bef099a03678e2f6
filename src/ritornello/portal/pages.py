"""Pages from templates: numbers and days for readers, and what every page has."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from ritornello.formats.division_words import describe_basis, describe_reason
from ritornello.formats.statement_files import describe_balance, list_balance, show_money, show_share
from ritornello.portal.door import form_mark
from ritornello.portal.recording_words import FILTERS, show_date
from ritornello.service.access import Principal


def show_page(request: Request, template: str, who: Principal | None = None, status: int = 200, **values: Any) -> HTMLResponse:
    """A page; `who`: whoever has signed in."""
    mark = form_mark(request) if who else ""
    return HTMLResponse(_ENVIRONMENT.get_template(template).render(who=who, mark=mark, path=request.url.path, **values), status)


def _day(moment_us: int) -> str:
    return show_date(datetime.fromtimestamp(moment_us / 1_000_000, UTC).date())


def _what_changed(row: Mapping[str, Any]) -> str:
    return f"Correction of {row['corrects']}" if row["corrects"] is not None else "Settlement"


_ENVIRONMENT = Environment(
    loader=PackageLoader("ritornello.portal"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_ENVIRONMENT.filters.update(
    money=show_money,
    share=show_share,
    words=describe_basis,
    because=describe_reason,
    balance=describe_balance,
    rows=list_balance,
    day=_day,
    changed=_what_changed,
    percent=lambda ppm: f"{ppm / 10_000:g} %",
    **FILTERS,
)
