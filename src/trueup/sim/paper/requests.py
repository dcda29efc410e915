"""What a client's order request asks of the simulated market, or why Alpaca would decline it. Pure."""

from collections.abc import Iterable

from trueup.model.errors import TrueupError
from trueup.model.money import is_within_bounds, parse
from trueup.model.vocabulary import Side
from trueup.sim.market.instruments import MarketInstrument
from trueup.sim.market.orders import OrderRequest
from trueup.sim.paper.json import Json, paper_id

NOT_FOUND, UNPROCESSABLE = 40410000, 42210000  # Alpaca's codes


class Declined(TrueupError):
    """A request that Alpaca answers with an error body."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def order_request(body: Json, instrument: MarketInstrument, client_order_id: str) -> OrderRequest:
    """The body of `POST /v2/orders`. Raises Declined."""
    kind, side = str(body.get("type")), _side(body)
    if kind not in ("market", "limit", "stop"):
        raise Declined(
            422, UNPROCESSABLE, f"the simulated venue knows market, limit and stop orders, not {kind}"
        )
    return OrderRequest(
        client_order_id=client_order_id,
        symbol=instrument.symbol,
        side=side,
        qty=steps(body, instrument),
        limit=ticks(body, "limit_price", instrument) if kind == "limit" else None,
        stop=ticks(body, "stop_price", instrument) if kind == "stop" else None,
        sub_tag=body.get("subtag"),
        legs=tuple(_legs(body, instrument, side, client_order_id)),
    )


def _legs(
    body: Json, instrument: MarketInstrument, side: Side, client_order_id: str
) -> Iterable[OrderRequest]:
    """The exits of a bracket: Alpaca gives them client order ids of its own."""
    exit_side = Side.SELL if side is Side.BUY else Side.BUY
    for key, price in (("take_profit", "limit_price"), ("stop_loss", "stop_price")):
        if body.get(key):
            price_ticks = ticks(body[key], price, instrument)
            yield OrderRequest(
                client_order_id=paper_id("leg", f"{client_order_id}/{key}"),
                symbol=instrument.symbol,
                side=exit_side,
                qty=steps(body, instrument),
                limit=price_ticks if price == "limit_price" else None,
                stop=price_ticks if price == "stop_price" else None,
            )


def _side(body: Json) -> Side:
    try:
        return Side(str(body.get("side")))
    except ValueError as error:
        raise Declined(422, UNPROCESSABLE, "side must be buy or sell") from error


def steps(body: Json, instrument: MarketInstrument) -> int:
    """The body's quantity. Raises Declined."""
    return _units(body, "qty", instrument.qty_decimals)


def ticks(body: Json, key: str, instrument: MarketInstrument) -> int:
    """A price of the body. Raises Declined."""
    return _units(body, key, instrument.price_decimals)


def _units(body: Json, key: str, decimals: int) -> int:
    """An amount as a whole number of 10^-decimals. Raises Declined."""
    amount = parse(str(body.get(key)))
    if amount is not None and is_within_bounds(amount):
        units = amount.scaleb(decimals)
        if units > 0 and units == int(units):
            return int(units)
    raise Declined(422, UNPROCESSABLE, f"{key} must be above 0 and have at most {decimals} decimals")
