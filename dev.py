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
PIP = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
LOCK, SPARK_LOCK, TORCH_LOCK = (ROOT / f"requirements{name}.lock" for name in ("", "-spark", "-torch"))
TORCH = "torch==2.13.0"  # without hashes: builds for processors alone come from other places than the ones for graphics cards
EDITABLE = ["-e", str(ROOT), "-e", str(ROOT / "verifier")]

WITHOUT_TORCH = "torch; python_version < '3'\ntorchvision; python_version < '3'\n"  # installed beside the lock

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
    if not arguments or arguments[0] not in {*TASKS, "lock", "setup", "spark", "torch"}:
        print(__doc__, f"tasks: {', '.join(TASKS)}, lock, setup, spark, torch", sep="\n")
        return 2
    if sys.version_info < (3, 11):
        print("Ritornello needs Python 3.11 or newer.")
        return 2
    set_up()
    task, rest = arguments[0], arguments[1:]
    if task == "lock":
        return lock()
    if task == "spark":
        add("spark", SPARK_LOCK)
    if task == "torch":
        add("torch", TORCH_LOCK, first=TORCH)
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


def add(name: str, lock_file: Path, first: str | None = None) -> None:
    """Add to `.venv` what only slow tests and benchmarks use.

    `spark`: the Spark Connect client, Sail and Spark itself (with Java from the system). `torch`: PyTorch, by pip, which knows where this machine keeps its
    builds, and the methods of attribution that ours are measured against.
    """
    stamp, wanted = VENV / f"{name}.sha256", hashlib.sha256(lock_file.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    install, environment = installer()
    if first:
        subprocess.check_call([*PIP, first])
    subprocess.check_call([*install, "--no-deps", "--require-hashes", "-r", str(lock_file)], env=environment)
    stamp.write_text(wanted)


def installer() -> tuple[list[str], dict[str, str]]:
    """The command that installs into `.venv` (uv, or pip where uv can't be had), and its environment."""
    fast = (VENV / "bin" / "uv").exists() or subprocess.call([*PIP, "uv"]) == 0
    install = ["uv", "pip", "install", "--quiet", "--python", str(PYTHON)] if fast else PIP
    return install, {**os.environ, "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}


def lock() -> int:
    """Write the lock files anew from pyproject.toml: every version pinned, every file by hash, no registry named."""
    uv = [str(VENV / "bin" / "uv"), "pip", "compile", "--universal", "--generate-hashes", "--no-header", "--no-annotate", "--quiet"]
    every = [word for name in ("dev", "demo", "postgres", "provenance", "iscc") for word in ("--extra", name)]
    code = subprocess.call([*uv, *every, "-o", str(LOCK), "pyproject.toml"], cwd=ROOT)
    for extras, file, more in ((("spark",), SPARK_LOCK, []), (("torch", "peers"), TORCH_LOCK, ["--overrides", "-"])):
        words = [word for name in extras for word in ("--extra", name)]
        command = [*uv, *words, *more, "--constraint", str(LOCK), "-o", str(file), "pyproject.toml"]
        code = code or subprocess.run(command, cwd=ROOT, input=WITHOUT_TORCH, text=True, check=False).returncode
    return code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
