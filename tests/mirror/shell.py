"""What every test of mapped tables needs around them: a venue, and an account whose bot has tables of its own."""

from collections.abc import Callable, Sequence
from typing import Any

from trueup.books.tables.mapping import decode_mapping
from trueup.books.tables.tables_books import TablesBooks
from trueup.engine.run.account import ManagedAccount, ManagedProfile
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.model.policy import Policy
from trueup.model.snapshot import (
    Fill,
    HistoryRead,
    Instrument,
    OrdersRead,
    PositionsRead,
    Profile,
    VenueAnswer,
    VenueOrder,
)
from trueup.model.vocabulary import LIVE, Outcome, QueryBy, ReadState, Side, Status
from trueup.ports.foreign_books import BooksSettings, WriteMode
from trueup.service.clock import SystemClock

SENT = "2025-11-24T12:00:00Z"
PROFILE = Profile(profile_id="mom", venue="sim", account_id="a")
POLICY = Policy(
    recent_activity_window_s=0, coverage_enabled=False, exit_backfill_enabled=False, parity_enabled=False
)


def told_order(number: int | str, filled: int, ended: Status | None) -> VenueOrder:
    """Order `number` as the venue has it: a buy of 10 at 1000."""
    live = Status.PARTIALLY_FILLED if filled else Status.PENDING_NEW
    return VenueOrder(
        venue_order_id=f"v-{number}", client_order_id=f"c-{number}", symbol="ETH/USD", side=Side.BUY,
        order_type="limit", qty="10", limit_price="1000", status=ended or live, filled_qty=str(filled),
        filled_avg_price="1000" if filled else None, submitted_at=SENT, updated_at=SENT,
    )  # fmt: skip


class Shell:
    """A venue of some orders and fills. `meanwhile`: what the bot does while it is being read."""

    name = "exchange"

    def __init__(self) -> None:
        self.meanwhile: Callable[[], object] = lambda: None

    def orders(self) -> Sequence[VenueOrder]:
        """Each once, with its venue order id."""
        raise NotImplementedError

    def fills(self) -> Sequence[Fill]:
        return ()

    async def account_id(self) -> str:
        return "a"

    async def now_ns(self) -> None:
        return None

    async def instruments(self) -> list[Instrument]:
        return []

    async def open_orders(self) -> OrdersRead:
        rows = [one for one in self.orders() if one.status in LIVE]
        self.meanwhile()
        return OrdersRead(state=ReadState.COMPLETE, rows=rows)

    async def history(self, since: str | None, symbol: str | None = None) -> HistoryRead:
        ended = [one for one in self.orders() if one.status not in LIVE]
        return HistoryRead(state=ReadState.COMPLETE, orders=ended, fills=list(self.fills()))

    async def positions(self) -> PositionsRead:
        return PositionsRead(error="not read")

    async def find_order(self, by: QueryBy, order_id: str, symbol: str | None = None) -> VenueAnswer:
        number = order_id.partition("-")[2]
        (found,) = [one for one in self.orders() if one.venue_order_id == f"v-{number}"]
        return VenueAnswer(by=by, id=order_id, outcome=Outcome.FOUND, order=found)

    async def aclose(self) -> None:
        return


def account_of(
    address: str, tree: dict[str, Any], venue: Shell, ledger: SqlLedger, *, ledger_url: str = "", **more: Any
) -> tuple[ManagedAccount, TablesBooks]:
    """`tree`: the mapping of the tables at this address, which repairs set."""
    ledger.journal.ensure_profiles([PROFILE])
    settings = BooksSettings(
        account_id="a", profiles=[PROFILE], source="b", write=WriteMode.TABLES, clock=SystemClock(),
        ledger_url=ledger_url,
    )  # fmt: skip
    books = TablesBooks(settings, decode_mapping(tree, "b"), address)
    account = ManagedAccount(
        account_id="a", profiles=[ManagedProfile(profile=PROFILE, policy=POLICY)], venue=venue, ledger=ledger,
        clock=SystemClock(), foreign=[books], **more,
    )  # fmt: skip
    return account, books
