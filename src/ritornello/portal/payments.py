"""Payments: accounts, payouts and how far they have come, thresholds, advances."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ritornello.portal.door import let_in
from ritornello.portal.pages import show_page
from ritornello.service import payments

router = APIRouter(include_in_schema=False)


@router.get("/payments")
def show_payments(request: Request) -> Response:
    with request.app.state.door.home.context(read_only=True) as context:
        who = let_in(request, context)
        found = payments.read(context, who.party_id)
    return show_page(request, "payments.html", who, payments=found)
