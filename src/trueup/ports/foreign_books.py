"""Somebody else's books: the bot's own tables, freqtrade's or Hummingbot's database.

trueup's own tables are a *mirror* of them, and all that plans and commits works on the mirror:

    read → take_in (one fenced transaction) → books.read … plan … → commit → write_back → notify

What a kind of books has to do, and what it need not know:

- It translates rows into `ForeignRow`s and values into columns. It never decides what a row should say, and keeps
  nothing between calls: which rows are known, with which fingerprint, is remembered by the ledger.
- **Fingerprint**: a digest of the row's mapped raw values (and of its fills, where it carries any), the same for two
  reads of an untouched row, another one as soon as the bot changes what is mapped. Unmapped columns are left out.
- **Key**: the row's primary key as text, the same for the life of the row, unique within the books' `source`.
- A row that is read with its remembered fingerprint is untouched. Any other is the bot's word, and is laid over the
  mirror: terms, ids, status, and the quantity filled also downward. A live row that is read no more is asked for by its
  key; where it is gone it is `row_removed`: told, and never inserted again unless a person says so.
- **Writing** is compare-and-set, one transaction per order in the bot's database: the row still has the fingerprint
  that was judged → set; it has what would be set already → delivered; anything else → moved, nothing is written.
  Values are set, never added. After writing the row is read back in the same transaction; only where this call set it,
  for a row that had it already may have been written by the bot since.

Amounts are canonical decimal text, times RFC 3339 UTC, as in a snapshot. Sync; called in a thread, one call at a time
for one account. Every method may raise LedgerError: then nothing of the run is judged.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct

from trueup.model.plan import Plan
from trueup.model.snapshot import Fill, Instrument, LocalOrder, Profile, Snapshot, Trade
from trueup.ports.clock import Clock

FILLS = "fills"  # among the writable keys: fills that were booked are inserted


class WriteMode(StrEnum):
    """How a repair reaches the bot. `never`: it is reported; `ask`: by the bot's own API; `tables`: by its columns."""

    NEVER = "never"
    ASK = "ask"
    TABLES = "tables"


class BooksTraits(Struct, frozen=True, kw_only=True):
    """What one kind of books can do, as it is configured. Order keys are the names of `LocalOrder`.

    `source` names these books within their account; `profile_ids`: whose rows they hold. `order_keys`: what rows
    carry; of all other keys the mirror keeps what it has. `writable_keys`: those of them that a repair may set, with
    `fills` where fills may be inserted. `trade_keys`: those of a trade that a repair may set, in a row of its own.
    `inserts`: orders that only the venue knew may be inserted; only where a unique key protects the bot's own late row.
    `together`: these tables are in the ledger's own database: rows are locked, compared and written in its transaction.
    `stops_keep_id`: a stop and the order that it placed when it triggered are one row, under the stop's id.
    `decimals`: after how many places these books cut amounts off; what is beyond is not known to them.
    `mapped`: a person said what columns and words mean: where the rows cannot be that, nothing of them is judged.
    """

    kind: str
    source: str
    profile_ids: frozenset[str]
    write: WriteMode = WriteMode.NEVER
    order_keys: frozenset[str]
    writable_keys: frozenset[str] = frozenset()
    trade_keys: frozenset[str] = frozenset()
    inserts: bool = False
    together: bool = False
    mapped: bool = False
    decimals: int | None = None
    stops_keep_id: bool = False

    @property
    def inserts_fills(self) -> bool:
        """Whether fills that were booked reach these books."""
        return self.write is WriteMode.TABLES and FILLS in self.writable_keys


class SetRow(Struct, frozen=True, gc=False, kw_only=True):
    """A row as it is remembered: by what it is known, and what it said."""

    key: str
    fingerprint: str


class ForeignRow(SetRow, frozen=True, gc=False, kw_only=True):
    """One order as the bot's row says it.

    `order`: `version` and `last_activity_at` are not looked at. `changed_at`: the row's own time of its last change,
    where such a column is mapped and its clock is known; null: the moment of taking in counts as activity. `fills`: the
    order's fills where the books record them, else null.
    """

    profile_id: str
    order: LocalOrder
    changed_at: str | None = None
    fills: list[Fill] | None = None


class ForeignTrade(Struct, frozen=True, kw_only=True):
    """What the books say of a trade besides its orders. Quantities are not looked at: a trade is the sum of its orders.

    Books without trades give none; then a trade's symbol and side are those of its first entry.
    """

    profile_id: str
    trade: Trade


class UnclearRow(Struct, frozen=True, kw_only=True):
    """A row that says nothing certain (a status word without a meaning, a text where a number belongs): it is told.

    Its order exists: its ids count as existing, nothing of it is judged, and nothing is inserted in its place.
    `profile_id` null: nothing says whose it is, and every profile of these books is told.
    """

    key: str
    message: str
    profile_id: str | None = None
    venue_order_id: str | None = None
    client_order_id: str | None = None


class ForeignRead(Struct, frozen=True, kw_only=True):
    """Rows of one moment. `cursor`: what the next read is given as `since`; null: changes cannot be told."""

    rows: list[ForeignRow] = []
    trades: list[ForeignTrade] = []
    unclear: list[UnclearRow] = []
    cursor: str | None = None


class WriteBack(Struct, frozen=True, kw_only=True):
    """What a commit wants of one row: committed with the mirror, and set until it is set, moved or refused for good.

    `key` and `judged` (the fingerprint) are null for an order to be inserted. `values`: order key → new value (text,
    null, or a list of texts), only what a correction changed and only writable keys; of an insert all that is known.
    `fills`: what was booked or amended, where the books record fills. `order`: the whole of it, as the mirror has it.
    `trade_before` and `trade_after`: its trade in the mirror; books that store a trade's quantities set them from the
    second, where they are as in the first. Where the trade alone changed there are neither values nor fills, and the
    row is that of one of its orders.
    """

    sequence: int
    profile_id: str
    key: str | None
    judged: str | None
    values: dict[str, Any]
    order: LocalOrder
    fills: list[Fill] = []
    trade_before: Trade | None = None
    trade_after: Trade | None = None


class WriteOutcome(StrEnum):
    """`delivered`: set now, or it was so already. `moved`: the row is another than was judged, or gone: nothing set.
    `refused`: for good (rights, a constraint, a column that cannot hold it). `failed`: try again later."""

    DELIVERED = "delivered"
    MOVED = "moved"
    REFUSED = "refused"
    FAILED = "failed"


class WriteResult(Struct, frozen=True, gc=False, kw_only=True):
    """`row`: as it was read back in the same transaction, where this call set it: that is remembered as ours.

    Null where it was so already: since whenever that was, the bot may have written, too, and its word counts. `error`:
    why it was not delivered, for a person.
    """

    sequence: int
    outcome: WriteOutcome
    row: SetRow | None = None
    error: str | None = None


class RepairAsked(Struct, frozen=True, kw_only=True):
    """One thing asked of the bot's own API, or not asked yet. `what` and `outcome` are for a person's eye."""

    profile_id: str
    trade_id: str | None = None
    symbol: str | None = None
    what: str
    outcome: str
    changed: bool = False  # its rows are to be read again


class ForeignBooks(Protocol):
    """One bot's books, or those of several profiles of one account."""

    @property
    def traits(self) -> BooksTraits:
        """What these books can do; the same for as long as they are open."""
        ...

    def read(self, since: str | None, recent_s: float) -> ForeignRead:
        """All live rows; those that ended or changed within `recent_s` seconds, where a column tells; every order of a
        trade that the books hold open; and, with `since` (a cursor), what changed after it. One read transaction.

        Rows that are sure to be untouched need not be left out: their fingerprints tell. Ends before the venue is read.
        """
        ...

    def find(
        self, *, keys: Sequence[str] = (), ids: Sequence[str] = (), trade_ids: Sequence[str] = ()
    ) -> ForeignRead:
        """Rows by their keys; by either order id, however the id is padded or cased; all orders of trades."""
        ...

    def is_removal_normal(self, order: LocalOrder) -> bool:
        """Whether these books drop such a row by themselves (freqtrade: an entry that filled nothing)."""
        ...

    def lock(self, keys: Sequence[str], within: Any) -> dict[str, str]:
        """Key → fingerprint as it stands now, the rows locked until the end of the ledger's transaction.

        Only where `traits.together`. `within`: the driver's connection of that transaction. A row that is gone is left
        out.
        """
        ...

    def write_back(self, writes: Sequence[WriteBack], within: Any = None) -> list[WriteResult]:
        """One result for each write, in their order. `within`: the ledger's transaction where `traits.together`, and
        then a refusal leaves it usable (a savepoint); null: each order is a transaction of its own, and where the bot's
        database lets none through the results end: what has none was not tried.
        """
        ...

    def ask(self, snapshot: Snapshot, plan: Plan) -> list[RepairAsked]:
        """Lets the bot itself repair what a plan found, by its own API; only with write mode `ask`, after the plan was
        committed as dry. Called for each profile in every run: how long drift stands is in the snapshot's `prior`.
        """
        ...

    def close(self) -> None:
        """Frees what is open; nothing may be called after it."""
        ...


@runtime_checkable
class SnappingBooks(Protocol):
    """Books with amounts in float columns, which are snapped to the venue's steps and ticks as they are read."""

    @property
    def knows_instruments(self) -> bool:
        """Whether they were told; the first read waits for it, as long as the venue answers."""
        ...

    def know_instruments(self, instruments: Sequence[Instrument]) -> None:
        """Between two reads. Rows whose amounts read otherwise by them have another fingerprint."""
        ...


class BooksSettings(Struct, frozen=True, kw_only=True):
    """What an entry point of the group `trueup.books` is called with; it returns a `ForeignBooks`.

    `profiles`: whose rows these books hold; of several each row must say whose it is. `credentials` are read already;
    `folder` is where relative paths begin. `ledger_url`: where the ledger is, to tell whether both are one database.
    """

    account_id: str
    profiles: Sequence[Profile]
    source: str
    write: WriteMode = WriteMode.NEVER
    options: Mapping[str, Any] = {}
    credentials: Mapping[str, str] = {}
    folder: str = "."
    ledger_url: str = ""
    clock: Clock

    def __repr__(self) -> str:
        return f"BooksSettings({self.account_id!r}, {self.source!r}, credentials hidden)"
