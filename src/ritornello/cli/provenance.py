"""`ritornello output sign`, `output sign-folder`, `output show`, `output provenance`: Content Credentials of generated audio."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from ritornello.cli.frame import BAD_INPUT, FILE, FOLDER, NEW, Frame, pass_frame, read_key, seconds
from ritornello.domain.errors import Problem, raise_if_any
from ritornello.formats.provenance.credentials import load_credentials, read_anchors
from ritornello.formats.provenance.reading import Reading, plain, read, require_library
from ritornello.formats.provenance.statement import REGISTERED, check_statement
from ritornello.service import preferences, renditions

FILES_AT_ONCE = 20  # one transaction


_Command = TypeVar("_Command", bound=Callable[..., Any])


def _signing(command: _Command) -> _Command:
    """The options that both forms of signing share."""
    for option in (
        click.option(
            "--encoded",
            is_flag=True,
            help="Other bytes than the registered ones are another encoding of the output; nothing checks that they are.",
        ),
        click.option(
            "--preferences",
            "preferences_file",
            type=FILE,
            help="What others may do with the outputs, as `preferences export --as cawg` writes it.",
        ),
        click.option(
            "--timestamp",
            "timestamp_url",
            metavar="URL",
            help="Time-stamping authority (RFC 3161), so that signatures outlive the certificate.",
        ),
        click.option("--password-file", type=FILE, help="Password of the key; its first line."),
        click.option("--key", type=FILE, required=True, help="The signer's private key, PEM."),
        click.option("--certificate", type=FILE, required=True, help="The signer's certificate chain, PEM, the signer's own first."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("output_id")
@click.argument("file", type=FILE)
@click.option("--out", type=NEW, required=True, help="File to write.")
@_signing
@pass_frame
def sign(frame: Frame, /, output_id: str, file: Path, out: Path, **options: Any) -> None:
    """Write a copy of an output with Content Credentials (C2PA): made by a trained model, by which, on what, and what it was attributed to."""
    manner = _read_manner(**options)
    with frame.context() as context:
        job = renditions.plan_file(context, output_id, file, out, manner.encoded)
        (result,) = renditions.sign(context, [job], manner)
        raise_if_any([result] if isinstance(result, Problem) else [])
    assert isinstance(result, renditions.Signed)
    renditions.place(result)
    frame.show({"file": str(out), **result.record, "attribution": result.attribution}, _tell_signed(result))


@click.command("sign-folder")
@click.argument("folder", type=FOLDER)
@click.option("--out", type=NEW, required=True, help="Folder to write into; what is signed there already is left alone.")
@_signing
@pass_frame
def sign_folder(frame: Frame, /, folder: Path, out: Path, **options: Any) -> None:
    """Sign every file of a folder, each the file of a registered output. Run it again after an interruption: it goes on where it was."""
    manner = _read_manner(**options)
    with frame.context() as context:
        jobs, done = renditions.plan_folder(context, folder, out, manner.encoded)
    signed, problems, unattributed = 0, list[Problem](), 0
    for start in range(0, len(jobs), FILES_AT_ONCE):
        frame.tell(f"signing {start}/{len(jobs)}")
        with frame.context() as context:
            results = renditions.sign(context, jobs[start : start + FILES_AT_ONCE], manner)
        for result in results:
            if isinstance(result, Problem):
                problems.append(result)
            else:
                renditions.place(result)
                signed += 1
                unattributed += result.attribution is None
    frame.clear()
    text = [*map(str, problems), f"{signed} signed into {out}, {done} were already, {len(problems)} can't be"]
    text += [f"{unattributed} of them are in no attribution batch yet, and say so"] if unattributed else []
    value = {"signed": signed, "signed_before": done, "without_attribution": unattributed, "problems": [one.as_dict() for one in problems]}
    frame.show(value, "\n".join(text))
    if problems:
        raise click.exceptions.Exit(BAD_INPUT)


@click.command()
@click.argument("output_id", required=False)
@pass_frame
def show(frame: Frame, output_id: str | None) -> None:
    """List outputs, or show one with the hashes of its registered file and of each signed copy."""
    with frame.context() as context:
        if output_id is None:
            rows = renditions.list_outputs(context)
            text = [
                f"{row['output_id']:<24} {row['model_version']:<16} {row['made_on']}  {seconds(row['duration_ms']):>6}  {row['signed_copies']} signed"
                for row in rows
            ]
            frame.show(rows, "\n".join(text) or "no outputs yet: ritornello output add")
            return
        output, records = renditions.find_output(context, output_id), renditions.read_records(context, output_id)
    facts = {name: output._mapping[name] for name in ("output_id", "model_version", "made_on", "duration_ms", "sha256")}
    text = [f"{output_id}  {output.model_version}  {output.made_on}  {seconds(output.duration_ms)}", f"  registered  {output.sha256}"]
    for one in records:
        when = datetime.fromtimestamp(one["signed_at_us"] / 1_000_000, UTC)
        origin = "the registered file" if one["relation"] == REGISTERED else f"another encoding, {one['source_sha256']}"
        text.append(f"  signed      {one['signed_sha256']}  {one['container']}, {when:%Y-%m-%dT%H:%M:%SZ}, from {origin}")
    frame.show({**facts, "signed": records}, "\n".join(text))


@click.command()
@click.argument("file", type=FILE)
@click.option(
    "--trust", type=FILE, help="Certificates (PEM) of authorities to trust; without them a signature can be intact, but not trusted."
)
@click.option("--vkey", help="The key of the operator's log, or a file with it, from somebody you trust.")
@pass_frame
def provenance(frame: Frame, file: Path, trust: Path | None, vkey: str | None) -> None:
    """Say what a file claims by Content Credentials, and whether they validate. Needs no home and no network; safe on hostile files."""
    require_library()
    key = read_key(vkey) if vkey else None
    found = read(file, read_anchors(trust) if trust else b"")
    wrong = check_statement(found.statement, key) if found.statement is not None else []
    value = {**asdict(found), "validates": found.validates, "generated": found.generated, "statement_problems": wrong}
    frame.show(value, "\n".join([*_tell(found, file.name), *_tell_statement(found, wrong, key)]))
    failed = found.state in ("broken", "invalid") or (trust is not None and found.state == "valid") or bool(wrong)
    if failed:
        raise click.exceptions.Exit(BAD_INPUT)


def _read_manner(
    certificate: Path, key: Path, password_file: Path | None, timestamp_url: str | None, preferences_file: Path | None, encoded: bool
) -> renditions.Manner:
    require_library()
    password = password_file.read_bytes().split(b"\n")[0].rstrip(b"\r") if password_file else None
    credentials = load_credentials(certificate, key, datetime.now(UTC), password)
    allowed = renditions.read_preferences_file(preferences_file) if preferences_file else None
    return renditions.Manner(credentials, timestamp_url, allowed, encoded)


def _tell_signed(signed: renditions.Signed) -> str:
    record, attribution = signed.record, signed.attribution
    said = (
        f"attribution batch {attribution['batch']}, {attribution['unattributed_ppm'] / 10_000:.2f} % unattributed"
        if attribution
        else "no attribution batch holds it yet, and the copy says so"
    )
    origin = "the registered file" if record["relation"] == REGISTERED else "another encoding: nothing here checked that it sounds the same"
    return "\n".join(
        [
            f"{signed.job.out}: {record['output_id']} with Content Credentials, read back and valid; {said}",
            f"  signed from {record['source_sha256']} ({origin})",
            f"  signed copy {record['signed_sha256']}",
        ]
    )


_VERDICTS = {
    "none": "carries no Content Credentials",
    "unsupported": "is in no container in which Content Credentials can be read",
    "broken": "has Content Credentials that can't be read",
    "invalid": "has Content Credentials that do NOT hold: the file or they were changed, or they were never right",
    "valid": "has Content Credentials that are intact; whether their signer can be trusted was not established",
    "trusted": "has Content Credentials that are intact and signed by somebody whom your authorities vouch for",
}


def _tell(found: Reading, name: str) -> Iterator[str]:
    """In plain words; everything that comes from the file goes through `plain`."""
    yield f"{name} {_VERDICTS[found.state]}"
    for failure in found.failures:
        yield f"  {plain(failure.get('code'))}: {plain(failure.get('explanation'))}"
    if found.manifest_id is None:
        return
    signer = found.signer
    when = f", at {plain(signer['time'])} by a time-stamping authority" if signer.get("time") else ", without a trusted time"
    yield f"  signed by {plain(signer.get('common_name'))} ({plain(signer.get('issuer'))}), {plain(signer.get('alg'))}{when}"
    for generator in found.generator[:5]:
        yield f"  written by {plain(generator.get('name'))} {plain(generator.get('version') or '')}".rstrip()
    for action in found.actions[:20]:
        source = plain(str(action.get("digitalSourceType") or "").rpartition("/")[2])
        agent = action.get("softwareAgent")
        by = f" by {plain(agent.get('name') if isinstance(agent, dict) else agent)}" if agent else ""
        yield f"  {plain(action.get('action'))}{by}{f', source type {source}' if source else ''}"
    if found.generated:
        part = "" if found.generated == "trainedAlgorithmicMedia" else " in part"
        yield f"  it says that a trained model made it{part}"
    yield f"  holds {', '.join(plain(label, 60) for label in found.labels[:30])}" + (
        f", and {found.ingredients} ingredients" if found.ingredients else ""
    )
    if found.preferences is not None:
        yield from _tell_preferences(found.preferences)


def _tell_preferences(assertion: Any) -> Sequence[str]:
    from ritornello.domain.errors import BadInput

    form = "cawg" if str(assertion.get("label")).startswith("cawg") else "c2pa"
    try:
        statements = preferences.read_assertion(assertion, form)
    except BadInput as error:
        return [f"  its training preferences can't be read, so they allow nothing: {plain(error.problems[0].what)}"]
    return [f"  for training and mining it says: {', '.join(f'{purpose} {use}' for purpose, use in statements.items()) or 'nothing'}"]


def _tell_statement(found: Reading, wrong: Sequence[str], key: str | None) -> Iterator[str]:
    if found.statement is None:
        return
    if wrong:
        yield "its statement of what it was made with does NOT hold:"
        yield from (f"  {plain(one)}" for one in wrong)
        return
    if not found.validates:
        yield "its statement about an output is not repeated here: nothing ties it to this file"
        return
    said = found.statement
    yield f"its signer states: output {plain(said['output_id'])} of model version {plain(said['model_version'])}, made on {plain(said['made_on'])}"
    for one in said["snapshots"][:50]:
        yield f"  trained on snapshot {plain(one.get('snapshot_id'))} ({plain(one.get('model_version'))}), root {plain(one.get('root'))}"
    if said["attribution"] is None:
        yield "  in no attribution batch when it was signed"
    else:
        batch = said["attribution"]
        error = batch.get("error_ppm")
        measured = f"measured error {error / 10_000:.2f} %" if isinstance(error, int) else "error not measured"
        yield f"  attribution batch {plain(batch.get('batch'))}, root {plain(batch.get('root'))}: {batch['unattributed_ppm'] / 10_000:.2f} % unattributed, {measured}"
    yield f"  registered as {said['registered_sha256']}"
    if said["relation"] != REGISTERED:
        yield f"  signed from another encoding, {said['source_sha256']}: only the signer's word ties the two together"
    origin, size = said["log"]["checkpoint"].split("\n")[:2]
    yield f"  the log entries that it names are proved to be in the log {plain(origin)} of {plain(size)} entries" + (
        "" if key else ", whose signature was not checked: give --vkey"
    )
