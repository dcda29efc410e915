"""Guesses what the columns of a table mean, from their names and from what stands in them. A person has the last word.

Names compare without case and separators; for one meaning they stand in tiers, best first. A name is believed only
where the values agree: a side is a column of sides, a time one of times; a primary key that counts from 1 is nobody's
venue order id. What is not certain is left out and asked about.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from trueup.books.tables.database import Column, TableDatabase
from trueup.books.tables.values import cell_amount, cell_text, cell_time
from trueup.books.tables.words import CLOSED, OPEN, Words, word_meaning
from trueup.model.ids import symbol_token

SAMPLE_ROWS = 500  # of which a guess is made
WORDS_MAX = 40  # a column with more distinct values is no column of words
COUNTED_MAX = 200_000  # rows that are looked at for distinct words

_NAMES: Mapping[str, tuple[str, ...]] = {
    "venue_order_id": (
        "venueorderid exchangeorderid brokerorderid exchorderid externalorderid remoteorderid alpacaorderid",
        "exchangeid exchid externalid extid remoteid brokerid alpacaid",
        "orderid oid",
        "id",
    ),
    "client_order_id": ("clientorderid clordid clientoid clordid", "clientid cid coid localid internalid localorderid"),
    "trade_id": ("tradeid dealid roundtripid", "deal trade positionid"),
    "sub_tag": ("subtag",),
    "symbol": ("symbol", "symbolname", "pair ticker instrument tradingpair market product", "asset"),
    "side": ("side orderside", "direction buysell bs"),
    "action": ("action", "purpose role"),
    "order_type": ("ordertype", "type kind"),
    "status": ("status orderstatus", "state orderstate"),
    "position_side": ("positionside",),
    "qty": ("qty quantity orderqty origqty", "amount size volume ordersize orderamount"),
    "filled_qty": (
        "filledqty filledquantity executedqty cumqty filledsize filledamount filledvolume executedquantity",
        "filled executed done amountfilled qtyfilled sizefilled execqty dealtqty",
    ),
    "filled_avg_price": (
        "filledavgprice avgprice average averageprice avgfillprice avgpx",
        "fillprice executedprice avg",
    ),
    "limit_price": ("limitprice limitpx", "price orderprice px requestedprice limit"),
    "stop_price": ("stopprice triggerprice stoppx", "stop"),
    "submitted_at": ("submittedat placedat", "createdat created orderdate ordertime insertedat", "timestamp date time"),
    "last_activity_at": ("lastactivityat", "updatedat updated lastupdated lastupdate modifiedat changedat upd"),
    "venue_updated_at": ("venueupdatedat exchangeupdatedat",),
}  # fmt: skip
_FILL_NAMES: Mapping[str, tuple[str, ...]] = {
    "fill_id": ("fillid execid executionid exchangetradeid", "tradeid", "extid externalid ext", "id"),
    "venue_order_id": ("venueorderid exchangeorderid brokerorderid", "exchangeid exchid"),
    "client_order_id": _NAMES["client_order_id"],
    "order": ("orderrow orderpk orderref orderkey orderrowid", "orderid order"),
    "symbol": _NAMES["symbol"],
    "side": ("side",),
    "qty": ("qty quantity filledqty", "amount size volume"),
    "price": ("price px fillprice",),
    "fee": ("fee feecost commission costfee",),
    "fee_currency": ("feecurrency commissionasset feeasset",),
    "filled_at": ("filledat executedat transactiontime", "timestamp time ts at createdat"),
}
_AMOUNTS = frozenset({"qty", "filled_qty", "filled_avg_price", "limit_price", "stop_price", "price", "fee"})
_TIMES = frozenset({"submitted_at", "last_activity_at", "venue_updated_at", "filled_at"})
_WORDS = frozenset({"status", "side", "action", "position_side"})
WordsSaid = Mapping[str, Words]  # by meaning, what a person said of its words
_UNITS = {10: "s", 13: "ms", 16: "us", 19: "ns"}


class WordSeen(Struct, frozen=True, kw_only=True):
    """One distinct word of a column, how often it stands there, and what it means; null: nobody knows."""

    meaning: str
    said: str
    count: int
    ours: str | None


class Guess(Struct, frozen=True, kw_only=True):
    """A table as it seems to be. `columns`, `times` as in a mapping; `ignored`: columns that nothing was taken from."""

    table: str
    columns: dict[str, str]
    times: dict[str, str]
    words: list[WordSeen]
    ignored: list[str]
    notes: list[str]
    signed: bool = False  # a quantity without a side says it by its sign

    @property
    def is_orders(self) -> bool:
        """Whether it can be a table of orders at all."""
        has_id = bool(self.columns.keys() & {"venue_order_id", "client_order_id"})
        has_side = "side" in self.columns or self.signed
        return "status" in self.columns and has_side and "qty" in self.columns and has_id

    @property
    def is_fills(self) -> bool:
        named = self.columns.keys() & {"venue_order_id", "client_order_id", "order"}
        return (
            {"fill_id", "qty", "price"} <= self.columns.keys()
            and bool(named)
            and "status" not in self.columns
        )


def guess_orders(
    database: TableDatabase, table: str, said: Mapping[str, str] | None = None, words: WordsSaid | None = None
) -> Guess:
    """`said`: meaning → column, a person's word (empty: none). `words`: what a person said of a meaning's words."""
    return _guess(database, table, _NAMES, said or {}, words or {})


def guess_fills(database: TableDatabase, table: str) -> Guess:
    return _guess(database, table, _FILL_NAMES, {}, {})


def _guess(
    database: TableDatabase,
    table: str,
    names: Mapping[str, tuple[str, ...]],
    said: Mapping[str, str],
    words: WordsSaid,
) -> Guess:
    known = database.columns(table)
    sample = _sample(database, table, list(known))
    by_token: dict[str, list[str]] = {}
    for name in known:
        by_token.setdefault(symbol_token(name), []).append(name)
    columns: dict[str, str] = {}
    key = database.primary_key(table)
    is_empty = not any(sample.values())
    for meaning, tiers in names.items():
        if meaning in said:
            columns |= {meaning: said[meaning]} if said[meaning] else {}
            continue
        free = {
            token: [one for one in found if one not in columns.values()] for token, found in by_token.items()
        }
        found = next(
            (
                one
                for one in _candidates(tiers, free)
                if _agrees(meaning, known[one], sample.get(one, []), key, words, is_empty=is_empty)
            ),
            None,
        )
        if found is not None:
            columns[meaning] = found
    columns |= {meaning: name for meaning, name in said.items() if name and meaning not in names}
    times, notes = _time_rules(columns, sample)
    seen = [
        one
        for meaning in _WORDS & columns.keys()
        for one in _words(database, table, meaning, columns[meaning])
    ]
    ours = [_as_said(one, words) for one in seen]
    return Guess(
        table=table,
        columns=columns,
        times=times,
        words=sorted(ours, key=lambda one: (one.meaning, -one.count, one.said)),
        ignored=[name for name in known if name not in columns.values()],
        notes=notes,
        signed="side" not in columns and _has_negative(sample.get(columns.get("qty", ""), [])),
    )


def _candidates(tiers: Sequence[str], by_token: Mapping[str, list[str]]) -> list[str]:
    return [name for tier in tiers for token in tier.split() for name in by_token.get(token, ())]


def _sample(database: TableDatabase, table: str, names: Sequence[str]) -> dict[str, list[Any]]:
    """Cells that are not null, by column."""
    rows = database.rows(
        f"SELECT {', '.join(map(database.quoted, names))} FROM {database.quoted_table(table)} "
        f"{database.most(SAMPLE_ROWS)}"
    )
    return {name: [row[index] for row in rows if row[index] is not None] for index, name in enumerate(names)}


# -- whether the values agree ----------------------------------------------------------------------------------------


def _agrees(
    meaning: str,
    column: Column,
    cells: Sequence[Any],
    key: Sequence[str],
    words: WordsSaid,
    *,
    is_empty: bool,
) -> bool:
    if meaning in _AMOUNTS:
        return not column.type.startswith("bool") and all(_is(cell_amount_signed, cell) for cell in cells)
    if meaning in _TIMES:
        return all(_is(_any_time, cell) for cell in cells)
    if meaning in ("side", "action", "position_side"):
        # of a table without rows the name alone can tell
        return (bool(cells) or (meaning == "side" and is_empty)) and all(
            _is_word(meaning, cell, words) for cell in cells
        )
    if meaning == "status":
        return len({str(cell) for cell in cells}) <= WORDS_MAX and not any(
            isinstance(cell, float) for cell in cells
        )
    if meaning in ("venue_order_id", "fill_id"):
        counts = [column.name] == list(key) and all(isinstance(cell, int) for cell in cells)
        return not counts or meaning == "fill_id"
    return True


def _has_negative(cells: Sequence[Any]) -> bool:
    return any((cell_amount_signed(one) or "").startswith("-") for one in cells)


def _is_word(meaning: str, cell: Any, words: WordsSaid) -> bool:
    try:
        said = cell_text(cell)
    except (ValueError, UnicodeDecodeError):
        return False
    return said is not None and _meaning(meaning, said, words) is not None


def _meaning(meaning: str, said: str, words: WordsSaid) -> str | None:
    """A person's word for it, else everybody's."""
    mapped = words[meaning].mapped(said) if meaning in words else said
    return mapped if mapped != said else word_meaning(meaning, said)


def cell_amount_signed(cell: Any) -> str | None:
    return cell_amount(cell, signed=True)


def _any_time(cell: Any) -> str | None:
    return cell_time(cell, "UTC")


def _is(read: Callable[[Any], Any], cell: Any) -> bool:
    try:
        read(cell)
    except (ValueError, UnicodeDecodeError):
        return False
    return True


# -- times and words --------------------------------------------------------------------------------------------------


def _time_rules(
    columns: Mapping[str, str], sample: Mapping[str, list[Any]]
) -> tuple[dict[str, str], list[str]]:
    """Units of numbers by their digits; times without a zone are taken as UTC, and that is told."""
    rules: dict[str, str] = {}
    notes: list[str] = []
    for meaning in _TIMES & columns.keys():
        cells = sample.get(columns[meaning], [])
        numbers = [one for one in (_whole(cell) for cell in cells) if one]
        if numbers:
            unit = _UNITS.get(len(str(max(numbers))))
            rules |= {meaning: unit} if unit else {}
        elif cells and not all(_is(lambda cell: cell_time(cell, None), cell) for cell in cells):
            rules[meaning] = "UTC"
            notes.append(
                f"{columns[meaning]} says no time zone: taken as UTC; --time {meaning}=ZONE says otherwise"
            )
    seen = [meaning for meaning in _TIMES & columns.keys() if sample.get(columns[meaning])]
    if len(set(rules.values())) == 1 and len(rules) == len(seen):
        rules = {"default": next(iter(rules.values()))}
    return rules, notes


def _whole(cell: Any) -> int | None:
    if isinstance(cell, bool) or not isinstance(cell, int | float | str | Decimal):
        return None
    text = str(cell).partition(".")[0]
    return int(text) if text.isdigit() else None


def _words(database: TableDatabase, table: str, meaning: str, column: str) -> list[WordSeen]:
    quoted = database.quoted(column)
    rows = database.rows(
        f"SELECT {quoted}, count(*) FROM (SELECT {quoted} FROM {database.quoted_table(table)} "
        f"{database.most(COUNTED_MAX)}) seen GROUP BY {quoted} ORDER BY 2 DESC {database.most(WORDS_MAX)}"
    )
    return [
        WordSeen(meaning=meaning, said=said, count=int(count), ours=word_meaning(meaning, said))
        for cell, count in rows
        if (said := cell_text(cell)) is not None
    ]


def _as_said(seen: WordSeen, words: WordsSaid) -> WordSeen:
    return replace(seen, ours=_meaning(seen.meaning, seen.said, words))


def mapping_tree(guess: Guess) -> dict[str, Any]:
    """The guess as the configuration holds it. Words are written out: a person sees them, and may change them."""
    tree: dict[str, Any] = {"table": guess.table}
    if guess.times:
        tree["times"] = guess.times
    tree["columns"] = guess.columns
    words: dict[str, dict[str, str]] = {}
    for one in guess.words:
        if one.ours is not None and one.meaning in ("status", "side", "action"):
            words.setdefault(one.meaning, {})[one.said] = one.ours
    return tree | ({"words": words} if words else {})


__all__ = ["CLOSED", "OPEN", "Guess", "WordSeen", "guess_fills", "guess_orders", "mapping_tree"]
