"""Statements and the payout list of a settlement, for people."""

import csv
import io
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from ritornello.domain.errors import Refused
from ritornello.domain.money import format_units
from ritornello.domain.payout_account import account_for
from ritornello.domain.programme import Programme
from ritornello.formats.canonical import build_folder, iterate_files, lines, write_atomically
from ritornello.formats.minimum_counts import find_small
from ritornello.formats.programme_toml import read_programme
from ritornello.formats.schema import PERIOD_TABLES, RESULT_KEYS
from ritornello.formats.statement_files import harmless, itemise, render_csv, render_json, render_page
from ritornello.formats.terms_folder import TERMS
from ritornello.service import settlement_files
from ritornello.service.context import Context
from ritornello.store import catalogue
from ritornello.store.payout_accounts import by_party, read_accounts

Tables = dict[str, list[dict[str, Any]]]


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
    files = settlement_files.read_all(context, settlement_id)
    tables = parse_tables(files)
    sheets = itemise(tables, party_id, find_small(tables, read_terms(files)))
    if not sheets:
        raise Refused(
            "no_statement", f"{party_id!r} has no statement in {settlement_id}", "see the parties: ritornello statement SETTLEMENT"
        )
    return sheets


def overview(context: Context, settlement_id: str) -> list[dict[str, Any]]:
    """Every payee's statement row, without lines."""
    return parse_tables(settlement_files.read_all(context, settlement_id))["statements"]


def write(
    context: Context, settlement_id: str, folder: Path, party_id: str | None = None, *, pdf: bool = True, fonts: Path | None = None
) -> int:
    """Write statements as JSON, CSV, pages and PDF into a new folder: one party's, or all of them with the payout list.

    `fonts`: a folder of further fonts for the PDFs. Returns the number of parties.
    """
    from ritornello.formats.pdf_fonts import list_fonts
    from ritornello.formats.statement_pdf import render_pdf  # here, since most commands write no PDF

    files = settlement_files.read_all(context, settlement_id)
    tables, period = parse_tables(files), json.loads(files["period/period.json"])
    programme, *others = read_terms(files)
    small = find_small(tables, (programme, *others))
    days = {name: date.fromisoformat(period[name]) for name in ("first_day", "last_day")}
    head: dict[str, Any] = {"programme_title": programme.title, "licensor": programme.licensor, "licensee": programme.licensee, **days}
    known_at = datetime.fromtimestamp(period["known_at_us"] // 1_000_000, UTC)
    parties = sorted({row["party_id"] for row in tables["statements"]} if party_id is None else {party_id})
    with build_folder(folder) as building:
        for name in parties:
            sheets = itemise(tables, name, small) or show(context, settlement_id, name)
            renderings = {"json": render_json(sheets), "csv": render_csv(sheets), "html": render_page(sheets, **head)}
            if pdf:
                renderings["pdf"] = render_pdf(sheets, **head, known_at=known_at, fonts=list_fonts(fonts) if fonts else ())
            for suffix, data in renderings.items():
                write_atomically(building / "parties" / f"{name}.{suffix}", data)
        if party_id is None:
            write_atomically(building / "payouts.csv", _payouts(context, tables["payouts"]), mode=0o600)
    return len(parties)


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
