"""One order, asked for wherever this exchange can hold it.

Absent only where every place that can hold the order said so itself (ccxt's OrderNotFound, or a listing by that very id
that came back empty and whole). One place that failed, or cannot be asked, makes it unknown. Must not know what follows
from an answer.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import Any

from trueup.model.errors import AuthError, RateLimited, VenueError
from trueup.model.ids import normal_id
from trueup.model.vocabulary import QueryBy
from trueup.venues.ccxt.client import Client
from trueup.venues.ccxt.errors import NotOffered, OrderMissing
from trueup.venues.ccxt.groups import MarketGroup
from trueup.venues.ccxt.listings import conditional_history_methods, conditional_parameters, list_open
from trueup.venues.ccxt.pages import Listing, Page
from trueup.venues.ccxt.traits import (
    CLIENT_ID_LOOKUP,
    CLIENT_ID_LOOKUP_SPOT,
    CONDITIONAL_LISTED_BY_ID,
    FORGETS_ENDED,
    LISTED_BY_ID,
    Parameters,
    family,
)

Row = Mapping[str, Any]
Question = tuple[bool, Callable[[], Awaitable[Row]]]  # whether it is asked of a conditional endpoint, and how
_TRIGGER: Parameters = {"trigger": True}
_TRAILING: Parameters = {"trailing": True}


async def look_up(
    client: Client, group: MarketGroup, by: QueryBy, order_id: str, symbol: str | None
) -> tuple[Row, bool]:
    """The order's row, and whether it is a conditional endpoint's. Raises OrderMissing, or VenueError for "unknown"."""
    doubt: VenueError | None = None
    for conditional, ask in _questions(client, group, by, order_id, symbol):
        try:
            row = await ask()
        except OrderMissing:
            continue
        except (RateLimited, AuthError):
            raise
        except VenueError as error:
            doubt = doubt or error
            continue
        if _is(row, by, order_id):
            return row, conditional
        doubt = doubt or VenueError("the answer is another order than the one asked for")
    raise doubt or OrderMissing("every endpoint that can hold it says that there is none")


def _questions(
    client: Client, group: MarketGroup, by: QueryBy, order_id: str, symbol: str | None
) -> Iterator[Question]:
    known = family(group.exchange.id)
    if known in LISTED_BY_ID:
        yield from _listed(
            client, group, LISTED_BY_ID[known][by is QueryBy.CLIENT_ORDER_ID], order_id, symbol
        )
        return
    if not group.offers("fetchOrder"):
        raise NotOffered(f"{group.exchange.id} offers no fetchOrder")
    by_client_id = CLIENT_ID_LOOKUP | CLIENT_ID_LOOKUP_SPOT if group.is_spot else CLIENT_ID_LOOKUP
    if by is QueryBy.CLIENT_ORDER_ID and known not in by_client_id:
        raise NotOffered(f"{group.exchange.id} finds no order by its client order id")

    def ask(parameters: Parameters) -> Question:
        if by is QueryBy.CLIENT_ORDER_ID:
            arguments = ("", symbol, {**parameters, "clientOrderId": order_id})
        else:
            arguments = (order_id, symbol, dict(parameters))
        return bool(parameters), lambda: client.call(group.exchange.fetch_order, *arguments)

    yield ask({})
    if group.exchange.has["fetchOrder"] == "emulated" or known in FORGETS_ENDED:
        yield False, partial(_forgotten, group)
    kept_apart = conditional_parameters(group)
    if not kept_apart:
        return
    if group.feature("fetchOrder", "trigger"):
        yield ask(_TRIGGER)
        if group.feature("fetchOrder", "trailing"):
            yield ask(_TRAILING)
    else:
        yield from _searched(client, group, by, order_id, symbol)


async def _forgotten(group: MarketGroup) -> Row:
    raise NotOffered(f"{group.exchange.id} cannot be asked for an order that ended")


def _listed(
    client: Client, group: MarketGroup, parameter: str, order_id: str, symbol: str | None
) -> Iterator[Question]:
    """Open and past orders, ordinary and conditional, by that id alone."""

    async def ask(fetch: Callable[..., Any], parameters: Parameters) -> Row:
        page = await client.call_list(fetch, symbol, None, None, {**parameters, parameter: order_id})
        if not page.rows:
            raise OrderMissing("no order is listed under this id")
        return page.rows[0]  # type: ignore[no-any-return]

    for name in ("fetch_open_orders", "fetch_canceled_and_closed_orders"):
        for parameters in ({}, _TRIGGER):
            fetch = getattr(group.exchange, name)
            yield False, partial(ask, fetch, parameters)


def _searched(
    client: Client, group: MarketGroup, by: QueryBy, order_id: str, symbol: str | None
) -> Iterator[Question]:
    """Where conditional orders cannot be asked for one by one: among those that are open, then among those that ended.

    Found there, it is found. Not found it stays unknown: such listings begin nowhere and reach back some months.
    """

    async def among(listing: Callable[..., Awaitable[Listing | Page]], *arguments: Any) -> Row:
        for row in (await listing(*arguments)).rows:
            if _is(row, by, order_id):
                return row  # type: ignore[no-any-return]
        raise NotOffered(f"{group.exchange.id} does not say whether it once was a conditional order")

    names = CONDITIONAL_LISTED_BY_ID.get((family(group.exchange.id), group.market_type))
    named = {} if names is None else {names[by is QueryBy.CLIENT_ORDER_ID]: order_id}
    asked = [{**parameters, **named} for parameters in conditional_parameters(group)]
    for parameters in asked:
        yield True, partial(among, list_open, client, group, parameters, symbol)
    for method in conditional_history_methods(group):
        fetch, limit = getattr(group.exchange, method), group.page_rules(method).limit
        for parameters in asked:
            yield True, partial(among, client.call_list, fetch, symbol, None, limit, parameters)


def _is(row: Row, by: QueryBy, order_id: str) -> bool:
    said = row.get("clientOrderId" if by is QueryBy.CLIENT_ORDER_ID else "id")
    return said is not None and normal_id(str(said)) == normal_id(order_id)
