"""`ritornello consent …`."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

import click

from ritornello.cli.frame import FILE, Day, Frame, pass_frame
from ritornello.domain.catalogue import ASSET_KINDS
from ritornello.domain.consent import PURPOSES, Answer
from ritornello.domain.splits import format_share
from ritornello.service import consent as service

_REASONS = {
    "no_grant": "has not granted {purpose}",
    "withdrawn": "has withdrawn {purpose}",
    "unclaimed": "nobody claims this lane",
    "gap": "{share} % of this lane is claimed by nobody",
    "overclaim": "this lane is claimed {share} % too much",
}


@click.group()
def consent() -> None:
    """Who allowed what. No answer means no."""


def _decide(verb: str) -> click.Command:
    @click.command(verb)
    @click.option("--programme", required=True, help="The programme whose terms were shown.")
    @click.option("--party", required=True, help="Who decides.")
    @click.option("--recording", required=True)
    @click.option(
        "--kind",
        type=click.Choice(ASSET_KINDS),
        default="recording",
        show_default=True,
        help="A recording's consent does not cover its stems or its voice.",
    )
    @click.option("--label", help="Which stem or take; without it, all of that kind.")
    @click.option("--purpose", "purposes", type=click.Choice(PURPOSES), multiple=True, help="Default: every purpose of the programme.")
    @click.option("--from", "effective_from", type=Day(), help="First day. Default: today; for a withdrawal the end of the notice.")
    @pass_frame
    def command(
        frame: Frame,
        programme: str,
        party: str,
        recording: str,
        kind: str,
        label: str | None,
        purposes: Sequence[str],
        effective_from: date | None,
    ) -> None:
        with frame.context() as context:
            decided = service.decide(
                context, programme, verb, party, recording, kind=kind, label=label, purposes=purposes, effective_from=effective_from
            )
        _show_decided(frame, decided)

    command.help = {
        "grant": "Record that a party allows an asset's use. Others may still have to agree: see `consent check`.",
        "withdraw": "Record that a party takes a grant back. New snapshots leave the asset out; models trained before keep paying for the tail.",
    }[verb]
    return command


consent.add_command(_decide("grant"))
consent.add_command(_decide("withdraw"))


@consent.command("import")
@click.argument("file", type=FILE)
@click.option("--programme", required=True)
@pass_frame
def import_(frame: Frame, file: Path, programme: str) -> None:
    """Import decisions in bulk from consents.csv, all or nothing."""
    with frame.context() as context:
        decided = service.import_decisions(context, programme, file)
    _show_decided(frame, decided)


@consent.command()
@click.argument("recording", required=False)
@click.option("--programme", required=True)
@click.option("--day", type=Day(), help="Default: today.")
@pass_frame
def check(frame: Frame, recording: str | None, programme: str, day: date | None) -> None:
    """May it be used? For one recording or all: yes with the grants relied on, or no with everyone and everything missing."""
    with frame.context() as context:
        answers = service.check(context, programme, recording_id=recording, day=day)
    allowed = sum(answer.allowed for answer in answers)
    text = "\n".join([*(render_answer(answer) for answer in answers), f"{allowed} of {len(answers)} assets allowed"])
    frame.show([asdict(answer) for answer in answers], text)


@consent.command()
@click.argument("recording")
@pass_frame
def history(frame: Frame, recording: str) -> None:
    """Every decision ever made about a recording, oldest first."""
    with frame.context() as context:
        events = service.history(context, recording)
    text = "\n".join(
        f"{event.event_id}  {event.decision:<8} {event.purpose:<24} by {event.party_id}, from {event.effective_from}, terms {event.terms_sha256[:12]}…, {event.channel}"
        for event in events
    )
    frame.show([service.event_row(event) for event in events], text or "no decision yet: no consent")


def render_answer(answer: Answer) -> str:
    """One asset's answer in plain words."""
    what = answer.recording_id if answer.kind == "recording" else f"{answer.recording_id}, {answer.kind} {answer.label}".rstrip()
    if answer.allowed:
        return f"yes  {what}: everyone has granted ({len(answer.consent_events)} grants)"
    groups: dict[tuple[object, ...], list[str]] = {}
    for missing in answer.missing:
        groups.setdefault((missing.lane, missing.party_id, missing.reason, missing.share_e8), []).append(missing.purpose or "")
    lines = [_missing(lane, party, reason, share, purposes) for (lane, party, reason, share), purposes in groups.items()]  # type: ignore[arg-type]
    return "\n".join([f"no   {what}", *(f"       {line}" for line in lines)])


def _missing(lane: str, party_id: str | None, reason: str, share_e8: int, purposes: Sequence[str]) -> str:
    why = _REASONS[reason].format(purpose=", ".join(purposes), share=format_share(share_e8))
    who = f"{party_id} ({format_share(share_e8)} %) " if party_id else ""
    return f"{lane}: {who}{why}"


def _show_decided(frame: Frame, decided: service.Decided) -> None:
    events = decided.events
    days = sorted({event.effective_from for event in events})
    span = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
    text = f"{len(events)} events recorded for {len({event.asset_id for event in events})} assets, effective {span}"
    notes = [f"note: {note}" for note in decided.notes]
    frame.show({"events": [service.event_row(event) for event in events], "notes": decided.notes}, "\n".join([text, *notes]))
