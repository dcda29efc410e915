"""Proves the order log: its hash chain is whole, and folded it gives the books as they stand (invariant I8);
and the books: that every trade is the sum of its orders (I3).
"""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from trueup.ledgers.journal.order_log import Folded, LogRow, differences, first_broken, fold
from trueup.ledgers.sql.database import Database
from trueup.ledgers.sql.rows import FILL_ROWS, ORDER_ROWS, TRADE_ROWS, one_document
from trueup.model.errors import RESTORE, LedgerDamaged
from trueup.model.ids import normal_id
from trueup.model.money import ZERO, add, amount, identical, subtract, text
from trueup.model.snapshot import LocalOrder, Trade
from trueup.model.vocabulary import Action
from trueup.ports.book_rows import FillRow
from trueup.ports.records import FoldReport, LogReport


def verify_log(database: Database, profile_id: str) -> LogReport:
    rows = _read_log(database, profile_id)
    return LogReport(rows=len(rows), broken=first_broken(profile_id, rows))


def fold_log(database: Database, profile_id: str) -> FoldReport:
    """Compare the folded log with orders, fills and trades, in one read transaction."""
    with database.reading():
        folded = fold(_read_log(database, profile_id))
        orders = one_document(database.rows("orders_of_profile", profile_id), ORDER_ROWS)
        trades = one_document(database.rows("trades_of_profile", profile_id), TRADE_ROWS)
        fills = one_document(database.rows("fills_of_profile", profile_id), FILL_ROWS)
    contradictions = _fill_contradictions(folded, fills)
    unlogged: list[str] = []
    for row in orders:
        target = contradictions if row.logged_version == row.order.version else unlogged
        name = row.order.venue_order_id or row.order.client_order_id or row.order.trade_id
        keys = differences(folded.orders.pop(row.order_key, None), row.order)
        target.extend(f"order {name}: {key}" for key in keys)
    for one in trades:
        target = contradictions if one.logged_version == one.trade.version else unlogged
        keys = differences(folded.trades.pop(one.trade.trade_id, None), one.trade)
        target.extend(f"trade {one.trade.trade_id}: {key}" for key in keys)
    contradictions += [f"order {key}: only in the log" for key in folded.orders]
    contradictions += [f"trade {trade_id}: only in the log" for trade_id in folded.trades]
    return FoldReport(
        contradictions=contradictions,
        unlogged=unlogged,
        trades=_not_sums([one.trade for one in trades], [row.order for row in orders]),
    )


def _not_sums(trades: Iterable[Trade], orders: Iterable[LocalOrder]) -> list[str]:
    """Trades whose quantities are not the sums of what their orders filled (an order without an action is either)."""
    sums: dict[str, dict[Action | None, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    for order in orders:
        if order.trade_id is not None:
            of_trade = sums[normal_id(order.trade_id)]
            of_trade[order.action] = add(of_trade[order.action], amount(order.filled_qty))
    found: list[str] = []
    for trade in trades:
        own = sums[normal_id(trade.trade_id)]
        entry_qty, exit_qty, either = own[Action.ENTRY], own[Action.EXIT], own[None]
        more = (
            subtract(amount(trade.entry_qty), entry_qty),
            subtract(amount(trade.exit_qty), exit_qty),
        )
        if min(more) < 0 or add(*more) != either:
            found.append(
                f"trade {trade.trade_id}: {trade.entry_qty} entered and {trade.exit_qty} left, its orders filled"
                f" {text(entry_qty)} and {text(exit_qty)}"
            )
    return found


def _fill_contradictions(folded: Folded, fills: Iterable[FillRow]) -> list[str]:
    """Fills of orders that the log knows; those of an order written past the log come with it later."""
    logged = {
        (key, fill_id): fill for key, order in folded.orders.items() for fill_id, fill in order.fills.items()
    }
    found: list[str] = []
    for row in fills:
        known = logged.pop((row.order_key, row.fill.fill_id), None)
        if row.order_key in folded.orders and (known is None or not identical(known.qty, row.fill.qty)):
            found.append(f"fill {row.fill.fill_id} of order {row.order_identity}")
    lost = [fill_id for (_, fill_id), fill in logged.items() if fill.qty != "0"]  # else it was taken back
    return found + [f"fill {fill_id}: only in the log" for fill_id in lost]


def _read_log(database: Database, profile_id: str) -> list[LogRow]:
    try:
        return [msgspec.convert(row, LogRow) for row in database.rows("read_log", profile_id)]
    except msgspec.ValidationError as fault:
        raise LedgerDamaged(f"a row of the order log is {RESTORE} ({fault})") from fault
