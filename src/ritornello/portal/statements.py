"""Money: the first page, a statement, and why a line of it is what it is."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ritornello.domain.errors import Refused
from ritornello.portal.door import let_in
from ritornello.portal.pages import show_page
from ritornello.service import explain, payee_home, statements

router = APIRouter(include_in_schema=False)
MEDIA = {"csv": "text/csv; charset=utf-8", "json": "application/json", "pdf": "application/pdf"}


@router.get("/")
def show_first(request: Request) -> Response:
    """A payee's balance and statements; the operator's people see everybody's statements."""
    with request.app.state.door.home.context(read_only=True) as context:
        who = let_in(request, context)
        if who.party_id is not None:
            return show_page(request, "home.html", who, home=payee_home.read(context, who.party_id))
        return show_page(request, "all_statements.html", who, statements=payee_home.list_statements(context))


@router.get("/statements/{settlement_id}/{party_id}")
def show_statement(request: Request, settlement_id: str, party_id: str) -> Response:
    with request.app.state.door.home.context(read_only=True) as context:
        who = let_in(request, context)
        sheets = statements.show_to(context, settlement_id, party_id, who.party_id)
    return show_page(request, "statement.html", who, sheets=sheets, settlement_id=settlement_id, party_id=party_id, forms=sorted(MEDIA))


@router.get("/statements/{settlement_id}/{party_id}/{form}")
def get_statement(request: Request, settlement_id: str, party_id: str, form: str) -> Response:
    """The statement as a file: csv, json or pdf."""
    with request.app.state.door.home.context(read_only=True) as context:
        if form not in MEDIA:
            let_in(request, context)
            raise Refused("unknown_form", f"there is no statement as {form!r}", f"choose from {', '.join(MEDIA)}")
        data = statements.render_to(context, settlement_id, party_id, form, let_in(request, context).party_id)
    name = "".join(character if character.isalnum() else "-" for character in f"{settlement_id}-{party_id}")
    return Response(data, media_type=MEDIA[form], headers={"Content-Disposition": f'attachment; filename="{name}.{form}"'})


@router.get("/lines/{line_id}")
def show_line(request: Request, line_id: str) -> Response:
    """Why this cent."""
    with request.app.state.door.home.context(read_only=True) as context:
        who = let_in(request, context)
        chain = explain.explain_to(context, line_id, who.party_id)
    return show_page(request, "line.html", who, chain=chain)
