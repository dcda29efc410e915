"""What a person (or `trueup connect`) said about a table: which column means what, and what its words mean.

A mapping is checked when the configuration is read: an unknown meaning, a word that maps to nothing, or a column marked
writable that is not mapped is a ConfigError. Whether the columns exist is for the database to say (`check_tables`).
"""

import difflib
from collections.abc import Mapping
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import msgspec
from msgspec import Meta, Struct

from trueup.books.tables.words import WORD_MEANINGS, check_word
from trueup.model.errors import ConfigError

Text = Annotated[str, Meta(min_length=1)]
Scalar = str | int | float | bool

ORDER_AMOUNTS = ("qty", "filled_qty", "filled_avg_price", "limit_price", "price", "stop_price")
ORDER_TIMES = ("submitted_at", "last_activity_at", "venue_updated_at")
ORDER_TEXTS = (
    "venue_order_id",
    "client_order_id",
    "trade_id",
    "sub_tag",
    "symbol",
    "side",
    "action",
    "order_type",
    "status",
    "position_side",
)
MEANINGS: Mapping[str, tuple[str, ...]] = {
    "orders": (*ORDER_TEXTS, *ORDER_AMOUNTS, *ORDER_TIMES, "profile"),
    "fills": (
        "fill_id",
        "venue_order_id",
        "client_order_id",
        "order",
        "symbol",
        "side",
        "qty",
        "price",
        "fee",
        "fee_currency",
        "filled_at",
    ),
    "trades": (
        "trade_id",
        "symbol",
        "side",
        "status",
        "entry_qty",
        "exit_qty",
        "open_qty",
        "entry_avg_price",
        "fee_base_qty",
        "opened_at",
        "profile",
    ),
}
AMOUNTS = frozenset(
    (*ORDER_AMOUNTS, "fee", "entry_qty", "exit_qty", "open_qty", "entry_avg_price", "fee_base_qty")
)
TIMES = frozenset((*ORDER_TIMES, "filled_at", "opened_at"))
LINKS = ("order", "venue_order_id", "client_order_id")  # what names the order of a fill
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "orders": ("status",),
    "fills": ("fill_id", "qty"),
    "trades": ("trade_id", "symbol", "status"),
}
# what may be marked writable: of orders and trades what a correction can change, of fills what a new row is given
WRITABLE: Mapping[str, tuple[str, ...]] = {
    "orders": (
        "status",
        "filled_qty",
        "filled_avg_price",
        "qty",
        "limit_price",
        "stop_price",
        "venue_order_id",
        "client_order_id",
        "trade_id",
        "sub_tag",
        "venue_updated_at",
    ),
    "fills": MEANINGS["fills"],
    "trades": ("status", "entry_qty", "exit_qty", "open_qty", "entry_avg_price", "fee_base_qty"),
}
TIME_UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}  # → nanoseconds
DEFAULT_TIME = "default"


class TableMapping(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table or view. `columns`: meaning → column. `fixed`: meaning → what every row says. `where`: column → values.

    `key`: the columns that name a row (empty: the primary key). `times`: meaning, or `default`, → a unit (`s`, `ms`,
    `us`, `ns`) for numbers, or a time zone for times without one. `words`: meaning → bot's word → ours. `changed_at`:
    the column that tells when a row last changed (empty: that of `last_activity_at`).
    """

    table: Text
    key: list[Text] = []
    columns: dict[str, Text] = {}
    fixed: dict[str, str] = {}
    where: dict[Text, Scalar | list[Scalar]] = {}
    times: dict[str, str] = {}
    words: dict[str, dict[str, str]] = {}
    changed_at: str = ""
    writable: list[str] = []

    @property
    def changed_column(self) -> str | None:
        return self.changed_at or self.columns.get("last_activity_at")

    def time_rule(self, meaning: str) -> str | None:
        return self.times.get(meaning, self.times.get(DEFAULT_TIME))


class TablesMapping(Struct, frozen=True, kw_only=True):
    """The tables of one bot's books. Orders always; fills and trades where there are such tables."""

    orders: TableMapping
    fills: TableMapping | None = None
    trades: TableMapping | None = None

    @property
    def by_name(self) -> dict[str, TableMapping]:
        named = {"orders": self.orders, "fills": self.fills, "trades": self.trades}
        return {name: one for name, one in named.items() if one is not None}


def decode_mapping(tree: Mapping[str, Any], place: str) -> TablesMapping:
    """The mapping in a configuration's tree. Raises ConfigError that names the place."""
    try:
        mapping = msgspec.convert(dict(tree), TablesMapping)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{place}: {error}") from error
    for name, table in mapping.by_name.items():
        _check(table, name, f"{place}.{name}")
    return mapping


def _check(table: TableMapping, name: str, place: str) -> None:
    known = MEANINGS[name]
    for part in ("columns", "fixed", "words"):
        for meaning in getattr(table, part):
            _check_known(meaning, known, f"{place}.{part}")
    for meaning, rule in table.times.items():
        _check_known(meaning, (*known, DEFAULT_TIME), f"{place}.times")
        _check_time_rule(rule, f"{place}.times.{meaning}")
    _check_needed(table, name, place)
    for meaning, words in table.words.items():
        for said, ours in words.items():
            if (fault := check_word(name, meaning, ours)) is not None:
                raise ConfigError(f"{place}.words.{meaning}: {said!r} = {ours!r}: {fault}")
    _check_writable(table, name, place)


def _check_needed(table: TableMapping, name: str, place: str) -> None:
    said = {*table.columns, *table.fixed}
    for meaning in REQUIRED[name]:
        if meaning not in said:
            raise ConfigError(f"{place}.columns: no column for {meaning}; add {meaning} = 'COLUMN'")
    if name == "orders" and not said & {"venue_order_id", "client_order_id"}:
        raise ConfigError(f"{place}.columns: orders need venue_order_id or client_order_id")
    if name == "fills" and not said & set(LINKS):
        raise ConfigError(f"{place}.columns: fills need venue_order_id, client_order_id or order")


def _check_writable(table: TableMapping, name: str, place: str) -> None:
    for meaning in table.writable:
        _check_known(meaning, WRITABLE[name], f"{place}.writable")
        if meaning not in table.columns:
            raise ConfigError(f"{place}.writable: {meaning} has no column")
        column = table.columns[meaning]
        for other in (one for one, its in table.columns.items() if its == column and one != meaning):
            raise ConfigError(
                f"{place}.writable: {column} is both {meaning} and {other}: which of them does a repair set?"
            )
    if name == "fills" and table.writable:
        needed = (*REQUIRED["fills"], *(one for one in LINKS if one in table.columns))
        for meaning in (one for one in needed if one not in table.writable):
            raise ConfigError(f"{place}.writable: a fill is inserted with its {meaning}; add it")


def _check_known(meaning: str, known: tuple[str, ...], place: str) -> None:
    if meaning not in known:
        nearest = difflib.get_close_matches(meaning, known, n=1)
        hint = f"did you mean {nearest[0]}?" if nearest else f"known are {', '.join(known)}"
        raise ConfigError(f"{place}: {meaning} means nothing here; {hint}")


def _check_time_rule(rule: str, place: str) -> None:
    if rule in TIME_UNITS:
        return
    try:
        ZoneInfo(rule)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        nearest = difflib.get_close_matches(rule, available_timezones(), n=1)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        raise ConfigError(f"{place}: {rule!r} is neither s, ms, us, ns nor a time zone{hint}") from error


__all__ = ["MEANINGS", "WORD_MEANINGS", "WRITABLE", "TableMapping", "TablesMapping", "decode_mapping"]
