"""Reads the local side: one statement per table for all profiles of a batch of accounts.

Returns what the ledger holds; judges nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import reduce
from itertools import chain
from operator import itemgetter

from msgspec.structs import replace

from trueup.ledgers.sql.database import Database, Row, seconds_after, stamp
from trueup.ledgers.sql.known_rows import Books, KnownBooks, KnownRows, Mark
from trueup.ledgers.sql.rows import (
    FILL_ROWS,
    ORDER_ROWS,
    TRADE_ROWS,
    Stored,
    json_list,
    one_document,
)
from trueup.model.ids import known_client_id, known_id, normal_id, symbol_token
from trueup.model.money import ZERO, add, text
from trueup.model.snapshot import Fill, Local, LocalAnswer, LocalOrder, OtherOpenQty, OtherTrades, Trade
from trueup.model.vocabulary import Extent, Outcome, PositionSide, QueryBy, TradeStatus
from trueup.ports.book_rows import OrderRow

_Found = list[tuple[LocalAnswer, OrderRow | None]]

MOTION_WINDOW_S = (
    5.0  # the policy's default `recent_activity_window_s`: other profiles' instruments are settled after it
)


def read_accounts(
    database: Database,
    wanted: Mapping[str, Sequence[str]],
    recent_s: float,
    known: Mapping[str, KnownBooks],
) -> dict[str, dict[str, Local]]:
    """Live orders and those active within `recent_s`, their fills, trades not closed or recently so.

    `wanted`: profile ids by account id; so are the local sides. The extent is `all` where the account holds nothing
    else: no older order or closed trade, and none of another profile. `known`: what the accounts' last reads decoded.
    Rows whose marks are those of the last read are not read again.
    """
    with database.reading():
        read_at = stamp(database.now_ns())
        since = seconds_after(read_at, -recent_s)
        marks = _marks(database, wanted, since)
        held = {one: known[one].of(marks.get(one), read_at) for one in wanted}
        changed = [one for one, found in held.items() if found is None]
        read = _read_books(database, changed, since, known) if changed else {}
        for one, found in read.items():
            known[one].keep(marks.get(one), read_at, found, with_rows=not database.marks_accounts)
        books = {one: read[one] if found is None else found for one, found in held.items()}
        shared = [one for one, found in books.items() if len(found.trades) > 1]
        moving = _moving_instruments(database, shared, read_at) if shared else {}
    return {
        account_id: _sides(wanted[account_id], read_at, found, moving) for account_id, found in books.items()
    }


def _marks(database: Database, accounts: Iterable[str], since: str) -> dict[str, Mark]:
    """What tells each account's rows from all other rows; nothing where this database cannot tell."""
    marks: dict[str, list[Row]] = {one: [] for one in accounts}
    rows = database.marks(json_list(marks), since)
    if not rows:
        return {}
    for account_id, *mark in rows:
        for one in marks if account_id is None else [str(account_id)]:
            marks[one].append(tuple(mark))
    return {one: frozenset(mark) for one, mark in marks.items()}


def _read_books(
    database: Database, account_ids: Sequence[str], since: str, known: Mapping[str, KnownBooks]
) -> dict[str, Books]:
    accounts = json_list(account_ids)
    orders = _by_account(database.rows("open_and_recent_orders", accounts, since), account_ids)
    fills = _by_account(database.rows("fills_of_open_and_recent", accounts, since), account_ids)
    trades = _by_account(database.rows("trades_open_and_recent", accounts, since), account_ids)
    older = {account_id for (account_id,) in database.rows("accounts_with_older_rows", accounts, since)}
    return {
        one: Books(
            orders=_by_profile(orders[one], known[one].orders),
            fills=_by_profile(fills[one], known[one].fills),
            trades=_by_profile(trades[one], known[one].trades),
            has_older=one in older,
        )
        for one in account_ids
    }


def _by_account(rows: list[Row], wanted: Sequence[str]) -> dict[str, list[Row]]:
    """Of one account all rows are its own."""
    found: dict[str, list[Row]] = defaultdict(list)
    if len(wanted) == 1:
        return {wanted[0]: rows}
    for account_id, row in zip(map(itemgetter(0), rows), rows, strict=True):
        found[account_id].append(row)
    return found


def _sides(
    profile_ids: Sequence[str], read_at: str, books: Books, moving: Mapping[str, set[str]]
) -> dict[str, Local]:
    """One account's. The lists are copies: what is kept for the next read is nobody's to change."""
    orders, fills, trades = books.orders, books.fills, books.trades
    others = {profile_id: _trades_of_others(profile_id, trades) for profile_id in profile_ids}
    return {
        profile_id: Local(
            read_at=read_at,
            extent=Extent.ALL
            if not books.has_older and orders.keys() <= {profile_id}
            else Extent.OPEN_AND_RECENT,
            orders=list(orders.get(profile_id, ())),
            fills=list(fills.get(profile_id, ())),
            trades=list(trades.get(profile_id, ())),
            other_profiles_open_qty=_open_of_others(profile_id, others[profile_id], moving),
            other_profiles_trades=others[profile_id],
        )
        for profile_id in profile_ids
    }


def find_local(
    database: Database, account_id: str, ids: Mapping[str, Sequence[str]]
) -> dict[str, list[LocalAnswer]]:
    """Each id as a venue and as a client order id, over all orders of the account: found or absent.

    By profile id. An id that several profiles ask for is looked up, and answered, once.
    """
    with database.reading():
        read_at = stamp(database.now_ns())
        rows = _rows_by_ids(database, account_id, chain.from_iterable(ids.values()))
    by_venue: dict[str, list[OrderRow]] = defaultdict(
        list
    )  # several where orders of two instruments have one number
    by_client: dict[str, list[OrderRow]] = defaultdict(list)
    for row in rows:
        for venue_id in _venue_ids(row.order):
            by_venue[venue_id].append(row)
        by_client[known_client_id(row.order.client_order_id) or ""].append(row)

    def answer(order_id: str) -> _Found:
        key = normal_id(order_id)
        as_venue, as_client = by_venue.get(key, []), by_client.get(known_client_id(order_id) or key, [])
        absent = [
            LocalAnswer(by=by, id=order_id, outcome=Outcome.ABSENT, read_at=read_at)
            for by in (QueryBy.VENUE_ORDER_ID, QueryBy.CLIENT_ORDER_ID)
        ]
        return _found(absent[0], as_venue) + _found(absent[1], as_client)

    found = {one: answer(one) for one in set(chain.from_iterable(ids.values()))}
    return {
        profile_id: [_shown_to(profile_id, *one) for order_id in asked for one in found[order_id]]
        for profile_id, asked in ids.items()
    }


def _found(absent: LocalAnswer, rows: Sequence[OrderRow]) -> _Found:
    """The answers to one id, without the orders, and beside each the row that it is of."""
    if not rows:
        return [(absent, None)]
    return [(replace(absent, outcome=Outcome.FOUND, symbol=row.order.symbol), row) for row in rows]


def _shown_to(profile_id: str, answer: LocalAnswer, row: OrderRow | None) -> LocalAnswer:
    """Another profile's order is not shown, only its instrument."""
    return answer if row is None or row.profile_id != profile_id else replace(answer, order=row.order)


def related(
    database: Database, account_id: str, profile_id: str, orders: Sequence[LocalOrder]
) -> tuple[list[Fill], list[Trade]]:
    """The fills booked in these orders and the trades they name."""
    ids = [venue_id for order in orders for venue_id in _venue_ids(order)]
    ids += [
        client_id for order in orders if (client_id := known_client_id(order.client_order_id)) is not None
    ]
    trade_ids = sorted({normal_id(order.trade_id) for order in orders if order.trade_id is not None})
    with database.reading():
        keys = [r.order_key for r in _rows_by_ids(database, account_id, ids) if r.profile_id == profile_id]
        fills = one_document(database.rows("fills_of_orders", json_list(keys)), FILL_ROWS)
        trades = one_document(database.rows("trades_by_id", profile_id, json_list(trade_ids)), TRADE_ROWS)
    return [row.fill for row in fills if row.fill.qty != "0"], [row.trade for row in trades]


def _rows_by_ids(database: Database, account_id: str, ids: Iterable[str]) -> list[OrderRow]:
    wanted = json_list(sorted({normal_id(order_id) for order_id in ids}))
    return one_document(database.rows("orders_by_ids", account_id, wanted, wanted), ORDER_ROWS)


def _venue_ids(order: LocalOrder) -> list[str]:
    own = known_id(order.venue_order_id)
    previous = [normal_id(one) for one in order.previous_venue_order_ids]
    return previous if own is None else [own, *previous]


def _by_profile(rows: list[Row], known: KnownRows[Stored]) -> dict[str, list[Stored]]:
    """One account's rows. Most accounts have one profile."""
    found: dict[str, list[Stored]] = {}
    owners = list(map(itemgetter(1), rows))
    if len(set(owners)) == 1:
        return {str(owners[0]): known.decode(rows)}
    for profile_id, one in zip(owners, known.decode(rows), strict=True):
        found.setdefault(str(profile_id), []).append(one)
    return found


def _moving_instruments(database: Database, account_ids: Sequence[str], read_at: str) -> dict[str, set[str]]:
    """By profile, the instruments in which it has an order in motion: active just now, transitional or deferred.

    Activity later than now by more than the window was stamped by a clock that has been put back since.
    """
    since, until = seconds_after(read_at, -MOTION_WINDOW_S), seconds_after(read_at, MOTION_WINDOW_S)
    moving: dict[str, set[str]] = defaultdict(set)
    for profile_id, symbol in database.rows("unsettled_symbols", json_list(account_ids), since, until):
        moving[str(profile_id)].add(symbol_token(str(symbol)))
    return moving


def _trades_of_others(profile_id: str, trades: Mapping[str, list[Trade]]) -> dict[str, OtherTrades]:
    """The open quantity of each trade of the account's other profiles, by symbol and by the side it stands on."""
    symbols: dict[str, str] = {}
    held: dict[tuple[str, PositionSide], list[Decimal]] = defaultdict(list)
    for trade in (one for owner, theirs in trades.items() if owner != profile_id for one in theirs):
        if trade.status is not TradeStatus.CLOSED:
            token, qty = symbol_token(trade.symbol), trade.open_qty
            symbols.setdefault(token, trade.symbol)
            if qty:
                held[token, trade.side].append(qty)
    return {
        symbol: OtherTrades(
            long=tuple(map(text, sorted(held[token, PositionSide.LONG]))),
            short=tuple(map(text, sorted(held[token, PositionSide.SHORT]))),
        )
        for token, symbol in sorted(symbols.items())
    }


def _open_of_others(
    profile_id: str, others: Mapping[str, OtherTrades], moving: Mapping[str, set[str]]
) -> dict[str, OtherOpenQty]:
    """Their sums. A trade that more left than entered counts on the other side."""
    unsettled = {token for owner, tokens in moving.items() if owner != profile_id for token in tokens}
    return {
        symbol: OtherOpenQty(
            long=_sum_of(_above_zero(theirs.long), _below_zero(theirs.short)),
            short=_sum_of(_above_zero(theirs.short), _below_zero(theirs.long)),
            settled=symbol_token(symbol) not in unsettled,
        )
        for symbol, theirs in others.items()
    }


def _above_zero(quantities: Iterable[str]) -> list[Decimal]:
    return [qty for qty in map(Decimal, quantities) if qty > 0]


def _below_zero(quantities: Iterable[str]) -> list[Decimal]:
    return [-qty for qty in map(Decimal, quantities) if qty < 0]


def _sum_of(held: list[Decimal], crossed: list[Decimal]) -> str:
    return text(reduce(add, [*held, *crossed], ZERO))
