"""The `ritornello` command."""

import json
import signal
import sys
from pathlib import Path
from typing import NoReturn

import click
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

import ritornello
from ritornello import wiring
from ritornello.cli import (
    access,
    attribution,
    backup,
    benchmark,
    canaries,
    catalogue,
    classes,
    clones,
    consent,
    dataset,
    disclosures,
    doctor,
    export,
    extraction,
    held,
    ledger,
    log,
    membership,
    money,
    notices,
    payees,
    payout,
    preferences,
    reports,
    serve,
)
from ritornello.cli.frame import FAULT, SURROUNDINGS, Frame, pass_frame
from ritornello.domain.errors import BadInput, Refused
from ritornello.settings import read_settings


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of database, files and keys. [RITORNELLO_HOME, else ./ritornello-home]",
)
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for programs.")
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
@click.version_option(ritornello.__version__, prog_name="ritornello")
@click.pass_context
def program(context: click.Context, home: Path | None, as_json: bool, quiet: bool) -> None:
    """The open meter and ledger for music used in AI.

    Records who allowed their recordings to train AI, freezes datasets that hold only those, measures what each contributed,
    divides the licensee's revenue exactly, and proves it.

    Exit codes: 0 done · 1 the input has problems (all are listed) · 2 wrong usage · 3 refused by a rule · 4 a fault of the
    program · 5 the disk or the database failed.
    """
    settings = read_settings()
    context.obj = Frame(
        home or settings.home, settings.database, as_json, quiet, settings.data_key, settings.engine_url, settings.engine_data
    )


@program.command()
@click.option(
    "--origin", default="ritornello.local/log", show_default=True, help="Name of the transparency log; it stands in every checkpoint."
)
@pass_frame
def init(frame: Frame, origin: str) -> None:
    """Make a home folder: database, file store, log key."""
    if not origin or any(character.isspace() or character == "+" for character in origin):
        raise Refused("bad_origin", f"{origin!r} is empty or has spaces or '+' in it", "use a name such as rights.example.org/log")
    wiring.create_home(frame.home, origin, frame.database)
    frame.show({"home": str(frame.home), "origin": origin}, f"{frame.home} is ready. Keep a copy of keys/log.pem in a safe place.")


@program.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell: eval "$(ritornello completion bash)"."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(program, {}, "ritornello", "_RITORNELLO_COMPLETE").source())


for group in (
    catalogue.catalogue,
    catalogue.programme,
    classes.licensee_class,
    notices.notices,
    consent.consent,
    consent.mandate,
    dataset.snapshot,
    dataset.run,
    dataset.output,
    attribution.attribute,
    attribution.attribution_group,
):
    program.add_command(group)
for command in (
    reports.usage,
    reports.revenue,
    reports.points,
    reports.report,
    reports.exchange_rates,
    payees.advance,
    payees.tax,
    payees.dispute,
    money.settle,
    money.correct,
    money.simulate,
    held.held,
    money.after_tail,
    money.statement,
    money.explain,
    money.bundle,
    ledger.ledger,
    payout.payout,
    log.log,
    preferences.preferences,
    clones.clones,
):
    program.add_command(command)


for command in (membership.prove, membership.check_proof):
    dataset.snapshot.add_command(command)
program.add_command(disclosures.disclose)
program.add_command(export.export)
program.add_command(extraction.audit)
program.add_command(canaries.canary)
program.add_command(benchmark.benchmark)
program.add_command(access.access)
program.add_command(serve.serve)
program.add_command(doctor.doctor)
program.add_command(backup.backup)


def main(arguments: list[str] | None = None) -> None:
    """Entry point: runs the program and turns every expected kind of error into a message and its exit code (docs/cli.md)."""
    given = sys.argv[1:] if arguments is None else arguments
    if arguments is None:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a run that is asked to end cleans up like one that is interrupted
    try:
        with program.make_context("ritornello", list(given)) as context:  # click empties the list
            try:
                program.invoke(context)
            except (BadInput, Refused) as error:
                context.obj.fail(error)
    except click.exceptions.Exit as error:
        raise SystemExit(error.exit_code) from None
    except (click.Abort, KeyboardInterrupt):
        _end(given, 130, "interrupted", "interrupted; what was finished is kept, nothing is half done")
    except click.UsageError as error:
        if "--json" not in given:
            error.show()
            raise SystemExit(error.exit_code) from None
        _end(given, error.exit_code, "usage", error.format_message())
    except AssertionError as error:
        _end(given, FAULT, "fault", f"a fault of the program: {error or 'an assertion failed'}; nothing was written")
    except (OSError, SQLAlchemyError) as error:
        what = str(error.orig if isinstance(error, DBAPIError) else error)
        _end(
            given,
            SURROUNDINGS,
            "surroundings",
            f"the disk or the database failed: {what}; nothing was half written. Check permissions, space, and other programs at work",
        )


def _end(given: list[str], code: int, name: str, what: str) -> NoReturn:
    if "--json" in given:
        click.echo(json.dumps({"error": name, "what": what}, ensure_ascii=False))
    else:
        click.echo(what, err=True)
    raise SystemExit(code)
