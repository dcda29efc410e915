"""Lays rows of a bot's own books over the mirror: one fenced transaction, logged as written by the bot.

A row whose remembered fingerprint it still has is left alone, whoever took it in. A row that is not known finds its
order by its ids: the venue's number with the instrument, or the client order id, unless several orders carry that (a
tag: it is not taken over). What it makes of the order is `engine.mirror`'s to say; this finds, writes and remembers.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from trueup.engine.mirror.lay_row import lay_row
from trueup.engine.mirror.sum_trade import sum_trade
from trueup.ledgers.journal.leases import renew
from trueup.ledgers.journal.order_log import BOT
from trueup.ledgers.journal.write_backs import found, supersede
from trueup.ledgers.journal.write_log import SqlOrderLog
from trueup.ledgers.sql.database import Database, int_value, text_value
from trueup.ledgers.sql.home import Home, home_of
from trueup.ledgers.sql.rows import (
    FILL_ROWS,
    ORDER_ROWS,
    TRADE_ROWS,
    canonical_fill,
    canonical_trade,
    fill_identity,
    json_list,
    one_document,
)
from trueup.model.ids import are_apart, known_client_id, known_id, normal_id, symbol_token
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.model.vocabulary import LIVE, Status
from trueup.ports.book_rows import FillRow, OrderRow, OrderWrite, TradeRow, TradeWrite
from trueup.ports.books import Books
from trueup.ports.foreign_books import ForeignRow
from trueup.ports.mirror import RowConflict, TakenIn, Taking
from trueup.ports.records import Lease

EVENT = "taken_in"
_NO_FILLS: tuple[list[Fill], list[Fill]] = ([], [])


class _Known(Struct, frozen=True):
    """What is remembered of a row."""

    fingerprint: str
    order_key: int
    profile_id: str
    removed: bool


def take_in(database: Database, books: Books, lease: Lease, taking: Taking) -> TakenIn:
    """Raises FenceLost, LedgerError; then nothing was taken in."""
    with database.transaction():
        renew(database, lease)
        known = _known_rows(database, taking, [*(row.key for row in taking.rows), *taking.gone])
        fresh = [row for row in taking.rows if _is_news(row, known.get(row.key))]
        gone = {key: known[key] for key in taking.gone if key in known and not known[key].removed}
        profiles = dict.fromkeys(
            [row.profile_id for row in fresh] + [one.profile_id for one in gone.values()]
        )
        parts = [
            _OfProfile(database, books, taking, home_of(database, profile_id), known).take(
                [row for row in fresh if row.profile_id == profile_id],
                {key: one for key, one in gone.items() if one.profile_id == profile_id},
            )
            for profile_id in profiles
        ]
        if taking.cursor is not None:
            database.write("set_foreign_cursor", taking.account_id, taking.source, taking.cursor)
    return TakenIn(
        orders=sum(one.orders for one in parts),
        removed=sum(one.removed for one in parts),
        conflicts=[conflict for one in parts for conflict in one.conflicts],
    )


def _known_rows(database: Database, taking: Taking, keys: Iterable[str]) -> dict[str, _Known]:
    rows = database.rows("foreign_rows_known", taking.account_id, taking.source, json_list(keys))
    return {
        text_value(key): _Known(
            text_value(print_), int_value(order_key), text_value(owner), removed is not None
        )
        for key, print_, order_key, owner, removed in rows
    }


def _is_news(row: ForeignRow, known: _Known | None) -> bool:
    return known is None or known.removed or known.fingerprint != row.fingerprint


class _OfProfile:
    """The part of one taking-in that is one profile's."""

    def __init__(
        self, database: Database, books: Books, taking: Taking, home: Home, known: dict[str, _Known]
    ) -> None:
        self._database = database
        self._books = books
        self._taking = taking
        self._home = home
        self._known = known
        self._conflicts: list[RowConflict] = []

    def take(self, rows: Sequence[ForeignRow], gone: dict[str, _Known]) -> TakenIn:
        mirror = _Mirror(
            self._database, self._home, rows, self._known, [one.order_key for one in gone.values()]
        )
        writes = self._lay(rows, mirror)
        removed = self._remove(gone, mirror, writes)
        laid = [write for _, write in writes if write is not None]
        trades = self._trades(laid)
        log = SqlOrderLog(self._database, self._home, event=EVENT, written_by=BOT)
        self._books.write(self._home.place, laid, trades, log)
        for row, write in writes:
            if row is not None:
                self._remember(row, write, mirror)
        now = self._home.place.now
        supersede(self._database, [write.order_key for write in laid if write.before is not None], now)
        unchanged = [row.key for row, write in writes if row is not None and write is None]
        found(self._database, [mirror.of_row[key].order_key for key in unchanged], now)
        return TakenIn(orders=len(laid), removed=removed, conflicts=self._conflicts)

    def _lay(
        self, rows: Sequence[ForeignRow], mirror: "_Mirror"
    ) -> list[tuple[ForeignRow | None, OrderWrite | None]]:
        """Each row with what it changes; null where it says nothing new."""
        writes: list[tuple[ForeignRow | None, OrderWrite | None]] = []
        for row in map(mirror.without_tag, rows):
            fault = mirror.claim(row)
            if fault is not None:
                self._conflicts.append(
                    RowConflict(profile_id=row.profile_id, row_key=row.key, order=row.order, message=fault)
                )
                continue
            writes.append((row, self._write_of(row, mirror)))
        return writes

    def _write_of(self, row: ForeignRow, mirror: "_Mirror") -> OrderWrite | None:
        before = mirror.of_row.get(row.key)
        booked = mirror.fills.get(before.order_key, []) if before is not None else []
        order = None if before is None else before.order
        known = self._known.get(row.key)
        is_back = row.key in mirror.former_key or (known is not None and known.removed)
        laid = lay_row(
            row,
            self._taking.keys,
            order,
            booked,
            self._home.place.now,
            is_back=is_back,
            fills_are_whole=self._taking.fills_are_whole,
        )
        if not laid.changed:
            return None
        return OrderWrite(
            before,
            laid.order,
            new_fills=[(fill_identity(one, laid.order), one) for one in map(canonical_fill, laid.new)],
            dropped_fills=laid.dropped,
        )

    def _remove(
        self,
        gone: dict[str, _Known],
        mirror: "_Mirror",
        writes: list[tuple[ForeignRow | None, OrderWrite | None]],
    ) -> int:
        """A row that the bot drops by itself ends its order; any other is marked, and stays for a person to see."""
        taking, now, removed = self._taking, self._home.place.now, 0
        for key, known in gone.items():
            row = mirror.by_key.get(known.order_key)
            if row is not None and taking.is_removal_normal(row.order):
                self._database.write("forget_foreign_row", taking.account_id, taking.source, key)
                if row.order.status in LIVE:
                    writes.append((None, OrderWrite(row, _ended(row.order, now))))
            else:
                removed += self._database.write(
                    "remove_foreign_row", taking.account_id, taking.source, key, now
                )
        return removed

    def _remember(self, row: ForeignRow, write: OrderWrite | None, mirror: "_Mirror") -> None:
        taking = self._taking
        order_key = write.order_key if write is not None else mirror.of_row[row.key].order_key
        former = mirror.former_key.get(row.key)
        if former is not None:  # its order was another row's, which is gone
            self._database.write("forget_foreign_row", taking.account_id, taking.source, former)
        self._database.write(
            "remember_foreign_row",
            taking.account_id,
            taking.source,
            row.key,
            row.profile_id,
            order_key,
            row.fingerprint,
        )

    # -- trades -------------------------------------------------------------------------------------------------------

    def _trades(self, writes: Sequence[OrderWrite]) -> list[TradeWrite]:
        """Every trade that an order belonged to or belongs to, as the sum of its orders."""
        said = {
            normal_id(one.trade.trade_id): one.trade
            for one in self._taking.trades
            if one.profile_id == self._home.place.profile_id
        }
        named = {one for write in writes for one in _trade_ids(write)} | set(said)
        if not named:
            return []
        ids = json_list(sorted(named))
        profile_id = self._home.place.profile_id
        known = {
            normal_id(row.trade.trade_id): row
            for row in one_document(self._database.rows("trades_by_id", profile_id, ids), TRADE_ROWS)
        }
        standing = one_document(self._database.rows("orders_of_trades", profile_id, ids), ORDER_ROWS)
        orders, fills = _laid_over(standing, writes), _moved_fills(writes)
        made = (
            _trade_write(known.get(one), said.get(one), orders.get(one, []), fills.get(one, _NO_FILLS), one)
            for one in sorted(named)
        )
        return [write for write in made if write is not None]


class _Mirror:
    """The mirror's rows that one taking-in is about: by their keys, and for new rows by their ids."""

    def __init__(
        self,
        database: Database,
        home: Home,
        rows: Sequence[ForeignRow],
        known: dict[str, _Known],
        others: Sequence[int],
    ) -> None:
        keys = json_list([*(known[row.key].order_key for row in rows if row.key in known), *others])
        venue_ids = json_list(
            {one for row in rows if (one := known_id(row.order.venue_order_id)) is not None}
        )
        client_ids = json_list(
            {one for row in rows if (one := known_client_id(row.order.client_order_id)) is not None}
        )
        by_key = one_document(database.rows("orders_by_key", keys), ORDER_ROWS)
        named = one_document(
            database.rows("orders_by_ids", home.place.account_id, venue_ids, client_ids), ORDER_ROWS
        )
        self.by_key = {row.order_key: row for row in [*named, *by_key]}
        self.of_row = {
            key: self.by_key[one.order_key] for key, one in known.items() if one.order_key in self.by_key
        }
        self.former_key: dict[str, str] = {}  # by new row key: the removed row whose order it takes over
        self._profile_id = home.place.profile_id
        self._bound = {
            int_value(order_key): (text_value(row_key), removed is not None)
            for order_key, row_key, _, _, removed in database.rows(
                "foreign_rows_of_orders", json_list(self.by_key)
            )
        }
        self._by_venue: dict[str, list[OrderRow]] = {}  # several: orders of two instruments with one number
        for row in self.by_key.values():
            for venue_id in _venue_ids(row.order):
                self._by_venue.setdefault(venue_id, []).append(row)
        self._by_client = {
            one: row
            for row in self.by_key.values()
            if (one := known_client_id(row.order.client_order_id)) is not None
        }
        self._claimed = {row.order_key for row in self.of_row.values()}
        self._claimed_venue_ids: dict[str, list[str | None]] = {}  # with the symbols that claimed them
        self._claimed_client_ids: set[str] = set()
        self._tags = self._tags_of(rows)
        self.fills: dict[int, list[FillRow]] = {}
        for fill in one_document(database.rows("fills_of_orders", json_list(self.by_key)), FILL_ROWS):
            self.fills.setdefault(fill.order_key, []).append(fill)

    def claim(self, row: ForeignRow) -> str | None:
        """Finds the order that the row is; returns what is wrong where it cannot be that order's row."""
        order = row.order
        venue_id, client_id = known_id(order.venue_order_id), known_client_id(order.client_order_id)
        named = [*self._of_number(order), self._by_client.get(client_id or "")]
        own = self.of_row.get(row.key)
        for other in named:
            if other is None or other is own:
                continue
            if own is not None or not self._may_take(row, other):
                return f"another recorded order has the ids of row {row.key}: one venue order is one row's"
            own = self.of_row[row.key] = other
            self._claimed.add(other.order_key)
        symbols = self._claimed_venue_ids.setdefault(venue_id, []) if venue_id is not None else []
        is_taken = any(not are_apart(order.symbol, one) for one in symbols)
        if is_taken or client_id in self._claimed_client_ids:
            return f"two rows have the ids of row {row.key}: one venue order is one row's"
        symbols.append(order.symbol)
        if client_id is not None:
            self._claimed_client_ids.add(client_id)
        return None

    def without_tag(self, row: ForeignRow) -> ForeignRow:
        """A client order id that several orders carry names none. What nothing else would name keeps it."""
        order = row.order
        is_named = known_id(order.venue_order_id) is not None or order.trade_id is not None
        if not is_named or known_client_id(order.client_order_id) not in self._tags:
            return row
        return replace(row, order=replace(order, client_order_id=None))

    def _tags_of(self, rows: Sequence[ForeignRow]) -> set[str]:
        """Client order ids that rows of several venue orders carry; a recorded order counts while its row is there."""
        carried: dict[str, set[tuple[str, str]]] = {}
        own = {self.of_row[row.key].order_key for row in rows if row.key in self.of_row}
        others = [
            one.order
            for key, one in self.by_key.items()
            if key not in own and not self._bound.get(key, ("", True))[1]
        ]
        for order in [*(row.order for row in rows), *others]:
            client_id, venue_id = known_client_id(order.client_order_id), known_id(order.venue_order_id)
            if client_id is not None and venue_id is not None:
                carried.setdefault(client_id, set()).add((venue_id, symbol_token(order.symbol or "")))
        return {client_id for client_id, orders in carried.items() if len(orders) > 1}

    def _of_number(self, order: LocalOrder) -> list[OrderRow]:
        """Recorded orders with the order's venue id, of its instrument, or of one that is not told."""
        found = self._by_venue.get(known_id(order.venue_order_id) or "", [])
        near = [one for one in found if not are_apart(one.order.symbol, order.symbol)]
        exact = [one for one in near if one.order.symbol is not None and order.symbol is not None]
        return exact or near

    def _may_take(self, row: ForeignRow, other: OrderRow) -> bool:
        """An order of this profile that no row claims, or whose row is gone."""
        if other.profile_id != self._profile_id or other.order_key in self._claimed:
            return False
        bound = self._bound.get(other.order_key)
        if bound is None:
            return True
        key, removed = bound
        if removed:
            self.former_key[row.key] = key
        return removed


def _venue_ids(order: LocalOrder) -> list[str]:
    ids = (order.venue_order_id, *order.previous_venue_order_ids)
    return [one for one in map(known_id, ids) if one is not None]


def _ended(order: LocalOrder, now: str) -> LocalOrder:
    return replace(order, status=Status.CANCELED, last_activity_at=now, version=order.version + 1)


def _trade_ids(write: OrderWrite) -> list[str]:
    ids = (write.after.trade_id, None if write.before is None else write.before.order.trade_id)
    return [normal_id(one) for one in ids if one is not None]


def _laid_over(rows: Sequence[OrderRow], writes: Sequence[OrderWrite]) -> dict[str, list[LocalOrder]]:
    """Orders by trade, with those of the writes in place of what stands."""
    changed = {write.before.order_key for write in writes if write.before is not None}
    orders = [row.order for row in rows if row.order_key not in changed] + [write.after for write in writes]
    by_trade: dict[str, list[LocalOrder]] = {}
    for order in orders:
        if order.trade_id is not None:
            by_trade.setdefault(normal_id(order.trade_id), []).append(order)
    return by_trade


def _moved_fills(writes: Sequence[OrderWrite]) -> dict[str, tuple[list[Fill], list[Fill]]]:
    """By trade: the fills that its orders gain, and those that they lose."""
    moved: dict[str, tuple[list[Fill], list[Fill]]] = {}
    for write in writes:
        if write.after.trade_id is not None and (write.new_fills or write.dropped_fills):
            booked, taken_back = moved.setdefault(normal_id(write.after.trade_id), ([], []))
            booked += [fill for _, fill in write.new_fills]
            taken_back += [row.fill for row in write.dropped_fills]
    return moved


def _trade_write(
    row: TradeRow | None,
    said: Trade | None,
    orders: Sequence[LocalOrder],
    fills: tuple[Sequence[Fill], Sequence[Fill]],
    trade_id: str,
) -> TradeWrite | None:
    before = None if row is None else row.trade
    name = next((one.trade_id for one in orders if one.trade_id is not None), trade_id)
    booked, taken_back = fills
    known = orders or before is not None
    summed = sum_trade(name, before, said, orders, booked=booked, taken_back=taken_back) if known else None
    if summed is None:
        return None
    after = canonical_trade(replace(summed, version=1 if before is None else before.version + 1))
    if before is not None and replace(after, version=before.version) == before:
        return None
    return TradeWrite(row, after)
