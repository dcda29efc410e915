"""What the bot recorded: orders, fills and trades, and how they are read and written.

Sync; from async code through `asyncio.to_thread`.
"""

from collections.abc import Callable, Sequence
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


class Ledger(Protocol):
    """The tables that hold the local side. Sync; one statement per table for all profiles of an account."""

    def read_local(self, account_id: str, profile_ids: Sequence[str], recent_s: float) -> dict[str, Local]:
        """Open orders, orders active within `recent_s`, their fills, trades not closed or recently so, by profile id.

        Also fills `other_profiles_open_qty`, `decisions` (a person's, that stand) and `unsupported` (what these tables
        cannot hold). Extent is `open_and_recent` unless everything was returned.
        """
        ...

    def find_local(self, account_id: str, profile_id: str, ids: Sequence[str]) -> list[LocalAnswer]:
        """One set-based look-up by either id over all orders of the account.

        An order of this profile is returned; one of another profile answers `found` with `order` null.
        """
        ...

    def related(
        self, account_id: str, profile_id: str, orders: Sequence[LocalOrder]
    ) -> tuple[list[Fill], list[Trade]]:
        """The fills booked in these orders and the trades they name: what a found local answer is judged with."""
        ...

    def write_record(
        self,
        profile_id: str,
        event: str,
        change: Callable[[LocalRecord, str], LocalRecord],
        *,
        client_order_id: str | None = None,
        venue_order_id: str | None = None,
        trade_id: str | None = None,
        author: str | None = None,
        reason: str | None = None,
    ) -> LocalRecord:
        """A bot's write, with its row of the order log, in one transaction; or a person's, with `author` and `reason`.

        `change` is pure: from what the ids name (empty where nothing) and the ledger's time to what it shall be.
        Raises Conflict where the ids name two orders, or one of another profile.
        """
        ...

    def quarantined_trades(self, profile_id: str) -> list[Trade]: ...

    def now(self) -> str:
        """The database's clock, RFC 3339."""
        ...

    def close(self) -> None: ...
