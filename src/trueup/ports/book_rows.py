"""Rows of the books on their way through a commit: as they stand, and as they shall be. Values only.

A row carries its key and the version that the order log holds of it; a write carries the row before and the value
after, so that whoever writes can insist that nothing moved between.
"""

from collections.abc import Sequence

from msgspec import Struct

from trueup.model.plan import Correction
from trueup.model.snapshot import Fill, LocalOrder, Trade

FillIdentity = tuple[str, str, str]  # instrument token, order identity, fill id in its comparable form


class Place(Struct, frozen=True, kw_only=True):
    """Whose books one transaction is about, and its time by the ledger's clock (RFC 3339, nine digits)."""

    account_id: str
    profile_id: str
    now: str


class OrderRow(Struct, frozen=True, gc=False):
    """An order as it stands. `logged_version` below its own version: somebody wrote past the log."""

    order_key: int
    profile_id: str
    logged_version: int
    order: LocalOrder


class FillRow(Struct, frozen=True, gc=False):
    """A fill as it stands, on the order of that key; its identity within the account besides."""

    instrument: str
    order_identity: str
    fill_identity: str
    order_key: int
    fill: Fill

    @property
    def identity(self) -> FillIdentity:
        """What makes it one execution within its account."""
        return (self.instrument, self.order_identity, self.fill_identity)


class TradeRow(Struct, frozen=True, gc=False):
    """A trade as it stands. `logged_version` below its own version: somebody wrote past the log."""

    logged_version: int
    trade: Trade


class WantedRows(Struct, frozen=True, kw_only=True):
    """What a plan would change, by ids in their comparable form (`model.ids`)."""

    venue_ids: Sequence[str]
    client_ids: Sequence[str]
    trade_ids: Sequence[str]
    fill_identities: Sequence[FillIdentity]


class BookRows(Struct):
    """What the books hold now of everything a plan would change. `fills`: those of the orders."""

    orders: list[OrderRow]
    trades: list[TradeRow]
    fills: list[FillRow]
    named_fills: list[FillRow] = []  # booked under the identity of a wanted fill, on whatever order
    moved: frozenset[int] = frozenset()  # keys of orders that another program's row of theirs has overtaken
    unseen_trades: frozenset[str] = frozenset()  # not closed, and opened since the plan's snapshot was read
    # comparable ids of orders, and of trades, whose repair was undone since then
    undone: frozenset[str] = frozenset()
    undone_trades: frozenset[str] = frozenset()


class OrderWrite(Struct, gc=False):
    """One order to insert (`before` null) or update, with the fills that this books, amends and takes back.

    `order_key` is the writer's. `removes`: the row is taken away with all its fills; `after` is what it was last.
    """

    before: OrderRow | None
    after: LocalOrder
    new_fills: Sequence[tuple[FillIdentity, Fill]] = ()
    amended_fills: Sequence[tuple[FillRow, Fill]] = ()
    corrections: Sequence[Correction] = ()
    order_key: int = 0
    dropped_fills: Sequence[FillRow] = ()  # by a bot's own word, or a person's
    removes: bool = False  # by a person only, who undoes what inserted it


class TradeWrite(Struct, gc=False):
    """The same of a trade."""

    before: TradeRow | None
    after: Trade
    corrections: Sequence[Correction] = ()
    removes: bool = False
