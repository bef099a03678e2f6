"""Deciding: one party about a recording, a release or its whole catalogue, or many at once in a spreadsheet.

What is more than one recording is previewed first, and recorded when the preview's token confirms it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ritornello.domain.consent import Terms
from ritornello.domain.errors import Problem, Refused, raise_if_any
from ritornello.formats.canonical import encode, hash_file
from ritornello.formats.consents_csv import ConsentRow, Subject, read_consents
from ritornello.formats.sheet import Sheet
from ritornello.service import consent, terms
from ritornello.service.consent import Decided, Decision, Manner
from ritornello.service.context import Context
from ritornello.service.shorthand import Expansion, Holdings, expand, read_holdings
from ritornello.store import catalogue


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be recorded, before anybody confirms it. `token` names exactly this: other decisions have another."""

    token: str
    decisions: dict[str, int]  # verb → how many events
    parties: int
    recordings: int
    assets: int
    expansions: tuple[tuple[int | None, Expansion], ...]  # row of the spreadsheet, and what it means where that is more than one asset


def decide(
    context: Context,
    scope: str,
    decision: str,
    party_id: str,
    subject: Subject,
    *,
    kinds: Sequence[str],
    label: str | None,
    purposes: Sequence[str],
    manner: Manner,
    confirm: str | None,
    actor_id: str | None = None,
    territory: str = "WW",
    effective_from: date | None = None,
    effective_to: date | None = None,
) -> Decided | Preview:
    """One party's decision, made by itself or by a representative. A shorthand gives a preview first, and the events when its token confirms it.

    Raises Refused when there is nothing to decide about, or the token is not that of what the shorthand means now.
    """
    shown = terms.find_placed(context, scope, context.today(), context.now_us())
    _refuse_unsound(context, party_id, actor_id, effective_from, effective_to)
    holdings = read_holdings(context)
    expansions = [expand(holdings, subject, party_id, kind, label) for kind in dict.fromkeys(kinds)]
    decisions = [
        Decision(
            decision,
            party_id,
            actor_id or party_id,
            asset,
            purpose,
            territory,
            effective_from,
            effective_to,
            one if subject.is_shorthand else None,
        )
        for one in expansions
        for asset in one.assets
        for purpose in purposes or shown.purposes
    ]
    decisions = consent.standing_only(context, shown, decisions)
    if subject.is_shorthand:
        preview = _preview(shown, decisions, [(None, one) for one in expansions])
        if confirm is None:
            return preview
        _refuse_unconfirmed(preview, confirm, str(subject))
    return consent.record(context, shown, decisions, manner)


def import_decisions(context: Context, scope: str, path: Path, confirm: str | None) -> Decided | Preview:
    """Decisions from consents.csv: first a preview, then, confirmed with its token, the events.

    Raises BadInput with every problem, and Refused when the token is not that of the file as it is now.
    """
    shown = terms.find_placed(context, scope, context.today(), context.now_us())
    rows, sheet = read_consents(path)
    parties = catalogue.read_parties(context.connection)
    decisions, expansions = list[Decision](), list[tuple[int | None, Expansion]]()
    holdings = read_holdings(context)
    for row in rows:
        if row.party_id not in parties:
            sheet.problem(row.row, "party_id", f"there is no party {row.party_id!r}", "import it first or correct the cell")
            continue
        if row.purpose not in shown.purposes:
            todo = f"it uses: {', '.join(shown.purposes)}"
            sheet.problem(row.row, "purpose", f"{scope} does not use the purpose {row.purpose}", todo)
        found = _expand_row(holdings, row, sheet)
        if found is None:
            continue
        if len(found.assets) > 1 or row.subject.is_shorthand:
            expansions.append((row.row, found))
        decisions += _from_row(row, found)
    raise_if_any(sheet.problems)
    raise_if_any([] if decisions else [Problem(path.name, None, None, "holds no decision", "add rows")])
    preview = _preview(shown, decisions, expansions)
    if confirm is None:
        return preview
    _refuse_unconfirmed(preview, confirm, path.name)
    source = hash_file(path)
    context.record("import", path.name, source)
    return consent.record(context, shown, decisions, Manner(f"import of {path.name}", source_sha256=source))


def _refuse_unsound(context: Context, party_id: str, actor_id: str | None, effective_from: date | None, effective_to: date | None) -> None:
    parties = catalogue.read_parties(context.connection)
    for name in (party_id, actor_id or party_id):
        if name not in parties:
            raise Refused("unknown_party", f"there is no party {name!r}", "import it with parties.csv")
    if effective_to and effective_to < (effective_from or context.today()):
        raise Refused("bad_term", f"the last day {effective_to} is before the first", "correct one of the days")


def _refuse_unconfirmed(preview: Preview, token: str, what: str) -> None:
    if token != preview.token:
        raise Refused("not_confirmed", f"{token!r} is not the token of what {what} means now", "look at the preview again")


def _expand_row(holdings: Holdings, row: ConsentRow, sheet: Sheet) -> Expansion | None:
    """What a row means, or None and a problem in the sheet."""
    try:
        return expand(holdings, row.subject, row.party_id, row.kind, row.label)
    except Refused as error:
        column = "kind" if error.code == "unknown_asset" else "subject" if row.subject.is_shorthand else "recording_id"
        sheet.problem(row.row, column, error.what, error.todo)
        return None


def _from_row(row: ConsentRow, found: Expansion) -> Iterator[Decision]:
    for asset in found.assets:
        yield Decision(
            row.decision,
            row.party_id,
            row.party_id,
            asset,
            row.purpose,
            row.territory,
            row.effective_from,
            row.effective_to,
            found if row.subject.is_shorthand else None,
        )


def _preview(shown: Terms, decisions: Sequence[Decision], expansions: Sequence[tuple[int | None, Expansion]]) -> Preview:
    told = [
        [d.decision, d.party_id, d.actor_id, d.asset.asset_id, d.purpose, d.territory, str(d.effective_from), str(d.effective_to)]
        for d in decisions
    ]
    said = [[row, str(one.subject), one.kind] for row, one in expansions]
    token = hashlib.sha256(encode({"terms": shown.sha256, "decisions": told, "said": said})).hexdigest()[:12]
    verbs = [d.decision for d in decisions]
    return Preview(
        token,
        {verb: verbs.count(verb) for verb in dict.fromkeys(verbs)},
        len({d.party_id for d in decisions}),
        len({d.asset.recording_id for d in decisions}),
        len({d.asset.asset_id for d in decisions}),
        tuple(expansions),
    )
