"""How ids and symbols compare, and how trueup derives its own ids from facts."""

import hashlib
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Protocol

from trueup.model.vocabulary import Side

USELESS_CLIENT_ORDER_IDS = frozenset(
    {"", "0", "api"}
)  # Kraken's userref "0", Gate's text "api": they name nothing
_SEPARATORS = re.compile(r"[\W_]+")  # letters of any script count: Binance lists names in Chinese
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
    return _SEPARATORS.sub("", symbol.lower())


class Traded(Protocol):
    """An order or a fill, as far as it says what was traded, and which way."""

    @property
    def symbol(self) -> str | None: ...
    @property
    def side(self) -> Side | None: ...


def contradict(one: Traded, other: Traded) -> bool:
    """Whether two records disagree on symbol or side, so are not of one order. What is not said contradicts nothing."""
    if one.side is not other.side and one.side is not None and other.side is not None:
        return True
    if one.symbol == other.symbol or one.symbol is None or other.symbol is None:
        return False
    return symbol_token(one.symbol) != symbol_token(other.symbol)


def digest(*facts: str | None) -> str:
    """An id made of facts: 32 hexadecimal digits. Null and the empty text differ."""
    return hashlib.blake2b(_joined(facts).encode(), digest_size=_DIGEST_BYTES).hexdigest()


def digester(*facts: str | None) -> Callable[[str], str]:
    """`digest(*facts, last)` as a function of the last fact: what all share is hashed once."""
    shared = hashlib.blake2b(_joined((*facts, "")).encode(), digest_size=_DIGEST_BYTES)

    def digest_of(last: str) -> str:
        whole = shared.copy()
        whole.update(last.encode())
        return whole.hexdigest()

    return digest_of


def _joined(facts: Sequence[str | None]) -> str:
    try:
        return "\x1f".join(facts)  # type: ignore[arg-type]
    except TypeError:  # there are nulls
        return "\x1f".join(["\x00" if fact is None else fact for fact in facts])


_ASCII_BLANKS = " \t\r\x0b\x0c\x1c\x1d\x1e\x1f"


_JOINED_AT_ONCE = 512  # ids, as many as stay in the processor's cache


def _are_normal(ids: list[str | None]) -> bool:
    """Whether every id is there and its own comparable form."""
    return all(
        _some_are_normal(ids[start : start + _JOINED_AT_ONCE])
        for start in range(0, len(ids), _JOINED_AT_ONCE)
    )


def _some_are_normal(ids: list[str | None]) -> bool:
    """A few passes over one joined text, no call per id."""
    try:
        joined = "\n".join(ids)  # type: ignore[arg-type]
    except TypeError:  # there are nulls
        return False
    if joined.lower() != joined or not joined.isascii() or joined.count("\n") >= max(len(ids), 1):
        return False
    return (
        "\n\n" not in joined
        and "" not in ids[:1] + ids[-1:]
        and not any(map(joined.__contains__, _ASCII_BLANKS))
    )


def comparable_ids(ids: list[str | None]) -> list[str | None]:
    """Venue order ids in their comparable form, row by row (the same list where nothing had to change)."""
    return ids if _are_normal(ids) else [known_id(one) for one in ids]


def comparable_client_ids(ids: list[str | None]) -> list[str | None]:
    """Client order ids in their comparable form, row by row; those that name nothing are null."""
    if _are_normal(ids) and USELESS_CLIENT_ORDER_IDS.isdisjoint(ids):
        return ids
    return [known_client_id(one) for one in ids]
