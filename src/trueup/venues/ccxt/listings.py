"""Listings of one group of markets: open orders, conditional ones too, history of orders and fills, holdings.

Each says why it may not be all (`gap`): a call that the exchange does not offer, a page that stayed full, symbols that
were not asked, a memory that does not reach back. It never says "complete" for want of a reason. Must not know how a
row becomes a value.
"""

from collections.abc import Sequence
from typing import Any

from trueup.model.errors import VenueError
from trueup.venues.ccxt.client import Client
from trueup.venues.ccxt.errors import ArgumentMissing
from trueup.venues.ccxt.groups import UNBOUNDED_DAYS, MarketGroup
from trueup.venues.ccxt.pages import DAY_MS, Listing, Page, PageRules, read_span
from trueup.venues.ccxt.traits import (
    HISTORY_METHODS,
    NEWEST_WITHOUT_SINCE,
    OPEN_ORDERS_NEXT,
    OPEN_ORDERS_UNPAGED,
    NextPage,
    Parameters,
    conditional_lists,
    family,
)

OPEN_PAGES_MAX = 200  # 10,000 orders at 50 a page
SET_BASELINE = "set coverage_baseline_at"


def conditional_parameters(group: MarketGroup) -> Sequence[Parameters]:
    """With what the group's conditional orders are listed, where they are kept apart."""
    return conditional_lists(
        group.exchange.id,
        group.market_type,
        trigger=bool(group.feature("fetchOpenOrders", "trigger")),
        trailing=bool(group.feature("fetchOpenOrders", "trailing")),
    )


# -- open orders ------------------------------------------------------------------------------------------------------


async def list_open(
    client: Client, group: MarketGroup, parameters: Parameters, symbol: str | None = None
) -> Listing:
    """Open orders of the group: in one listing, or symbol by symbol where the exchange wants one. Raises VenueError."""
    if not group.offers("fetchOpenOrders"):
        raise ArgumentMissing(f"{group.exchange.id} lists no open orders")
    if symbol is not None or not group.needs_symbol("fetchOpenOrders"):
        try:
            return await _open_pages(client, group, symbol, parameters)
        except ArgumentMissing:
            if symbol is not None or not group.symbols:
                raise
    return _joined([await _open_pages(client, group, one, parameters) for one in _told_symbols(group)])


async def _open_pages(
    client: Client, group: MarketGroup, symbol: str | None, parameters: Parameters
) -> Listing:
    known = family(group.exchange.id)
    rules, following = group.page_rules("fetchOpenOrders"), OPEN_ORDERS_NEXT.get(known)
    rows: dict[str, Any] = {}
    asked: Parameters = parameters
    for _ in range(OPEN_PAGES_MAX):
        try:
            page = await client.call_list(group.exchange.fetch_open_orders, symbol, None, rules.limit, asked)
        except VenueError as error:
            if not rows:
                raise
            return Listing(
                rows=list(rows.values()), gap=f"after {len(rows)} rows: {type(error).__name__}: {error}"
            )
        fresh = [row for row in page.rows if str(row.get("id")) not in rows]
        rows.update((str(row.get("id")), row) for row in fresh)
        if known in OPEN_ORDERS_UNPAGED or not rules.is_full(page):
            return Listing(rows=list(rows.values()))
        value = _next_value(following, page) if following is not None and fresh else None
        if following is None or value is None:
            return Listing(
                rows=list(rows.values()),
                gap=f"{len(rows)} open orders look like a full page, and no next one can be had",
            )
        asked = {**parameters, following.parameter: value}
    return Listing(rows=list(rows.values()), gap=f"more than {OPEN_PAGES_MAX} pages of open orders")


def _next_value(following: NextPage, page: Page) -> str | None:
    """ccxt sorts rows by time: the oldest is the first."""
    if not page.rows:
        return None
    if following.field is None:
        return str(page.rows[0]["id"])
    for row in (page.rows[0], page.rows[-1]):
        value = row["info"].get(following.field)
        if value:
            return str(value)
    return None


# -- history ----------------------------------------------------------------------------------------------------------


def history_methods(group: MarketGroup) -> list[str]:
    """The calls that together list the orders of the past; none where the exchange lists none."""
    known = HISTORY_METHODS.get(family(group.exchange.id))
    if known is not None:
        return list(known)
    for method in ("fetchOrders", "fetchCanceledAndClosedOrders"):
        if group.offers(method):
            return [method]
    return [method for method in ("fetchClosedOrders", "fetchCanceledOrders") if group.offers(method)]


def conditional_history_methods(group: MarketGroup) -> list[str]:
    """Those that also list conditional orders that ended, with the parameters that list the open ones."""
    methods = history_methods(group)
    known = any(group.feature(method, "trigger") for method in [*methods, "fetchClosedOrders"])
    return methods if known else []


async def list_past(
    client: Client,
    group: MarketGroup,
    method: str,
    since_ms: int | None,
    now_ms: int,
    symbol: str | None = None,
) -> Listing:
    """Orders, or fills with `fetchMyTrades`, from `since_ms` on (null: from the beginning). Raises VenueError."""
    if not group.offers(method):
        return Listing(rows=[], gap=f"{group.exchange.id} offers no {method}")
    if symbol is not None or not group.needs_symbol(method):
        try:
            return await _past(client, group, method, symbol, since_ms, now_ms)
        except ArgumentMissing:
            if symbol is not None or not group.symbols:
                raise
    return _joined(
        [await _past(client, group, method, one, since_ms, now_ms) for one in _told_symbols(group)]
    )


async def _past(
    client: Client, group: MarketGroup, method: str, symbol: str | None, since_ms: int | None, now_ms: int
) -> Listing:
    rules, fetch = group.page_rules(method), getattr(group.exchange, method)

    async def read(start_ms: int, end_ms: int | None) -> Page:
        until = {} if end_ms is None else {"until": end_ms}
        return await client.call_list(fetch, symbol, start_ms, rules.limit, until)

    if since_ms is None:
        page = await client.call_list(fetch, symbol, None, rules.limit, {})
        return Listing(rows=page.rows, gap=_gap_from_beginning(group, method, rules, page))
    listing = await read_span(read, lambda row: (row.get("symbol"), row.get("id")), rules, since_ms, now_ms)
    kept_days = group.kept_days(method)
    if kept_days is not None and kept_days < UNBOUNDED_DAYS and since_ms < now_ms - kept_days * DAY_MS:
        return Listing(rows=listing.rows, gap=f"{method} reaches back {kept_days} days: {SET_BASELINE}")
    return listing


def _gap_from_beginning(group: MarketGroup, method: str, rules: PageRules, page: Page) -> str | None:
    kept_days = group.kept_days(method)
    if family(group.exchange.id) in NEWEST_WITHOUT_SINCE or (
        kept_days is not None and kept_days >= UNBOUNDED_DAYS and rules.window_ms is None
    ):
        return f"{method} gave its newest page only: {SET_BASELINE}" if rules.is_full(page) else None
    return f"{method} does not read from the beginning: {SET_BASELINE}"


# -- holdings ---------------------------------------------------------------------------------------------------------


async def list_positions(client: Client, group: MarketGroup) -> Listing:
    """Positions in contracts. Raises VenueError."""
    if not group.offers("fetchPositions"):
        return Listing(rows=[], gap=f"{group.exchange.id} offers no fetchPositions")
    try:
        page = await client.call_list(group.exchange.fetch_positions)
    except ArgumentMissing:
        page = await client.call_list(group.exchange.fetch_positions, _told_symbols(group))
    full = group.page_rules("fetchPositions").is_full(page)
    return Listing(rows=page.rows, gap=f"{len(page.rows)} positions look like a full page" if full else None)


async def list_balances(client: Client, group: MarketGroup) -> Listing:
    """What is held of the base currency of each managed spot symbol. Raises VenueError."""
    if not group.symbols:
        return Listing(rows=[], gap="balances belong to no symbol: set managed_symbols")
    markets = group.exchange.markets
    total = await client.call_totals(group.exchange.fetch_balance)
    bases = [markets[symbol]["base"] for symbol in group.symbols]
    shared = sorted({base for base in bases if bases.count(base) > 1})
    rows = [
        {"symbol": symbol, "contracts": total[base], "side": "long"}
        for symbol, base in zip(group.symbols, bases, strict=True)
        if base not in shared and total.get(base) is not None
    ]
    return Listing(
        rows=rows, gap=f"several symbols share the balance of {', '.join(shared)}" if shared else None
    )


# -- shared -----------------------------------------------------------------------------------------------------------


def _told_symbols(group: MarketGroup) -> list[str]:
    if not group.symbols:
        raise ArgumentMissing(
            f"{group.exchange.id} is asked symbol by symbol: set managed_symbols, or the option symbols"
        )
    return list(group.symbols)


def _joined(listings: Sequence[Listing]) -> Listing:
    gaps = [listing.gap for listing in listings if listing.gap is not None]
    return Listing(
        rows=[row for listing in listings for row in listing.rows], gap="; ".join(dict.fromkeys(gaps)) or None
    )
