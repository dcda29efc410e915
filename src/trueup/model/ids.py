"""How ids and symbols compare, and how trueup derives its own ids from facts."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Protocol

from trueup.model.vocabulary import Side

USELESS_CLIENT_ORDER_IDS = frozenset(
    {"", "0", "api"}
)  # Kraken's userref "0", Gate's text "api": they name nothing
_SEPARATORS = re.compile(r"[\W_]+")  # letters of any script count: Binance lists names in Chinese
_DIGEST_BYTES = 16
# What the core adds to an id while it plans stands between two of these; `plain_id` takes it off again.
_MARK = "\x01"
_MARKED = re.compile(r"\x01\w*\x01")
_TAG = _MARK + _MARK


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
    return None if normal in USELESS_CLIENT_ORDER_IDS or normal[-2:] == _TAG else normal


def of_instrument(raw_id: str, symbol: str) -> str:
    """A venue order id that orders of several instruments have, made this instrument's own."""
    return f"{raw_id.strip()}{_MARK}{symbol_token(symbol)}{_MARK}"


def as_tag(client_order_id: str) -> str:
    """A client order id that several orders carry: it names none of them (`known_client_id` is null)."""
    return client_order_id + _TAG


def plain_id(text: str) -> str:
    """An id, or a text with ids in it, without what `of_instrument` and `as_tag` add."""
    return _MARKED.sub("", text) if _MARK in text else text


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
    return are_apart(one.symbol, other.symbol)


def are_apart(symbol: str | None, other: str | None) -> bool:
    """Whether two symbols name different instruments. What is not said names every one."""
    if symbol == other or symbol is None or other is None:
        return False
    return symbol_token(symbol) != symbol_token(other)


class Bare(Traded, Protocol):
    """A local order, as far as it can be told from others without an order id."""

    @property
    def trade_id(self) -> str | None: ...
    @property
    def client_order_id(self) -> str | None: ...
    @property
    def submitted_at(self) -> str | None: ...


def bare_identity(order: Bare) -> tuple[str | None, ...]:
    """What tells local orders without an order id of their own apart: trade, symbol and side.

    One that carries a tag, such as others carry, is also told by that and by its time of submission.
    """
    token = None if order.symbol is None else symbol_token(order.symbol)
    told = (known_id(order.trade_id), token, order.side)
    tag = known_id(plain_id(order.client_order_id or ""))
    return told if tag is None or tag in USELESS_CLIENT_ORDER_IDS else (*told, tag, order.submitted_at)


def digest(*facts: str | None) -> str:
    """An id made of facts: 32 hexadecimal digits. Null and the empty text differ."""
    return hashlib.blake2b(_joined(facts).encode(), digest_size=_DIGEST_BYTES).hexdigest()


_BOUND_DIGITS = 8  # of the digest of the venue order that a row was bound to


def break_id_of(subject: str, kind: str) -> str:
    """Of what is broken (an order's or a trade's digest), and how: stable from run to run."""
    return "-".join((subject, kind))


def break_ids_of(subjects: Sequence[str], kind: str) -> list[str]:
    """The same of many at once."""
    end = f"-{kind}"
    return [one + end for one in subjects]


def correction_id_of(order: str, version: int, ordinal: int) -> str:
    """Of an order's digest, the version that was judged, and which of its corrections."""
    return f"{order}-{version}.{ordinal}"


def correction_ids_of(orders: Sequence[str], version: int, ordinal: int) -> list[str]:
    """The same of many orders at once."""
    end = f"-{version}.{ordinal}"
    return [one + end for one in orders]


def trade_correction_id_of(trade: str, version: int, kind: str) -> str:
    """Of a trade's digest, the version that was judged, and the correction's kind: a run makes one of each."""
    return f"{trade}-{version}-{kind}"


def notification_id_of(
    order: str, version: int, kind: str, cumulative_qty: str, bound_to: str | None = None
) -> str:
    """Of an order's facts alone: told again, it is the same. `bound_to`: the other venue order that its row is now.

    A ledger that was restored counts its versions again, and may then find a later successor than it told of before.
    """
    told = "-".join((order, str(version), kind, cumulative_qty))
    return told if bound_to is None else f"{told}-{digest(bound_to)[:_BOUND_DIGITS]}"


def notification_ids_of(
    orders: Sequence[str], version: int, kind: str, cumulative_qtys: Iterable[str]
) -> list[str]:
    """The same of many orders at once."""
    middle = f"-{version}-{kind}-"
    return [one + middle + qty for one, qty in zip(orders, cumulative_qtys, strict=True)]


def trade_notification_id_of(trade: str, version: int, kind: str) -> str:
    return f"{trade}-{version}-{kind}"


def order_digest_of(derived_id: str) -> str:
    """The digest of its order (or trade) that the id of a break, correction or notification begins with."""
    return derived_id.partition("-")[0]


def alert_key(profile_id: str, cause: str) -> str:
    """What tells an alert from the others: one stands per profile and cause."""
    return f"{profile_id}:{cause}"


BREAK_DIGITS_MIN = 6  # of a break's id: what names it, where they are unique
BREAK_DIGITS_SHOWN = 8


def short_break_ids(break_ids: Sequence[str]) -> list[str]:
    """Each break's id as it is shown and can be typed: its first digits, with its kind where others begin so, too."""
    digits = [one[:BREAK_DIGITS_SHOWN] for one in break_ids]
    times = Counter(digits)
    return [
        own if times[own] == 1 else f"{own}-{one.partition('-')[2]}"
        for own, one in zip(digits, break_ids, strict=True)
    ]


def break_reference(break_id: str) -> str:
    """A short name of a break that needs no others beside it: its first digits with its kind."""
    digits, dash, kind = break_id.partition("-")
    return f"{digits[:BREAK_DIGITS_SHOWN]}{dash}{kind}"


def names_break(reference: str, break_id: str) -> bool:
    """Whether a reference is a break's id, its beginning, or the beginning of its digest with the rest whole."""
    if break_id == reference:
        return True
    digits, _, rest = reference.partition("-")
    if len(digits) < BREAK_DIGITS_MIN:
        return False
    own_digits, _, own_rest = break_id.partition("-")
    return break_id.startswith(reference) or (own_digits.startswith(digits) and own_rest == rest != "")


BegunDigest = hashlib.blake2b


def begin_digest(*facts: str | None) -> BegunDigest:
    """What all digests share that begin with these facts, to be hashed once."""
    return hashlib.blake2b(_joined((*facts, "")).encode(), digest_size=_DIGEST_BYTES)


def end_digest(begun: BegunDigest, last: str) -> str:
    """`digest(*facts, last)`."""
    whole = begun.copy()
    whole.update(last.encode())
    return whole.hexdigest()


def _joined(facts: Sequence[str | None]) -> str:
    try:
        return "\x1f".join(facts)  # type: ignore[arg-type]
    except TypeError:  # there are nulls
        return "\x1f".join(["\x00" if fact is None else fact for fact in facts])


_ASCII_BLANKS = " \t\r\x0b\x0c\x1c\x1d\x1e\x1f" + _MARK


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
