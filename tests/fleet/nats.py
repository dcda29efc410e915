"""A real nats-server from its wheel, in a folder of its own, on a free port of this machine; ended by its pid."""

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.patience import PATIENCE_S, POLL_S
from tests.postgres.server import free_port

PROGRAM = Path(sys.executable).with_name("nats-server")


class NatsServer:
    """One server that keeps its messages in `folder`; it may be killed and started again."""

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        self.folder = folder
        self.port = free_port()
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it answers."""
        address = ("-a", "127.0.0.1", "-p", str(self.port))
        with (self.folder / "nats.log").open("ab") as log:
            self._process = subprocess.Popen(
                [PROGRAM, *address, "-js", "-sd", str(self.folder / "nats"), *self._options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError((self.folder / "nats.log").read_text()) from None
                time.sleep(POLL_S)
            else:
                return

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """SIGKILL: as a crash would."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE_S)


@contextmanager
def nats_cluster(count: int) -> Iterator[list[NatsServer]]:
    """Nodes that keep each message on several of them; each may be killed and started again."""
    root = Path(tempfile.mkdtemp(prefix="trueup-nats-", dir="/tmp"))
    ports = [free_port() for _ in range(count)]
    routes = ",".join(f"nats://127.0.0.1:{port}" for port in ports)
    nodes = []
    for number, port in enumerate(ports):
        folder = root / f"n{number}"
        folder.mkdir()
        cluster = ("--cluster_name", "trueup", "--cluster", f"nats://127.0.0.1:{port}", "--routes", routes)
        nodes.append(NatsServer(folder, ("--server_name", f"n{number}", *cluster)))
    try:
        for node in nodes:
            node.start()
        yield nodes
    finally:
        for node in nodes:
            node.end(signal.SIGKILL)
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def nats_server() -> Iterator[NatsServer]:
    folder = Path(tempfile.mkdtemp(prefix="trueup-nats-", dir="/tmp"))
    server = NatsServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.end(signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
