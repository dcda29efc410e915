"""Hummingbot's database as somebody else's books (2.16, `local_db_version` 20230516). Read only.

An order's id is the client id. Amounts and prices are integers × 10⁶, cut off: of an amount below one millionth nothing
is known. The side is that of the first Created status, else of a fill. `OrderFailure` says nothing: the order may live.
What an order filled is the sum of its fills. A live order that `MarketState` holds is taken from there, where its
amounts are exact texts.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from trueup.books.checks import BookCheck
from trueup.books.keys import fingerprint
from trueup.books.plausible import implausible_beside
from trueup.books.tables.database import Condition, TableDatabase, any_of
from trueup.books.tables.values import cell_amount, cell_text, cell_time, loose_text, short_text
from trueup.exports.read_texts import word
from trueup.model.check_texts import TEXT_CHARS_MAX
from trueup.model.errors import LedgerError, brief_text
from trueup.model.ids import known_client_id, known_id
from trueup.model.money import ZERO, add, amount, divide, multiply, text
from trueup.model.plan import Plan
from trueup.model.snapshot import Fill, LocalOrder, Snapshot, VenueOrder
from trueup.model.times import NS_PER_S
from trueup.model.vocabulary import Action, PositionSide, Side, Status
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

DB_VERSION = "20230516"
DECIMALS = 6  # of amounts and prices, as integers; the rest is cut off (`hummingbot/model/decimal_type_decorator.py`)
ORPHANS_SHOWN = 20
SCALE = Decimal(10) ** DECIMALS
PAPER = ("_papertrade", "_paper_trade")  # how the names of simulated connectors end
NEVER_WRITTEN = "Hummingbot's memory is its truth: nothing reads its database back, so nothing is written"
_LIVE = ("BuyOrderCreated", "SellOrderCreated", "OrderFilled")
_STATUSES: Mapping[str, Status] = {
    "BuyOrderCreated": Status.PENDING_NEW,
    "SellOrderCreated": Status.PENDING_NEW,
    "OrderFilled": Status.PARTIALLY_FILLED,
    "BuyOrderCompleted": Status.FILLED,
    "SellOrderCompleted": Status.FILLED,
    "OrderCancelled": Status.CANCELED,
    "OrderExpired": Status.EXPIRED,
}
_CREATED = {"BuyOrderCreated": Side.BUY, "SellOrderCreated": Side.SELL}
_ORDER = ("id", "market", "symbol", "order_type", "amount", "price", "last_status", "creation_timestamp",
          "last_update_timestamp", "exchange_order_id", "position")  # fmt: skip
_FILL = (
    "market",
    "order_id",
    "exchange_trade_id",
    "symbol",
    "trade_type",
    "price",
    "amount",
    "timestamp",
    "trade_fee",
)
_KEYS = frozenset(
    {"client_order_id", "venue_order_id", "symbol", "side", "action", "order_type", "qty", "limit_price", "status",
     "filled_qty", "filled_avg_price", "submitted_at", "position_side"}
)  # fmt: skip
Cells = dict[str, Any]


class HummingbotOptions(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`market`: the connector whose orders these are, such as `binance` or `binance_perpetual`."""

    database: str | None = None
    market: str


class HummingbotBooks:
    """Implements `ForeignBooks`. A row's key is its client order id."""

    def __init__(
        self, database: TableDatabase, options: HummingbotOptions, *, source: str, profile_id: str
    ) -> None:
        self._database = database
        self._options = options
        self._profile_id = profile_id
        self._traits = BooksTraits(
            kind="hummingbot",
            source=source,
            profile_ids=frozenset({profile_id}),
            order_keys=_KEYS,
            decimals=DECIMALS,
        )
        if is_paper(options.market):
            raise LedgerError(
                f"{options.market} only simulates: its orders are at no venue; name the live connector"
            )
        check_version(database)

    @property
    def traits(self) -> BooksTraits:
        return self._traits

    def read(self, since: str | None, recent_s: float) -> ForeignRead:
        database = self._database
        with database.reading():
            recent_ms = (database.now_ns() - round(recent_s * NS_PER_S)) // 10**6
            changed = Condition(
                f"{database.quoted('last_update_timestamp')} >= {database.mark}", (recent_ms,)
            )
            live = database.is_in("Order", ["last_status"], [(one,) for one in _LIVE])
            states = self._market_states()
            known = database.is_in("Order", ["id"], [(one,) for one in states])
            return self._whole(any_of([live, changed, known]), states)

    def find(
        self, *, keys: Sequence[str] = (), ids: Sequence[str] = (), trade_ids: Sequence[str] = ()
    ) -> ForeignRead:
        database = self._database
        named = [
            (form,)
            for one in (*keys, *ids)
            for form in dict.fromkeys((one, one.strip(), one.lower(), one.upper()))
        ]
        with database.reading():
            wanted = any_of([database.is_in("Order", [name], named) for name in ("id", "exchange_order_id")])
            return self._whole(wanted, self._market_states())

    def is_removal_normal(self, order: LocalOrder) -> bool:
        return False

    def lock(self, keys: Sequence[str], within: Any) -> dict[str, str]:
        raise LedgerError(NEVER_WRITTEN)

    def write_back(self, writes: Sequence[WriteBack], within: Any = None) -> list[WriteResult]:
        refused = WriteOutcome.REFUSED
        return [WriteResult(sequence=one.sequence, outcome=refused, error=NEVER_WRITTEN) for one in writes]

    def ask(self, snapshot: Snapshot, plan: Plan) -> list[RepairAsked]:
        return []

    def check(self, opened: Sequence[VenueOrder], *, complete: bool) -> list[BookCheck]:
        """What the venue shows to be impossible, and what a restart needs to know."""
        read = self.read(None, 0)
        with self._database.reading():
            followed = set(self._market_states())
        faults = implausible_beside(read.rows, opened, complete=complete)
        return [
            *(
                BookCheck(message=one, next_step="is this the bot of this account?", failed=True)
                for one in faults
            ),
            *(
                BookCheck(message=one.message, next_step="look for it at the exchange")
                for one in read.unclear
            ),
            *before_a_restart(read.rows, opened, followed),
            BookCheck(
                message=f"{len(read.rows)} live or recent orders of {self._options.market}; nothing is written"
            ),
        ]

    def close(self) -> None:
        self._database.close()

    # -- reading ------------------------------------------------------------------------------------------------------

    def _whole(self, wanted: Condition, states: Mapping[str, Mapping[str, Any]]) -> ForeignRead:
        orders = self._select("Order", _ORDER, wanted)
        ids = [(one["id"],) for one in orders]
        fills: dict[str, list[Cells]] = defaultdict(list)
        for one in self._select("TradeFill", _FILL, self._database.is_in("TradeFill", ["order_id"], ids)):
            fills[one["order_id"]].append(one)
        created = self._created(ids)
        read = [
            self._row(one, fills[one["id"]], created.get(one["id"]), states.get(one["id"])) for one in orders
        ]
        return ForeignRead(
            rows=[one for one in read if isinstance(one, ForeignRow)],
            unclear=[one for one in read if isinstance(one, UnclearRow)],
        )

    def _select(self, table: str, names: Sequence[str], wanted: Condition) -> list[Cells]:
        database = self._database
        rows = database.rows(
            f"SELECT {', '.join(map(database.quoted, names))} FROM {database.quoted_table(table)} "
            f"WHERE ({wanted.text}) AND {database.quoted('market')} = {database.mark}",
            [*wanted.values, self._options.market],
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _created(self, ids: Sequence[tuple[str]]) -> dict[str, Side]:
        """The side that an order was created with, by its id."""
        database = self._database
        wanted = database.is_in("OrderStatus", ["order_id"], ids)
        rows = database.rows(
            f"SELECT {database.quoted('order_id')}, {database.quoted('status')} FROM {database.quoted('OrderStatus')} "
            f"WHERE {wanted.text} ORDER BY {database.quoted('id')} DESC",
            wanted.values,
        )
        return {str(order_id): _CREATED[status] for order_id, status in rows if status in _CREATED}

    def _market_states(self) -> dict[str, Mapping[str, Any]]:
        """Live orders as the connector saved them: client order id → its state."""
        database = self._database
        rows = database.rows(
            f"SELECT {database.quoted('saved_state')} FROM {database.quoted('MarketState')} "
            f"WHERE {database.quoted('market')} = {database.mark}",
            [self._options.market],
        )
        states: dict[str, Mapping[str, Any]] = {}
        for (saved,) in rows:
            tree = json.loads(saved, parse_float=str, parse_int=str) if isinstance(saved, str) else saved
            if isinstance(tree, dict):
                states |= {str(key): one for key, one in tree.items() if isinstance(one, dict)}
        return states

    def _row(
        self, order: Cells, fills: Sequence[Cells], created: Side | None, state: Mapping[str, Any] | None
    ) -> ForeignRow | UnclearRow:
        try:
            read, booked = read_order(order, fills, created, state)
        except ValueError as fault:
            key = brief_text(str(order["id"]), TEXT_CHARS_MAX)
            return UnclearRow(
                key=key,
                message=f"Hummingbot order {key}: {fault}",
                venue_order_id=loose_text(order["exchange_order_id"]),
                client_order_id=loose_text(order["id"]),
            )
        parts = [fingerprint(one) for one in fills]
        whole = order | {
            "side": str(created),
            "state": None if state is None else sorted(map(str, state.items())),
        }
        return ForeignRow(
            key=order["id"],
            fingerprint=fingerprint(whole, *sorted(parts)),
            profile_id=self._profile_id,
            order=read,
            changed_at=cell_time(order["last_update_timestamp"], "ms"),
            fills=booked,
        )


def before_a_restart(
    rows: Sequence[ForeignRow], opened: Sequence[VenueOrder], followed: Collection[str]
) -> list[BookCheck]:
    """Live orders that a restarted Hummingbot would not follow: it takes up what `MarketState` holds, and no more."""
    ids = {known_client_id(one) for one in followed}
    ids |= {known_id(row.order.venue_order_id) for row in rows if row.key in followed}
    orphans = [
        str(one.venue_order_id)
        for one in opened
        if known_client_id(one.client_order_id) not in ids and known_id(one.venue_order_id) not in ids
    ]
    if not orphans:
        return []
    shown = ", ".join(sorted(orphans)[:ORPHANS_SHOWN]) + (" …" if len(orphans) > ORPHANS_SHOWN else "")
    return [
        BookCheck(
            message=f"live at the exchange, and not followed after a restart of Hummingbot: {shown}",
            next_step="cancel them at the exchange, or leave them to whoever placed them",
        )
    ]


def is_paper(market: str) -> bool:
    """Whether a connector only simulates."""
    return market.lower().endswith(PAPER)


def check_version(database: TableDatabase) -> None:
    """Raises LedgerError for another schema than this was read for."""
    needed = {"Order", "OrderStatus", "TradeFill", "MarketState", "Metadata"}
    missing = sorted(needed - set(database.tables()))
    if missing:
        raise LedgerError(f"this is no Hummingbot database: it has no table {missing[0]}")
    rows = database.rows(
        f"SELECT {database.quoted('value')} FROM {database.quoted('Metadata')} "
        f"WHERE {database.quoted('key')} = {database.mark}",
        ["local_db_version"],
    )
    version = str(rows[0][0]) if rows else "unknown"
    if version != DB_VERSION:
        raise LedgerError(f"Hummingbot's database is of version {version}, not {DB_VERSION}: not read")


def read_order(
    order: Cells, fills: Sequence[Cells], created: Side | None, state: Mapping[str, Any] | None
) -> tuple[LocalOrder, list[Fill]]:
    """Raises ValueError for what says nothing certain."""
    exact = _exact_fills(state)
    booked = [
        _fill(one, order["exchange_order_id"], exact.get(str(one["exchange_trade_id"]))) for one in fills
    ]
    side = created or next((one.side for one in booked if one.side is not None), None) or _side_of(state)
    if side is None:
        raise ValueError("no Created status and no fill: buy or sell?")
    filled, cost = ZERO, ZERO
    for one in booked:
        filled = add(filled, amount(one.qty))
        cost = add(cost, multiply(amount(one.qty), amount(one.price)))
    qty, limit = (
        _exact(state, "amount") or scaled(order["amount"]),
        _exact(state, "price") or scaled(order["price"]),
    )
    order_type = word(short_text(order["order_type"]))
    if qty is None:
        raise ValueError("an amount below one millionth is stored as 0")
    read = LocalOrder(
        client_order_id=short_text(order["id"]),
        venue_order_id=cell_text(order["exchange_order_id"]),
        symbol=symbol_of(short_text(order["symbol"]), short_text(order["market"])),
        side=side,
        action=_action(order["position"]),
        order_type="market" if order_type == "market" else "limit",
        qty=qty,
        limit_price=None if order_type == "market" else limit,
        status=_status(short_text(order["last_status"]), qty, text(filled)),
        filled_qty=text(filled),
        filled_avg_price=text(divide(cost, filled)) if filled else None,
        submitted_at=cell_time(order["creation_timestamp"], "ms"),
        position_side=_position_side(order["position"], side, str(order["market"])),
    )
    return read, booked


def status_of(said: str) -> str | None:
    """What a word of its own means; null where that is nothing certain."""
    status = _STATUSES.get(said)
    return None if status is None else status.value


def _status(said: str, qty: str, filled: str) -> Status:
    if said == "OrderFailure":
        raise ValueError("OrderFailure says that asking failed; the order may live at the venue")
    status = _STATUSES.get(said)
    if status is None:
        raise ValueError(f"status {said!r} says nothing certain")
    if status is Status.PARTIALLY_FILLED and amount(filled) >= amount(qty):
        return Status.FILLED
    return status


def scaled(cell: Any) -> str | None:
    """An integer × 10⁶; 0 is unknown: what is smaller was cut off."""
    if not isinstance(cell, int) or not cell:
        return None
    return text(divide(Decimal(cell), SCALE))


def _exact(state: Mapping[str, Any] | None, name: str) -> str | None:
    said = None if state is None else cell_amount(state.get(name))
    return None if said is None or not amount(said) else said


def _exact_fills(state: Mapping[str, Any] | None) -> Mapping[str, Mapping[str, Any]]:
    """Fills as the connector saved them, by the exchange's trade id: exact texts."""
    saved = None if state is None else state.get("order_fills")
    if not isinstance(saved, dict):
        return {}
    return {str(key): one for key, one in saved.items() if isinstance(one, dict)}


def _side_of(state: Mapping[str, Any] | None) -> Side | None:
    said = str((state or {}).get("trade_type")).lower()
    return Side(said) if said in tuple(Side) else None


def _fill(cells: Cells, venue_order_id: Any, exact: Mapping[str, Any] | None) -> Fill:
    qty = _exact(exact, "fill_base_amount") or scaled(cells["amount"])
    price = _exact(exact, "fill_price") or scaled(cells["price"])
    if qty is None:
        raise ValueError(f"fill {cells['exchange_trade_id']}: an amount below one millionth is stored as 0")
    fee, currency = _fee(cells["trade_fee"])
    return Fill(
        fill_id=short_text(cells["exchange_trade_id"]),
        venue_order_id=cell_text(venue_order_id),
        client_order_id=short_text(cells["order_id"]),
        symbol=symbol_of(short_text(cells["symbol"]), short_text(cells["market"])),
        side=Side(short_text(cells["trade_type"]).lower()),
        qty=qty,
        price=price,
        fee=fee,
        fee_currency=currency,
        filled_at=cell_time(cells["timestamp"], "ms"),
    )


def _fee(stored: Any) -> tuple[str | None, str | None]:
    """The one flat fee of `trade_fee`; a share of the value is no amount that the venue took."""
    tree = json.loads(stored, parse_float=str, parse_int=str) if isinstance(stored, str) else stored
    flat = tree.get("flat_fees") if isinstance(tree, dict) else None
    if not isinstance(flat, list) or len(flat) != 1 or not isinstance(flat[0], dict):
        return None, None
    return cell_amount(str(flat[0].get("amount")), signed=True), cell_text(flat[0].get("token"))


def symbol_of(pair: str, market: str) -> str:
    """BASE-QUOTE as ccxt writes it; `*_perpetual` markets settle in the quote."""
    base, _, quote = pair.partition("-")
    return f"{base}/{quote}:{quote}" if "_perpetual" in market else f"{base}/{quote}"


def _action(position: Any) -> Action | None:
    return {"OPEN": Action.ENTRY, "CLOSE": Action.EXIT}.get(str(position or "").upper())


def _position_side(position: Any, side: Side, market: str) -> PositionSide | None:
    """Only where the order says what it does to a position; spot orders say NIL."""
    return None


__all__ = ["HummingbotBooks", "HummingbotOptions", "WriteMode", "check_version"]
