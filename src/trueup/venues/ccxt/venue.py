"""One account at one of ccxt's exchanges: its orders, fills and holdings. Read only.

Made from configuration (`ccxt`), or around the bot's own ccxt object. What an exchange cannot be asked is said in the
read's state and error, so that nothing is concluded from its silence. Rules of translation are `ccxt_rows`', of paging
`ccxt_listings`', of absence `ccxt_lookup`'s; facts about single exchanges stand in `ccxt_traits`.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from trueup.model.errors import AuthError, ConfigError, VenueError, VenueUnavailable
from trueup.model.ids import symbol_token
from trueup.model.snapshot import (
    Fill,
    HistoryRead,
    Instrument,
    OrdersRead,
    Position,
    PositionsRead,
    VenueAnswer,
    VenueOrder,
)
from trueup.model.times import from_ns, to_ns
from trueup.model.vocabulary import Lists, Outcome, QueryBy, ReadState
from trueup.ports.clock import Clock
from trueup.ports.venue import WiderBudget
from trueup.venues.ccxt.client import CALLS_PER_MINUTE, Client
from trueup.venues.ccxt.cross_check import check_notional, check_unit, keep_agreeing
from trueup.venues.ccxt.errors import OrderMissing
from trueup.venues.ccxt.groups import (
    MarketGroup,
    check_markets,
    find_symbol,
    make_groups,
    read_instruments,
)
from trueup.venues.ccxt.hints import hear_hints
from trueup.venues.ccxt.listings import (
    conditional_parameters,
    history_methods,
    list_balances,
    list_open,
    list_past,
    list_positions,
)
from trueup.venues.ccxt.lookup import look_up
from trueup.venues.ccxt.reader import Reader, Span
from trueup.venues.ccxt.rows import read_fill, read_order, read_position, tell_sides
from trueup.venues.ccxt.traits import ACCOUNT_ID, LISTS_HELD, family

_MS_NS = 1_000_000


class CcxtVenue:
    """Implements `ports.Venue`, and `ports.Hinting` where ccxt.pro has a stream of the exchange.

    `exchange`: an object of `ccxt.async_support` or `ccxt.pro`; it is neither changed nor closed. `symbols`: what is
    asked where an exchange wants a symbol, and whose kinds of market are read; null: those of `markets`, or else the
    object's default kind. `managed_symbols`: what the profiles manage; a read symbol by symbol is complete if it
    covers these.
    """

    def __init__(
        self,
        exchange: Any,
        *,
        clock: Clock,
        symbols: Sequence[str] | None = None,
        managed_symbols: Sequence[str] | None = None,
        markets: Sequence[str] | None = None,
        calls_per_minute: int = CALLS_PER_MINUTE,
        wider_budgets: Sequence[WiderBudget] = (),
    ) -> None:
        check_markets(markets or ())
        self.name = f"ccxt:{exchange.id}"
        self._client = Client(exchange, clock, calls_per_minute=calls_per_minute, wider_budgets=wider_budgets)
        self._clock = clock
        self._symbols = symbols
        self._managed = None if managed_symbols is None else {symbol_token(one) for one in managed_symbols}
        self._markets = markets
        self._groups: list[MarketGroup] = []
        self._groups_ns: int | None = None
        self._account_id: str | None = None

    def __repr__(self) -> str:
        return f"CcxtVenue({self.name})"

    async def account_id(self) -> str | None:
        """Asked once, where it is known how: a wallet's address, or one call. A key that may not ask it has none."""
        exchange = self._client.exchange
        if self._account_id is None and getattr(exchange, "walletAddress", None):
            self._account_id = str(exchange.walletAddress)
        known = ACCOUNT_ID.get(family(exchange.id))
        if self._account_id is None and known is not None:
            try:
                answer = await self._client.call(getattr(exchange, known[0]))
            except AuthError:
                return None
            self._account_id = _at(answer, known[1])
        return self._account_id

    async def now_ns(self) -> int | None:
        if not self._client.exchange.has.get("fetchTime"):
            return None
        return int(await self._client.call(self._client.exchange.fetch_time)) * _MS_NS

    async def instruments(self) -> list[Instrument]:
        """Of the managed symbols, or of all markets of the kinds that are read."""
        groups, told = await self._ready(), self._managed is not None
        return [one for group in groups for one in read_instruments(group, only_managed=told)]

    async def open_orders(self) -> OrdersRead:
        read_at = self._now()
        read = Reader()
        for group in await self._ready():
            read.add(
                await list_open(self._client, group, {}),
                self._order(group),
                self._unasked(group, "fetchOpenOrders"),
            )
            for parameters in conditional_parameters(group):
                try:
                    listing = await list_open(self._client, group, parameters)
                except VenueError as error:
                    read.fail(f"conditional orders {dict(parameters)}", error)
                else:
                    read.add(listing, self._order(group, conditional=True))
        return OrdersRead(state=read.state, read_at=read_at, rows=read.values, error=read.error)

    async def history(self, since: str | None, symbol: str | None = None) -> HistoryRead:
        """Orders by submission and fills by execution. What cannot be had leaves it partial; nothing at all raises."""
        read_at, groups = self._now(), await self._ready()
        span = Span(None if since is None else to_ns(since) // _MS_NS, self._clock.now_ns() // _MS_NS)
        only = self._find_symbol(symbol)
        orders, fills = Reader(), Reader()
        for group in groups if only is None else [self._group_of(only)]:
            methods = history_methods(group)
            if not methods:
                orders.gaps.append(f"{group.exchange.id} lists no orders of the past")
            for method in methods:
                await self._read_past(orders, self._order(group), group, method, span, only)
            await self._read_past(fills, self._fill(group), group, "fetchMyTrades", span, only)
        failed = orders.failure or fills.failure
        if failed is not None and not orders.answered and not fills.answered:
            raise failed
        agreed = keep_agreeing(orders.values, fills.values, self._contract_size)
        orders.gaps += agreed.refusals
        whole = orders.state is ReadState.COMPLETE and fills.state is ReadState.COMPLETE
        return HistoryRead(
            state=ReadState.COMPLETE if whole else ReadState.PARTIAL,
            read_at=read_at,
            since=since,
            orders=agreed.orders,
            fills=agreed.fills,
            error="; ".join(filter(None, (orders.error, fills.error))) or None,
        )

    async def positions(self) -> PositionsRead:
        """Contracts as positions; on spot markets what is held of each managed symbol's base currency."""
        read_at, read = self._now(), Reader()
        for group in await self._ready():
            listed = list_balances if group.is_spot else list_positions
            read.add(await listed(self._client, group), self._position(group))
        held = family(self._client.exchange.id) in LISTS_HELD and read.state is ReadState.COMPLETE
        lists = Lists.HELD if held else Lists.ALL
        return PositionsRead(
            state=read.state,
            read_at=read_at,
            rows=tell_sides(read.values),
            error=read.error,
            lists=lists,
        )

    async def find_order(self, by: QueryBy, order_id: str, symbol: str | None = None) -> VenueAnswer:
        """Asked wherever it can be; without a symbol, in every managed one where the exchange wants one."""
        read_at, groups = self._now(), await self._ready()
        doubt = self._unasked_anywhere(groups, "fetchOrder") if symbol is None else None
        for group, asked in self._places(groups, self._find_symbol(symbol)):
            try:
                row, conditional = await look_up(self._client, group, by, order_id, asked)
                order = self._order(group, conditional=conditional)(row)
            except OrderMissing:
                continue
            except (VenueError, ValueError) as fault:
                doubt = f"{type(fault).__name__}: {fault}"
                continue
            return VenueAnswer(by=by, id=order_id, outcome=Outcome.FOUND, read_at=read_at, order=order)
        outcome = Outcome.ABSENT if doubt is None else Outcome.UNKNOWN
        return VenueAnswer(by=by, id=order_id, outcome=outcome, read_at=read_at, error=doubt)

    def hints(self) -> AsyncIterator[None]:
        """From ccxt.pro's stream of orders or fills, of the first kind of market that is read."""
        return hear_hints(self._streaming, self._clock)

    def take_skew_ns(self) -> int | None:
        return self._client.skew.take_ns()

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _streaming(self) -> Any:
        return (await self._ready())[0].exchange

    # -- inside -------------------------------------------------------------------------------------------------------

    async def _ready(self) -> list[MarketGroup]:
        """The groups, with markets that are not old."""
        await self._client.load_markets()
        if self._groups_ns != self._client.markets_ns:
            self._groups = make_groups(self._client.exchange, self._symbols, self._markets)
            self._groups_ns = self._client.markets_ns
        return self._groups

    async def _read_past(
        self,
        reader: Reader,
        read: Callable[[Mapping[str, Any]], Any],
        group: MarketGroup,
        method: str,
        span: Span,
        symbol: str | None,
    ) -> None:
        try:
            listing = await list_past(self._client, group, method, span.since_ms, span.now_ms, symbol)
        except VenueError as error:
            reader.fail(method, error)
            return
        reader.add(listing, read, None if symbol is not None else self._unasked(group, method))

    def _places(
        self, groups: Sequence[MarketGroup], symbol: str | None
    ) -> list[tuple[MarketGroup, str | None]]:
        if symbol is not None:
            return [(self._group_of(symbol), symbol)]
        places: list[tuple[MarketGroup, str | None]] = []
        for group in groups:
            wants_one = group.needs_symbol("fetchOrder") and group.symbols
            places += [(group, one) for one in (group.symbols if wants_one else (None,))]
        return places

    def _unasked_anywhere(self, groups: Sequence[MarketGroup], method: str) -> str | None:
        return next((gap for group in groups if (gap := self._unasked(group, method)) is not None), None)

    def _unasked(self, group: MarketGroup, method: str) -> str | None:
        """Why a listing symbol by symbol is not all that the profiles manage; null where it is."""
        if not group.needs_symbol(method):
            return None
        asked = {symbol_token(symbol) for one in self._groups for symbol in one.symbols}
        if self._managed is not None and self._managed <= asked:
            return None
        return f"only {', '.join(group.symbols)} were asked: set managed_symbols"

    def _order(
        self, group: MarketGroup, *, conditional: bool = False
    ) -> Callable[[Mapping[str, Any]], VenueOrder]:
        def read(row: Mapping[str, Any]) -> VenueOrder:
            check_unit(row, "amount", group.exchange.id, self._contract_size)
            return read_order(row, group.exchange.id, conditional=conditional)

        return read

    def _fill(self, group: MarketGroup) -> Callable[[Mapping[str, Any]], Fill]:
        def read(row: Mapping[str, Any]) -> Fill:
            check_unit(row, "amount", group.exchange.id, self._contract_size)
            return read_fill(row, group.exchange.id)

        return read

    def _position(self, group: MarketGroup) -> Callable[[Mapping[str, Any]], Position]:
        def read(row: Mapping[str, Any]) -> Position:
            check_unit(row, "contracts", group.exchange.id, self._contract_size)
            if not self._market(row.get("symbol")).get("inverse"):  # whose notional is of the base currency
                check_notional(row, self._contract_size)
            return read_position(row)

        return read

    def _market(self, symbol: str | None) -> Mapping[str, Any]:
        return (self._client.exchange.markets or {}).get(symbol) or {}

    def _contract_size(self, symbol: str | None) -> Decimal | None:
        """Of a contract that is not exactly one of the base currency."""
        market = self._market(symbol)
        size = Decimal(str(market.get("contractSize") or 1))
        return size if market.get("contract") and size != 1 else None

    def _find_symbol(self, symbol: str | None) -> str | None:
        try:
            return None if symbol is None else find_symbol(self._client.exchange, symbol)
        except ConfigError as error:
            raise VenueUnavailable(str(error)) from error

    def _group_of(self, symbol: str) -> MarketGroup:
        """The group that reads this symbol, or one made for it."""
        market = self._client.exchange.markets[symbol]
        for group in self._groups:
            if symbol in group.symbols or (not group.symbols and group.market_type == market["type"]):
                return group
        return make_groups(self._client.exchange, [symbol], None)[0]

    def _now(self) -> str:
        return from_ns(self._clock.now_ns())


def _at(answer: Any, path: Sequence[str]) -> str | None:
    for step in path:
        if isinstance(answer, list):
            answer = answer[int(step)] if len(answer) > int(step) else None
        else:
            answer = answer.get(step) if isinstance(answer, Mapping) else None
    return None if answer is None else str(answer)
