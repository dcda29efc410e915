"""How ids and symbols compare, and how trueup derives its own ids from facts."""

import hashlib
import re
from functools import lru_cache

USELESS_CLIENT_ORDER_IDS = frozenset({"", "0", "api"})  # Kraken's userref "0", Gate's text "api": they name nothing
_NOT_TOKEN = re.compile(r"[^0-9a-z]+")
_DIGEST_BYTES = 16


def normal_id(raw_id: str) -> str:
    """Ids compare trimmed and case-insensitively."""
    return raw_id.strip().lower()


def known_id(raw_id: str | None) -> str | None:
    """A venue order id in its comparable form; null where it is empty."""
    return (raw_id.strip().lower() or None) if raw_id is not None else None


def known_client_id(raw_id: str | None) -> str | None:
    """A client order id in its comparable form; null where it says nothing (`""`, `"0"`, `"api"`)."""
    if raw_id is None:
        return None
    normal = raw_id.strip().lower()
    return None if normal in USELESS_CLIENT_ORDER_IDS else normal


@lru_cache(maxsize=65536)
def symbol_token(symbol: str) -> str:
    """Symbols compare as tokens: case and separators do not count (`BTC/USD` = `btcusd` = `BTC-USD`)."""
    return _NOT_TOKEN.sub("", symbol.lower())


def digest(*facts: str | None) -> str:
    """An id made of facts: 32 hexadecimal digits. Null and the empty text differ."""
    joined = "\x1f".join("\x00" if fact is None else fact for fact in facts)
    return hashlib.blake2b(joined.encode(), digest_size=_DIGEST_BYTES).hexdigest()
