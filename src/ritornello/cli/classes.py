"""`ritornello class …`: classes of licensees."""

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import click

from ritornello.cli.frame import FILE, Day, Frame, pass_frame
from ritornello.domain.licensee_class import LicenseeClass, find_shortfalls
from ritornello.service import classes as service
from ritornello.service import programmes
from ritornello.service.notices import tell_holders
from ritornello.store.classes import admission_row


@click.group("class")
def licensee_class() -> None:
    """Classes of licensees: what is granted before the licensee is known."""


@licensee_class.command()
@click.argument("file", type=FILE)
@pass_frame
def add(frame: Frame, file: Path) -> None:
    """Register a class document from TOML (docs/formats/licensee-class.md)."""
    with frame.context() as context:
        found = service.register(context, file)
    frame.show(asdict(found), f"{found.class_id} version {found.version}: document {found.sha256}")


@licensee_class.command()
@click.argument("file", type=FILE)
@click.option("--programme", type=FILE, help="A programme's file: does it meet the class, and if not, why?")
@pass_frame
def check(frame: Frame, file: Path, programme: Path | None) -> None:
    """Check a class document, and a programme against it, without registering either. Needs no home."""
    found, _ = service.read_file(file)
    text = [f"{file.name} is sound: {found.class_id} version {found.version}, document {found.sha256}"]
    shortfalls: list[str] = []
    if programme is not None:
        shortfalls = find_shortfalls(found, programmes.read_file(programme)[0])
        text += [f"{programme.name} falls short: {what}" for what in shortfalls] or [f"{programme.name} meets it"]
    frame.show({"class": asdict(found), "shortfalls": shortfalls}, "\n".join(text))


@licensee_class.command()
@click.argument("class_id")
@click.option("--programme", required=True, help="Its newest version is admitted; it names the class.")
@click.option("--basis", required=True, help="Why it belongs there: what was seen. Rights holders and auditors read this.")
@click.option("--from", "valid_from", type=Day(), help="First day. Default and earliest: after the class's days to object.")
@click.option("--until", "valid_to", type=Day(), help="Last day. Default: no end.")
@pass_frame
def admit(frame: Frame, class_id: str, programme: str, basis: str, valid_from: date | None, valid_to: date | None) -> None:
    """Admit a programme to a class: from its first day, grants to the class count for it."""
    with frame.context() as context:
        found, _ = programmes.find(context, programme)
        admission = service.admit(context, class_id, found, basis, valid_from=valid_from, valid_to=valid_to)
        told = tell_holders(context, admission)
    frame.show(
        admission_row(admission),
        f"{admission.admission_id}: {programme} version {found.version} belongs to {class_id} from {admission.valid_from}: {admission.basis}\n"
        f"{told} parties with a standing grant to the class are to be told: ritornello notices deliver",
    )


@licensee_class.command()
@click.argument("admission")
@click.option("--from", "ended_from", type=Day(), help="First day on which it no longer counts. Default: today.")
@pass_frame
def end(frame: Frame, admission: str, ended_from: date | None) -> None:
    """End an admission: new snapshots no longer rely on grants to the class."""
    with frame.context() as context:
        found = service.end(context, admission, ended_from)
    frame.show(
        admission_row(found), f"{admission} has ended: {found.programme_id} no longer belongs to {found.class_id} from {found.ended_from}"
    )


@licensee_class.command("list")
@pass_frame
def list_(frame: Frame) -> None:
    """Every class with what it demands, and the programmes that were admitted."""
    with frame.context() as context:
        found = service.list_all(context)
    text = []
    for one, admissions in found:
        text += render(one)
        for admission in admissions:
            until = f" to {admission.valid_to}" if admission.valid_to else ""
            ended = f", ended from {admission.ended_from}" if admission.ended_from else ""
            old = "" if admission.class_sha256 == one.sha256 else ", to an older document"
            text.append(
                f"  {admission.admission_id}  {admission.programme_id} from {admission.valid_from}{until}{ended}{old}: {admission.basis}"
            )
    value = [{"class": asdict(one), "admissions": [admission_row(admission) for admission in admissions]} for one, admissions in found]
    frame.show(value, "\n".join(text) or "no classes yet: ritornello class add")


def render(found: LicenseeClass) -> list[str]:
    """A class in plain words, for whoever decides about it."""
    demands: dict[str, Any] = {
        "licensed by": ", ".join(found.licensors),
        "to": ", ".join(found.licensees) or "any licensee that is admitted",
        "at most for": ", ".join(found.purposes),
        "in": found.territory,
        "from": f"{found.valid_from} to {found.valid_to}",
        "licences": ", ".join(found.licences),
        "days to object": found.objection_days,
        "notice": f"at most {found.notice_days} days",
        "tail": f"at least {found.tail_days} days",
        "asked": ", ".join(
            lane if share == 1_000_000 else f"{lane} ({share / 10_000:g} %)" for lane, share in sorted(found.quorum.items())
        ),
        "lanes": ", ".join(f"{lane} at least {ppm / 10_000:g} %" for lane, ppm in found.lanes.items()),
        "of revenue": f"at least {found.rate_ppm / 10_000:g} %" if found.rate_ppm else "",
        "attribution": f"measured error at most {found.max_error_ppm / 10_000:g} %" if found.max_error_ppm is not None else "",
    }
    lines = [f"class:{found.class_id}  {found.title} (version {found.version}, document {found.sha256})", f"  {found.summary}"]
    return lines + [f"  {name}: {value}" for name, value in demands.items() if value != ""]
