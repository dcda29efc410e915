"""When freqtrade is asked to reload a trade, and what came of it. One trade in one run.

A reload adopts any order of the pair since the trade opened, may take the wallet's amount, may cancel a stop or delete
the trade. So it is asked only where the drift has stood for several of the bot's loops, no order of the pair is known
that is not the bot's own, and freqtrade itself says that it trades live where the books say it does. Then the trade is
read again, and what changed is told.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from trueup.books.freqtrade.api import FreqtradeApi
from trueup.books.freqtrade.rows import trade_number
from trueup.model.errors import TrueupError
from trueup.model.ids import known_id, symbol_token
from trueup.model.plan import Break, Plan
from trueup.model.snapshot import LocalOrder, Snapshot
from trueup.model.times import NS_PER_S, to_ns
from trueup.model.vocabulary import BreakKind
from trueup.ports.foreign_books import ForeignRead, RepairAsked

# what a reload mends: it takes the venue's status, quantity and average of every order of the pair
_MENDED = (BreakKind.FILL_DRIFT, BreakKind.STATUS_DRIFT, BreakKind.RESURRECTED)
# what a reload would adopt or hide, or somebody has to look at first
_IN_THE_WAY = (
    BreakKind.FOREIGN_ORDER,
    BreakKind.MISSING_LOCALLY,
    BreakKind.UNCOVERED_ORDER,
    BreakKind.IDENTITY_CONFLICT,
    BreakKind.OVERFILL,
    BreakKind.VENUE_BEHIND,
)
State = tuple[str, str, str | None]  # status, filled quantity, average price


class ReloadOptions(Protocol):
    """What the configuration says of it."""

    @property
    def exchange(self) -> str: ...
    @property
    def trading_mode(self) -> str: ...
    @property
    def ask_after_s(self) -> float: ...


class AskReload:
    """Asks one bot. `fresh`: its rows of a trade, read again."""

    def __init__(
        self, api: FreqtradeApi, options: ReloadOptions, fresh: Callable[[str], ForeignRead]
    ) -> None:
        self._api = api
        self._options = options
        self._fresh = fresh
        self._first_seen: dict[str, str] = {}  # a plan's findings leave out what its corrections would mend

    def ask(self, snapshot: Snapshot, plan: Plan) -> list[RepairAsked]:
        """At most one reload; a trade that must not be reloaded is answered with the reason."""
        refused: list[RepairAsked] = []
        self._remember(snapshot, plan)
        for trade_id, symbol, standing_s in drifting_trades(snapshot, plan, self._first_seen):
            reason = self._why_not(snapshot, plan, symbol, standing_s)
            if reason is None:
                return [*refused, self._reload(plan.profile_id, trade_id, symbol)]
            refused.append(
                RepairAsked(
                    profile_id=plan.profile_id,
                    trade_id=trade_id,
                    symbol=symbol,
                    what="no reload",
                    outcome=reason,
                )
            )
        return refused

    def _remember(self, snapshot: Snapshot, plan: Plan) -> None:
        """Since when each break of this plan has stood; another process, or a break that went, begins anew."""
        known = self._first_seen | {
            one.break_id: one.first_seen_at for one in snapshot.prior if one.break_id is not None
        }
        self._first_seen = {one.break_id: known.get(one.break_id, plan.taken_at) for one in plan.breaks}

    def _why_not(self, snapshot: Snapshot, plan: Plan, symbol: str, standing_s: float) -> str | None:
        if standing_s < self._options.ask_after_s:
            return f"the drift stands for {standing_s:.0f} s of {self._options.ask_after_s:.0f}"
        token = symbol_token(symbol)
        for one in plan.breaks:
            if one.kind in _IN_THE_WAY and symbol_token(one.symbol or "") == token:
                name = one.venue_order_id or one.client_order_id
                return f"{one.kind} of {name}: a reload would adopt or hide it"
        others = unknown_orders(snapshot, token)
        if others:
            return f"the venue has {others[0]} of {symbol}, which freqtrade does not know: a reload would adopt it"
        return None

    def _reload(self, profile_id: str, trade_id: str, symbol: str) -> RepairAsked:
        number = trade_number(trade_id)
        what, changed = f"reload of trade {number}", False
        try:
            outcome = self.contradiction() if number is not None else "freqtrade has no such trade"
            if outcome is None and number is not None:
                before = _states(self._fresh(trade_id))
                changed = True  # whatever the answer says, or where none comes
                self._api.reload(number)
                after = _states(self._fresh(trade_id))
                outcome, changed = difference(before, after) or "nothing changed", before != after
        except TrueupError as fault:
            outcome = f"not known: {fault}" if changed else str(fault)
        return RepairAsked(
            profile_id=profile_id,
            trade_id=trade_id,
            symbol=symbol,
            what=what,
            outcome=str(outcome),
            changed=changed,
        )

    def contradiction(self) -> str | None:
        """What freqtrade's own configuration says against being the bot that the books are of. Raises VenueError."""
        config = self._api.show_config()
        mode = str(config.get("trading_mode", "spot")).lower()
        if config.get("dry_run") is not False:
            return "freqtrade says that it is a dry run"
        if config.get("exchange") != self._options.exchange or mode != self._options.trading_mode:
            return f"freqtrade says that it trades {config.get('exchange')} {mode}"
        if config.get("state") != "running":
            return f"freqtrade is {config.get('state')}"
        return None


def drifting_trades(
    snapshot: Snapshot, plan: Plan, first_seen: Mapping[str, str]
) -> list[tuple[str, str, float]]:
    """Trade id, symbol, and for how many seconds the oldest of its drift has stood; longest first."""
    now_ns = to_ns(plan.taken_at)
    trades: dict[str, tuple[str, float]] = {}
    for one in plan.breaks:
        order = _order_of(snapshot, one)
        if one.kind not in _MENDED or order is None or order.trade_id is None:
            continue
        stands_s = (now_ns - to_ns(first_seen[one.break_id])) / NS_PER_S
        known_s = trades.get(order.trade_id, ("", 0.0))[1]
        trades[order.trade_id] = (order.symbol or "", max(known_s, stands_s))
    found = [(trade_id, symbol, stands_s) for trade_id, (symbol, stands_s) in trades.items()]
    return sorted(found, key=lambda one: -one[2])


def _order_of(snapshot: Snapshot, found: Break) -> LocalOrder | None:
    wanted = known_id(found.venue_order_id)
    orders = [*snapshot.local.orders, *(one.order for one in snapshot.local.answers if one.order is not None)]
    return next(
        (one for one in orders if wanted is not None and known_id(one.venue_order_id) == wanted), None
    )


def unknown_orders(snapshot: Snapshot, token: str) -> list[str]:
    """The venue's orders of an instrument that are none of the local ones."""
    known = {known_id(one.venue_order_id) for one in snapshot.local.orders}
    known |= {known_id(one.order.venue_order_id) for one in snapshot.local.answers if one.order is not None}
    venue = snapshot.venue
    return [
        str(one.venue_order_id)
        for one in (*venue.open_orders.rows, *venue.history.orders)
        if symbol_token(one.symbol or "") == token and known_id(one.venue_order_id) not in known
    ]


def _states(read: ForeignRead) -> dict[str, State]:
    return {
        one.key: (one.order.status.value, one.order.filled_qty, one.order.filled_avg_price)
        for one in read.rows
    }


def difference(before: Mapping[str, State], after: Mapping[str, State]) -> str:
    """What a reload changed, order by order."""
    keys = sorted(before.keys() | after.keys())
    changed = [key for key in keys if before.get(key) != after.get(key)]
    return "; ".join(f"{key}: {_shown(before.get(key))} → {_shown(after.get(key))}" for key in changed)


def _shown(state: State | None) -> str:
    if state is None:
        return "not there"
    status, filled, average = state
    return f"{status} {filled}" + (f" at {average}" if average else "")
