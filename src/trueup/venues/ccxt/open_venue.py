"""A hundred exchanges through ccxt: `open_venue` makes the venue from configuration, `CcxtVenue` is it.

What is refused before anything is sent: sandbox or live must be said, and live twice; credentials go by ccxt's names,
and those that the exchange needs must be there; where one key trades several kinds of market, those that are read must
be said. Must not know how anything is read.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import ccxt
import ccxt.async_support
import ccxt.pro
import msgspec
from msgspec import Struct

from trueup.model.errors import AuthError, ConfigError
from trueup.ports.venue import VenueSettings
from trueup.venues.ccxt.client import CALLS_PER_MINUTE, CREDENTIALS
from trueup.venues.ccxt.exchange_facts import exchange_facts
from trueup.venues.ccxt.groups import MARKET_TYPES
from trueup.venues.ccxt.traits import NEEDLESS_CREDENTIALS
from trueup.venues.ccxt.venue import CcxtVenue

__all__ = ["CcxtVenue", "open_venue"]


class CcxtOptions(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[accounts.options]`. `settings`: ccxt's own options of that exchange."""

    exchange: str
    sandbox: bool = False
    live: bool = False
    symbols: list[str] | None = None
    markets: list[str] | None = None
    calls_per_minute: int = CALLS_PER_MINUTE
    settings: dict[str, Any] = {}


def open_venue(settings: VenueSettings) -> CcxtVenue:
    """Entry point. Credentials by ccxt's names (`apiKey`, `secret`, `password`, …). Raises ConfigError, AuthError."""
    try:
        options = msgspec.convert(dict(settings.options), CcxtOptions)
    except msgspec.ValidationError as error:
        raise ConfigError(f"options of account {settings.account_id!r}: {error}") from error
    _refuse_live_by_accident(options, allow_live=settings.allow_live)
    if options.calls_per_minute < 1:
        raise ConfigError("calls_per_minute must be 1 or more")
    exchange = make_exchange(
        options.exchange, settings.credentials, options.settings, sandbox=options.sandbox
    )
    symbols = options.symbols if options.symbols is not None else settings.managed_symbols
    _refuse_unclear_markets(exchange, symbols, options.markets)
    return CcxtVenue(
        exchange,
        clock=settings.clock,
        symbols=symbols,
        managed_symbols=settings.managed_symbols,
        markets=options.markets,
        calls_per_minute=options.calls_per_minute,
        wider_budgets=settings.wider_budgets,
    )


def _refuse_live_by_accident(options: CcxtOptions, *, allow_live: bool) -> None:
    if options.sandbox == options.live:
        raise ConfigError(
            f"{options.exchange}: set either sandbox = true or live = true in the account's options"
        )
    if options.live and not allow_live:
        raise ConfigError("live = true is configured; say it again with TRUEUP_ALLOW_LIVE=true")


def _refuse_unclear_markets(
    exchange: Any, symbols: Sequence[str] | None, markets: Sequence[str] | None
) -> None:
    kinds = [kind for kind in MARKET_TYPES if exchange.has.get(kind)]
    if not symbols and not markets and len(kinds) > 1:
        raise ConfigError(
            f"{exchange.id} trades {', '.join(kinds)}: say which this account uses: managed_symbols in its profiles,"
            " or the option markets, such as ['spot', 'swap:linear:USDT']"
        )


def make_exchange(
    exchange_id: str, credentials: Mapping[str, str], settings: Mapping[str, Any], *, sandbox: bool
) -> Any:
    """An async exchange made from configuration. Raises ConfigError, AuthError."""
    exchange_facts(exchange_id)
    unknown = sorted(set(credentials) - set(CREDENTIALS))
    if unknown:
        raise ConfigError(
            f"credentials of {exchange_id}: {', '.join(unknown)}? ccxt's are {', '.join(CREDENTIALS)}"
        )
    module = (
        ccxt.pro if exchange_id in ccxt.pro.exchanges else ccxt.async_support
    )  # the former can stream as well
    made = getattr(module, exchange_id)({**credentials, "options": dict(settings)})
    needed = {one for one, is_needed in made.requiredCredentials.items() if is_needed}
    needed -= NEEDLESS_CREDENTIALS.get(exchange_id, frozenset())
    missing = sorted(one for one in needed if not getattr(made, one, None))
    if missing:
        raise AuthError(f"{exchange_id} needs the credentials {', '.join(missing)}")
    if sandbox:
        _use_sandbox(made)
    return made


def _use_sandbox(exchange: Any) -> None:
    if not exchange.urls.get("test"):
        raise ConfigError(f"{exchange.id} has no sandbox that ccxt knows; take sandbox = true out")
    exchange.set_sandbox_mode(True)
