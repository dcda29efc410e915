"""A real MariaDB or MySQL server of the tests' own, where one is installed: a folder, a port, no rights to ask for."""

import importlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE_S, POLL_S

WHERE = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/usr/local/bin"))


def server_program() -> str | None:
    return shutil.which("mariadbd", path=WHERE)


@cache
def _shared() -> int:
    """The port of this process's server, which ends with it."""
    import atexit

    program = server_program()
    assert program is not None
    folder = Path(tempfile.mkdtemp(prefix="trueup-mariadb-"))
    (folder / "data").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [
            program, "--no-defaults", f"--datadir={folder}/data", f"--port={port}", "--bind-address=127.0.0.1",
            f"--socket={folder}/socket", f"--pid-file={folder}/pid", f"--tmpdir={folder}", "--skip-grant-tables",
            "--skip-networking=0", "--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0",
            *(["--user=root"] if os.geteuid() == 0 else []),
        ],
        stdout=log, stderr=log,
    )  # fmt: skip

    def end() -> None:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    _wait_until_ready(port, process, folder / "log")
    return port


def _wait_until_ready(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        assert process.poll() is None, log.read_text()[-2000:]
        try:
            connect(port).close()
        except OSError:
            time.sleep(POLL_S)
        else:
            return
    raise AssertionError(f"the server is not ready after {PATIENCE_S} s: {log.read_text()[-2000:]}")


def connect(port: int, database: str | None = None) -> Any:
    pymysql: Any = importlib.import_module("pymysql")
    try:
        return pymysql.connect(
            host="127.0.0.1", port=port, user="root", database=database, autocommit=True, charset="utf8mb4"
        )
    except pymysql.err.OperationalError as fault:
        raise OSError(str(fault)) from fault


@contextmanager
def mysql_database() -> Iterator[tuple[str, Any]]:
    """The URL of an empty database, and a connection to it. Skips, and says why, where no server is installed."""
    if server_program() is None:
        pytest.skip("no MariaDB here: install mariadb-server-core (or mariadb-server)")
    port, name = _shared(), f"trueup_{uuid.uuid4().hex[:12]}"
    with connect(port) as server, server.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    connection = connect(port, name)
    try:
        yield f"mysql+pymysql://root@127.0.0.1:{port}/{name}", connection
    finally:
        connection.close()
        with connect(port) as server, server.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")
