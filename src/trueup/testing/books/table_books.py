"""The reference kind of foreign books: one real SQLite table of a bot's, in its own file or in the ledger's.

Written as a stranger would write it from `ports/foreign_books.py` alone; it keeps nothing between calls.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from trueup.model.plan import Plan
from trueup.model.snapshot import LocalOrder, Snapshot
from trueup.model.vocabulary import Action, Side, Status
from trueup.ports.foreign_books import (
    BooksTraits,
    ForeignRead,
    ForeignRow,
    RepairAsked,
    UnclearRow,
    WriteBack,
    WriteMode,
    WriteOutcome,
    WriteResult,
)

SCHEMA = """CREATE TABLE IF NOT EXISTS bot_orders (
  id INTEGER PRIMARY KEY, client_id TEXT UNIQUE, exchange_id TEXT UNIQUE, trade TEXT, symbol TEXT, side TEXT,
  action TEXT, qty TEXT, price TEXT, status TEXT, filled TEXT, average TEXT, changed TEXT, note TEXT)"""
COLUMNS = (
    *("client_id", "exchange_id", "trade", "symbol", "side", "action"),
    *("qty", "price", "status", "filled", "average"),
)
KEYS = {
    "client_order_id": "client_id",
    "venue_order_id": "exchange_id",
    "trade_id": "trade",
    "symbol": "symbol",
    "side": "side",
    "action": "action",
    "qty": "qty",
    "limit_price": "price",
    "status": "status",
    "filled_qty": "filled",
    "filled_avg_price": "average",
}
WORDS = {
    "working": Status.PENDING_NEW,
    "part": Status.PARTIALLY_FILLED,
    "done": Status.FILLED,
    "cancelled": Status.CANCELED,
    "expired": Status.EXPIRED,
    "rejected": Status.REJECTED,
}
SAID = {status.value: word for word, status in WORDS.items()}
LIVE = ("working", "part")


class TableBooks:
    """`changed`: the column of that name is mapped, and its clock known. `write` and `writable` as a mapping says."""

    def __init__(
        self,
        path: Path | str,
        profile_id: str,
        *,
        write: WriteMode = WriteMode.TABLES,
        writable: frozenset[str] = frozenset(KEYS),
        inserts: bool = True,
        together: bool = False,
        changed: bool = False,
        source: str = "table",
        normal_removals: bool = False,
    ) -> None:
        self.path = str(path)
        self._profile_id = profile_id
        self._changed = changed
        self._normal_removals = normal_removals
        self.connection = apsw.Connection(self.path)
        self.connection.set_busy_timeout(5000)
        self.connection.execute(SCHEMA)
        self.traits = BooksTraits(
            kind="table",
            source=source,
            profile_ids=frozenset({profile_id}),
            write=write,
            order_keys=frozenset(KEYS),
            writable_keys=writable,
            inserts=inserts,
            together=together,
        )

    # what a bot does

    def bot(self, statement: str, *values: Any) -> None:
        """The bot's own write, past everybody."""
        self.connection.execute(statement, values)

    def insert(self, number: int = 1, **columns: Any) -> None:
        given = {
            "id": number,
            "client_id": f"b1-{number}",
            "exchange_id": f"v-{number}",
            "trade": "t-1",
            "symbol": "ETH/USD",
            "side": "buy",
            "action": "entry",
            "qty": "10",
            "price": "1000",
            "status": "working",
            "filled": "0",
        } | columns
        names = ", ".join(given)
        marks = ", ".join("?" for _ in given)
        self.bot(f"INSERT INTO bot_orders ({names}) VALUES ({marks})", *given.values())

    def row(self, number: int = 1) -> dict[str, Any]:
        names = ("id", *COLUMNS)
        found = self.connection.execute(f"SELECT {', '.join(names)} FROM bot_orders WHERE id = ?", (number,))
        return dict(zip(names, next(iter(found)), strict=True))

    # what the port asks

    def read(self, since: str | None, recent_s: float) -> ForeignRead:
        return self._read(self.connection, f"status IN {LIVE}")

    def find(
        self, *, keys: Sequence[str] = (), ids: Sequence[str] = (), trade_ids: Sequence[str] = ()
    ) -> ForeignRead:
        wanted = [*keys, *ids, *trade_ids]
        marks = ", ".join("?" for _ in wanted)
        condition = f"CAST(id AS TEXT) IN ({marks})"
        if ids:
            condition = f"lower(client_id) IN ({marks}) OR lower(exchange_id) IN ({marks})"
            wanted *= 2
        if trade_ids:
            condition = f"trade IN ({marks})"
        return self._read(
            self.connection, condition, *(one.strip().lower() if ids else one for one in wanted)
        )

    def is_removal_normal(self, order: LocalOrder) -> bool:
        return self._normal_removals and order.filled_qty == "0"

    def lock(self, keys: Sequence[str], within: Any) -> dict[str, str]:
        found = {key: self._by_key(within, key) for key in keys}
        return {key: row.fingerprint for key, row in found.items() if row is not None}

    def write_back(self, writes: Sequence[WriteBack], within: Any = None) -> list[WriteResult]:
        return [self._write(one, within) for one in writes]

    def ask(self, snapshot: Snapshot, plan: Plan) -> list[RepairAsked]:
        broken = sorted({one.trade_id for one in plan.breaks if one.trade_id is not None})
        return [
            RepairAsked(profile_id=plan.profile_id, trade_id=one, what="reload", outcome="asked")
            for one in broken
        ]

    def close(self) -> None:
        self.connection.close()

    # inside

    def _write(self, write: WriteBack, within: Any) -> WriteResult:
        connection = within or self.connection
        try:
            with _savepoint(connection):
                outcome, is_set = self._compare_and_set(connection, write)
                key = write.key or str(connection.last_insert_rowid())
                row = self._by_key(connection, key) if is_set else None
        except apsw.ConstraintError as fault:
            return self._after_constraint(connection, write, str(fault))
        except apsw.BusyError as fault:
            return WriteResult(sequence=write.sequence, outcome=WriteOutcome.FAILED, error=str(fault))
        return WriteResult(sequence=write.sequence, outcome=outcome, row=row)

    def _after_constraint(self, connection: Any, write: WriteBack, fault: str) -> WriteResult:
        """The bot's own late row has these ids: then its row is what counts."""
        own = self._read(
            connection,
            "client_id = ? OR exchange_id = ?",
            write.order.client_order_id,
            write.order.venue_order_id,
        )
        if write.key is None and own.rows:
            return WriteResult(sequence=write.sequence, outcome=WriteOutcome.MOVED)
        return WriteResult(sequence=write.sequence, outcome=WriteOutcome.REFUSED, error=fault)

    def _compare_and_set(self, connection: Any, write: WriteBack) -> tuple[WriteOutcome, bool]:
        """And whether this call set it."""
        said = {key: SAID.get(one, one) if key == "status" else one for key, one in write.values.items()}
        wanted = {KEYS[key]: one for key, one in said.items()}
        if write.key is None:
            names, marks = ", ".join(wanted), ", ".join("?" for _ in wanted)
            connection.execute(f"INSERT INTO bot_orders ({names}) VALUES ({marks})", tuple(wanted.values()))
            return WriteOutcome.DELIVERED, True
        row = self._by_key(connection, write.key)
        if row is None:
            return WriteOutcome.MOVED, False
        if all(getattr(row.order, key) == value for key, value in write.values.items()):
            return WriteOutcome.DELIVERED, False
        if row.fingerprint != write.judged:
            return WriteOutcome.MOVED, False
        setting = ", ".join(f"{name} = ?" for name in wanted)
        connection.execute(
            f"UPDATE bot_orders SET {setting} WHERE CAST(id AS TEXT) = ?", (*wanted.values(), write.key)
        )
        return WriteOutcome.DELIVERED, True

    def _by_key(self, connection: Any, key: str) -> ForeignRow | None:
        return next(iter(self._read(connection, "CAST(id AS TEXT) = ?", key).rows), None)

    def _read(self, connection: Any, condition: str, *values: Any) -> ForeignRead:
        names = ", ".join(("id", *COLUMNS, "changed"))
        found = connection.execute(f"SELECT {names} FROM bot_orders WHERE {condition} ORDER BY id", values)
        rows, unclear = [], []
        for key, *cells, changed in found.fetchall():
            columns = dict(zip(COLUMNS, cells, strict=True))
            if columns["status"] in WORDS:
                rows.append(self._row(str(key), columns, changed))
            else:
                unclear.append(
                    UnclearRow(
                        key=str(key),
                        profile_id=self._profile_id,
                        message=f"status {columns['status']!r} has no meaning",
                        venue_order_id=columns["exchange_id"],
                        client_order_id=columns["client_id"],
                    )
                )
        return ForeignRead(rows=rows, unclear=unclear)

    def _row(self, key: str, columns: dict[str, Any], changed: str | None) -> ForeignRow:
        order = LocalOrder(
            client_order_id=columns["client_id"],
            venue_order_id=columns["exchange_id"],
            trade_id=columns["trade"],
            symbol=columns["symbol"],
            side=Side(columns["side"]),
            action=None if columns["action"] is None else Action(columns["action"]),
            qty=columns["qty"],
            limit_price=columns["price"],
            status=WORDS[columns["status"]],
            filled_qty=columns["filled"] or "0",
            filled_avg_price=columns["average"],
        )
        print_ = hashlib.blake2b(repr(sorted(columns.items())).encode(), digest_size=16).hexdigest()
        return ForeignRow(
            key=key,
            fingerprint=print_,
            profile_id=self._profile_id,
            order=order,
            changed_at=changed if self._changed else None,
        )


@contextmanager
def _savepoint(connection: Any) -> Iterator[None]:
    with connection:  # apsw's own: a savepoint, also within a transaction
        yield
