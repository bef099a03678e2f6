"""The demo's story: every step is a public command, shown as it would be typed, with its answer."""

import contextlib
import io
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import click

from ritornello.cli.main import main
from ritornello.cli.money import render_totals
from ritornello.demo import licensee, portable_catalogue, real_catalogue, sheets
from ritornello.domain.errors import Refused

PROGRAMME_ID = "fair-mosaic"
PROGRAMME = """format = "ritornello-programme-1"
programme_id = "fair-mosaic"
version = 1
title = "Fair Mosaic {year}"
licensor = "Example Rights Society"
licensee = "Example Mosaic Audio"
purposes = ["ai_training", "ai_generative_training"]
licence = "LicenseRef-fair-mosaic-1"
valid_from = {year}-01-01
valid_to = {last_year}-12-31
notice_days = 30
tail_days = 365
quorum = ["master", "publishing", "performer"]

[lanes]
master = 500_000
publishing = 350_000
performer = 150_000

[[income]]
name = "training_fee"
amount = "1200.00"
currency = "EUR"
divide_by = "exposure"

[[income]]
name = "output_share"
rate = "0.30"
minimum = "500.00"
currency = "EUR"
divide_by = "attribution"
unattributed = "exposure"
max_error_ppm = 200_000
fallback = "exposure"

[payout]
thresholds = {{ EUR = "10.00", SEK = "100.00", USD = "10.00" }}
"""
SHOWN_LINES = 12


class Stage:
    """Shows what happens: headings with the time, commands, shortened answers; everything whole in `demo.log`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.started = folder, time.monotonic()
        self.log = (folder / "demo.log").open("a", encoding="utf-8")

    def heading(self, text: str) -> None:
        self.say(f"\n{text}   [{time.monotonic() - self.started:.0f} s]")

    def say(self, text: str) -> None:
        click.echo(text)
        self.log.write(text + "\n")
        self.log.flush()

    def tell(self, text: str) -> None:
        """Progress that is overwritten."""
        if sys.stderr.isatty():
            click.echo(f"\r\x1b[2K   {text}", nl=False, err=True)

    def run(self, *arguments: object, shown: int = SHOWN_LINES, expect_exit: int = 0) -> str:
        """Run one command of ours in this process; returns its answer. Another exit code than expected ends the demo."""
        words = [str(argument) for argument in arguments]
        self.say(
            "$ ritornello "
            + " ".join(word if word.replace("-", "").replace("/", "").replace(".", "").isalnum() else f"'{word}'" for word in words)
        )
        return self._show(lambda: _call(["--home", str(self.folder / "home"), *words]), shown, expect_exit)

    def verify(self, bundle: Path, *, shown: int = SHOWN_LINES, expect_exit: int = 0) -> str:
        """Run the independent verifier in a process of its own."""
        self.say(f"$ ritornello-verify {bundle.relative_to(self.folder)}")

        def call() -> tuple[int, str]:
            done = subprocess.run([sys.executable, "-m", "ritornello_verify", str(bundle)], capture_output=True, text=True, check=False)  # noqa: S603
            return done.returncode, done.stdout + done.stderr

        return self._show(call, shown, expect_exit)

    def _show(self, call: Callable[[], tuple[int, str]], shown: int, expect_exit: int) -> str:
        code, answer = call()
        self.log.write(answer)
        if sys.stderr.isatty():
            click.echo("\r\x1b[2K", nl=False, err=True)
        told = answer.rstrip("\n").split("\n")
        for line in told[:shown]:
            click.echo(f"  {line}")
        if len(told) > shown:
            click.echo(f"  … {len(told) - shown} more lines in demo.log")
        assert code == expect_exit, f"the command ended with {code}, not {expect_exit}:\n{answer}"
        return answer


def run_demo(folder: Path, cache: Path, *, portable: bool = False) -> None:
    """Run the whole loop in `folder`, which must not hold a finished or foreign run. Raises Refused."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / "demo.log").exists():
            raise Refused("not_empty", f"{folder} is not empty and not a demo", "choose a new folder")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    stage = Stage(folder)
    today = datetime.now(UTC).date()
    period = f"{today:%Y-%m}"
    with contextlib.chdir(folder):
        catalogue = _catalogue(stage, cache, portable=portable)
        _consent(stage, today.year)
        _snapshot(stage)
        _train(stage)
        _attribute(stage, catalogue)
        _after_training(stage, catalogue)
        _settle(stage, period)
        _disclose(stage, today, catalogue)
        verdict = _prove(stage, period, catalogue)
        _end(stage, period, verdict)


class Cast:
    """Which recordings play which part; the same names in both catalogues' modules."""

    def __init__(self, module: object) -> None:
        for name in (
            "CONTROL",
            "WITHDRAWN_LATER_RECORDING",
            "WITHDRAWN_LATER_PARTY",
            "LATE_OVERCLAIM",
            "LATE_GAP",
            "GAP",
            "OVERCLAIM",
            "SHOWN_PARTY",
        ):
            setattr(self, name.lower(), getattr(module, name))

    control: str
    withdrawn_later_recording: str
    withdrawn_later_party: str
    late_overclaim: str
    late_gap: str
    gap: str
    overclaim: str
    shown_party: str


def _catalogue(stage: Stage, cache: Path, *, portable: bool) -> Cast:
    stage.heading("1  Catalogue: audio files with their tags, and spreadsheets of parties and claims")
    module: object = real_catalogue
    if not portable:
        try:
            real_catalogue.fetch(cache, stage.folder / "catalogue", stage.tell)
        except real_catalogue.CatalogueUnavailable as error:
            stage.say(f"  real music can't be fetched here ({error}); using the portable catalogue instead")
            portable = True
    if portable:
        stage.say("  portable catalogue: public-domain works, rendered by a small synthesiser")
        module = portable_catalogue
        portable_catalogue.build(stage.folder / "catalogue", stage.tell)
    stage.run("init", "--origin", "demo.example/log")
    stage.run("catalogue", "import", "--folder", "catalogue")
    return Cast(module)


def _consent(stage: Stage, year: int) -> None:
    stage.heading("2  Consent: everyone on a recording must agree; silence means no")
    (stage.folder / "programme.toml").write_text(PROGRAMME.format(year=year, last_year=year + 1), encoding="utf-8")
    stage.run("programme", "add", "programme.toml")
    preview = stage.run("consent", "import", "catalogue/consents.csv", "--programme", PROGRAMME_ID)
    token = preview.split()[-1]
    stage.run("consent", "import", "catalogue/consents.csv", "--programme", PROGRAMME_ID, "--confirm", token)


def _snapshot(stage: Stage) -> None:
    stage.heading("3  Snapshot: freeze what may be trained on; each refusal names who is missing")
    stage.run("snapshot", "freeze", "--programme", PROGRAMME_ID, shown=24)
    stage.run("snapshot", "export", f"{PROGRAMME_ID}-s1", "dataset")
    stage.run("snapshot", "verify", "dataset")
    stage.say("  now one byte of a file is flipped, and a file slipped in:")
    victim = sorted((stage.folder / "dataset" / "audio").iterdir())[0]
    with _flipped(victim), _slipped_in(stage.folder / "dataset" / "audio" / "bonus.ogg"):
        stage.run("snapshot", "verify", "dataset", expect_exit=1)
    stage.run("snapshot", "verify", "dataset")


def _train(stage: Stage) -> None:
    stage.heading("4  Training and outputs: two small generators learn from exactly that dataset")
    figures = licensee.work(stage.folder / "dataset", stage.folder / "licensee", datetime.now(UTC).date(), stage.tell)
    stage.say(f"  read {figures['seconds']} s of {figures['assets']} files, made {figures['outputs']} outputs (listen: licensee/outputs)")
    for model_version in licensee.MODELS:
        stage.run("run", "register", f"licensee/run-{model_version}.json")
    stage.run("output", "add", "licensee/outputs.csv")


def _attribute(stage: Stage, cast: Cast) -> None:
    stage.heading("5  Attribution: from each output's audio alone; the truth is read afterwards, to measure the error")
    for model_version in licensee.MODELS:
        stage.run("attribute", model_version, "--control", cast.control, "--truth", "licensee/truth.csv")


def _after_training(stage: Stage, cast: Cast) -> None:
    stage.heading("6  Life goes on: late claims make an overclaim and a gap, and somebody withdraws")
    stage.run("catalogue", "import", "--claims", "catalogue/claims-late.csv")
    who, what = cast.withdrawn_later_party, cast.withdrawn_later_recording
    stage.run("consent", "withdraw", "--programme", PROGRAMME_ID, "--party", who, "--recording", what)


def _settle(stage: Stage, period: str) -> None:
    stage.heading("7  Money: what the licensee reports, divided to the last unit")
    stage.run("usage", "import", "licensee/usage.csv", "--programme", PROGRAMME_ID, "--period", period)
    stage.run("revenue", "import", "licensee/revenue.csv", "--programme", PROGRAMME_ID, "--period", period)
    stage.say("  the same report once more:")
    stage.run("revenue", "import", "licensee/revenue.csv", "--programme", PROGRAMME_ID, "--period", period, expect_exit=3)
    stage.run("settle", "--programme", PROGRAMME_ID, "--period", period, "--early")
    stage.run("statement", f"{PROGRAMME_ID}-{period}", "--out", "statements")
    stage.say("  and settling it twice:")
    stage.run("settle", "--programme", PROGRAMME_ID, "--period", period, expect_exit=3)


def _disclose(stage: Stage, today: date, cast: Cast) -> None:
    stage.heading("8  Disclosures: what laws ask to be told, from the same records; and what one owner is told, with proofs")
    text = (sheets.DATA / "provider.toml").read_text(encoding="utf-8").replace("{day}", today.isoformat())
    (stage.folder / "licensee" / "provider.toml").write_text(text, encoding="utf-8")
    for kind in ("eu-summary", "ab2013", "works", "fairly-trained"):
        stage.run("disclose", kind, *licensee.MODELS, "--provider", "licensee/provider.toml", "--out", f"disclosures/{kind}")
    stage.run("disclose", "owner", cast.shown_party, "--out", f"disclosures/owner-{cast.shown_party}")


def _prove(stage: Stage, period: str, cast: Cast) -> str:
    stage.heading("9  Proof: one line explained, everything recomputed by a program that shares no code with this one")
    sheets = json.loads((stage.folder / "statements" / "parties" / f"{cast.shown_party}.json").read_bytes())
    line_id = next(item["line_id"] for item in sheets[0]["items"] if item["basis"] == "attribution")
    stage.run("bundle", f"{PROGRAMME_ID}-{period}", "bundle")
    stage.run("explain", line_id, shown=40)
    answer = stage.verify(stage.folder / "bundle", shown=30)
    stage.say("  now one unit is moved in one line of a copy:")
    broken = stage.folder / "bundle-broken"
    shutil.copytree(stage.folder / "bundle", broken)
    _move_one_unit(broken / "result" / "allocations.jsonl", line_id)
    stage.verify(broken, expect_exit=1, shown=6)
    return next(line for line in answer.splitlines() if line.startswith(("VERIFIED", "FAILED")))


def _end(stage: Stage, period: str, verdict: str) -> None:
    settlement = json.loads((stage.folder / "bundle" / "result" / "settlement.json").read_bytes())
    quality = [json.loads(line) for line in (stage.folder / "bundle" / "period" / "quality.jsonl").read_text().splitlines()]
    stage.heading("The three figures that matter")
    for row in settlement["totals"]:
        stage.say(f"  money        {render_totals(row)}")
    for row in quality:
        limit = "divides the money" if row["error_ppm"] <= 200_000 else "too wrong to divide money by: use in training did"
        stage.say(
            f"  attribution  {row['model_version']}: error {row['error_ppm'] / 10_000:.2f} % against the truth "
            f"({row['error_low_ppm'] / 10_000:.2f}–{row['error_high_ppm'] / 10_000:.2f}); {limit}"
        )
    stage.say(f"  verifier     {verdict}")
    stage.say(
        f"\nLook at it, in {stage.folder}:\n"
        "  statements/parties   what each payee reads (open a .html in a browser); statements/payouts.csv is the payout list\n"
        "  licensee/outputs     what the two models made\n"
        "  dataset              what they were allowed to learn from\n"
        "  disclosures          what laws and certifiers ask to be told, and what one owner is told (open a .html)\n"
        "  bundle               what a stranger needs to recompute it all: ritornello-verify bundle\n"
        f"  ritornello --home {stage.folder}/home statement {PROGRAMME_ID}-{period}"
    )


def _call(arguments: list[str]) -> tuple[int, str]:
    """Run a command of ours and catch what it prints and how it ends."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            main(arguments)
            code = 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1 if error.code else 0
    return code, out.getvalue()


@contextlib.contextmanager
def _flipped(path: Path) -> Iterator[None]:
    """One bit of the file's middle byte is the other way round, for as long as the block lasts."""
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle] ^= 1
    path.write_bytes(data)
    try:
        yield
    finally:
        data[middle] ^= 1
        path.write_bytes(data)


@contextlib.contextmanager
def _slipped_in(path: Path) -> Iterator[None]:
    path.write_bytes(b"OggS, but nobody's consent")
    try:
        yield
    finally:
        path.unlink()


def _move_one_unit(path: Path, line_id: str) -> None:
    rows = path.read_text(encoding="utf-8").splitlines()
    number = next(number for number, row in enumerate(rows) if f'"line_id":"{line_id}"' in row)
    row = json.loads(rows[number])
    changed = rows[number].replace(f'"amount_units":"{row["amount_units"]}"', f'"amount_units":"{int(row["amount_units"]) + 1}"')
    path.write_text("\n".join([*rows[:number], changed, *rows[number + 1 :]]) + "\n", encoding="utf-8")
