#!/usr/bin/env python3
"""Sets up trueup's working copy and runs its commands. Needs Python 3.11 and nothing else.

    python3 dev.py demo [args]     drift appears and is repaired, on a simulated venue
    python3 dev.py test [args]     the tests (pytest's arguments); `--quick` first: a part, in under a minute
    python3 dev.py lint            ruff, mypy --strict, import-linter, hadolint, squawk
    python3 dev.py format          ruff's formatter and safe fixes
    python3 dev.py bench [args]    the benchmarks
    python3 dev.py run ARGS        any trueup command, e.g. `run plan --help`
    python3 dev.py lock [args]     resolves requirements.lock; `--upgrade` takes the newest releases
    python3 dev.py browser         a Chromium for the tests of the pages, which are skipped without one
    python3 dev.py setup           only the environment
    python3 dev.py help            this text

The first call makes `.venv` and installs requirements.lock into it, every file checked by its hash. A stamp
there names what was installed; while it holds, a call costs one comparison and then becomes the command.
"""

import contextlib
import hashlib
import os
import sys

# Older Pythons must be able to parse this file up to its end, to be told this: no `match`, no `:=`.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(f"dev.py: trueup needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}")

from collections.abc import Iterator, Sequence
from typing import NoReturn

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
SCRIPTS = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin")
SUFFIX = ".exe" if os.name == "nt" else ""
PYTHON = os.path.join(SCRIPTS, "python" + SUFFIX)
LOCK = os.path.join(ROOT, "requirements.lock")
STAMP = os.path.join(VENV, "trueup-stamp")
USAGE_EXIT = 64  # EX_USAGE of sysexits.h

PROGRAMS = {
    "demo": ("trueup", "demo"),
    "run": ("trueup",),
    "test": ("pytest",),
    "bench": ("benchmarks",),
}
# What `test --quick` stands for: the decisions, the ledger on SQLite and the units; no server, nothing slow.
QUICK = (
    *("-n", "auto", "--dist", "loadfile", "-m", "not slow", "-k", "not postgresql"),
    *("tests/unit", "tests/acceptance/plan", "src/trueup/testing/ledgers"),
)
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")  # tests/browser/conftest.py's
GATES = {
    "lint": (
        ("ruff", "format", "--check", "--quiet", "--output-format", "concise", "."),
        ("ruff", "check", "--quiet", "--output-format", "concise", "."),
        ("mypy",),
        ("lint-imports", "--no-logo"),
        ("hadolint", "deploy/Dockerfile"),
        ("squawk", "--reporter", "gcc", "src/trueup/ledgers/postgresql/migrations/*.sql"),
    ),
    "format": (
        ("ruff", "check", "--fix", "--quiet", "."),
        ("ruff", "format", "--quiet", "."),
    ),
    "setup": (),
}
PINNED = (
    *("--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--no-emit-index-url", "--no-emit-find-links"),
    *("--custom-compile-command", "python3 dev.py lock", "--quiet"),
)
COMPILE = ("uv", "pip", "compile", "pyproject.toml", "--output-file")
IMAGE = "deploy/requirements.txt", "deploy/requirements-build.txt"  # the same versions, for the Dockerfile
EXTRAS = [part for one in ("alerts", "ccxt", "fleet", "history", "sql") for part in ("--extra", one)]
LOCKS = (
    (*COMPILE, "requirements.lock", "--all-extras", "--group", "dev", *PINNED),
    (*COMPILE, IMAGE[0], *EXTRAS, "--constraints", "requirements.lock", *PINNED),
    (
        *("uv", "pip", "compile", "--group", "build", "--output-file", IMAGE[1]),
        *("--constraints", "requirements.lock", *PINNED),
    ),
)


def main(args: Sequence[str]) -> int:
    """Runs one command and returns its exit code; a single program takes this process over."""
    command, rest = (args[0], args[1:]) if args else ("help", [])
    if command in ("help", "-h", "--help"):
        print(__doc__)
        return 0
    if command == "lock":
        return lock(rest)
    if command == "browser":
        return browser()
    if command not in PROGRAMS and command not in GATES:
        stop(f"no command {command!r}; `python3 dev.py help` lists them", USAGE_EXIT)
    prepare()
    if command in ("test", "bench"):
        os.chdir(ROOT)
    if command == "test" and rest[:1] == ["--quick"]:
        rest = [*QUICK, *rest[1:]]
    if command in PROGRAMS:
        become([*PROGRAMS[command], *rest])
    return run_all(GATES[command])


def become(module: Sequence[str]) -> None:
    """Replaces this process by `python -m module` in the environment."""
    command = [PYTHON, "-m", *module]
    if os.name != "nt":
        os.execv(PYTHON, command)
    import subprocess  # Windows' exec would give the terminal back at once

    sys.exit(subprocess.run(command, check=False).returncode)


def run_all(commands: Sequence[Sequence[str]]) -> int:
    """Runs every command, so that one round shows all faults; returns 1 if any failed."""
    failed = [" ".join(command) for command in commands if not run(command)]
    for command in failed:
        say(f"failed: {command}")
    return 1 if failed else 0


def run(command: Sequence[str], *, progress: bool = False) -> bool:
    """Runs a program of the environment; True if it succeeded. `progress` sends its output to stderr."""
    import subprocess

    program = os.path.join(SCRIPTS, command[0] + SUFFIX)
    if not os.path.exists(program):
        return False
    environ = {
        "UV_SYSTEM_CERTS": "1",
        **os.environ,
    }  # uv brings its own certificates; a firm's proxy needs the system's
    output = sys.stderr if progress else None
    return (
        subprocess.run([program, *command[1:]], cwd=ROOT, env=environ, stdout=output, check=False).returncode
        == 0
    )


def lock(args: Sequence[str]) -> int:
    """Resolves requirements.lock anew, and the image's from it; what it pins stays unless `--upgrade` says other."""
    with one_at_a_time():
        make_venv()
        if not install_uv() or not run([*LOCKS[0], *args]):
            return 1
        return 0 if all(run(one) for one in LOCKS[1:]) else 1


def browser() -> int:
    """Debian's Chromium where this user may install it, else playwright's; nothing where one is there already."""
    import shutil
    import subprocess

    if any(shutil.which(one) for one in CHROMIUMS):
        return 0
    if shutil.which("apt-get") and os.name != "nt" and os.geteuid() == 0:
        say("installing Debian's chromium")
        install = ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]
        for command in (install, ["apt-get", "update"], install):  # a fresh system has no lists yet
            done = subprocess.run(command, stdout=sys.stderr, check=False).returncode == 0
            if done and command is install:
                return 0
    prepare()
    say("installing playwright's chromium")
    return 0 if run(["playwright", "install", "chromium"], progress=True) else 1


def prepare() -> None:
    """Makes the environment what requirements.lock and pyproject.toml say, unless its stamp agrees."""
    wanted = digest()
    if stamp() == wanted:
        return
    with one_at_a_time():
        if stamp() == wanted:  # another call was faster
            return
        make_venv()
        install()
        with open(STAMP, "w", encoding="ascii") as file:
            file.write(wanted)
    say("ready")


def digest() -> str:
    """Of all the environment depends on: its place, the interpreter, the lock, the package's metadata."""
    facts = hashlib.sha256(f"{ROOT}\0{sys.version}\0".encode())
    for path in (LOCK, os.path.join(ROOT, "pyproject.toml")):
        if not os.path.exists(path):
            stop(f"{path} is missing; is this a whole clone?")
        with open(path, "rb") as file:
            facts.update(file.read())
    return facts.hexdigest()


def stamp() -> str:
    if not (os.path.exists(PYTHON) and os.path.exists(STAMP)):
        return ""
    with open(STAMP, encoding="ascii") as file:
        return file.read()


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Keeps two calls from building one environment. Windows goes without."""
    with open(os.path.join(ROOT, ".venv.lock"), "w", encoding="ascii") as file:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make_venv() -> None:
    """Makes `.venv` with pip, or keeps one that works and is of this Python."""
    import subprocess

    with contextlib.suppress(FileNotFoundError):
        os.remove(STAMP)
    if os.path.exists(PYTHON):
        check = f"import pip, sys; sys.exit(sys.version != {sys.version!r})"
        if subprocess.run([PYTHON, "-c", check], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return
    say("making .venv")
    try:
        import ensurepip  # noqa: F401 - Debian's Python comes without
        import venv
    except ImportError:
        package = "python{}.{}-venv".format(*sys.version_info)
        stop(f"this Python cannot make virtual environments; on Debian or Ubuntu: sudo apt install {package}")
    venv.create(VENV, clear=True, symlinks=os.name != "nt", with_pip=True)


def install_uv() -> bool:
    """Installs the uv that the lock names, by its hashes; any uv while there is no lock."""
    import re

    block = None
    if os.path.exists(LOCK):
        with open(LOCK, encoding="utf-8") as file:
            block = re.search(r"^uv==.*\n( +--hash=.*\n)+", file.read(), re.MULTILINE)
    pip = ("python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    if block is None:
        return run([*pip, "uv"], progress=True)
    requirement = os.path.join(VENV, "uv.txt")
    with open(requirement, "w", encoding="utf-8") as file:
        file.write(block[0])
    return run([*pip, "--require-hashes", "--no-deps", "-r", requirement], progress=True)


def install() -> None:
    """Installs the lock, then trueup itself from this folder: by uv, or by pip where that fails."""
    say("installing requirements.lock")
    hashed = ("--require-hashes", "--quiet")
    itself = ("--no-deps", "--no-build-isolation", "--quiet", "--editable", ".")
    uv, pip = ("uv", "pip"), ("python", "-m", "pip")
    here = ("--python", PYTHON)
    by_uv = ([*uv, "sync", *here, *hashed, "--compile-bytecode", LOCK], [*uv, "install", *here, *itself])
    by_pip = ([*pip, "install", *hashed, "-r", LOCK], [*pip, "install", *itself])
    if install_uv() and all(run(command, progress=True) for command in by_uv):
        return
    say("uv did not manage; trying pip, which is slower")
    if not all(run(command, progress=True) for command in by_pip):
        stop("could not install, for the reason above; the first call needs the network or a package mirror")


def say(message: str) -> None:
    print(f"dev.py: {message}", file=sys.stderr, flush=True)


def stop(message: str, code: int = 1) -> NoReturn:
    say(message)
    sys.exit(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
