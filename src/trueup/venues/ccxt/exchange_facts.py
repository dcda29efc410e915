"""What a configuration of one exchange needs, before there is an account: for `trueup init`.

Asks nothing of the exchange. Must not know how anything is read.
"""

import difflib

import ccxt
import ccxt.async_support
from msgspec import Struct

from trueup.model.errors import ConfigError
from trueup.venues.ccxt.groups import MARKET_TYPES
from trueup.venues.ccxt.traits import NEEDLESS_CREDENTIALS

NEAR_MAX = 3  # names that are suggested for one that is unknown


class ExchangeFacts(Struct, frozen=True):
    """`credentials`: by ccxt's names; `kinds`: of market, such as spot and swap; `has_sandbox`: one that ccxt knows."""

    credentials: list[str]
    kinds: list[str]
    has_sandbox: bool


def exchange_facts(exchange_id: str) -> ExchangeFacts:
    """Raises ConfigError for an exchange that ccxt does not know, with the names that are near."""
    known: list[str] = ccxt.async_support.exchanges
    if exchange_id not in known:
        near = difflib.get_close_matches(exchange_id.lower(), known, n=NEAR_MAX)
        suggestion = f"; did you mean {' or '.join(near)}?" if near else "; see `ccxt.exchanges`"
        raise ConfigError(f"ccxt {ccxt.__version__} knows no exchange {exchange_id!r}{suggestion}")
    made = getattr(ccxt.async_support, exchange_id)()
    needless = NEEDLESS_CREDENTIALS.get(exchange_id, frozenset())
    return ExchangeFacts(
        credentials=[
            name for name, is_needed in made.requiredCredentials.items() if is_needed and name not in needless
        ],
        kinds=[kind for kind in MARKET_TYPES if made.has.get(kind)],
        has_sandbox=bool(made.urls.get("test")),
    )
