"""Statements and the payout list of a settlement, for people."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from ritornello.domain.errors import Refused
from ritornello.domain.money import format_units
from ritornello.domain.payout_account import account_for
from ritornello.domain.programme import Programme
from ritornello.formats.canonical import build_folder, iterate_files, lines, write_atomically
from ritornello.formats.minimum_counts import find_small
from ritornello.formats.payee_lines import LINE, find_lines
from ritornello.formats.programme_toml import read_programme
from ritornello.formats.schema import PERIOD_TABLES, RESULT_KEYS
from ritornello.formats.statement_files import harmless, itemise, render_csv, render_json, render_page
from ritornello.formats.terms_folder import TERMS
from ritornello.service import settlement_files
from ritornello.service.context import Context
from ritornello.service.settlement_files import Kept
from ritornello.store import catalogue
from ritornello.store.payout_accounts import by_party, read_accounts

Tables = dict[str, list[dict[str, Any]]]
FORMS = ("json", "csv", "html", "pdf")


def read_folder(folder: Path) -> dict[str, bytes]:
    """Files of a bundle (or of a folder with `period/` and `result/`) by path. Raises Refused when it is none."""
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for part in ("period", "result")
        if (folder / part).is_dir()
        for path in iterate_files(folder / part)
    }
    wanted = {
        "period/period.json",
        "period/programme.toml",
        *(f"period/{n}.jsonl" for n in PERIOD_TABLES),
        *(f"result/{n}.jsonl" for n in RESULT_KEYS),
    }
    if missing := sorted(wanted - set(found)):
        raise Refused("not_a_bundle", f"{folder} lacks {missing[0]}", "name a folder that `ritornello bundle` wrote")
    return found


def parse_tables(files: Mapping[str, bytes]) -> Tables:
    """Every table of a settlement's files, by name."""
    return {Path(path).stem: [json.loads(line) for line in lines(data)] for path, data in files.items() if path.endswith(".jsonl")}


def read_terms(files: Mapping[str, bytes]) -> list[Programme]:
    """The terms in a settlement's files: its own first, then those that rows name."""
    others = sorted(path for path in files if path.startswith(f"period/{TERMS}/"))
    return [read_programme(path, files[path]) for path in ("period/programme.toml", *others)]


def show(context: Context, settlement_id: str, party_id: str) -> list[dict[str, Any]]:
    """A party's statement, one entry per currency, with its lines."""
    return _read(context, settlement_id, party_id)[1]


def show_to(context: Context, settlement_id: str, party_id: str, reader: str | None) -> list[dict[str, Any]]:
    """The same for a payee who asks (`reader`): what is not theirs looks as if it did not exist. None: the operator's people, who see all."""
    _refuse_others(context, settlement_id, party_id, reader)
    return show(context, settlement_id, party_id)


def overview(context: Context, settlement_id: str) -> list[dict[str, Any]]:
    """Every payee's statement row, without lines."""
    return settlement_files.read_table(context, settlement_id, "statements")


def overview_to(context: Context, settlement_id: str, reader: str | None) -> list[dict[str, Any]]:
    """Statement rows as a payee may see them: their own. Raises Refused when they have none, also where there is no such settlement."""
    if reader is None:
        return overview(context, settlement_id)
    rows = overview(context, settlement_id) if _is_settled(context, settlement_id) else []
    own = [row for row in rows if row["party_id"] == reader]
    if not own:
        raise _no_statement(settlement_id, reader)
    return own


def list_settlements(context: Context, reader: str | None = None) -> list[Kept]:
    """Settlements and corrections, newest first; for a payee those in which they have a statement."""
    return [
        one
        for one in settlement_files.list_newest_first(context)
        if reader is None or any(row["party_id"] == reader for row in settlement_files.read_table(context, one.settlement_id, "statements"))
    ]


def list_lines(context: Context, settlement_id: str, reader: str | None = None) -> list[dict[str, Any]]:
    """Lines of all payees in the columns of allocations.jsonl, ascending by line, or of the payee who asks; of a correction, what it changed.

    To a payee, `weight` and `numerator` are None in pools whose weights the programme doesn't show them.
    """
    if reader is not None:
        overview_to(context, settlement_id, reader)
    corrects = settlement_files.find(context, settlement_id).number > 0
    if reader is None:
        tables = {name: settlement_files.read_table(context, settlement_id, name) for name in ("allocations", "deltas")}
        rows = [row for found in find_lines(tables, corrects=corrects).values() for row in found]
        small: Mapping[str, int] = {}
    else:
        files = settlement_files.read_all(context, settlement_id)
        tables = parse_tables(files)
        rows = list(find_lines(tables, corrects=corrects).get(f"party:{reader}", []))
        small = find_small(tables, read_terms(files))
    shown = [{name: row[name] for name in LINE} for row in sorted(rows, key=lambda row: str(row["line_id"]))]
    return [{**row, "weight": None, "numerator": None} if row["pool"] in small else row for row in shown]


def _is_settled(context: Context, settlement_id: str) -> bool:
    return any(kept.settlement_id == settlement_id for kept in settlement_files.list_all(context))


def _no_statement(settlement_id: str, party_id: str) -> Refused:
    what = f"{party_id!r} has no statement in {settlement_id}"
    return Refused("no_statement", what, "see the parties: ritornello statement SETTLEMENT")


def write(
    context: Context, settlement_id: str, folder: Path, party_id: str | None = None, *, pdf: bool = True, fonts: Path | None = None
) -> int:
    """Write statements as JSON, CSV, pages and PDF into a new folder: one party's, or all of them with the payout list.

    `fonts`: a folder of further fonts for the PDFs. Returns the number of parties.
    """
    files = settlement_files.read_all(context, settlement_id)
    tables = parse_tables(files)
    small, head = find_small(tables, read_terms(files)), _read_head(files)
    parties = sorted({row["party_id"] for row in tables["statements"]} if party_id is None else {party_id})
    forms = [form for form in FORMS if pdf or form != "pdf"]
    with build_folder(folder) as building:
        for name in parties:
            sheets = itemise(tables, name, small)
            if not sheets:
                raise _no_statement(settlement_id, name)
            for form in forms:
                write_atomically(building / "parties" / f"{name}.{form}", _render(sheets, form, head, fonts))
        if party_id is None:
            write_atomically(building / "payouts.csv", _payouts(context, tables["payouts"]), mode=0o600)
    return len(parties)


def render_to(context: Context, settlement_id: str, party_id: str, form: str, reader: str | None) -> bytes:
    """A party's statement as a file, as a payee may see it (`show_to`): json, csv, html or pdf. Raises Refused for another form, or when there is none."""
    if form not in FORMS:
        raise Refused("unknown_form", f"there is no statement as {form!r}", f"choose from {', '.join(FORMS)}")
    _refuse_others(context, settlement_id, party_id, reader)
    files, sheets = _read(context, settlement_id, party_id)
    return _render(sheets, form, _read_head(files), None)


@dataclass(frozen=True, slots=True)
class _Head:
    """What stands above every statement of a settlement. `page`: as pages and PDFs take it."""

    page: dict[str, Any]
    known_at: datetime


def _read_head(files: Mapping[str, bytes]) -> _Head:
    period = json.loads(files["period/period.json"])
    programme = read_programme("programme.toml", files["period/programme.toml"])
    days = {name: date.fromisoformat(period[name]) for name in ("first_day", "last_day")}
    page = {"programme_title": programme.title, "licensor": programme.licensor, "licensee": programme.licensee, **days}
    return _Head(page, datetime.fromtimestamp(period["known_at_us"] // 1_000_000, UTC))


def _render(sheets: list[dict[str, Any]], form: str, head: _Head, fonts: Path | None) -> bytes:
    """One form of a statement."""
    if form == "json":
        return render_json(sheets)
    if form == "csv":
        return render_csv(sheets)
    if form == "html":
        return render_page(sheets, **head.page)
    from ritornello.formats.pdf_fonts import list_fonts
    from ritornello.formats.statement_pdf import render_pdf  # here, since most commands write no PDF

    return render_pdf(sheets, **head.page, known_at=head.known_at, fonts=list_fonts(fonts) if fonts else ())


def _read(context: Context, settlement_id: str, party_id: str) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """A settlement's files, and a party's statement from them."""
    files = settlement_files.read_all(context, settlement_id)
    tables = parse_tables(files)
    sheets = itemise(tables, party_id, find_small(tables, read_terms(files)))
    if not sheets:
        raise _no_statement(settlement_id, party_id)
    return files, sheets


def _refuse_others(context: Context, settlement_id: str, party_id: str, reader: str | None) -> None:
    """To a payee, others' statements and what isn't settled look alike."""
    if reader is not None and (reader != party_id or not _is_settled(context, settlement_id)):
        raise _no_statement(settlement_id, party_id)


def _payouts(context: Context, rows: list[dict[str, Any]]) -> bytes:
    """The payout list, with masked accounts: `ritornello payout write` makes what a bank reads."""
    parties = catalogue.read_parties(context.connection)
    accounts = by_party(read_accounts(context.connection, known_at_us=context.now_us()))
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(("payout_id", "party_id", "name", "payout_account", "currency", "amount"))
    for row in rows:
        party = parties[row["party_id"]]
        amount = format_units(int(row["amount_units"]), row["minor_digits"])
        account = account_for(accounts.get(party.party_id, []), row["currency"])
        names = harmless(party.name), account.masked if account else ""
        writer.writerow((row["payout_id"], party.party_id, *names, row["currency"], amount))
    return stream.getvalue().encode()
