"""Documentation is tested: every command, setting and refusal stands in it, and its links lead somewhere."""

import contextlib
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

import ritornello
from ritornello.cli.main import main
from ritornello.entry import cli
from ritornello_verify.command import run as verify

ROOT = Path(__file__).parent.parent
SOURCE = Path(ritornello.__file__).parent
CLI = (ROOT / "docs" / "cli.md").read_text()


def _commands(group: click.Group, prefix: str = "") -> list[str]:
    found = []
    for name, command in group.commands.items():
        found += _commands(command, f"{prefix}{name} ") if isinstance(command, click.Group) else [f"{prefix}{name}"]
    return found


@pytest.mark.parametrize("command", _commands(cli.program))
def test_every_command_is_documented(command: str) -> None:
    assert f"`{command}" in CLI


def test_every_refusal_and_setting_is_documented() -> None:
    code = "".join(path.read_text() for path in SOURCE.rglob("*.py"))
    refusals = set(re.findall(r'Refused\(\s*"([a-z_]+)"', code))
    assert len(refusals) > 20
    assert {name for name in refusals if f"`{name}`" not in CLI} == set()
    settings = set(re.findall(r'"(RITORNELLO_[A-Z_]+)"', code))
    assert {name for name in settings if f"`{name}`" not in CLI} == set()


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/**/*.md")), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_every_table_has_its_columns_in_the_formats() -> None:
    from ritornello.formats.schema import PERIOD_TABLES, RESULT_KEYS

    pages = "".join(path.read_text() for path in (ROOT / "docs" / "formats").glob("*.md"))
    for name, table in PERIOD_TABLES.items():
        assert f"`{name}.jsonl`" in pages
        assert {column for column in table.names() if f"`{column}`" not in pages} == set()
    assert all(f"`{name}.jsonl`" in pages for name in RESULT_KEYS)


def test_each_file_says_what_it_is_about() -> None:
    for path in SOURCE.rglob("*.py"):
        assert path.read_text().startswith('"""'), path


def test_no_machine_and_no_registry_is_named() -> None:
    for path in [*ROOT.glob("*"), *ROOT.glob("docs/**/*.md"), *SOURCE.rglob("*.py")]:
        if path.is_file() and path.name != ".git":  # a linked checkout's pointer to its repository
            text = path.read_text(errors="ignore")
            assert not re.search(r"/(root|home/[a-z]+|work)/|pypi\.org|deb\.debian\.org|files\.pythonhosted", text), path


@pytest.mark.parametrize("started", ["here", pytest.param("by itself", marks=pytest.mark.slow)])
def test_the_readmes_commands_work_in_order(
    started: str, trained: Path, tmp_path: Path, catalogue_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command of "On your own data" runs, in a folder that holds the files it names; each in a process of its own, or all in this one."""
    place = tmp_path / "reader"
    shutil.copytree(catalogue_folder, place / "catalogue")
    for name in ("consents.csv", "run.json", "outputs.csv", "truth.csv", "o1.wav", "o2.wav", "o3.wav", "o4.wav"):
        shutil.copy(tmp_path / name, place / name)
    (place / "usage.csv").write_text("usage_id,output_id,territory,uses\nu1,o1,DE,10\n")
    (place / "revenue.csv").write_text("line_id,product,model_version,territory,currency,net_amount\nl1,App,m,DE,EUR,1000\n")
    section = (ROOT / "README.md").read_text().split("## On your own data")[1]
    commands = [line.removeprefix("$ ") for line in section.split("```")[1].splitlines() if line.startswith("$ ")]
    assert len(commands) > 15
    monkeypatch.chdir(place)
    monkeypatch.delenv("RITORNELLO_HOME", raising=False)
    token = ""
    for command in commands:
        program, *arguments = command.replace("TOKEN", token).split()
        code, printed = _start(program, arguments) if started == "by itself" else _call(program, arguments)
        assert code == 0, command + "\n" + printed
        token = printed.split()[-1]


def test_the_programs_start_by_themselves() -> None:
    for program in ("ritornello", "ritornello-verify"):
        code, printed = _start(program, ["--help"])
        assert code == 0 and printed.lower().startswith(f"usage: {program} ")


def _start(program: str, arguments: list[str]) -> tuple[int, str]:
    """Exit code and output of a process of its own."""
    command = [sys.executable, "-m", program.replace("-verify", "_verify"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def _call(program: str, arguments: list[str]) -> tuple[int, str]:
    """The same in this process."""
    with contextlib.redirect_stdout(io.StringIO()) as output:
        if program == "ritornello-verify":
            return verify(arguments), output.getvalue()
        try:
            main(arguments)
        except SystemExit as stopped:
            return int(stopped.code or 0), output.getvalue()
        return 0, output.getvalue()
