"""What the engine and the ledger hand each other to keep a mirror of a bot's own books. Values only."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from trueup.model.snapshot import LocalOrder
from trueup.ports.foreign_books import ForeignRow, ForeignTrade


class KnownRow(Struct, frozen=True, kw_only=True):
    """A row as it was last taken in."""

    fingerprint: str
    removed: bool = False


class Taking(Struct, frozen=True, kw_only=True):
    """Rows of one read that are the bot's word, to be laid over the mirror in one fenced transaction.

    `keys`: the order keys that rows carry. `gone`: keys of rows that were live and are no more there;
    `is_removal_normal` says whether the bot drops such a row by itself. `cursor`: how far the books were read.
    `fills_are_whole`: fills that are booked are inserted there, so that rows which carry fills name all of them.
    """

    account_id: str
    source: str
    keys: frozenset[str]
    rows: Sequence[ForeignRow] = ()
    trades: Sequence[ForeignTrade] = ()
    gone: Sequence[str] = ()
    is_removal_normal: Callable[[LocalOrder], bool] = lambda order: False
    cursor: str | None = None
    fills_are_whole: bool = False


class RowConflict(Struct, frozen=True, kw_only=True):
    """A row that was not taken in: another row, or another profile's order, has its ids."""

    profile_id: str
    row_key: str
    order: LocalOrder
    message: str


class TakenIn(Struct, frozen=True, kw_only=True):
    """What one taking-in did. `orders`: how many changed in the mirror."""

    orders: int = 0
    removed: int = 0
    conflicts: list[RowConflict] = []
