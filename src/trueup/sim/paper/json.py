"""The simulated market's orders, fills and positions in Alpaca's JSON shapes. Pure.

Decides only how things are written: ids are UUIDs made from the market's own, numbers are strings, an empty leg list
is null. Must not know HTTP.
"""

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from trueup.model.money import text
from trueup.model.times import from_ns
from trueup.model.vocabulary import Side, Status
from trueup.sim.market.instruments import MarketInstrument
from trueup.sim.market.orders import MarketFill, MarketOrder
from trueup.sim.market.records import Event

_NAMESPACE = UUID("5f0c1d5e-0d0e-4f6b-9c1c-7a1d6f0a51b0")
_ENDED_AT = {
    "filled_at": Status.FILLED,
    "canceled_at": Status.CANCELED,
    "expired_at": Status.EXPIRED,
    "failed_at": Status.REJECTED,
    "replaced_at": Status.REPLACED,
}
_EVENTS = {Status.PENDING_NEW.value: "new"}  # the market's words that Alpaca's stream says otherwise
_SILENT = ("filled", "partially_filled")  # the fill itself was told

Json = dict[str, Any]


def paper_id(kind: str, sim_id: str) -> str:
    """The UUID by which clients know the market's order, fill, account or asset."""
    return str(uuid5(_NAMESPACE, f"{kind}/{sim_id}"))


def order_id(order: MarketOrder) -> str:
    return paper_id("order", order.venue_order_id)


def order_json(order: MarketOrder, *, nested: bool = False) -> Json:
    """One order; with its legs where `nested`."""
    view, request = order.view(), order.request
    ended = {key: view.updated_at if order.status is status else None for key, status in _ENDED_AT.items()}
    legs = [order_json(leg) for leg in order.legs] if nested and order.legs else None
    return ended | {
        "id": order_id(order),
        "client_order_id": view.client_order_id,
        "created_at": view.submitted_at,
        "updated_at": view.updated_at,
        "submitted_at": view.submitted_at,
        "replaced_by": None if order.replaced_by is None else paper_id("order", order.replaced_by),
        "replaces": None if order.replaces is None else order_id(order.replaces),
        "asset_id": paper_id("asset", order.symbol),
        "symbol": order.symbol,
        "asset_class": _asset_class(order.symbol),
        "notional": None,
        "qty": view.qty,
        "filled_qty": view.filled_qty,
        "filled_avg_price": view.filled_avg_price,
        "order_class": _order_class(order),
        "order_type": request.order_type,
        "type": request.order_type,
        "side": request.side.value,
        "time_in_force": "gtc",
        "limit_price": view.limit_price,
        "stop_price": view.stop_price,
        "status": status_word(order),
        "extended_hours": False,
        "legs": legs,
        "trail_percent": None,
        "trail_price": None,
        "hwm": None,
        "position_intent": None,
        "subtag": request.sub_tag,
        "source": None,
    }


def status_word(order: MarketOrder) -> str:
    if order.status is Status.PENDING_NEW:
        return "held" if order.held else "new"
    return order.status.value


def fill_json(fill: MarketFill, account_id: str, filled: int) -> Json:
    """One activity of type FILL; `filled`: the order's cumulative steps. Its id ends with the stream's execution id."""
    view, order = fill.view(), fill.order
    instrument = order.instrument
    return {
        "id": f"{fill.filled_ns // 10**6:017d}::{paper_id('fill', fill.fill_id)}",
        "account_id": paper_id("account", account_id),
        "activity_type": "FILL",
        "transaction_time": view.filled_at,
        "type": "fill" if filled == order.qty else "partial_fill",
        "price": view.price,
        "qty": view.qty,
        "side": fill.order.side.value,
        "symbol": order.symbol,
        "leaves_qty": instrument.qty_text(order.qty - filled),
        "order_id": order_id(order),
        "cum_qty": instrument.qty_text(filled),
        "order_status": "filled" if filled == order.qty else "partially_filled",
    }


def position_json(instrument: MarketInstrument, parts: int, fills: list[MarketFill], price: int) -> Json:
    """An open position. `parts` of a step, signed; `price` in ticks."""
    symbol = instrument.symbol
    average = _average_entry(fills, parts)
    entry = instrument.price_text(price) if average is None else text(average)
    qty = Decimal(instrument.parts_text(parts))
    value = qty * Decimal(instrument.price_text(price))
    return {
        "asset_id": paper_id("asset", symbol),
        "symbol": symbol.replace("/", ""),  # as Alpaca does: orders say BTC/USD, positions BTCUSD
        "exchange": "CRYPTO" if "/" in symbol else "NYSE",
        "asset_class": _asset_class(symbol),
        "asset_marginable": "/" not in symbol,
        "qty": text(qty),
        "qty_available": text(qty),
        "side": "long" if parts > 0 else "short",
        "avg_entry_price": entry,
        "current_price": instrument.price_text(price),
        "cost_basis": text(qty * Decimal(entry)),
        "market_value": text(value),
        "unrealized_pl": text(value - qty * Decimal(entry)),
    }


def update_json(event: Event, filled: int) -> Json | None:
    """A frame of the stream `trade_updates`, `filled` as above; null for what the stream does not tell."""
    fill, order = event.fill, event.order
    if fill is None and event.kind in _SILENT:
        return None
    data: Json = {
        "event": _EVENTS.get(event.kind, event.kind),
        "execution_id": paper_id("event", f"{order.venue_order_id}/{event.ns}/{event.kind}"),
        "timestamp": from_ns(event.ns),
        "order": order_json(order),
    }
    if fill is not None:
        view = fill.view()
        data |= {
            "event": "fill" if filled == order.qty else "partial_fill",
            "execution_id": paper_id("fill", fill.fill_id),
            "price": view.price,
            "qty": view.qty,
        }
    return {"stream": "trade_updates", "data": data}


def _average_entry(fills: list[MarketFill], parts: int) -> Decimal | None:
    """Of the fills that lead to the present position: an average as brokers show it, for people only."""
    side = Side.BUY if parts > 0 else Side.SELL
    own = [fill for fill in fills if fill.order.side is side]
    qty = sum(fill.qty for fill in own)
    if not qty:
        return None
    instrument = own[0].order.instrument
    cost = sum(fill.qty * fill.price for fill in own)
    return Decimal(instrument.average_text(cost, qty) or "0")


def _asset_class(symbol: str) -> str:
    return "crypto" if "/" in symbol else "us_equity"


def _order_class(order: MarketOrder) -> str:
    legs = order.legs or (order.parent.legs if order.parent is not None else [])
    return {0: "simple", 1: "oto"}.get(len(legs), "bracket")
