"""`ritornello settle`, `correct`, `simulate`, `statement`, `explain`, `bundle`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from ritornello.cli.frame import FILE, FOLDER, NEW, Frame, Size, pass_frame
from ritornello.domain.money import format_units
from ritornello.service import after_tail as tails
from ritornello.service import bundle as bundles
from ritornello.service import explain as explaining
from ritornello.service import overview, settlement, simulation, statements


def _engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What divides a folder's money, and within which limits."""
    for option in (
        click.option("--disk-limit", type=Size(), help="What it may spill to disk, such as 64GB (the default)."),
        click.option("--memory-limit", type=Size(), help="What --engine may hold in memory, such as 4GB (the default)."),
        click.option("--engine-data", help="A folder that its workers read and write, by URL: file:///shared/x, s3://bucket/x."),
        click.option("--engine-url", help="Where --engine spark listens, such as sc://host:15002."),
        click.option("--engine", type=click.Choice(["duckdb", "spark"]), help="Divide PERIOD_FOLDER by an engine: for large periods."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("period_folder", type=FOLDER, required=False)
@click.option("--out", type=NEW, help="New folder for the result (with PERIOD_FOLDER).")
@click.option("--programme", help="Settle from the home's database and post.")
@click.option("--period", help="2026-10, 2026-Q4 or 2026.")
@click.option("--early", is_flag=True, help="Although the period is not over.")
@click.option("--skip", is_flag=True, help="Although the time before the period is not settled.")
@click.option("--export", "export", type=NEW, help="Only write the period folder as it would be settled now.")
@_engine_options
@click.option("--as-known-at", "settlement_id", help="Derive this SETTLEMENT again from what was known then, into --out; posts nothing.")
@pass_frame
def settle(
    frame: Frame,
    /,
    period_folder: Path | None,
    out: Path | None,
    programme: str | None,
    period: str | None,
    early: bool,
    skip: bool,
    export: Path | None,
    settlement_id: str | None,
    **limits: Any,
) -> None:
    """Divide a period's money exactly.

    `settle PERIOD_FOLDER --out RESULT_FOLDER` works on files alone; `settle --programme P --period 2026-10` takes them from the home,
    and posts to its ledger, once. `settle --as-known-at SETTLEMENT --out FOLDER` proves that an issued settlement, or one of its
    corrections, comes out of the database's history byte for byte.
    """
    if settlement_id is not None and out is not None and period_folder is None and programme is None and period is None:
        with frame.context() as context:
            settled = settlement.derive_again(context, settlement_id, out)
    elif period_folder is not None and out is not None and programme is None and period is None:
        settled = _settle_files(frame, period_folder, out, **limits)
    elif period_folder is None and out is None and programme is not None and period is not None:
        with frame.context() as context:
            if export is not None:
                names = settlement.write_period(context, programme, period, export)
                frame.show({"folder": str(export), "files": names}, f"{len(names)} files in {export}")
                return
            settled = settlement.settle_period(context, programme, period, early=early, skip=skip)
    else:
        raise click.UsageError("give PERIOD_FOLDER and --out, or --programme and --period, or --as-known-at and --out")
    frame.show(settled.document, render_settled(settled))


@click.command()
@click.argument("period_folder", type=FOLDER, required=False)
@click.option("--out", type=NEW, help="New folder for the result (with PERIOD_FOLDER).")
@click.option("--programme", help="Correct from the home's database and post.")
@click.option("--period", help="2026-10, 2026-Q4 or 2026.")
@click.option("--export", "export", type=NEW, help="Only write the period folder as it would be corrected now.")
@_engine_options
@pass_frame
def correct(
    frame: Frame,
    /,
    period_folder: Path | None,
    out: Path | None,
    programme: str | None,
    period: str | None,
    export: Path | None,
    **limits: Any,
) -> None:
    """Post what a settled period comes to now, as signed differences; whoever is not concerned is not touched.

    For late, replaced and withdrawn reports, corrected claims, resolved disputes and new attributions. The next settlement pays.
    `correct PERIOD_FOLDER --out RESULT_FOLDER` works on files alone, large ones by an engine, and posts nothing.
    """
    if period_folder is not None and out is not None and programme is None and period is None:
        settlement.refuse_unless_correction(period_folder)
        settled = _settle_files(frame, period_folder, out, **limits)
    elif period_folder is None and out is None and programme is not None and period is not None:
        with frame.context() as context:
            if export is not None:
                names = settlement.write_period(context, programme, period, export, corrects=True)
                frame.show({"folder": str(export), "files": names}, f"{len(names)} files in {export}")
                return
            settled = settlement.correct_period(context, programme, period)
    else:
        raise click.UsageError("give PERIOD_FOLDER and --out, or --programme and --period")
    frame.show(settled.document, render_settled(settled))


def _settle_files(
    frame: Frame,
    period_folder: Path,
    out: Path,
    engine: str | None,
    engine_url: str | None,
    engine_data: str | None,
    memory_limit: int | None,
    disk_limit: int | None,
) -> settlement.Settled:
    if engine is None:
        return settlement.settle_folder(period_folder, out)
    from ritornello.service.large_settlement import GIB, Engine, settle_large  # here, since the engines take a second to import

    limits = memory_limit or 4 * GIB, disk_limit or 64 * GIB
    chosen = Engine(engine, engine_url or frame.engine_url, engine_data or frame.engine_data, *limits)
    settled = settle_large(period_folder, out, chosen, frame.tell)
    frame.clear()
    return settled


@click.command()
@click.argument("period_folder", type=FOLDER)
@click.option("--terms", multiple=True, required=True, type=FILE, help="A programme's file to compare with; may stand several times.")
@pass_frame
def simulate(frame: Frame, period_folder: Path, terms: tuple[Path, ...]) -> None:
    """What PERIOD_FOLDER would pay under other programmes, side by side: who gains and who loses. Posts nothing.

    Write the folder with `ritornello settle --programme P --period 2026-10 --export PERIOD_FOLDER`.
    """
    found = simulation.simulate_folder(period_folder, terms)
    text = [
        f"{row['programme']:<24} {row['currency']}  total {_money(row, 'total'):>18}  held {_money(row, 'held'):>16}"
        f"  median {_money(row, 'median'):>16}  Gini {row['gini']}  parties {row['parties']}"
        for row in found["summaries"]
    ]
    for row in found["attribution"]:
        decided = "attribution decides" if row["reason"] == "rule" else f"the fallback decides ({row['reason'].replace('_', ' ')})"
        text.append(
            f"{row['programme']:<24} {row['income']}: {decided} over {_money(row, '')}, {row['parts']} × model version and territory"
        )
    for row in found["accounts"]:
        amounts = "  ".join(f"{overview.money(int(units), row['currency']):>18}" for units in row["units"].values())
        text.append(f"{row['account']:<32} {amounts}")
    frame.show(found, "\n".join(text))


@click.command("after-tail")
@click.argument("settlement_id")
@pass_frame
def after_tail(frame: Frame, settlement_id: str) -> None:
    """Models that a SETTLEMENT found in use after the tail of a withdrawal: through which recording, since when, what they earned."""
    with frame.context() as context:
        rows = tails.list_after_tail(context, settlement_id)
    text = [
        f"{row['model_version']:<16} {row['recording_id']:<28} {row['party_id']:<20} withdrawn from {row['withdrawn_from']}, tail until {row['tail_until']}"
        f"  {', '.join(overview.money(int(units), currency) for currency, units in row['earned_units'].items()) or 'earned nothing'}"
        for row in rows
    ]
    frame.show(rows, "\n".join(text) or "no model was in use after the tail of a withdrawal")


def render_settled(settled: settlement.Settled) -> str:
    document = settled.document
    what = f"{settled.deltas:,} of {settled.lines:,} lines changed" if settled.deltas else f"{settled.lines:,} lines"
    text = [f"{settled.settlement_id}: {what} to {settled.payees:,} payees; {len(document['checks'])} invariants hold"]
    return "\n".join(text + [render_totals(row) for row in document["totals"]])


def render_totals(row: Mapping[str, Any]) -> str:
    """Where one currency's money came from and went; what is nothing is left out, but for paid, held and carried."""

    def parts(names: tuple[str, ...], always: tuple[str, ...]) -> str:
        shown = [name for name in names if name in always or row[f"{name}_units"] != "0"]
        return " + ".join(f"{name.replace('_', ' ')} {_money(row, name)}" for name in shown)

    went = parts(("paid", "tax", "fees", "recouped", "reserved", "held", "carried"), ("paid", "held", "carried"))
    return f"{went} = {parts(('opening', 'opening_reserves', 'received'), ('received',))}"


def _money(row: Mapping[str, Any], name: str) -> str:
    return overview.money(int(row[f"{name}_units" if name else "units"]), row["currency"])


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
        ("recouped", "  recouped"),
        ("tax", "  tax withheld"),
        ("fee", "  payout fee"),
        ("reserves_withheld", "reserves withheld"),
        ("reserves_released", "reserves released"),
        ("paid", "paid out"),
        ("closing", "closing balance"),
        ("held_with_others", "held, not agreed"),
        ("after_tail", "  earned after a tail"),
    ):
        if not label.startswith(" ") or sheet[f"{name}_units"] != "0":
            head.append(f"  {label:<20}{_amount(sheet, name)}")
    for item in sheet["items"]:
        amount = format_units(int(item["amount_units"]), sheet["minor_digits"])
        where = f"{item['income']} {item['model_version']} {item['territory']}".replace(" *", "").replace(" WW", "")
        head.append(f"  {item['line_id']}  {amount:>14}  {item['title'][:32]:<32} {item['lane']:<10} {item['basis']:<21} {where}")
    head += [f"  {note}" for note in sheet["notes"]]
    return "\n".join(head)
