"""The command line: `ritornello-verify BUNDLE [--key FILE_OR_VKEY] [--checkpoint FILE] [--json]`,
`ritornello-verify receipt FILE [--key FILE_OR_VKEY] [--json]`, or `ritornello-verify membership FILE …`."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from ritornello_verify.bundle import BUNDLE, Bundle
from ritornello_verify.canonical import DOCUMENT_LIMIT
from ritornello_verify.consent import check_manifests
from ritornello_verify.consent_receipt import verify_receipt
from ritornello_verify.files import check_files
from ritornello_verify.folder import Folder
from ritornello_verify.kinds import HASH
from ritornello_verify.log import Trust, check_log
from ritornello_verify.membership import IDENTIFIERS, PROOF_LIMIT, Question, verify_membership
from ritornello_verify.money import check_money
from ritornello_verify.note import NOTE_LIMIT, BadNote, Key, read_key
from ritornello_verify.period import Period, load_period
from ritornello_verify.references import check_references
from ritornello_verify.report import Malformed, Report, Step, Unreadable
from ritornello_verify.revenue import check_reports
from ritornello_verify.training import check_attribution, check_training

VERIFIED, FAILED, UNREADABLE = 0, 1, 2
RECEIPT, MEMBERSHIP = "receipt", "membership"


def run(arguments: Sequence[str] | None = None) -> int:
    """Verify one bundle, receipt or proof of membership; the exit code is 0 verified, 1 failed, 2 could not read."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    readers = {RECEIPT: read_receipt_options, MEMBERSHIP: read_membership_options}
    reader = readers.get(given[0]) if given else None
    options = read_options(given) if reader is None else reader(given[1:])
    try:
        report = answer(options)
    except Unreadable as error:
        if options.json:
            say(json.dumps({"verified": False, "error": str(error)}))
        else:
            say(f"Could not verify: {error}", sys.stderr)
        return UNREADABLE
    say(report.write_json() if options.json else report.write_text())
    return VERIFIED if report.verified() else FAILED


def answer(options: argparse.Namespace) -> Report:
    key = None if options.key is None else find_key(options.key)
    if "receipt" in options:
        return verify_receipt(read_file(options.receipt, DOCUMENT_LIMIT + 1, "the receipt"), key)
    trust = Trust(key, None if options.checkpoint is None else read_file(options.checkpoint, NOTE_LIMIT, "--checkpoint"))
    if "proof" in options:
        return verify_membership(read_file(options.proof, PROOF_LIMIT + 1, "the proof"), trust, read_question(options))
    return verify(Path(options.bundle), trust)


def verify(root: Path, trust: Trust) -> Report:
    """All steps of bundle.md, each as far as the files allow."""
    if not (root / BUNDLE).is_file():
        raise Unreadable(f"{root} is not a bundle: it has no {BUNDLE}")
    report = Report()
    bundle = check_files(Folder(root), report)
    if bundle is None:
        return report
    check_log(bundle, trust, report)
    period = read_period(bundle, report.begin("Period folder: header, terms and rows can be read"))
    consent = report.begin("Consent: every asset in training had everyone's grant; attribution names only what was exposed")
    money = report.begin("Money: recomputed from the period folder alone")
    consent.done = money.done = period is not None
    if period is not None:
        attempt(consent, lambda: check_training(bundle, check_manifests(bundle, period, consent), consent))
        attempt(consent, lambda: check_attribution(bundle, period, consent))
        attempt(money, lambda: check_money(bundle, period, money))
    revenue = report.begin("Reports: each has the hash its lines name")
    attempt(revenue, lambda: check_reports(bundle, revenue, report))
    return report


def read_period(bundle: Bundle, step: Step) -> Period | None:
    try:
        period = load_period(bundle)
        check_references(bundle, step)
    except Malformed as error:
        step.add(error.problem)
        return None
    return period


def attempt(step: Step, check: Callable[[], None]) -> None:
    """A file that hinders a step is that step's problem."""
    try:
        check()
    except Malformed as error:
        step.add(error.problem)


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="ritornello-verify",
        description="Check a Ritornello bundle: files, log, consent, money.",
        epilog="`ritornello-verify receipt FILE` checks the receipt of one decision, `ritornello-verify membership FILE` a proof that something "
        "is or is not in a snapshot; a bundle of such a name is given as ./receipt.",
    )
    parser.add_argument("bundle", metavar="BUNDLE", help="the bundle's folder")
    parser.add_argument("--key", metavar="FILE_OR_VKEY", help="the log's public key, from somewhere else than the bundle")
    parser.add_argument("--checkpoint", metavar="FILE", help="the log's signed checkpoint, from somewhere else than the bundle")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(arguments)


def read_receipt_options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"ritornello-verify {RECEIPT}", description="Check the receipt of one decision about consent.")
    parser.add_argument("receipt", metavar="FILE", help="the receipt")
    parser.add_argument("--key", metavar="FILE_OR_VKEY", help="the log's public key, from somewhere else than the receipt")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(arguments)


def read_membership_options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=f"ritornello-verify {MEMBERSHIP}", description="Check a proof that an asset, recording or ISRC is in a snapshot or is not."
    )
    parser.add_argument("proof", metavar="FILE", help="the proof")
    parser.add_argument("--snapshot", metavar="ID", help="the snapshot you asked about")
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--asset", metavar="SHA256", help="the asset you asked about: sha256: and the hash of its file")
    asked.add_argument("--recording", metavar="ID", help="the recording you asked about")
    asked.add_argument("--isrc", metavar="ISRC", help="the ISRC you asked about, with or without hyphens")
    parser.add_argument("--root", metavar="ROOT", help="the map's root, from somebody you trust")
    parser.add_argument("--key", metavar="FILE_OR_VKEY", help="the log's public key, from somewhere else than the proof")
    parser.add_argument("--checkpoint", metavar="FILE", help="the log's signed checkpoint, from somewhere else than the proof")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(arguments)


def read_question(options: argparse.Namespace) -> Question:
    """What was asked, in the one form that each identifier has."""
    if options.root is not None and not HASH.accepts(options.root):
        raise Unreadable(f"--root is not {HASH.description}")
    isrc = None if options.isrc is None else options.isrc.replace("-", "").upper()
    for kind, value in (("asset", options.asset), ("recording", options.recording), ("isrc", isrc)):
        if value is None:
            continue
        if not IDENTIFIERS[kind].accepts(value):
            raise Unreadable(f"--{kind} is not {IDENTIFIERS[kind].description}")
        return Question(options.snapshot, kind, value, options.root)
    return Question(options.snapshot, root=options.root)


def find_key(text: str) -> Key:
    """A key as text, or in a file."""
    try:
        return read_key(text)
    except BadNote as problem:
        try:
            with Path(text).open("rb") as file:
                return read_key(file.read(NOTE_LIMIT).decode("utf-8"))
        except (OSError, ValueError):
            raise Unreadable(f"--key is neither a readable file nor a key: {problem}") from None
        except BadNote as error:
            raise Unreadable(f"--key: {error}") from None


def read_file(name: str, limit: int, what: str) -> bytes:
    """At most so many bytes of a file the caller named."""
    try:
        with Path(name).open("rb") as file:
            return file.read(limit)
    except (OSError, ValueError) as error:
        raise Unreadable(f"{what} cannot be read: {error}") from None


def say(text: str, stream: TextIO | None = None) -> None:
    """Print, whatever the terminal's encoding can hold."""
    target = stream or sys.stdout
    encoding = target.encoding or "ascii"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=target)
