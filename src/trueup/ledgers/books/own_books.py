"""trueup's own tables of orders, fills and trades, in any SQL database. Implements `ports.books.Books`."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import msgspec
from msgspec import Struct

from trueup.ledgers.books.read_local import find_local, read_accounts, related
from trueup.ledgers.books.write_books import BookWriter
from trueup.ledgers.sql.database import Database
from trueup.ledgers.sql.known_rows import KnownBooks
from trueup.ledgers.sql.rows import FILL_ROWS, ORDER_ROWS, TRADE_ROWS, json_list, one_document
from trueup.model.ids import normal_id
from trueup.model.snapshot import Fill, Local, LocalAnswer, LocalOrder, Trade
from trueup.ports.book_rows import BookRows, OrderRow, OrderWrite, Place, TradeWrite, WantedRows
from trueup.ports.journal import OrderLog


class _OwnedTrade(Struct, frozen=True):
    profile_id: str
    trade: Trade


_OWNED_TRADES = msgspec.json.Decoder(list[_OwnedTrade])


class OwnBooks:
    """Keeps the last read's rows of each account: what stands so still is not decoded again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, KnownBooks] = defaultdict(KnownBooks)  # by account id

    def read(self, account_id: str, profile_ids: Sequence[str], recent_s: float) -> dict[str, Local]:
        return self.read_accounts({account_id: profile_ids}, recent_s)[account_id]

    def read_accounts(
        self, wanted: Mapping[str, Sequence[str]], recent_s: float
    ) -> dict[str, dict[str, Local]]:
        return read_accounts(self._database, wanted, recent_s, self._known)

    def forget(self, account_id: str) -> None:
        self._known.pop(account_id, None)

    def find(self, account_id: str, ids: Mapping[str, Sequence[str]]) -> dict[str, list[LocalAnswer]]:
        return find_local(self._database, account_id, ids)

    def related(
        self, account_id: str, profile_id: str, orders: Sequence[LocalOrder]
    ) -> tuple[list[Fill], list[Trade]]:
        return related(self._database, account_id, profile_id, orders)

    def find_order(self, order_id: str, profile_id: str | None = None) -> list[tuple[str, LocalOrder]]:
        found = self._database.rows("orders_anywhere", normal_id(order_id), profile_id)
        return [(row.profile_id, row.order) for row in one_document(found, ORDER_ROWS)]

    def find_trade(self, trade_id: str, profile_id: str | None = None) -> list[tuple[str, Trade]]:
        found = self._database.rows("trades_anywhere", normal_id(trade_id), profile_id)
        return [(row.profile_id, row.trade) for row in one_document(found, _OWNED_TRADES)]

    def orders_of_trade(self, profile_id: str, trade_id: str) -> list[LocalOrder]:
        found = self._database.rows("orders_of_trade", profile_id, normal_id(trade_id))
        return [row.order for row in one_document(found, ORDER_ROWS)]

    def quarantined_trades(self, profile_id: str) -> list[Trade]:
        rows = self._database.rows("quarantined_trades", profile_id)
        return [row.trade for row in one_document(rows, TRADE_ROWS)]

    def rows(self, place: Place, wanted: WantedRows) -> BookRows:
        database = self._database
        orders = self._orders(place, wanted)
        trades = database.rows("trades_by_id", place.profile_id, json_list(wanted.trade_ids))
        keys = json_list(row.order_key for row in orders)
        fills = database.rows("fills_of_orders", keys)
        named = database.rows("fills_by_identity", place.account_id, json_list(wanted.fill_identities))
        return BookRows(
            orders=orders,
            trades=one_document(trades, TRADE_ROWS),
            fills=one_document(fills, FILL_ROWS),
            named_fills=one_document(named, FILL_ROWS),
        )

    def _orders(self, place: Place, wanted: WantedRows) -> list[OrderRow]:
        """As they stand now, whoever wrote them."""
        database, known = self._database, self._known[place.account_id].orders
        ids = json_list(wanted.venue_ids), json_list(wanted.client_ids)
        rows = database.rows("orders_to_change", place.account_id, *ids)
        orders = known.look_up([row[:-2] for row in rows])
        named = [
            OrderRow(cast("int", row[-2]), cast("str", row[1]), cast("int", row[-1]), order)
            for row, order in zip(rows, orders, strict=True)
        ]
        return named + one_document(database.rows("orders_without_ids", place.profile_id), ORDER_ROWS)

    def write(
        self,
        place: Place,
        orders: Sequence[OrderWrite],
        trades: Sequence[TradeWrite],
        log: OrderLog,
        check: Callable[[OrderWrite], None] | None = None,
    ) -> None:
        BookWriter(self._database, place, log, check).write(orders, trades)
