"""`ritornello clones …`, and the comparison that imports end with."""

from dataclasses import asdict
from typing import Any

import click

from ritornello.cli.frame import BAD_INPUT, Frame, pass_frame, seconds


@click.group("clones")
def clones() -> None:
    """What imported recordings are to others: copies, excerpts, stems, samples, the same work, AI's output coming back."""


@clones.command()
@pass_frame
def check(frame: Frame) -> None:
    """Compare every asset that hasn't been compared yet with the catalogue and the registered outputs. Run it again after an interruption."""
    answer = compare_new(frame)
    frame.show(answer, "\n".join(tell_new(answer)))
    if answer["problems"]:
        raise click.exceptions.Exit(BAD_INPUT)


@clones.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that were decided too.")
@pass_frame
def list_(frame: Frame, everything: bool) -> None:
    """List verdicts that wait for a person."""
    from ritornello.service import clones as service  # here, since its libraries take a while to import

    with frame.context() as context:
        rows = service.list_verdicts(context, everything=everything)
    text = [
        f"{row['verdict_id']}  {row['recording_id']:<20} {row['kind']:<12} {row['other_recording_id'] or row['other_id']:<20} {row['decision'] or 'waits'}"
        for row in rows
    ]
    frame.show(rows, "\n".join(text) or "nothing waits")


@clones.command()
@click.argument("verdict")
@pass_frame
def show(frame: Frame, verdict: str) -> None:
    """Show a verdict with its evidence."""
    from ritornello.service import clones as service

    with frame.context() as context:
        row = service.show_verdict(context, verdict)
    evidence = row["evidence"]
    text = [
        f"{row['verdict_id']}: {row['recording_id']} is to {row['other_recording_id'] or row['other_id']}: {row['kind']}",
        f"  {evidence['sentence']}",
        *(
            f"  {seconds(one['start_ms'])}–{seconds(one['end_ms'])} is {seconds(one['asset_start_ms'])}–{seconds(one['asset_end_ms'])} of the other"
            f"  (speed {one['speed_ppm'] / 10_000:.1f} %, {one['pitch_cents'] / 100:+.1f} semitones, evidence {one['evidence_millidecades'] / 1000:.0f} decades)"
            for one in evidence["passages"]
        ),
        f"  {row['decision']} by {row['decided_by']}: {row['reason']}" if row["decision"] else "  waits for a decision",
        *(f"  dispute {one['dispute_id']} about claim {one['claim_id']}: {one['outcome'] or 'open'}" for one in row["disputes"]),
    ]
    frame.show(row, "\n".join(text))


@clones.command()
@click.argument("verdict")
@click.option("--by", "decided_by", required=True, help="Who decides.")
@click.option("--reason", required=True)
@pass_frame
def confirm(frame: Frame, verdict: str, decided_by: str, reason: str) -> None:
    """Confirm a VERDICT: copies share one weight from the next attribution on, and are contested where different parties claim them."""
    _decide(frame, verdict, "confirmed", decided_by, reason)


@clones.command()
@click.argument("verdict")
@click.option("--by", "decided_by", required=True, help="Who decides.")
@click.option("--reason", required=True)
@pass_frame
def dismiss(frame: Frame, verdict: str, decided_by: str, reason: str) -> None:
    """Dismiss a VERDICT: it joins nothing. Disputes that it opened stay until `ritornello dispute resolve`."""
    _decide(frame, verdict, "dismissed", decided_by, reason)


@clones.command()
@pass_frame
def clusters(frame: Frame) -> None:
    """Recordings that are one and the same sound: in attribution and in pools they count once."""
    from ritornello.service.clusters import find_clusters

    with frame.context() as context:
        found = find_clusters(context)
    frame.show(found, "\n".join("  ".join(one) for one in found) or "no recording is a copy of another")


def compare_new(frame: Frame) -> dict[str, Any]:
    """Compare what is new, keep what was found: in many small transactions, so that nobody waits and nothing done is lost."""
    from ritornello.service import clone_checks
    from ritornello.service import clones as service

    with frame.context() as context:
        plan = clone_checks.plan_check(context)
    verdicts, problems, checked = list[Any](), list[Any](), 0
    for batch in clone_checks.compare(plan, frame.tell):
        with frame.context() as context:
            verdicts += [asdict(one) for one in service.record(context, batch)]
        checked += len(batch.checked)
        problems += [one.as_dict() for one in batch.problems]
    frame.clear()
    return {"checked": checked, "verdicts": verdicts, "problems": problems}


def tell_new(answer: dict[str, Any]) -> list[str]:
    """What a comparison found, for people."""
    lines = [f"{one['file']}: {one['what']} → {one['todo']}" for one in answer["problems"]]
    lines.append(f"{answer['checked']} assets compared with the catalogue: {len(answer['verdicts'])} verdicts")
    return lines + (["see them: ritornello clones list"] if answer["verdicts"] else [])


def _decide(frame: Frame, verdict: str, decision: str, decided_by: str, reason: str) -> None:
    from ritornello.service import clones as service

    with frame.context() as context:
        decided = service.decide(context, verdict, decision, decided_by, reason)
    frame.show(asdict(decided), f"{verdict} is {decision}")


def compare_if_indexed(frame: Frame) -> dict[str, Any] | None:
    """What an import ends with: the comparison, where the catalogue has an index."""
    from ritornello.service import identity

    with frame.context() as context:
        indexed = identity.has_index(context)
    return compare_new(frame) if indexed else None
