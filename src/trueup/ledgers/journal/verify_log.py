"""Proves the order log: its hash chain is whole, and folded it gives the books as they stand (invariant I8);
and the books: that every trade is the sum of its orders (I3).

Reads row by row, order by order and trade by trade, in the order of their keys: a ledger of any size in little memory.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby
from operator import itemgetter

import msgspec

from trueup.ledgers.journal.order_log import Folded, Logged, LogRow, differences, first_broken, fold
from trueup.ledgers.sql.database import Database, int_value, read_document, text_value
from trueup.ledgers.sql.rows import FILL_ROWS
from trueup.model.errors import RESTORE, LedgerDamaged
from trueup.model.money import ZERO, add, amount, identical, subtract, text
from trueup.model.snapshot import LocalOrder, Trade
from trueup.model.vocabulary import Action
from trueup.ports.book_rows import FillRow
from trueup.ports.records import FoldReport, LogReport

_ORDER = msgspec.json.Decoder(LocalOrder)
_TRADE = msgspec.json.Decoder(Trade)
_LOGGED = msgspec.json.Decoder(list[Logged])
_FILLED = msgspec.json.Decoder(list[tuple[Action | None, str]])
_Filled = list[tuple[Action | None, str]]  # of each of its orders: the action, and what it filled
_Stored = tuple[int, Trade, _Filled]  # with the version that the log holds


def verify_log(database: Database, profile_id: str) -> LogReport:
    count = 0

    def counted() -> Iterator[LogRow]:
        nonlocal count
        for row in _read_log(database, profile_id):
            count += 1
            yield row

    with database.reading():
        rows = counted()
        broken = first_broken(profile_id, rows)
        for _ in rows:  # those behind the fault count, too
            pass
    return LogReport(rows=count, broken=broken)


def fold_log(database: Database, profile_id: str) -> FoldReport:
    """Compare the folded log with orders, fills and trades, in one read transaction."""
    contradictions: list[str] = []
    unlogged: list[str] = []
    trades: list[str] = []
    with database.reading():
        _compare_orders(database, profile_id, contradictions, unlogged)
        _compare_trades(database, profile_id, contradictions, unlogged, trades)
    return FoldReport(contradictions=contradictions, unlogged=unlogged, trades=trades)


def _not_the_sum(trade: Trade, filled: Iterable[tuple[Action | None, str]]) -> Iterator[str]:
    """Of its orders: what each filled, by its action; an order without one is either."""
    sums: dict[Action | None, Decimal] = defaultdict(lambda: ZERO)
    for action, qty in filled:
        sums[action] = add(sums[action], amount(qty))
    entry_qty, exit_qty = sums[Action.ENTRY], sums[Action.EXIT]
    more = (subtract(amount(trade.entry_qty), entry_qty), subtract(amount(trade.exit_qty), exit_qty))
    if min(more) < 0 or add(*more) != sums[None]:
        yield (
            f"trade {trade.trade_id}: {trade.entry_qty} entered and {trade.exit_qty} left, its orders filled"
            f" {text(entry_qty)} and {text(exit_qty)}"
        )


def _compare_orders(
    database: Database, profile_id: str, contradictions: list[str], unlogged: list[str]
) -> None:
    for _, logged_version, document, fills, logged in database.stream("orders_with_log", profile_id):
        order = read_document(_ORDER, document)
        rows = read_document(_LOGGED, logged)
        folded = fold(rows)
        target = contradictions if int_value(logged_version) == order.version else unlogged
        name = order.venue_order_id or order.client_order_id or order.trade_id
        target.extend(f"order {name}: {key}" for key in differences(folded, order))
        if folded is not None:
            booked = read_document(FILL_ROWS, fills)
            contradictions.extend(_fill_contradictions(folded, booked))
    for (order_key,) in database.stream("orders_only_logged", profile_id):
        contradictions.append(f"order {int_value(order_key)}: only in the log")


def _compare_trades(
    database: Database,
    profile_id: str,
    contradictions: list[str],
    unlogged: list[str],
    not_sums: list[str],
) -> None:
    for trade_id, stored, folded in _trades_beside_log(database, profile_id):
        if stored is None:
            if folded is not None:  # else it was taken away
                contradictions.append(f"trade {trade_id}: only in the log")
            continue
        logged_version, trade, filled = stored
        not_sums.extend(_not_the_sum(trade, filled))
        target = contradictions if logged_version == trade.version else unlogged
        target.extend(f"trade {trade_id}: {key}" for key in differences(folded, trade))


def _trades_beside_log(
    database: Database, profile_id: str
) -> Iterator[tuple[str, _Stored | None, Folded | None]]:
    """Both are read in the order of the trades' ids: whichever is behind is read on."""
    trades = _trades(database, profile_id)
    logs = _trade_logs(database, profile_id)
    trade, log = next(trades, None), next(logs, None)
    while ids := [one[0] for one in (trade, log) if one is not None]:
        trade_id = min(ids)
        stored = folded = None
        if trade is not None and trade[0] == trade_id:
            stored, trade = trade[1], next(trades, None)
        if log is not None and log[0] == trade_id:
            folded, log = log[1], next(logs, None)
        yield trade_id, stored, folded


def _trades(database: Database, profile_id: str) -> Iterator[tuple[str, _Stored]]:
    for trade_id, logged_version, document, filled in database.stream("trades_by_name", profile_id):
        trade, orders = read_document(_TRADE, document), read_document(_FILLED, filled)
        yield text_value(trade_id), (int_value(logged_version), trade, orders)


def _trade_logs(database: Database, profile_id: str) -> Iterator[tuple[str, Folded | None]]:
    rows = database.stream("trade_log_by_name", profile_id)
    for trade_id, group in groupby(rows, key=itemgetter(0)):
        texts = (f"[{int_value(version)},{text_value(payload)}]" for _, version, payload in group)
        logged = read_document(_LOGGED, f"[{','.join(texts)}]")
        yield text_value(trade_id), fold(logged)


def _fill_contradictions(folded: Folded, fills: Iterable[FillRow]) -> Iterator[str]:
    """Fills of an order that the log knows; those of an order written past the log come with it later."""
    logged = dict(folded.fills)
    for row in fills:
        known = logged.pop(row.fill.fill_id, None)
        if known is None or not identical(known.qty, row.fill.qty):
            yield f"fill {row.fill.fill_id} of order {row.order_identity}"
    lost = [fill_id for fill_id, fill in logged.items() if fill.qty != "0"]  # else it was taken back
    yield from (f"fill {fill_id}: only in the log" for fill_id in lost)


def _read_log(database: Database, profile_id: str) -> Iterator[LogRow]:
    for row in database.stream("read_log", profile_id):
        try:
            yield msgspec.convert(row, LogRow)
        except msgspec.ValidationError as fault:
            raise LedgerDamaged(f"a row of the order log is {RESTORE} ({fault})") from fault
