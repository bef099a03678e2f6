"""A settlement or correction on the rails of others: DSR royalty and usage files, read back before they are handed out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ritornello.domain.errors import Refused
from ritornello.formats.canonical import build_folder, write_atomically
from ritornello.formats.dsr.reading import read_dsr
from ritornello.formats.dsr.writing import Heading, Lookup, look_up, render_royalties, render_usage
from ritornello.formats.payee_lines import Tables
from ritornello.service import settlement_files
from ritornello.service.context import Context
from ritornello.service.statements import parse_tables, read_terms


@dataclass(frozen=True, slots=True)
class Written:
    """Files, and what the royalties in them total."""

    files: tuple[str, ...]
    royalties: Mapping[str, int]  # currency → units


def write_dsr(context: Context, settlement_id: str, folder: Path, party_id: str | None = None) -> Written:
    """Royalty files of every payee (held money too) with the usage file into a new folder; of one party, its royalty file alone.

    Of a correction, royalty files (of those alone whom it touches) hold signed differences, and the usage file the whole period as it is known now.
    Each file is read back: what our reader finds must be the settlement's own lines, or the program stops.
    """
    files = settlement_files.read_all(context, settlement_id)
    tables = parse_tables(files)
    period = json.loads(files["period/period.json"])
    first_day, last_day = (date.fromisoformat(period[name]) for name in ("first_day", "last_day"))
    heading = Heading(settlement_id, read_terms(files), first_day, last_day, period["known_at_us"], period["corrects"] or "")
    lookup = look_up(tables, corrects=period["corrects"] is not None)
    chosen = sorted(lookup.lines) if party_id is None else [payee for payee in lookup.lines if payee == f"party:{party_id}"]
    tells_use = party_id is None and any(tables[name] for name in ("revenue", "usage", "runs"))
    if not chosen and not tells_use:
        what = f"{party_id or 'nobody'} has no line in {settlement_id}"
        raise Refused("no_statement", what, "see the parties: ritornello statement SETTLEMENT")
    written, royalties = [], dict[str, int]()
    with build_folder(folder) as building:
        for payee in chosen:
            kind, _, name = payee.partition(":")
            path = f"{'royalties' if kind == 'party' else kind}/{name}.tsv"
            write_atomically(building / path, render_royalties(heading, lookup, payee))
            for currency, units in _check_royalties(building / path, lookup, payee, heading.last_day).items():
                royalties[currency] = royalties.get(currency, 0) + units
            written.append(path)
        if tells_use:
            write_atomically(building / "usage.tsv", render_usage(heading, tables, lookup))
            _check_usage(building / "usage.tsv", tables, heading.last_day)
            written.append("usage.tsv")
    return Written(tuple(written), royalties)


def _check_royalties(path: Path, lookup: Lookup, payee: str, last_day: date) -> dict[str, int]:
    """Currency → units as read back; every pool's sum must be the settlement's."""
    report = read_dsr(path, last_day)
    assert not report.problems.kept, f"{path.name}: {report.problems.kept[0]}"
    expected: dict[str, int] = {}
    for line in lookup.lines[payee]:
        expected[line["pool"]] = expected.get(line["pool"], 0) + int(line["amount_units"])
    found = {name: summary.licensor_units for name, summary in report.summaries.items()}
    assert found == expected, f"{path.name} does not say what the settlement says"
    totals: dict[str, int] = {}
    for summary in report.summaries.values():
        totals[summary.currency] = totals.get(summary.currency, 0) + summary.licensor_units
    return totals


def _check_usage(path: Path, tables: Tables, last_day: date) -> None:
    report = read_dsr(path, last_day)
    assert not report.problems.kept, f"{path.name}: {report.problems.kept[0]}"
    units = sum(summary.net_units for summary in report.summaries.values())
    assert units == sum(int(row["net_units"]) for row in tables["revenue"]), f"{path.name} has other revenue than the settlement"
    uses = sum(int(summary.line_usages) for name, summary in report.summaries.items() if name.startswith("outputs/"))
    assert uses == sum(row["uses"] for row in tables["usage"]), f"{path.name} has other usage than the settlement"
    read = sum(int(summary.line_usages) for name, summary in report.summaries.items() if name.startswith("training/"))
    assert read == sum(row["exposure_ms"] for row in tables["exposure"]), f"{path.name} has other exposure than the settlement"
