"""Which column of an export means what: a table of names people use, and the refusal where a name is not enough.

Names compare without case and separators (`clientOrderId` = `client_order_id`). For one meaning the names stand in
tiers: the first tier of which the file has a column wins; two columns of one tier must agree in every row. What the
table cannot tell, the user tells: `--map local.venue_order_id=order_id`; with nothing after `=` no column is taken.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

from msgspec import Struct

from trueup.exports.read_rows import Row, Rows
from trueup.model.errors import InputError
from trueup.model.ids import symbol_token


class Source(StrEnum):
    """What a file is given as; the first word of `--map`."""

    LOCAL = "local"
    VENUE = "venue"
    FILLS = "fills"
    LOCAL_FILLS = "local-fills"
    POSITIONS = "positions"
    TRADES = "trades"


# meaning → tiers of names, best first; a tier's names are separated by blanks
_IDS = {
    "venue_order_id": ("venueorderid exchangeorderid brokerorderid", "orderid id"),
    "client_order_id": ("clientorderid clordid clientoid",),
}
_ORDER = _IDS | {
    "symbol": ("symbol", "symbolname", "pair ticker instrument"),
    "sub_tag": ("subtag",),
    "side": ("side orderside",),
    "order_type": ("ordertype", "type"),
    "qty": ("qty quantity orderqty origqty", "amount size"),
    "filled_qty": ("filledqty filledquantity filled executedqty cumqty",),
    "filled_avg_price": ("filledavgprice avgprice average averageprice avgfillprice",),
    "limit_price": ("limitprice",),
    "price": ("price requestedprice",),
    "stop_price": ("stopprice triggerprice",),
    "status": ("status orderstatus", "state"),
    "position_side": ("positionside",),
    "submitted_at": ("submittedat", "createdat timestamp datetime", "created orderdate time date"),
}
_LOCAL = _ORDER | {
    "trade_id": ("tradeid",),
    "action": ("action",),
    "last_activity_at": (
        "lastactivityat",
        "updatedat lastupdatetimestamp",
        "lasttradetimestamp orderupdatedate",
    ),
    "venue_updated_at": ("venueupdatedat",),
    "previous_venue_order_ids": ("previousvenueorderids",),
    "version": ("version",),
}
_VENUE = _ORDER | {
    "status_reason": ("statusreason rejectreason", "reason"),
    "intent": ("positionintent", "intent"),
    "reduce_only": ("reduceonly",),
    "replaces": ("replaces",),
    "replaced_by": ("replacedby",),
    "parent_venue_order_id": ("parentvenueorderid parentorderid",),
    "updated_at": ("updatedat lastupdatetimestamp", "lasttradetimestamp"),
}
_FILL = {
    "fill_id": ("fillid execid executionid", "tradeid", "id"),
    "venue_order_id": ("venueorderid exchangeorderid", "orderid order"),
    "client_order_id": _IDS["client_order_id"],
    "symbol": ("symbol", "symbolname", "pair ticker instrument"),
    "side": ("side",),
    "qty": ("qty quantity", "amount size"),
    "price": ("price",),
    "fee": ("fee feecost commission",),
    "fee_currency": ("feecurrency commissionasset",),
    "filled_at": ("filledat transactiontime executedat", "timestamp datetime", "time date"),
    "inferred": ("inferred",),
}
MEANINGS: dict[Source, dict[str, tuple[str, ...]]] = {
    Source.LOCAL: _LOCAL,
    Source.VENUE: _VENUE,
    Source.FILLS: _FILL,
    Source.LOCAL_FILLS: _FILL,
    Source.POSITIONS: {
        "symbol": ("symbol", "symbolname", "pair ticker instrument"),
        "qty": ("qty quantity contracts positionamt", "amount size"),
        "side": ("positionside", "side"),
        "hedged": ("hedged",),
        "avg_entry_price": ("avgentryprice entryprice",),
        "mark_price": ("markprice", "currentprice lastprice"),
    },
    Source.TRADES: {
        "trade_id": ("tradeid", "id"),
        "symbol": ("symbol", "symbolname", "pair ticker instrument"),
        "side": ("side",),
        "status": ("status state", "isopen"),
        "entry_qty": ("entryqty", "qty quantity amount"),
        "exit_qty": ("exitqty",),
        "entry_avg_price": ("entryavgprice entryprice openrate",),
        "fee_base_qty": ("feebaseqty",),
        "quarantined_by": ("quarantinedby",),
        "opened_at": ("openedat opendate", "createdat"),
        "version": ("version",),
    },
}

Overrides = Mapping[tuple[Source, str], str]  # (file, meaning) → column, or "" for none


class Columns(Struct, frozen=True):
    """The rows of one file with what their columns mean. `taken`: meaning → columns that carry it."""

    source: Source
    rows: Rows
    taken: dict[str, list[str]]

    @property
    def ignored(self) -> list[str]:
        """Columns that say something, and that nothing was taken from."""
        used = {column for columns in self.taken.values() for column in columns}
        return [column for column in filled_columns(self.rows) if column not in used]

    def place(self, row: Row) -> str:
        return f"{self.rows.name} row {row.number}"

    def text(self, row: Row, meaning: str, canonical: Callable[[str], str] = str) -> str | None:
        """What the row says for this meaning, canonical; null where it says nothing. Raises InputError."""
        found: tuple[str, str] | None = None
        for column in self.taken.get(meaning, ()):
            raw = row.cells.get(column)
            if raw is None:
                continue
            try:
                value = canonical(raw)
            except ValueError as fault:
                raise InputError(str(fault), f"{self.place(row)}, {column}") from fault
            if found is not None and found[1] != value:
                raise self._contradiction(row, meaning, found[0], column)
            found = found or (column, value)
        return None if found is None else found[1]

    def _contradiction(self, row: Row, meaning: str, one: str, other: str) -> InputError:
        return InputError(
            f"{one} is {row.cells[one]!r} but {other} is {row.cells[other]!r}, and both can be the {meaning}; "
            f"say --map {self.source}.{meaning}={one} or ={other}",
            self.place(row),
        )


def filled_columns(rows: Rows) -> list[str]:
    """The columns that are not empty in every row, in order."""
    filled = {column for row in rows.rows for column, text in row.cells.items() if text is not None}
    return [column for column in rows.columns if column in filled]


def take_columns(source: Source, rows: Rows, overrides: Overrides) -> Columns:
    """Decides what each column means, by the table and then by the user's `--map`."""
    filled = [
        column for column in rows.columns if any(row.cells.get(column) is not None for row in rows.rows)
    ]
    by_token: dict[str, list[str]] = {}
    for column in filled:
        by_token.setdefault(symbol_token(column), []).append(column)
    taken = {}
    for meaning, tiers in MEANINGS[source].items():
        columns = _first_tier(tiers, by_token)
        if (source, meaning) in overrides:
            columns = _overridden(source, meaning, overrides[source, meaning], rows)
        if columns:
            taken[meaning] = columns
    return Columns(source, rows, taken)


def _first_tier(tiers: tuple[str, ...], by_token: dict[str, list[str]]) -> list[str]:
    for tier in tiers:
        columns = [column for token in tier.split() for column in by_token.get(token, ())]
        if columns:
            return columns
    return []


def _overridden(source: Source, meaning: str, column: str, rows: Rows) -> list[str]:
    if not column:
        return []
    if column not in rows.columns:
        fault = f"{rows.name} has no column {column!r}; it has {', '.join(rows.columns)}"
        raise InputError(fault, f"--map {source}.{meaning}")
    return [column]


def read_overrides(texts: tuple[str, ...]) -> dict[tuple[Source, str], str]:
    """`("local.qty=size",)` as overrides. Raises InputError for a file or meaning that does not exist."""
    overrides = {}
    for text in texts:
        target, equals, column = text.partition("=")
        source_text, _, meaning = target.partition(".")
        if not equals or source_text not in list(Source) or meaning not in MEANINGS[Source(source_text)]:
            raise InputError(_override_help(source_text), f"--map {text}")
        overrides[Source(source_text), meaning] = column
    return overrides


def _override_help(source_text: str) -> str:
    if source_text not in list(Source):
        return f"expected FILE.MEANING=COLUMN with FILE one of {', '.join(Source)}"
    return f"expected {source_text}.MEANING=COLUMN with MEANING one of {', '.join(MEANINGS[Source(source_text)])}"
