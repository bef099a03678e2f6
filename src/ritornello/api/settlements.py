"""Settlements, the statements in them, their lines in bulk, and why each line is what it is."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict

from ritornello.api.asking import KEYED, Id, MoneyAsked
from ritornello.api.recordings import NDJSON
from ritornello.formats.line_files import encode_lines_parquet, encode_ndjson
from ritornello.service import explain, statements

PARQUET, CSV = "application/vnd.apache.parquet", "text/csv"
LineId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", description="the 16 characters that a statement names a line by")]
router = APIRouter(tags=["settlements"], responses=KEYED)


class Settlement(BaseModel):
    """A settlement, or a correction of one: `corrects` names what it corrects."""

    settlement_id: str
    corrects: str | None
    number: int  # 0: the settlement itself; n: its n-th correction
    programme_id: str
    period_id: str
    settled_at_us: int  # UTC microseconds since 1970


class Settlements(BaseModel):
    items: list[Settlement]


class StatementRow(BaseModel):
    """A payee's balance in one currency, in ledger units (1/10,000 of the minor unit): docs/formats/statement.md."""

    model_config = ConfigDict(extra="allow")
    settlement_id: str
    party_id: str
    name: str
    currency: str
    opening_units: str
    net_revenue_units: str
    net_costs_units: str
    reserves_withheld_units: str
    reserves_released_units: str
    paid_units: str
    closing_units: str


class StatementLine(BaseModel):
    model_config = ConfigDict(extra="allow")
    line_id: str
    recording_id: str | None
    amount_units: str
    amount: str


class Sheet(StatementRow):
    """A statement with its lines; `minor_digits`: decimals of the currency."""

    minor_digits: int
    payable: bool
    notes: list[str]
    items: list[StatementLine]


class StatementRows(BaseModel):
    items: list[StatementRow]


class Sheets(BaseModel):
    """One entry per currency."""

    items: list[Sheet]


class Explanation(BaseModel):
    """Everything that decided one line. A payee sees no claim, grant or share of anybody else."""

    line: dict[str, Any]
    recording: dict[str, Any] | None
    pool: dict[str, Any]
    basis: dict[str, Any]
    correction: dict[str, Any] | None
    rounding: dict[str, Any]
    income: dict[str, Any]
    weight: dict[str, Any]
    split: dict[str, Any]
    consent: list[dict[str, Any]]
    programme: dict[str, Any]


def _file(media_type: str, what: str) -> dict[int | str, dict[str, Any]]:
    schema = {"type": "string", "format": "binary"} if media_type == PARQUET else {"type": "string"}
    return {200: {"description": what, "content": {media_type: {"schema": schema}}}}


@router.get("/settlements", response_model=Settlements)
def list_settlements(asked: MoneyAsked) -> dict[str, Any]:
    """Settlements and corrections, newest first; a payee gets those in which they have a statement."""
    found = statements.list_settlements(asked.context, asked.reader)
    return {"items": [{**asdict(kept), "corrects": kept.base_id if kept.number else None} for kept in found]}


@router.get("/settlements/{settlement_id}/statements", response_model=StatementRows)
def list_statements(asked: MoneyAsked, settlement_id: Id) -> dict[str, Any]:
    """Statement rows without lines: of every payee, or a payee's own."""
    return {"items": statements.overview_to(asked.context, settlement_id, asked.reader)}


@router.get("/settlements/{settlement_id}/statements/{party_id}", response_model=Sheets)
def show_statement(asked: MoneyAsked, settlement_id: Id, party_id: Id) -> dict[str, Any]:
    """One party's statement with its lines."""
    return {"items": statements.show_to(asked.context, settlement_id, party_id, asked.reader)}


@router.get(
    "/settlements/{settlement_id}/statements/{party_id}/statement.csv",
    response_class=Response,
    responses=_file(CSV, "the lines as a spreadsheet, UTF-8 with BOM"),
)
def show_statement_csv(asked: MoneyAsked, settlement_id: Id, party_id: Id) -> Response:
    """The same statement's lines as CSV."""
    data = statements.render_to(asked.context, settlement_id, party_id, "csv", asked.reader)
    name = f"{settlement_id}-{party_id}.csv"
    return Response(data, media_type=CSV, headers={"Content-Disposition": f'attachment; filename="{name}"'})


@router.get(
    "/settlements/{settlement_id}/lines.ndjson",
    response_class=StreamingResponse,
    responses=_file(NDJSON, "one line of a statement a line"),
)
def stream_lines(asked: MoneyAsked, settlement_id: Id) -> StreamingResponse:
    """All lines in the columns of allocations.jsonl (docs/formats/settlement.md), or a payee's own; of a correction, what it changed."""
    lines = statements.list_lines(asked.context, settlement_id, asked.reader)
    return StreamingResponse(encode_ndjson(lines), media_type=NDJSON)


@router.get(
    "/settlements/{settlement_id}/lines.parquet",
    response_class=Response,
    responses=_file(PARQUET, "the same lines as Parquet"),
)
def show_lines_parquet(asked: MoneyAsked, settlement_id: Id) -> Response:
    """The same as Parquet: weights and amounts are whole decimals of up to 38 digits."""
    return Response(encode_lines_parquet(statements.list_lines(asked.context, settlement_id, asked.reader)), media_type=PARQUET)


@router.get("/lines/{line_id}", response_model=Explanation)
def explain_line(asked: MoneyAsked, line_id: LineId) -> dict[str, Any]:
    """Why this cent: a line walked back to pool, weight, claim, consent, snapshot, training run and revenue row."""
    return explain.explain_to(asked.context, line_id, asked.reader)
