"""A ledger on the bench: one account, a bot's recorder, a venue that says what the test says, and the real core."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from trueup.core.make_plan import make_plan
from trueup.engine.recorder.recorder import Recorder
from trueup.model.check_snapshot import check_snapshot
from trueup.model.plan import Plan
from trueup.model.policy import Policy
from trueup.model.snapshot import (
    SNAPSHOT_FORMAT,
    Fill,
    HistoryRead,
    LocalOrder,
    OrdersRead,
    Profile,
    Snapshot,
    Trade,
    Venue,
    VenueOrder,
)
from trueup.model.times import from_ns
from trueup.model.vocabulary import Action, PositionSide, ReadState, Side, Status
from trueup.ports.records import ApplyReport, Lease
from trueup.testing.ledgers.store import SteppedClock, Store

ACCOUNT = "acc-1"
BOT = Profile(profile_id="mom-1", user_id="u-7", venue="sim", account_id=ACCOUNT)
OTHER = Profile(profile_id="mean-2", user_id="u-8", venue="sim", account_id=ACCOUNT)
RECENT_S = 600.0
EVERY_TABLE = (
    *(
        "accounts",
        "profiles",
        "watermarks",
        "trades",
        "orders",
        "previous_ids",
        "fills",
        "order_log",
        "leases",
    ),
    *("runs", "breaks", "exit_audit", "decisions", "outbox", "alerts", "deferrals"),
)


class Bench:
    def __init__(self, store: Store, clock: SteppedClock) -> None:
        self.store = store
        self.clock = clock
        self.ledger = store.open(clock)
        self.bot = Recorder(self.ledger, BOT)

    # what the bot does

    def record_trade(self, trade_id: str = "t-1", symbol: str = "ETH/USD") -> Trade | None:
        return self.bot.open_trade(trade_id, symbol, PositionSide.LONG)

    def record_order(self, name: str = "1", **keys: Any) -> LocalOrder:
        """`b1-<name>`, acknowledged as `v-<name>`; ten at 1000, of trade t-1."""
        given: dict[str, Any] = {
            "client_order_id": f"b1-{name}",
            "trade_id": "t-1",
            "symbol": "ETH/USD",
            "side": Side.BUY,
            "action": Action.ENTRY,
            "order_type": "limit",
            "qty": "10",
            "limit_price": "1000",
            "status": Status.PENDING_NEW,
        }
        order = self.bot.record_order(LocalOrder(**{**given, **keys}))
        return self.bot.record_acknowledgement(order.client_order_id or "", f"v-{name}")

    def settle(self, seconds: float = 60) -> None:
        """Let the bot's activity become old, but still read."""
        self.clock.pass_s(seconds)

    # what the venue says

    def venue_order(self, name: str = "1", **keys: Any) -> VenueOrder:
        given: dict[str, Any] = {
            "venue_order_id": f"v-{name}",
            "client_order_id": f"b1-{name}",
            "symbol": "ETH/USD",
            "side": Side.BUY,
            "order_type": "limit",
            "qty": "10",
            "limit_price": "1000",
            "status": Status.PENDING_NEW,
            "filled_qty": "0",
            "submitted_at": "2026-11-23T11:00:00Z",
            "updated_at": from_ns(self.clock()),
        }
        return VenueOrder(**{**given, **keys})

    def fill(self, fill_id: str, qty: str, price: str = "1000", name: str = "1", **keys: Any) -> Fill:
        return Fill(
            fill_id=fill_id,
            venue_order_id=f"v-{name}",
            symbol=keys.pop("symbol", "ETH/USD"),
            side=Side.BUY,
            qty=qty,
            price=price,
            filled_at=from_ns(self.clock()),
            **keys,
        )

    # what trueup does

    def snapshot(
        self,
        orders: Sequence[VenueOrder] = (),
        fills: Sequence[Fill] = (),
        profile: Profile = BOT,
        **policy: Any,
    ) -> Snapshot:
        now = self.ledger.now()
        local = self.ledger.books.read(ACCOUNT, [profile.profile_id], RECENT_S)[profile.profile_id]
        decisions = self.ledger.journal.standing_decisions([profile.profile_id])
        local = replace(local, decisions=decisions.get(profile.profile_id, []))
        state = self.ledger.journal.profile_states([profile.profile_id])[profile.profile_id]
        history = HistoryRead(state=ReadState.COMPLETE, read_at=now, fills=list(fills))
        return check_snapshot(
            Snapshot(
                format=SNAPSHOT_FORMAT,
                taken_at=now,
                profile=profile,
                policy=Policy(**policy),
                local=local,
                venue=Venue(
                    open_orders=OrdersRead(state=ReadState.COMPLETE, read_at=now, rows=list(orders)),
                    history=history,
                ),
                prior=state.prior,
            )
        )

    def plan(
        self, orders: Sequence[VenueOrder] = (), fills: Sequence[Fill] = (), **policy: Any
    ) -> tuple[Snapshot, Plan]:
        """Local questions are answered by the ledger; the venue's stay open."""
        snapshot = self.snapshot(orders, fills, **policy)
        plan = make_plan(snapshot)
        asked = [order_id for query in plan.queries for order_id in query.ids or []]
        if not asked:
            return snapshot, plan
        profile_id = snapshot.profile.profile_id
        answers = self.ledger.books.find(ACCOUNT, {profile_id: asked})[profile_id]
        found = [answer.order for answer in answers if answer.order is not None]
        related = self.ledger.books.related(ACCOUNT, profile_id, found)
        local = replace(
            snapshot.local,
            answers=answers,
            fills=snapshot.local.fills + related[0],
            trades=snapshot.local.trades + related[1],
        )
        snapshot = check_snapshot(replace(snapshot, local=local))
        return snapshot, make_plan(snapshot)

    def lease(self, holder: str = "h-1", ttl_s: float = 30) -> Lease:
        lease = self.ledger.journal.acquire_lease(ACCOUNT, holder, ttl_s)
        assert lease is not None
        return lease

    def commit(self, planned: tuple[Snapshot, Plan], lease: Lease | None = None, **keys: Any) -> ApplyReport:
        """Under a lease of its own, unless one is given."""
        own = lease is None
        lease = lease or self.lease()
        report = self.ledger.commit_run(lease, *planned, **{"state": "applied", **keys})
        if own:
            self.ledger.journal.release_lease(lease, {})
        return report

    # what the books say

    def order(self, name: str = "1") -> LocalOrder:
        ((_, order),) = self.ledger.books.find_order(f"v-{name}")
        return order

    def trade(self, trade_id: str = "t-1", profile: Profile = BOT) -> dict[str, Any]:
        (row,) = [
            one for one in self.ledger.export("trades", profile.profile_id) if one["trade_id"] == trade_id
        ]
        return row

    def fills(self) -> list[tuple[str, str, bool]]:
        """Fill id, effective quantity and whether inferred, in order of booking."""
        return [(row["fill_id"], row["qty"], row["inferred"]) for row in self.ledger.export("fills")]

    def contents(self, *but: str) -> dict[str, list[tuple]]:
        """Every row of every table, but of these."""
        return {
            table: sorted(self.store.execute(f"SELECT * FROM {table}"), key=repr)
            for table in EVERY_TABLE
            if table not in but
        }

    def assert_log_is_true(self, profile: Profile = BOT) -> None:
        assert self.ledger.journal.verify_log(profile.profile_id).broken is None
        folded = self.ledger.fold_log(profile.profile_id)
        assert folded.contradictions == []
        assert (folded.unlogged, folded.trades) == ([], [])
