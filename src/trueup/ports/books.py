"""What the bot recorded: orders, fills and trades, and how a run and a person read and write them.

These are trueup's own tables: either the bot itself writes them (`Recorder`), or they mirror somebody else's
(`ports.foreign_books`). Sync; from async code through `engine.in_thread`. Every method may raise LedgerError.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from trueup.model.plan import Break, Notification
from trueup.model.snapshot import (
    Fill,
    Local,
    LocalAnswer,
    LocalOrder,
    Trade,
)
from trueup.ports.book_rows import BookRows, OrderWrite, Place, TradeWrite, WantedRows
from trueup.ports.journal import OrderLog


class LocalRecord(Struct, frozen=True, kw_only=True):
    """One local order with its fills and its trade, as a bot's (or a person's) write finds them and leaves them.

    Of a trade that is not recorded yet it has the fills of all orders that name it. `breaks` and `notifications`: what
    the write reports, and what the bot is told of it.
    """

    order: LocalOrder | None = None
    fills: list[Fill] = []
    trade: Trade | None = None
    siblings: list[LocalOrder] = []  # the trade's other orders; read only
    breaks: list[Break] = []
    notifications: list[Notification] = []


class Books(Protocol):
    """Orders, fills and trades of all accounts. Reads are set-based: one statement per table and account."""

    def read(self, account_id: str, profile_ids: Sequence[str], recent_s: float) -> dict[str, Local]:
        """The local side of each profile: open orders, those active within `recent_s` seconds, their fills, and trades
        not closed or closed within that time; all as of one moment, `read_at`.

        Also fills `other_profiles_open_qty`. Extent is `all` only where the account holds nothing else. Decisions are
        the journal's, and stay empty.
        """
        ...

    def read_accounts(
        self, wanted: Mapping[str, Sequence[str]], recent_s: float
    ) -> dict[str, dict[str, Local]]:
        """The same of a batch of accounts, in one read for all. `wanted`: profile ids by account id."""
        ...

    def forget(self, account_id: str) -> None:
        """Frees what is kept in memory of the account's last read: it is not run here for now."""
        ...

    def find(self, account_id: str, ids: Mapping[str, Sequence[str]]) -> dict[str, list[LocalAnswer]]:
        """Each id as a venue's and as a client's, over all orders of the account: two answers an id, found or absent.

        The ids that each profile asks for, and its answers, by profile id; one read for all of them.
        An order of the profile is returned; one of another profile answers `found` with `order` null.
        """
        ...

    def related(
        self, account_id: str, profile_id: str, orders: Sequence[LocalOrder]
    ) -> tuple[list[Fill], list[Trade]]:
        """The fills booked in these orders and the trades they name: what a found local answer is judged with."""
        ...

    def find_order(self, order_id: str, profile_id: str | None = None) -> list[tuple[str, LocalOrder]]:
        """Profile id and order of all that have or had this venue or client order id, in any account."""
        ...

    def find_trade(self, trade_id: str, profile_id: str | None = None) -> list[tuple[str, Trade]]:
        """Profile id and trade of all that have this id."""
        ...

    def orders_of_trade(self, profile_id: str, trade_id: str) -> list[LocalOrder]:
        """Every order that names the trade, whatever its status."""
        ...

    def quarantined_trades(self, profile_id: str) -> list[Trade]:
        """Those that the bot must not manage, whoever quarantined them."""
        ...

    def rows(self, place: Place, wanted: WantedRows) -> BookRows:
        """The rows to change as they stand now, whoever wrote them; locked until the end where the database can.

        Inside a write transaction of the ledger. Includes the profile's orders that have no id at all.
        """
        ...

    def write(
        self,
        place: Place,
        orders: Sequence[OrderWrite],
        trades: Sequence[TradeWrite],
        log: OrderLog,
        check: Callable[[OrderWrite], None] | None = None,
    ) -> None:
        """Writes orders with their fills, and trades, and hands each to the log as it is written.

        Inside the transaction in which `rows` read them. What others wrote past the log is logged first. `check` looks
        at each order; what it raises rolls everything back. Raises Conflict where a row is not at the version that its
        write expects, or a fill was booked meanwhile.
        """
        ...
