"""Rows of the books by the text they were read from: most are as they were at the last read, and not decoded again.

Equal texts are equal rows, whatever became of the database in between. Knows neither statements nor judgements.
"""

from collections.abc import Sequence
from typing import Generic

import msgspec

from trueup.ledgers.sql.database import read_document
from trueup.ledgers.sql.rows import Stored
from trueup.model.snapshot import Fill, LocalOrder, Trade

ROWS_KEPT_MAX = 10_000  # of a kind and account: 2 KiB each, and not held twice while a larger list is read


class _OrderColumns(LocalOrder, frozen=True, gc=False, kw_only=True, array_like=True):
    """A row as SQL gives it: half the text of an object with keys, which takes half the time to make and read."""


class _FillColumns(Fill, frozen=True, gc=False, kw_only=True, array_like=True):
    pass


class _TradeColumns(Trade, frozen=True, gc=False, kw_only=True, array_like=True):
    pass


class KnownRows(Generic[Stored]):
    """The last read's rows of one kind. `columns`: the kind itself, in an array."""

    def __init__(self, kind: type[Stored], columns: type[Stored]) -> None:
        self._kind = list[kind]  # type: ignore[valid-type]
        self._decoder = msgspec.json.Decoder(list[columns])  # type: ignore[valid-type]
        self._known: dict[str, Stored] = {}

    def decode(self, texts: Sequence[str]) -> list[Stored]:
        """A read of the whole list, which is the known one from now on."""
        known = self._known
        all_known = self._with(known, texts)
        found = [all_known[text] for text in texts]
        if len(found) != len(known) or all_known is not known:
            self._known = dict(zip(texts, found, strict=True)) if len(found) <= ROWS_KEPT_MAX else {}
        return found

    def look_up(self, texts: Sequence[str]) -> list[Stored]:
        """Some rows, read between two reads of the whole."""
        known = self._with(self._known, texts)
        return [known[text] for text in texts]

    def _with(self, known: dict[str, Stored], texts: Sequence[str]) -> dict[str, Stored]:
        new = [text for text in texts if text not in known]
        if not new:
            return known
        columns = read_document(self._decoder, f"[{','.join(new)}]")
        rows: list[Stored] = msgspec.convert(columns, self._kind, from_attributes=True)
        return known | dict(zip(new, rows, strict=True))


class KnownBooks:
    """The last read of one account's books."""

    def __init__(self) -> None:
        self.orders = KnownRows(LocalOrder, _OrderColumns)
        self.fills = KnownRows(Fill, _FillColumns)
        self.trades = KnownRows(Trade, _TradeColumns)
