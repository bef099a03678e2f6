"""`ritornello consent …` and `ritornello mandate …`."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any

import click

from ritornello.cli.frame import FILE, NEW, About, Day, Frame, Moment, Territory, pass_frame, read_key
from ritornello.domain.catalogue import ASSET_KINDS, LANES
from ritornello.domain.consent import PURPOSES, Answer, Missing
from ritornello.domain.errors import Refused
from ritornello.domain.splits import format_share
from ritornello.formats.canonical import encode_document, write_atomically
from ritornello.formats.consent_words import describe_missing
from ritornello.formats.consents_csv import Subject
from ritornello.service import consent as service
from ritornello.service import consent_receipts, decisions, evidence, mandates
from ritornello.service.context import Context
from ritornello.service.effect import describe_effects
from ritornello.service.notices import tell_licensees
from ritornello.store.consents import event_row, mandate_row

_PLURALS = {"grant": "grants", "withdraw": "withdrawals", "hold": "holds", "release": "releases of holds"}
_HELP = {
    "grant": "Record that a party allows an asset's use. Others may still have to agree: see `consent check`.",
    "withdraw": "Record that a party takes a grant back, after the notice of the terms it was given under. Shows which models still hold the asset and what they owe.",
    "hold": "Stop an asset's use from now on, whoever has granted it: a dispute, a court's order.",
    "release": "Take a hold back.",
}


@click.group()
def consent() -> None:
    """Who allowed what. No answer means no."""


def _decide(verb: str) -> click.Command:
    @click.command(verb, help=_HELP[verb])
    @click.option("--programme", required=True, help="The programme, or class:ID of a class of licensees, whose terms were shown.")
    @click.option("--party", required=True, help="Whose decision it is.")
    @click.option("--by", "actor", help="The representative who makes it; needs a mandate.")
    @click.option("--recording", help="One recording.")
    @click.option(
        "--subject",
        type=About(),
        help="Or several: release:BARCODE, release:IDENTIFIER, or catalogue:* for every recording the party has a claim on. Needs --kind and --confirm.",
    )
    @click.option(
        "--kind",
        "kinds",
        type=click.Choice(ASSET_KINDS),
        multiple=True,
        help="Default: recording. A recording's consent does not cover its stems or its voice.",
    )
    @click.option("--confirm", metavar="TOKEN", help="The token of the preview that --subject shows first.")
    @click.option("--label", help="Which stem or take; without it, all of that kind.")
    @click.option("--purpose", "purposes", type=click.Choice(PURPOSES), multiple=True, help="Default: every purpose of the programme.")
    @click.option("--territory", type=Territory(), default="WW", show_default=True)
    @click.option("--from", "effective_from", type=Day(), help="First day. Default: today; for a withdrawal the end of the notice.")
    @click.option("--to", "effective_to", type=Day(), help="Last day. Default: no end.")
    @click.option("--channel", default="command line", show_default=True, help="Where the decision was made.")
    @click.option("--authentication", default="operator", show_default=True, help="How the actor was known.")
    @click.option("--evidence", "evidence_file", type=FILE, help="A signed form or mail; kept encrypted, and erasable.")
    @pass_frame
    def command(
        frame: Frame,
        /,
        programme: str,
        party: str,
        actor: str | None,
        recording: str | None,
        subject: Subject | None,
        kinds: tuple[str, ...],
        confirm: str | None,
        evidence_file: Path | None,
        **options: Any,
    ) -> None:
        if (recording is None) == (subject is None):
            raise click.UsageError("name --recording, or --subject")
        about = subject or Subject("recording", str(recording))
        if about.is_shorthand and not kinds:
            words = (
                f"{subject} covers stems or voices only where they are named: say --kind for each of {', '.join(ASSET_KINDS)} that is meant"
            )
            raise click.UsageError(words)
        data = evidence_file.read_bytes() if evidence_file else None
        manner = service.Manner(options.pop("channel"), options.pop("authentication"), data)
        with frame.context() as context:
            found = decisions.decide(
                context,
                programme,
                verb,
                party,
                about,
                kinds=kinds or ("recording",),
                manner=manner,
                actor_id=actor,
                confirm=confirm,
                **options,
            )
            effects = _follow_up(context, found) if isinstance(found, service.Decided) and verb == "withdraw" else []
        _show_found(frame, found, effects)

    return command


for _verb in _HELP:
    consent.add_command(_decide(_verb))


@consent.command("import")
@click.argument("file", type=FILE)
@click.option("--programme", required=True)
@click.option("--confirm", metavar="TOKEN", help="The token of the preview.")
@pass_frame
def import_(frame: Frame, file: Path, programme: str, confirm: str | None) -> None:
    """Import decisions in bulk from consents.csv: first a preview with a token, then, with --confirm TOKEN, all or nothing."""
    with frame.context() as context:
        found = decisions.import_decisions(context, programme, file, confirm)
        if isinstance(found, service.Decided):
            tell_licensees(context, found.events)
    _show_found(frame, found, [])


@consent.command()
@click.argument("recording", required=False)
@click.option("--programme", required=True)
@click.option("--day", type=Day(), help="Was consent in force on this day? Default: today.")
@click.option(
    "--known-at",
    type=Moment(),
    help="… as it was known at this moment (UTC). Default: now.",
)
@pass_frame
def check(frame: Frame, recording: str | None, programme: str, day: date | None, known_at: int | None) -> None:
    """May it be used? For one recording or all: yes with the grants relied on, or no with everyone and everything missing."""
    with frame.context() as context:
        answers = service.check(context, programme, recording_id=recording, day=day, known_at_us=known_at)
    allowed = sum(answer.allowed for answer in answers)
    text = "\n".join([*(render_answer(answer) for answer in answers), f"{allowed} of {len(answers)} assets allowed"])
    frame.show([asdict(answer) for answer in answers], text)


@consent.command("evidence")
@click.argument("event")
@click.option("--out", type=NEW, required=True, help="File to write; it is in clear, and may hold personal data.")
@pass_frame
def evidence_(frame: Frame, event: str, out: Path) -> None:
    """Write the evidence of an event in clear: what was handed in, and what a shorthand meant."""
    if out.exists():
        raise Refused("out_exists", f"{out} exists already", "choose a new file")
    with frame.context() as context:
        data = service.read_evidence(context, event)
    write_atomically(out, data, mode=0o600)
    frame.show({"event_id": event, "bytes": len(data)}, f"{out}: the evidence of {event}, {len(data)} bytes")


@consent.command()
@click.argument("recording")
@pass_frame
def history(frame: Frame, recording: str) -> None:
    """Every decision ever made about a recording, oldest first."""
    with frame.context() as context:
        events = service.history(context, recording)
    frame.show(
        [event_row(event) for event in events], "\n".join(_told(event_row(event)) for event in events) or "no decision yet: no consent"
    )


@consent.command()
@pass_frame
def audit(frame: Frame) -> None:
    """Recompute the chain of all events: none is missing, changed or moved."""
    with frame.context() as context:
        count = service.audit(context)
    frame.show({"events": count}, f"{count} events, each naming the one before it")


@consent.command()
@click.argument("event")
@click.option("--out", type=NEW, required=True, help="File to write.")
@pass_frame
def receipt(frame: Frame, event: str, out: Path) -> None:
    """Write a receipt of an event (docs/formats/receipt.md) that anyone can check offline."""
    with frame.context() as context:
        found = consent_receipts.write_receipt(context, event)
    write_atomically(out, encode_document(found))
    frame.show(found, f"{out}: {_told(found['event'])}")


@consent.command("check-receipt")
@click.argument("file", type=FILE)
@click.option("--vkey", help="The log's key or a file with it, from somebody you trust. Default: the receipt's own.")
@pass_frame
def check_receipt(frame: Frame, file: Path, vkey: str | None) -> None:
    """Check a receipt offline. Needs no home."""
    event = consent_receipts.check_receipt(file, None if vkey is None else read_key(vkey))
    source = "the key you gave" if vkey is not None else "the receipt's own key, which you should compare with the log's published one"
    frame.show(event, f"{_told(event)}\nproved by {source}")


@consent.command()
@click.option("--party", required=True)
@click.confirmation_option(prompt="Evidence can't be brought back. Erase it?")
@pass_frame
def erase(frame: Frame, party: str) -> None:
    """Erase all evidence with a party's personal data, for ever. Decisions and proofs stay."""
    with frame.context() as context:
        count = evidence.erase(context, party)
    frame.show({"erased": count}, f"{count} pieces of evidence erased")


@click.group()
def mandate() -> None:
    """Who may decide for whom."""


@mandate.command()
@click.option("--party", required=True, help="Who gives the mandate.")
@click.option("--to", "representative", required=True, help="Who may decide: label, publisher, guardian.")
@click.option("--lane", "lanes", type=click.Choice(LANES), multiple=True, help="Default: all.")
@click.option("--purpose", "purposes", type=click.Choice(PURPOSES), multiple=True, help="Default: all.")
@click.option("--programme", default="*", help="Default: any. Classes of licensees must be named: class:ID.")
@click.option("--from", "valid_from", type=Day(), help="First day. Default: today.")
@click.option("--until", "valid_to", type=Day(), help="Last day. Default: no end.")
@pass_frame
def give(frame: Frame, /, party: str, representative: str, programme: str, **options: Any) -> None:
    """Record that one party may decide for another."""
    with frame.context() as context:
        found = mandates.give(context, party, representative, programme_id=programme, **options)
    frame.show(mandate_row(found), f"{found.mandate_id}: {representative} may decide for {party}, from {found.valid_from}")


@mandate.command()
@click.argument("mandate_id")
@pass_frame
def end(frame: Frame, mandate_id: str) -> None:
    """End a mandate: what was done under it stays done."""
    with frame.context() as context:
        found = mandates.end(context, mandate_id)
    frame.show(mandate_row(found), f"{mandate_id} has ended: {found.representative_id} may no longer decide for {found.party_id}")


@mandate.command("list")
@pass_frame
def list_(frame: Frame) -> None:
    """Every mandate ever given."""
    with frame.context() as context:
        found = mandates.list_all(context)
    text = [
        f"{one.mandate_id}  {one.representative_id} for {one.party_id}, {', '.join(one.lanes)}, {one.valid_from} to {one.valid_to or 'open'}"
        + (", ended" if one.retracted_at_us else "")
        for one in found
    ]
    frame.show([mandate_row(one) for one in found], "\n".join(text) or "none")


def render_answer(answer: Answer) -> str:
    """One asset's answer in plain words."""
    what = answer.recording_id if answer.kind == "recording" else f"{answer.recording_id}, {answer.kind} {answer.label}".rstrip()
    if answer.allowed:
        return f"yes  {what}: everyone needed has granted ({len(answer.consent_events)} grants)"
    groups: dict[Missing, list[str]] = {}
    for missing in answer.missing:
        groups.setdefault(replace(missing, purpose=None, territory=""), []).append(missing.purpose or "")
    return "\n".join([f"no   {what}", *(f"       {_missing(*group)}" for group in groups.items())])


def _missing(missing: Missing, purposes: Sequence[str]) -> str:
    why = describe_missing(missing, purposes)
    if missing.reason == "hold":
        return f"{missing.party_id} {why}"
    return (
        f"{missing.lane}: {missing.party_id} ({format_share(missing.share_e8)} %) {why}" if missing.party_id else f"{missing.lane}: {why}"
    )


def _told(event: dict[str, Any]) -> str:
    by = f"{event['party_id']}" + (f" (through {event['actor_id']})" if event["actor_id"] != event["party_id"] else "")
    until = f" to {event['effective_to']}" if event["effective_to"] else ""
    return (
        f"{event['event_id']}  {event['decision']:<8} {event['purpose']:<24} in {event['programme_id']} by {by}, {event['territory']}, "
        f"from {event['effective_from']}{until}, terms {event['terms_sha256'][:12]}…, {event['channel']}"
    )


def _follow_up(context: Context, decided: service.Decided) -> list[dict[str, Any]]:
    """Tell those downstream of withdrawals; returns the effect on each asset."""
    tell_licensees(context, decided.events)
    return describe_effects(context, list({event.asset_id: event for event in decided.events}.values()))


def _show_found(frame: Frame, found: service.Decided | decisions.Preview, effects: Sequence[dict[str, Any]]) -> None:
    if isinstance(found, service.Decided):
        _show_decided(frame, found, effects)
        return
    counts = " and ".join(f"{count} {_PLURALS[verb]}" for verb, count in found.decisions.items())
    text = [f"{counts} of {found.parties} parties for {found.assets} assets of {found.recordings} recordings"]
    expansions = []
    for row, one in found.expansions:
        expansions.append({"row": row, **one.as_dict()})
        first, *rest = one.render()
        text += [f"row {row}: {first}" if row else first, *rest]
    text.append(f"nothing is recorded yet; to record exactly this: --confirm {found.token}")
    value = {name: getattr(found, name) for name in ("token", "decisions", "parties", "recordings", "assets")}
    frame.show({**value, "expansions": expansions}, "\n".join(text))


def _show_decided(frame: Frame, decided: service.Decided, effects: Sequence[dict[str, Any]]) -> None:
    events = decided.events
    days = sorted({event.effective_from for event in events})
    span = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
    text = [f"{len(events)} events recorded for {len({event.asset_id for event in events})} assets, effective {span}"]
    for effect in effects:
        text.append(
            f"{effect['recording_id']}: new snapshots leave it out from {effect['excluded_from']}; held by {', '.join(effect['snapshots_holding']) or 'no snapshot'}"
        )
        for model in effect["models_holding"]:
            text.append(
                f"  {model['model_version']} was trained on {model['exposure_ms'] / 1000:g} s of it and may be used until {effect['tail_until']}; it pays while it earns"
            )
    text += [f"note: {note}" for note in decided.notes]
    value = {"events": [event_row(event) for event in events], "effects": list(effects), "notes": decided.notes}
    frame.show(value, "\n".join(text))
