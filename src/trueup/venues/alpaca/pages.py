"""Alpaca's listings, read to their end: orders by submission time, fills by page token.

Orders have no page token, so each page begins where the last one ended, a little earlier, and what is seen twice counts
once, as it was seen last; a full page means that there is more. Ascending order keeps rows from slipping through
between two pages: what ends meanwhile leaves no gap, what is new comes at the end.
A listing whose later page failed is partial; one whose first page failed raises. Must not know what an order means.
"""

from collections.abc import AsyncIterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from trueup.model.errors import VenueError, VenueUnavailable
from trueup.model.snapshot import Fill, VenueOrder
from trueup.model.times import NS_PER_S, from_ns, to_ns
from trueup.model.vocabulary import ReadState
from trueup.venues.alpaca.rows import (
    FILLS,
    ORDERS,
    FillRow,
    OrderRow,
    Rows,
    read_all,
    read_fill,
    read_order,
    utc_text,
)
from trueup.venues.http.reader import HttpReader

ORDERS_PAGE = 500  # Alpaca's maximum; its default of 50 has been read as "the rest was canceled"
FILLS_PAGE = 100  # Alpaca's maximum without a date
PAGES_MAX = 400  # 200,000 orders: a listing that goes on longer is not read to its end
OVERLAP_NS = 1_000_000  # `after` is exclusive: orders of one instant may stand on both sides of a page's end
FAULTS_NAMED_MAX = 3


class OrderListing(Struct, frozen=True, kw_only=True):
    state: ReadState
    orders: list[VenueOrder]
    error: str | None = None


class FillListing(Struct, frozen=True, kw_only=True):
    state: ReadState
    fills: list[Fill]
    error: str | None = None


class _Found(Struct):
    """What a listing has found so far."""

    orders: dict[str, VenueOrder] = {}
    faults: list[str] = []
    multi_leg_ns: int | None = None  # submission of the first order that has legs or is one


async def list_orders(
    http: HttpReader, status: str, since: str | None, symbol: str | None = None
) -> OrderListing:
    """Orders with this status (`open`, `all`) submitted at or after `since`; null: all. Raises VenueError.

    Two views are needed where there are bracket orders: the flat one hides legs that are `held`, the nested one hides
    the legs of a parent that has ended (alpaca-trade-api-js issue 87), and only the nested one says whose leg one is.
    """
    found = _Found()
    params = {"status": status, "limit": str(ORDERS_PAGE), "direction": "asc"}
    if symbol is not None:
        params["symbols"] = symbol
    try:
        async for page in _order_pages(http, params | {"nested": "false"}, since):
            _take(found, page)
        if found.multi_leg_ns is not None:
            async for page in _order_pages(http, params | {"nested": "true"}, from_ns(found.multi_leg_ns)):
                _take(found, page)
    except VenueError as error:
        if not found.orders:
            raise
        found.faults.insert(0, f"a later page is missing: {error}")
    state, fault = _state(found.faults)
    return OrderListing(state=state, orders=list(found.orders.values()), error=fault)


async def list_fills(http: HttpReader, since: str | None) -> FillListing:
    """Fills executed at or after `since`; null: all. Raises VenueError."""
    params = {"page_size": str(FILLS_PAGE), "direction": "asc"}
    if since is not None:
        params["after"] = _before(since, whole_s=True)  # "YYYY-MM-DDTHH:MM:SSZ": no fraction is documented
    found: dict[str, Fill] = {}
    faults: list[str] = []
    try:
        for _ in range(PAGES_MAX):
            page = FILLS.decode(await http.read("/v2/account/activities/FILL", params))
            _refuse_shared_ids(page.rows)
            fills, page_faults = read_all(page, read_fill)
            faults += page_faults
            found |= {f"{fill.venue_order_id} {fill.fill_id}": fill for fill in fills}
            if page.count < FILLS_PAGE:
                break
            if not page.rows or page.rows[-1].id == params.get("page_token"):
                raise VenueUnavailable("the page of fills after this one cannot be asked for")
            params["page_token"] = page.rows[-1].id
        else:
            faults.append(f"more than {PAGES_MAX} pages of fills")
    except VenueError as error:
        if not found:
            raise
        faults.insert(0, f"a later page of fills is missing: {error}")
    state, fault = _state(faults)
    return FillListing(state=state, fills=list(found.values()), error=fault)


def _refuse_shared_ids(rows: Sequence[FillRow]) -> None:
    """An activity's id is one execution's. Where it names several orders', this is another request's answer, or broken:
    believed, it would put its id in the place of executions that are booked under theirs.
    """
    order_of: dict[str, str] = {}
    for row in rows:
        if order_of.setdefault(row.id, row.order_id) != row.order_id:
            raise VenueUnavailable(
                "a page of fills has one id for executions of several orders: it is not believed"
            )


async def _order_pages(
    http: HttpReader, params: dict[str, str], since: str | None
) -> AsyncIterator[Rows[OrderRow]]:
    """Page after page, until one is not full."""
    after = None if since is None else _before(since)
    for _ in range(PAGES_MAX):
        page = ORDERS.decode(await http.read("/v2/orders", params | ({"after": after} if after else {})))
        yield page
        if _rows_with_legs(page) < ORDERS_PAGE:
            return
        last_ns = max((_submitted_ns(row) for row in page.rows), default=0)
        if last_ns - OVERLAP_NS <= (0 if after is None else to_ns(after)):
            raise VenueUnavailable(
                f"{ORDERS_PAGE} orders were submitted at once: what follows cannot be asked for"
            )
        after = from_ns(last_ns - OVERLAP_NS)
    raise VenueUnavailable(f"more than {PAGES_MAX} pages of orders")


def _take(found: _Found, page: Rows[OrderRow]) -> None:
    found.faults += page.faults
    for row in page.rows:
        if row.is_multi_leg and found.multi_leg_ns is None:
            found.multi_leg_ns = max(_submitted_ns(row), OVERLAP_NS)
        _add(found, row, None)


def _add(found: _Found, row: OrderRow, parent: str | None) -> None:
    """An order and its legs; whoever was read last is newest, and a leg stays a leg."""
    try:
        order = read_order(row, parent)
    except ValueError as error:
        found.faults.append(str(error))
        return
    known = found.orders.get(row.id)
    if known is not None and parent is None:
        order = replace(order, parent_venue_order_id=known.parent_venue_order_id)
    found.orders[row.id] = order
    for leg in row.legs or ():
        _add(found, leg, row.id)


def _submitted_ns(row: OrderRow) -> int:
    """0 where the order does not say it in a usable way (the row itself is then a fault)."""
    try:
        return to_ns(utc_text(row.submitted_at)) if row.submitted_at else 0
    except ValueError:
        return 0


def _rows_with_legs(page: Rows[OrderRow]) -> int:
    """It is not documented whether legs count towards the limit: a page that could be full is taken as full."""
    return page.count + sum(len(row.legs or ()) for row in page.rows)


def _before(time_text: str, *, whole_s: bool = False) -> str:
    before_ns = to_ns(time_text) - OVERLAP_NS
    return from_ns(before_ns - before_ns % NS_PER_S if whole_s else before_ns)


def _state(faults: list[str]) -> tuple[ReadState, str | None]:
    if not faults:
        return ReadState.COMPLETE, None
    more = len(faults) - FAULTS_NAMED_MAX
    named = "; ".join(dict.fromkeys(faults[:FAULTS_NAMED_MAX]))
    return ReadState.PARTIAL, named + (f"; and {more} more" if more > 0 else "")
