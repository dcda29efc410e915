"""Connections to one PostgreSQL, a bounded number, opened when they are needed and kept for the next who needs one.

Rules: whoever needs a connection opens it himself, so that an outage costs one failure, which says why, and ends as
soon as the server is back; the first that breaks takes the idle ones with it, for they broke in the same outage. The
password never stands in an error. Must not know what is done with a connection.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
from psycopg import conninfo

from trueup.model.errors import ConfigError, LedgerError

CONNECTIONS_MAX = 16  # of one process, where nobody says how many: more than the threads that use them
WAIT_S = 30.0  # for another thread's connection
_OPTIONS: Mapping[str, str] = {
    "application_name": "trueup",
    "connect_timeout": "10",
    # a server that vanished without a word is noticed within a minute
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}


class Connections:
    """`url`: any that libpq takes, its password included. `most`: how many are open at once; null: the default."""

    def __init__(self, url: str, most: int | None = None) -> None:
        given = _parsed(url)
        self.address = _address(given)
        self._conninfo = conninfo.make_conninfo("", **{**_OPTIONS, **given})
        self._most = most or CONNECTIONS_MAX
        self._free = threading.BoundedSemaphore(self._most)
        self._lock = threading.Lock()
        self._idle: list[psycopg.Connection] = []
        self._closed = False

    @contextmanager
    def one(self) -> Iterator[psycopg.Connection]:
        """A connection in autocommit mode, for the calling thread alone."""
        if not self._free.acquire(timeout=WAIT_S):
            raise LedgerError(f"ledger {self.address}: all {self._most} connections are in use: run again")
        try:
            connection = self._take()
            try:
                yield connection
            finally:
                self._give_back(connection)
        finally:
            self._free.release()

    def connect(self) -> psycopg.Connection:
        """A new one, which is the caller's to close. Raises LedgerError with the reason."""
        try:
            # nothing is prepared: behind a pooler the next transaction may meet another server process
            return psycopg.connect(
                self._conninfo, autocommit=True, prepare_threshold=None, cursor_factory=psycopg.RawCursor
            )
        except psycopg.Error as fault:
            raise LedgerError(
                f"ledger {self.address}: no connection; nothing was written: {_one_line(fault)}"
            ) from None  # the fault's own context may quote the connection string

    def close(self) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> psycopg.Connection:
        with self._lock:
            if self._closed:
                raise LedgerError(f"ledger {self.address} is closed")
            if self._idle:
                return self._idle.pop()
        return self.connect()

    def _give_back(self, connection: psycopg.Connection) -> None:
        usable = (
            not connection.closed and connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        )
        with self._lock:
            if usable and not self._closed:
                self._idle.append(connection)
                return
            broken = [connection]
            if not usable:
                broken += self._idle
                self._idle = []
        for one in broken:
            one.close()


def _parsed(url: str) -> dict[str, str]:
    try:
        given = {
            key: str(value) for key, value in conninfo.conninfo_to_dict(url).items() if value is not None
        }
    except psycopg.Error:
        raise ConfigError(
            "the database's URL cannot be read: it is postgresql://USER@HOST:PORT/NAME, with %-escapes for special"
            " characters"
        ) from None  # libpq's message quotes it
    if "@" in given.get("host", ""):
        raise ConfigError("the database's URL has more than one @: write those of a user or password as %40")
    return given


def _address(given: Mapping[str, str]) -> str:
    """Where it is, as errors say it: never the password."""
    user = f"{given['user']}@" if "user" in given else ""
    port = f":{given['port']}" if "port" in given else ""
    return f"postgresql://{user}{given.get('host', '')}{port}/{given.get('dbname', '')}"


def _one_line(fault: psycopg.Error) -> str:
    return " ".join(str(fault).split())
