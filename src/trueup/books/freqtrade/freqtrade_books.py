"""freqtrade's database as somebody else's books: `tradesv3.sqlite`, or PostgreSQL by its `db_url`. Read only.

No SQL is written while it runs, nor ever: its session caches rows, closing a trade is its own code, and a locked
database ends the bot. Refused: a dry run's or a backtest's database, another schema, another exchange or trading mode.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from trueup.books.checks import BookCheck
from trueup.books.freqtrade.api import FreqtradeApi
from trueup.books.freqtrade.ask_reload import AskReload
from trueup.books.freqtrade.rows import (
    ORDER_COLUMNS,
    TRADE_COLUMNS,
    UPDATED,
    UTC,
    Unclear,
    base_fee,
    read_order,
    read_trade,
    trade_number,
)
from trueup.books.keys import fingerprint
from trueup.books.plausible import implausible_beside
from trueup.books.tables.database import Condition, TableDatabase, any_of
from trueup.books.tables.values import cell_time, loose_text, time_cell
from trueup.model.errors import LedgerError, brief_text
from trueup.model.ids import known_id
from trueup.model.money import amount
from trueup.model.plan import Plan
from trueup.model.snapshot import LocalOrder, Snapshot, VenueOrder
from trueup.model.times import NS_PER_S, from_ns
from trueup.model.vocabulary import LIVE, Action
from trueup.ports.foreign_books import (
    BooksTraits,
    ForeignRead,
    ForeignRow,
    ForeignTrade,
    RepairAsked,
    UnclearRow,
    WriteBack,
    WriteMode,
    WriteOutcome,
    WriteResult,
)

RECORD_VERSION = 2  # `trades.record_version` of freqtrade 2026.9
DRY_RUN = "dry_run_"
ORDER_KEYS = frozenset(
    {
        "venue_order_id", "trade_id", "symbol", "side", "action", "order_type", "qty", "limit_price", "stop_price",
        "status", "filled_qty", "filled_avg_price", "submitted_at",
    }
)  # fmt: skip
_UNSENT = " row "  # in the key of an order that has no id yet
_NEVER_WRITTEN = "freqtrade's database is never written"
_LEANED_ON = ("id", "is_short", "contract_size")  # what of its trade an order's reading leans on

Cells = dict[str, Any]


class FreqtradeOptions(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`exchange`: ccxt's name. `trading_mode`: spot or futures. `api`: freqtrade's REST server, for `write = "ask"`.

    `ask_after_s`: how long drift must stand before freqtrade is asked to reload a trade: several of its loops.
    """

    database: str | None = None
    exchange: str
    trading_mode: str = "spot"
    api: str | None = None
    ask_after_s: float = 60.0


class FreqtradeBooks:
    """Implements `ForeignBooks`. A row's key is freqtrade's own: pair and order id."""

    def __init__(
        self,
        database: TableDatabase,
        options: FreqtradeOptions,
        *,
        source: str,
        profile_id: str,
        write: WriteMode = WriteMode.NEVER,
        api: FreqtradeApi | None = None,
    ) -> None:
        self._database = database
        self._options = options
        self._profile_id = profile_id
        self._ask = None if api is None else AskReload(api, options, lambda one: self.find(trade_ids=[one]))
        self._traits = BooksTraits(
            kind="freqtrade",
            source=source,
            profile_ids=frozenset({profile_id}),
            write=write,
            order_keys=ORDER_KEYS,
            stops_keep_id=True,
        )
        check_schema(database)

    @property
    def traits(self) -> BooksTraits:
        return self._traits

    def read(self, since: str | None, recent_s: float) -> ForeignRead:
        """A poll stamps every open order anew: that time is no part of a fingerprint, it dates what changed."""
        database = self._database
        with database.reading():
            recent_ns = database.now_ns() - round(recent_s * NS_PER_S)
            recent = time_cell(from_ns(recent_ns), None, UTC)
            trades = self._trades(Condition(f"{database.quoted('is_open')} = {_true(database)}"))
            orders = self._orders(
                any_of(
                    [
                        Condition(f"{database.quoted('ft_is_open')} = {_true(database)}"),
                        Condition(f"{database.quoted('order_update_date')} >= {database.mark}", (recent,)),
                        database.is_in("orders", ["ft_trade_id"], [(one,) for one in trades]),
                    ]
                )
            )
            return self._whole(orders, trades)

    def find(
        self, *, keys: Sequence[str] = (), ids: Sequence[str] = (), trade_ids: Sequence[str] = ()
    ) -> ForeignRead:
        database = self._database
        numbers = [(number,) for one in trade_ids if (number := trade_number(one)) is not None]
        named = [*ids, *(one.partition(" ")[2] for one in keys)]
        spelled = [
            (form,) for one in named for form in dict.fromkeys((one, one.strip(), one.lower(), one.upper()))
        ]
        unsent = [(int(row),) for one in keys if (row := one.partition(_UNSENT)[2]).isdigit()]
        with database.reading():
            of_ids, of_trades, of_rows = (
                database.is_in("orders", ["order_id"], spelled),
                database.is_in("orders", ["ft_trade_id"], numbers),
                database.is_in("orders", ["id"], unsent),
            )
            orders = self._orders(any_of([of_ids, of_trades, of_rows]))
            if keys and not ids and not trade_ids:
                orders = [one for one in orders if _key(one) in keys]
            return self._whole(orders, {})

    def is_removal_normal(self, order: LocalOrder) -> bool:
        """freqtrade deletes an entry that filled nothing, with its trade; an unsent row has another key once sent."""
        return order.venue_order_id is None or (order.action is Action.ENTRY and not amount(order.filled_qty))

    def lock(self, keys: Sequence[str], within: Any) -> dict[str, str]:
        raise LedgerError(_NEVER_WRITTEN)

    def write_back(self, writes: Sequence[WriteBack], within: Any = None) -> list[WriteResult]:
        refused = WriteOutcome.REFUSED
        return [WriteResult(sequence=one.sequence, outcome=refused, error=_NEVER_WRITTEN) for one in writes]

    def ask(self, snapshot: Snapshot, plan: Plan) -> list[RepairAsked]:
        return [] if self._ask is None else self._ask.ask(snapshot, plan)

    def check(self, opened: Sequence[VenueOrder], *, complete: bool) -> list[BookCheck]:
        read = self.read(None, 0)
        faults = [
            *implausible_beside(read.rows, opened, complete=complete),
            *(one.message for one in read.unclear),
        ]
        if self._ask is not None and (fault := self._ask.contradiction()) is not None:
            faults.append(fault)
        checks = [
            BookCheck(message=one, next_step="is this the bot of this account?", failed=True)
            for one in faults
        ]
        asked = (
            "drifted trades are reloaded by freqtrade"
            if self._ask is not None
            else "nothing is asked of freqtrade"
        )
        return [
            *checks,
            *_before_a_restart(read.rows, opened, complete=complete),
            BookCheck(message=f"{len(read.rows)} orders of {len(read.trades)} open trades; {asked}"),
        ]

    def close(self) -> None:
        self._database.close()

    # -- reading ------------------------------------------------------------------------------------------------------

    def _whole(self, orders: list[Cells], trades: dict[Any, Cells]) -> ForeignRead:
        """With the trades of the orders. Each trade's quantities are sums of all its orders."""
        database = self._database
        missing = {one["ft_trade_id"] for one in orders} - trades.keys()
        if missing:
            trades |= self._trades(database.is_in("trades", ["id"], [(one,) for one in missing]))
        self._check_trades(trades.values())
        of_trade: dict[Any, list[Cells]] = defaultdict(list)
        for one in self._orders(database.is_in("orders", ["ft_trade_id"], [(one,) for one in trades])):
            of_trade[one["ft_trade_id"]].append(one)
        read = [self._row(one, trades.get(one["ft_trade_id"])) for one in orders]
        whole = [self._trade(trade, of_trade[number]) for number, trade in trades.items()]
        return ForeignRead(
            rows=[one for one in read if isinstance(one, ForeignRow)],
            trades=[one for one in whole if isinstance(one, ForeignTrade)],
            unclear=[one for one in (*read, *whole) if isinstance(one, UnclearRow)],
        )

    def _row(self, order: Cells, trade: Cells | None) -> ForeignRow | UnclearRow:
        key = _key(order)
        try:
            if trade is None:
                raise Unclear("its trade is gone")
            read = read_order(order, trade)
        except Unclear as fault:
            return UnclearRow(
                key=key,
                message=f"freqtrade order {key}: {fault}",
                venue_order_id=loose_text(order["order_id"]),
            )
        leaned_on = {f"trade.{name}": trade[name] for name in _LEANED_ON}
        said = {name: cell for name, cell in order.items() if name != UPDATED}
        return ForeignRow(
            key=key,
            fingerprint=fingerprint(said | leaned_on),
            profile_id=self._profile_id,
            order=read,
            changed_at=cell_time(order[UPDATED], UTC),
        )

    def _trade(self, trade: Cells, orders: Sequence[Cells]) -> ForeignTrade | UnclearRow:
        read = []
        for one in orders:
            try:
                read.append(read_order(one, trade))
            except Unclear:
                continue  # it is told with its row
        try:
            whole = read_trade(trade, read, base_fee(orders, trade))
        except ValueError as fault:
            return UnclearRow(key=f"trade {trade['id']}", message=f"freqtrade trade {trade['id']}: {fault}")
        return ForeignTrade(profile_id=self._profile_id, trade=whole)

    def _check_trades(self, trades: Iterable[Cells]) -> None:
        """Another exchange's or mode's trades in this database are not this account's."""
        ours = f"{self._options.exchange} {self._options.trading_mode}"
        for one in trades:
            theirs = f"{one['exchange']} {str(one['trading_mode'] or 'spot').lower()}"
            if theirs != ours:
                raise LedgerError(
                    f"freqtrade's trade {one['id']} is of {brief_text(theirs, 200)}, not {ours}:"
                    " name the database of this account"
                )

    def _orders(self, condition: Condition) -> list[Cells]:
        found = _select(self._database, "orders", ORDER_COLUMNS, condition)
        if any(str(one["order_id"] or "").startswith(DRY_RUN) for one in found):
            raise LedgerError(
                "this is the database of a dry run: its orders are at no venue; name the live one"
            )
        return found

    def _trades(self, condition: Condition) -> dict[Any, Cells]:
        return {one["id"]: one for one in _select(self._database, "trades", TRADE_COLUMNS, condition)}


def _before_a_restart(
    rows: Sequence[ForeignRow], opened: Sequence[VenueOrder], *, complete: bool
) -> list[BookCheck]:
    """At its start freqtrade asks for its open orders, and one answered as not found goes to its cancel handling,
    which may delete the trade (`startup_update_open_orders`, whatever the order's age).
    """
    listed = {known_id(one.venue_order_id) for one in opened}
    names = sorted(
        str(one.order.venue_order_id)
        for one in rows
        if complete and one.order.status in LIVE and known_id(one.order.venue_order_id) not in {*listed, None}
    )
    if not names:
        return []
    shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
    return [
        BookCheck(
            message=f"open for freqtrade and not at the exchange: {shown}; a restart takes what is not found there for "
            "canceled, and may delete the trade",
            next_step="before a restart, `trueup plan` says what became of them",
        )
    ]


def check_schema(database: TableDatabase) -> None:
    """Raises LedgerError where it is not freqtrade's, or another freqtrade's than this was read for."""
    for table, needed in (("orders", ORDER_COLUMNS), ("trades", TRADE_COLUMNS)):
        known = database.columns(table)
        missing = [name for name in needed if name not in known]
        if missing:
            raise LedgerError(
                f"freqtrade's table {table} has no column {missing[0]}: this reads the schema of freqtrade 2026.9; "
                "start freqtrade once, which migrates its database, or use the matching trueup"
            )
    newest = database.rows(
        f"SELECT max({database.quoted('record_version')}) FROM {database.quoted('trades')}"
    )
    if newest and newest[0][0] is not None and int(newest[0][0]) != RECORD_VERSION:
        raise LedgerError(
            f"freqtrade's records are of version {newest[0][0]}, not {RECORD_VERSION}: not read"
        )


def is_dry_run(database: TableDatabase) -> bool:
    """Whether any order was only simulated."""
    name = database.quoted("order_id")
    text = f"SELECT 1 FROM {database.quoted('orders')} WHERE {name} LIKE {database.mark} LIMIT 1"
    return bool(database.rows(text, [f"{DRY_RUN}%"]))


def _select(database: TableDatabase, table: str, names: Sequence[str], condition: Condition) -> list[Cells]:
    text = (
        f"SELECT {', '.join(map(database.quoted, names))} FROM {database.quoted_table(table)} "
        f"WHERE {condition.text} ORDER BY {database.quoted('id')}"
    )
    return [dict(zip(names, row, strict=True)) for row in database.rows(text, condition.values)]


def _key(order: Mapping[str, Any]) -> str:
    """Row ids of deleted orders are used again; pair and order id are unique. An unsent order has only its row."""
    return f"{order['ft_pair']}" + (
        f" {order['order_id']}" if order["order_id"] else f"{_UNSENT}{order['id']}"
    )


def _true(database: TableDatabase) -> str:
    return "1" if database.name == "sqlite" else "true"
