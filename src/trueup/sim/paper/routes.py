"""Which request of Alpaca's REST API asks what of the paper account. Must not know faults or sockets."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request

from trueup.model.times import NS_PER_S
from trueup.sim.paper.account import FillQuery, OrderQuery
from trueup.sim.paper.json import Json
from trueup.sim.paper.requests import UNPROCESSABLE, Declined
from trueup.sim.paper.venue import PaperVenue

NEW_YORK = timezone(timedelta(hours=-5))  # Alpaca's clock speaks New York's time
Query = TypeVar("Query", OrderQuery, FillQuery)
Reply = tuple[int, Any]  # status and what its JSON body says; null = no body
Action = Callable[[PaperVenue, Request, Json], Reply]


def _place(venue: PaperVenue, request: Request, body: Json) -> Reply:
    return 200, venue.account.place(body)


def _list_orders(venue: PaperVenue, request: Request, body: Json) -> Reply:
    return 200, venue.account.list_orders(_query(request, OrderQuery))


def _cancel_all(venue: PaperVenue, request: Request, body: Json) -> Reply:
    return 207, venue.account.cancel_all()


def _find(venue: PaperVenue, request: Request, body: Json) -> Reply:
    nested = request.query_params.get("nested") == "true"
    return 200, venue.account.find(request.path_params["order_id"], nested=nested)


def _find_by_client_id(venue: PaperVenue, request: Request, body: Json) -> Reply:
    return 200, venue.account.find_by_client_id(request.query_params.get("client_order_id", ""))


def _replace(venue: PaperVenue, request: Request, body: Json) -> Reply:
    return 200, venue.account.replace(request.path_params["order_id"], body)


def _cancel(venue: PaperVenue, request: Request, body: Json) -> Reply:
    venue.account.cancel(request.path_params["order_id"])
    return 204, None


def _positions(venue: PaperVenue, request: Request, body: Json) -> Reply:
    return 200, venue.account.positions()


def _account(venue: PaperVenue, request: Request, body: Json) -> Reply:
    return 200, venue.account.account()


def _fills(venue: PaperVenue, request: Request, body: Json) -> Reply:
    return 200, venue.account.list_fills(_query(request, FillQuery))


def _clock(venue: PaperVenue, request: Request, body: Json) -> Reply:
    now = datetime.fromtimestamp(venue.clock.now_ns() / NS_PER_S, UTC).astimezone(NEW_YORK)
    tomorrow = (now + timedelta(days=1)).isoformat()
    return 200, {"timestamp": now.isoformat(), "is_open": True, "next_open": tomorrow, "next_close": tomorrow}


ROUTES: tuple[tuple[str, str, Action], ...] = (
    ("POST", "/v2/orders", _place),
    ("GET", "/v2/orders", _list_orders),
    ("DELETE", "/v2/orders", _cancel_all),
    ("GET", "/v2/orders:by_client_order_id", _find_by_client_id),
    ("GET", "/v2/orders/{order_id:path}", _find),
    ("PATCH", "/v2/orders/{order_id:path}", _replace),
    ("DELETE", "/v2/orders/{order_id:path}", _cancel),
    ("GET", "/v2/positions", _positions),
    ("GET", "/v2/account", _account),
    ("GET", "/v2/account/activities/FILL", _fills),
    ("GET", "/v2/clock", _clock),
)


def _query(request: Request, kind: type[Query]) -> Query:
    try:
        return msgspec.convert(dict(request.query_params), kind, strict=False)
    except msgspec.ValidationError as error:
        raise Declined(422, UNPROCESSABLE, str(error)) from error
