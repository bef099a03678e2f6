"""`ritornello usage …`, `revenue …`, `settle`, `statement`, `explain`, `bundle`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ritornello.cli.frame import FILE, FOLDER, NEW, Frame, pass_frame
from ritornello.domain.money import format_units
from ritornello.service import bundle as bundles
from ritornello.service import explain as explaining
from ritornello.service import overview, reports, settlement, statements


@click.group()
def usage() -> None:
    """How often outputs were used."""


@usage.command("import")
@click.argument("file", type=FILE)
@click.option("--programme", required=True)
@click.option("--period", required=True, help="2026-10, 2026-Q4 or 2026.")
@pass_frame
def import_usage(frame: Frame, file: Path, programme: str, period: str) -> None:
    """Import usage.csv, all or nothing."""
    with frame.context() as context:
        count = reports.import_usage(context, programme, period, file)
    frame.show({"usage_records": count}, f"{count} usage records")


@click.group()
def revenue() -> None:
    """What the licensee earned."""


@revenue.command("import")
@click.argument("file", type=FILE)
@click.option("--programme", required=True)
@click.option("--period", required=True, help="2026-10, 2026-Q4 or 2026.")
@pass_frame
def import_revenue(frame: Frame, file: Path, programme: str, period: str) -> None:
    """Import revenue.csv, all or nothing; the same report never counts twice."""
    with frame.context() as context:
        totals = reports.import_revenue(context, programme, period, file)
        shown = {currency: overview.money(units, currency) for currency, units in sorted(totals.items())}
    frame.show({"net_units": {currency: str(units) for currency, units in totals.items()}}, "net revenue: " + ", ".join(shown.values()))


@click.command()
@click.argument("period_folder", type=FOLDER, required=False)
@click.option("--out", type=NEW, help="New folder for the result (with PERIOD_FOLDER).")
@click.option("--programme", help="Settle from the home's database and post.")
@click.option("--period", help="2026-10, 2026-Q4 or 2026.")
@click.option("--early", is_flag=True, help="Although the period is not over.")
@click.option("--export", "export", type=NEW, help="Only write the period folder as it would be settled now.")
@pass_frame
def settle(
    frame: Frame, period_folder: Path | None, out: Path | None, programme: str | None, period: str | None, early: bool, export: Path | None
) -> None:
    """Divide a period's money exactly.

    `settle PERIOD_FOLDER --out RESULT_FOLDER` works on files alone; `settle --programme P --period 2026-10` takes them from the home,
    and posts to its ledger, once.
    """
    if period_folder is not None and out is not None and programme is None and period is None:
        settled = settlement.settle_folder(period_folder, out)
    elif period_folder is None and out is None and programme is not None and period is not None:
        with frame.context() as context:
            if export is not None:
                names = settlement.write_period(context, programme, period, export)
                frame.show({"folder": str(export), "files": names}, f"{len(names)} files in {export}")
                return
            settled = settlement.settle_period(context, programme, period, early=early)
    else:
        raise click.UsageError("give PERIOD_FOLDER and --out, or --programme and --period")
    document = settled.document
    text = [f"{settled.settlement_id}: {settled.lines:,} lines to {settled.payees:,} payees; {len(document['checks'])} invariants hold"]
    text += [render_totals(row) for row in document["totals"]]
    frame.show(document, "\n".join(text))


def render_totals(row: Mapping[str, Any]) -> str:
    """Where one currency's money went."""
    parts = {
        name: overview.money(int(row[f"{name}_units"]), row["currency"]) for name in ("opening", "received", "paid", "held", "carried")
    }
    opening = f"opening {parts['opening']} + " if row["opening_units"] != "0" else ""
    return f"paid {parts['paid']} + held {parts['held']} + carried {parts['carried']} = {opening}received {parts['received']}"


@click.command()
@click.argument("settlement_id")
@click.argument("party", required=False)
@click.option(
    "--out", type=NEW, help="New folder for statements as JSON, CSV, pages and PDF; without PARTY, of everyone, with the payout list."
)
@click.option("--no-pdf", is_flag=True, help="Leave out the PDFs, which take longest.")
@click.option("--fonts", type=FOLDER, help="Further fonts (.ttf, .otf) for names in scripts that ours don't have.")
@pass_frame
def statement(frame: Frame, settlement_id: str, party: str | None, out: Path | None, no_pdf: bool, fonts: Path | None) -> None:
    """Statements: of all parties in short, of one PARTY with its lines, or all as files."""
    with frame.context() as context:
        if out is not None:
            count = statements.write(context, settlement_id, out, party, pdf=not no_pdf, fonts=fonts)
            frame.show({"folder": str(out), "parties": count}, f"{count} statements in {out}{'' if party else ', with payouts.csv'}")
        elif party is None:
            rows = statements.overview(context, settlement_id)
            text = [
                f"{row['party_id']:<24} {row['name']:<32} earned {_amount(row, 'net_revenue')}  paid {_amount(row, 'paid')}  carries {_amount(row, 'closing')}"
                for row in rows
            ]
            frame.show(rows, "\n".join(text))
        else:
            sheets = statements.show(context, settlement_id, party)
            frame.show(sheets, "\n\n".join(_render_sheet(sheet) for sheet in sheets))


@click.command()
@click.argument("line")
@click.option("--folder", type=FOLDER, help="A bundle to explain from, instead of the home.")
@pass_frame
def explain(frame: Frame, line: str, folder: Path | None) -> None:
    """Why this cent? Walk one LINE of a statement back to pool, weight, claim, consent, snapshot and revenue row."""
    if folder is not None:
        chain = explaining.explain_folder(folder, line)
    else:
        with frame.context() as context:
            chain = explaining.explain(context, line)
    frame.show(chain, explaining.render(chain))


@click.command()
@click.argument("settlement_id")
@click.argument("folder", type=NEW)
@pass_frame
def bundle(frame: Frame, settlement_id: str, folder: Path) -> None:
    """Export everything of a settlement, with proofs, so that a stranger can recompute it (docs/formats/bundle.md)."""
    with frame.context() as context:
        count = bundles.write_bundle(context, settlement_id, folder)
    frame.show(
        {"folder": str(folder), "files": count}, f"{count} files with their proofs in {folder}\ncheck it: ritornello-verify {folder}"
    )


def _amount(row: Mapping[str, Any], name: str) -> str:
    return f"{overview.money(int(row[f'{name}_units']), row['currency']):>18}"


def _render_sheet(sheet: Mapping[str, Any]) -> str:
    head = [f"{sheet['name']} · {sheet['settlement_id']} · {sheet['currency']}"]
    for name, label in (
        ("opening", "opening balance"),
        ("net_revenue", "net revenue"),
        ("net_costs", "net costs"),
        ("reserves_withheld", "reserves withheld"),
        ("reserves_released", "reserves released"),
        ("paid", "paid out"),
        ("closing", "closing balance"),
        ("held_with_others", "held, not agreed"),
    ):
        head.append(f"  {label:<20}{_amount(sheet, name)}")
    for item in sheet["items"]:
        amount = format_units(int(item["amount_units"]), sheet["minor_digits"])
        where = f"{item['income']} {item['model_version']} {item['territory']}".replace(" *", "").replace(" WW", "")
        head.append(f"  {item['line_id']}  {amount:>14}  {item['title'][:32]:<32} {item['lane']:<10} {item['basis']:<21} {where}")
    return "\n".join(head)
