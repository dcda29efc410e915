"""Which markets of an exchange are read, and what ccxt says can be asked about each kind of them.

One key may trade spot, linear and inverse contracts, and ccxt lists one kind at a time. A group is one kind, with a
copy of the client's exchange whose default it is: parameters that an exchange does not know are never sent. Must not
know what a listing holds.
"""

import copy
import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import ccxt

from trueup.model.errors import ConfigError
from trueup.model.ids import symbol_token
from trueup.model.money import text
from trueup.model.snapshot import Instrument
from trueup.venues.ccxt.pages import DAY_MS, PageRules
from trueup.venues.ccxt.texts import read_number
from trueup.venues.ccxt.traits import SETTLE_OPTION, UNTIL_WORKS, WHOLE_WITHOUT_SYMBOL, WINDOW_DAYS, family

MARKET_TYPES = ("spot", "swap", "future", "option")
UNBOUNDED_DAYS = 10_000  # ccxt's features write such a number for "no limit"
_NEAR_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketGroup:
    """One kind of market. `symbols`: ccxt's unified ones that are managed there; none = not told."""

    exchange: Any
    market_type: str
    sub_type: str | None = None
    settle: str | None = None
    symbols: tuple[str, ...] = ()

    @property
    def is_spot(self) -> bool:
        return self.market_type == "spot"

    def offers(self, method: str) -> bool:
        """Whether the exchange has this call, unified or emulated."""
        return bool(self.exchange.has.get(method))

    def feature(self, method: str, name: str) -> Any:
        """What ccxt's features say; null where they are silent."""
        sub_type = None if self.is_spot else self.sub_type or "linear"
        return self.exchange.feature_value_by_type(self.market_type, sub_type, method, name)

    def needs_symbol(self, method: str) -> bool:
        return (
            bool(self.feature(method, "symbolRequired"))
            and family(self.exchange.id) not in WHOLE_WITHOUT_SYMBOL
        )

    def page_rules(self, method: str) -> PageRules:
        known = WINDOW_DAYS.get((family(self.exchange.id), self.market_type, method))
        days = known if known is not None else self.feature(method, "untilDays")
        return PageRules(
            limit=self.feature(method, "limit"),
            window_ms=int(days * DAY_MS)
            if days and days < UNBOUNDED_DAYS
            else None,  # 0: bithumb's "not known"
            until=bool(days) or family(self.exchange.id) in UNTIL_WORKS,
        )

    def kept_days(self, method: str) -> int | None:
        """How many days back the exchange remembers; null where that is not known."""
        days = self.feature(method, "daysBack")
        return int(days) if days else None


def check_markets(markets: Iterable[str]) -> None:
    """Raises ConfigError for what is not `TYPE[:linear|inverse[:SETTLE]]`."""
    for market in markets:
        kind, *rest = market.split(":")
        if kind not in MARKET_TYPES or len(rest) > 2 or (rest and rest[0] not in ("linear", "inverse")):
            raise ConfigError(
                f"markets: {market!r}? write one of {', '.join(MARKET_TYPES)}, such as 'swap:linear:USDT'"
            )


def make_groups(
    exchange: Any, symbols: Sequence[str] | None, markets: Sequence[str] | None
) -> list[MarketGroup]:
    """The groups of these symbols and of these markets; of neither: the kind that is the exchange object's default."""
    found: dict[tuple[str, str | None, str | None], list[str]] = {}
    for symbol in [find_symbol(exchange, one) for one in symbols or ()]:
        found.setdefault(_kind_of(exchange.markets[symbol]), []).append(symbol)
    for market in markets or ():
        kind, sub_type, settle = [*market.split(":"), None, None][:3]
        if not any(
            key[0] == kind and sub_type in (None, key[1]) and settle in (None, key[2]) for key in found
        ):
            found[str(kind), sub_type, settle] = []
    if not found:
        found[
            str(exchange.options.get("defaultType") or "spot"), exchange.options.get("defaultSubType"), None
        ] = []
    return [
        MarketGroup(
            exchange=_with_default(exchange, *kind),
            market_type=kind[0],
            sub_type=kind[1],
            settle=kind[2],
            symbols=tuple(dict.fromkeys(members)),
        )
        for kind, members in found.items()
    ]


def find_symbol(exchange: Any, said: str) -> str:
    """ccxt's symbol for one written in another way (`btcusdt`, `BTC-USDT`). Raises ConfigError."""
    markets: Mapping[str, Any] = exchange.markets
    if said in markets:
        return said
    token = symbol_token(said)
    same = [symbol for symbol in markets if symbol_token(symbol) == token]
    if len(same) == 1:
        return same[0]
    near = same or difflib.get_close_matches(said.upper(), markets, n=_NEAR_MAX)
    raise ConfigError(
        f"{exchange.id} has no market {said!r}; did you mean {' or '.join(near) or 'another exchange'}?"
    )


def read_instruments(group: MarketGroup, *, only_managed: bool) -> list[Instrument]:
    """Steps and ticks of the group's markets. A step that ccxt holds as a float, or as digits, is not known."""
    exchange = group.exchange
    wanted = (
        group.symbols
        if only_managed
        else [
            symbol for symbol, market in exchange.markets.items() if market.get("type") == group.market_type
        ]
    )
    return [
        Instrument(
            symbol=symbol,
            qty_step=_step(exchange, exchange.markets[symbol], "amount"),
            price_tick=_step(exchange, exchange.markets[symbol], "price"),
            quote=_quote(exchange.markets[symbol]),
        )
        for symbol in wanted
    ]


def _quote(market: Mapping[str, Any]) -> str | None:
    """Not known for contracts that are not one of the base currency: quantity times price is not their notional."""
    if market.get("contract") and (
        market.get("inverse") or Decimal(str(market.get("contractSize") or 0)) != 1
    ):
        return None
    return market.get("quote")


def _step(exchange: Any, market: Mapping[str, Any], key: str) -> str | None:
    precision = market.get("precision") or {}
    if exchange.precisionMode == ccxt.SIGNIFICANT_DIGITS or isinstance(precision.get(key), float):
        return None
    step = read_number(precision, key)
    if step is None:
        return None
    if exchange.precisionMode == ccxt.DECIMAL_PLACES:
        return text(Decimal(1).scaleb(-int(step)))
    return step if step != "0" else None


def _kind_of(market: Mapping[str, Any]) -> tuple[str, str | None, str | None]:
    if market.get("spot"):
        return "spot", None, None
    return str(market["type"]), "inverse" if market.get("inverse") else "linear", market.get("settle")


def _with_default(exchange: Any, market_type: str, sub_type: str | None, settle: str | None) -> Any:
    """A copy that lists this kind where it is not told another. It shares connections, markets and throttler."""
    chosen = copy.copy(exchange)
    wanted = {"defaultType": market_type, "defaultSubType": sub_type, SETTLE_OPTION: settle}
    chosen.options = {
        **exchange.options,
        **{name: value for name, value in wanted.items() if value is not None},
    }
    return chosen
