#!/usr/bin/env python3
"""Set up and run the project's tasks: `python3 dev.py demo | test | check | bench | lock`.

Needs only Python 3.11+ with pip and venv. The virtual environment lies in `.venv`; it is rebuilt when `requirements.lock` changes.
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK, SPARK_LOCK = ROOT / "requirements.lock", ROOT / "requirements-spark.lock"
EDITABLE = ["-e", str(ROOT), "-e", str(ROOT / "verifier")]

TASKS = {
    "demo": [["-m", "ritornello", "demo"]],
    "test": [["-m", "pytest"]],  # the quick ones on every core; `test --all` runs the slow ones too, one after the other
    "check": [
        ["-m", "ruff", "check", "."],
        ["-m", "ruff", "format", "--check", "."],
        ["-m", "mypy"],
        ["-c", "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"],
    ],
    "bench": [["-m", "benchmarks"]],
}


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in {*TASKS, "lock", "setup", "spark"}:
        print(__doc__, f"tasks: {', '.join(TASKS)}, lock, setup, spark", sep="\n")
        return 2
    if sys.version_info < (3, 11):
        print("Ritornello needs Python 3.11 or newer.")
        return 2
    set_up()
    task, rest = arguments[0], arguments[1:]
    if task == "lock":
        return lock()
    if task == "spark":
        add_spark()
    if task == "test" and "--all" in rest:
        rest.remove("--all")
    elif task == "test":
        rest = ["-m", "not slow", *(rest or ["-n", "auto", "--dist", "loadfile"])]
    for command in TASKS.get(task, []):
        code = subprocess.call([str(PYTHON), *command, *rest], cwd=ROOT)
        if code:
            return code
    return 0


def set_up() -> None:
    """Bring `.venv` to what the lock file says; do nothing when it already is."""
    stamp, wanted = VENV / "lock.sha256", hashlib.sha256(LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print("setting up .venv (once; again only when requirements.lock changes) ...", flush=True)
    venv.EnvBuilder(with_pip=True, clear=True).create(VENV)
    install, environment = installer()
    subprocess.check_call([*install, "--require-hashes", "-r", str(LOCK)], env=environment)
    subprocess.check_call([*install, "--no-deps", "--no-build-isolation", *EDITABLE], env=environment)
    stamp.write_text(wanted)


def add_spark() -> None:
    """Add the Spark Connect client, Sail and Spark itself (with Java from the system) to `.venv`, for the slow tests of engines elsewhere."""
    stamp, wanted = VENV / "spark.sha256", hashlib.sha256(SPARK_LOCK.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    install, environment = installer()
    subprocess.check_call([*install, "--require-hashes", "-r", str(SPARK_LOCK)], env=environment)
    stamp.write_text(wanted)


def installer() -> tuple[list[str], dict[str, str]]:
    """The command that installs into `.venv` (uv, or pip where uv can't be had), and its environment."""
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    fast = (VENV / "bin" / "uv").exists() or subprocess.call([*pip, "uv"]) == 0
    install = ["uv", "pip", "install", "--quiet", "--python", str(PYTHON)] if fast else pip
    return install, {**os.environ, "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}


def lock() -> int:
    """Write the lock files anew from pyproject.toml: every version pinned, every file by hash, no registry named."""
    uv = [str(VENV / "bin" / "uv"), "pip", "compile", "--universal", "--generate-hashes", "--no-header", "--no-annotate", "--quiet"]
    every = [word for name in ("dev", "demo", "postgres", "provenance", "iscc") for word in ("--extra", name)]
    code = subprocess.call([*uv, *every, "-o", str(LOCK), "pyproject.toml"], cwd=ROOT)
    return code or subprocess.call([*uv, "--extra", "spark", "--constraint", str(LOCK), "-o", str(SPARK_LOCK), "pyproject.toml"], cwd=ROOT)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
