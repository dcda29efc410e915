"""The facts: what a snapshot says, read once, for the lookups that all stages share. A plan changes nothing here.

The rows of a read that failed are left out: nothing follows from them.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cached_property

from msgspec.structs import replace

from trueup.model.id_pattern import IdPattern
from trueup.model.ids import (
    BegunDigest,
    are_apart,
    bare_identity,
    begin_digest,
    digest,
    end_digest,
    known_client_id,
    known_id,
    normal_id,
    plain_id,
    symbol_token,
)
from trueup.model.last_results import LastResults
from trueup.model.money import ZERO, amount, average_tolerance, divide, is_same
from trueup.model.snapshot import (
    Decision,
    Finding,
    Instrument,
    LocalOrder,
    Snapshot,
    Trade,
    VenueAnswer,
    VenueOrder,
)
from trueup.model.times import NS_PER_S, from_ns, to_ns
from trueup.model.vocabulary import BreakKind, DecisionKind, Outcome, QueryBy, ReadState

_SECONDS = len("2026-11-23T12:00:00")
Ids = tuple[str | None, str | None, str | None]  # client order id, venue order id, trade id


class Facts:
    """A snapshot's policy, instruments, decisions, prior findings and answers, by what they are asked for."""

    def __init__(
        self, snapshot: Snapshot, results: LastResults | None = None, *, has_own_ids: bool = False
    ) -> None:
        """`has_own_ids`: some ids are the core's own (`core.own_ids`); digests are of the plain ones."""
        self.results = results or LastResults()
        self.snapshot = snapshot = _without_failed_rows(snapshot)
        self.has_own_ids = has_own_ids
        self._digests_begun: dict[str | None, BegunDigest] = {}  # by symbol
        self.policy = snapshot.policy
        self.profile = snapshot.profile
        self.now_ns = to_ns(snapshot.taken_at)
        self._now_text = snapshot.taken_at[:_SECONDS]
        self._thresholds: dict[str | None, tuple[str, int]] = {}

    @cached_property
    def instruments(self) -> dict[str, Instrument]:
        return {symbol_token(one.symbol): one for one in self.snapshot.instruments}

    @cached_property
    def managed_tokens(self) -> frozenset[str] | None:
        managed = self.policy.managed_symbols
        return None if managed is None else frozenset(map(symbol_token, managed))

    @cached_property
    def owned_prefixes(self) -> tuple[str, ...]:
        return tuple(map(normal_id, self.policy.owned_client_order_id_prefixes))

    @cached_property
    def owned_sub_tags(self) -> frozenset[str]:
        return frozenset(map(normal_id, self.policy.owned_sub_tags))

    @cached_property
    def claimed_tokens(self) -> frozenset[str]:
        return frozenset(map(symbol_token, self.policy.claimed_symbols))

    @cached_property
    def pattern(self) -> IdPattern | None:
        text = self.policy.client_order_id_pattern
        return None if text is None else IdPattern(text)

    @cached_property
    def prior(self) -> list[Finding]:
        """The last run's findings. One that was first seen later than now (a clock was put back) is seen as of now."""
        now = self.snapshot.taken_at
        return [
            one
            if to_ns(one.first_seen_at) <= self.now_ns
            else replace(one, first_seen_at=now, last_seen_at=now)
            for one in self.snapshot.prior
        ]

    @cached_property
    def prior_by_id(self) -> dict[str, Finding]:
        return {one.break_id: one for one in self.prior if one.break_id is not None}

    @cached_property
    def prior_without_id(self) -> list[Finding]:
        return [one for one in self.prior if one.break_id is None]

    def in_scope(self, symbol: str | None) -> bool:
        managed = self.managed_tokens
        return managed is None or symbol is None or symbol_token(symbol) in managed

    @cached_property
    def decisions(self) -> dict[tuple[DecisionKind, str], Decision]:
        """A person's standing decisions, by what they are about; of two about one thing the later counts."""
        standing: dict[tuple[DecisionKind, str], Decision] = {}
        for one in sorted(
            self.snapshot.local.decisions, key=lambda each: (to_ns(each.decided_at), each.decision_id)
        ):
            if one.until is not None and to_ns(one.until) <= self.now_ns:
                continue
            for subject in (known_id(one.venue_order_id), known_client_id(one.client_order_id), one.break_id):
                if subject is not None:
                    standing[one.kind, subject] = one
        return standing

    @cached_property
    def holds(self) -> dict[str, list[Decision]]:
        """Undone repairs of orders, by comparable venue and client order id; mostly there is none."""
        held: dict[str, list[Decision]] = {}
        for one in self.snapshot.local.decisions:
            if one.kind is DecisionKind.HOLD_REPAIR:
                for name in (known_id(one.venue_order_id), known_client_id(one.client_order_id)):
                    if name is not None:
                        held.setdefault(name, []).append(one)
        return held

    @cached_property
    def trade_holds(self) -> dict[str, list[Decision]]:
        """The same of trades, by comparable trade id."""
        held: dict[str, list[Decision]] = {}
        for one in self.snapshot.local.decisions:
            of_order = one.venue_order_id is not None or one.client_order_id is not None
            if one.kind is DecisionKind.HOLD_REPAIR and not of_order:
                held.setdefault(known_id(one.trade_id) or "", []).append(one)
        return held

    def decision(self, kind: DecisionKind, order: LocalOrder | VenueOrder) -> Decision | None:
        """What a person decided of this order, by either of its ids."""
        if not self.snapshot.local.decisions:
            return None
        by_venue_id = self.decisions.get((kind, known_id(order.venue_order_id) or ""))
        return by_venue_id or self.decisions.get((kind, known_client_id(order.client_order_id) or ""))

    def is_unmapped(self, symbol: str | None) -> bool:
        """A symbol that a non-empty instruments list does not have."""
        return (
            bool(self.snapshot.instruments)
            and symbol is not None
            and symbol_token(symbol) not in self.instruments
        )

    def tolerance(self, symbol: str | None) -> Decimal:
        """Quantity that does not count on terminal orders and positions; none where steps are whole units."""
        instrument = self.instruments.get(symbol_token(symbol)) if symbol is not None else None
        if instrument is None or instrument.qty_step is None:
            return ZERO
        step = amount(instrument.qty_step)
        return ZERO if step == step.to_integral_value() else step * self.policy.qty_tolerance_steps

    def instrument(self, symbol: str | None) -> Instrument | None:
        return None if symbol is None else self.instruments.get(symbol_token(symbol))

    def quote(self, symbol: str) -> str | None:
        instrument = self.instrument(symbol)
        return None if instrument is None else instrument.quote

    def quote_currency(self, symbol: str | None) -> str | None:
        """The instrument's quote, else what stands behind the separator (`ETH/USD`)."""
        if symbol is None:
            return None
        known = self.quote(symbol)
        if known is not None:
            return known
        return symbol.rpartition("/")[2].upper() if "/" in symbol else None

    def on_grid(self, symbol: str | None, qty: Decimal) -> Decimal:
        """The quantity without noise: the number of steps that it is but for that, where the step is known."""
        instrument = self.instrument(symbol)
        step = ZERO if instrument is None else amount(instrument.qty_step)
        if step == 0:
            return qty
        nearest = divide(qty, step).to_integral_value() * step
        return nearest if is_same(nearest, qty) else qty

    def averages_differ(self, symbol: str | None, booked: Decimal, told: Decimal) -> bool:
        """Whether two averages differ by more than a tick, or where that is not known than a part of the price."""
        instrument = self.instrument(symbol)
        tick = ZERO if instrument is None else amount(instrument.price_tick)
        return abs(booked - told) > average_tolerance(told, tick)

    def fills_are_complete_since(self, time: str | None) -> bool:
        """Whether the history names every fill since then (null: since ever)."""
        history = self.snapshot.venue.history
        if history.state is not ReadState.COMPLETE:
            return False
        return history.since is None or (time is not None and to_ns(history.since) <= to_ns(time))

    def is_recent(self, order: LocalOrder, read_at: str | None) -> bool:
        """The bot touched the order at or after the venue's read, less the window: the read may not know of it."""
        return self.is_within_window(self.activity_at(order), read_at)

    def activity_at(self, order: LocalOrder) -> str | None:
        """When the bot last touched it; null where that is later than now by more than the window.

        Such a time was stamped by a clock that has been put back since, and would be recent for as long as that. Where
        the books were read by that clock, it was put back in the midst of the run: what it stamped since is recent.
        """
        time = order.last_activity_at
        if time is None or time[:_SECONDS] <= self._now_text:
            return time
        window_ns = round(self.policy.recent_activity_window_s * NS_PER_S)
        read_at = self.snapshot.local.read_at
        latest_ns = max(self.now_ns, self.now_ns if read_at is None else to_ns(read_at))
        return time if to_ns(time) <= latest_ns + window_ns else None

    def is_within_window(self, time: str | None, read_at: str | None) -> bool:
        """Whether a time is at or after a read (null: the plan's own time), less the recent-activity window."""
        if time is None:
            return False
        threshold = self._threshold(read_at)
        if time[:_SECONDS] != threshold[0]:  # whole seconds compare as text
            return time[:_SECONDS] > threshold[0]
        return to_ns(time) >= threshold[1]

    def window_start(self, read_at: str | None) -> str:
        """The second in which the recent-activity window of a read starts: what is before it as text is not recent."""
        return self._threshold(read_at)[0]

    def _threshold(self, read_at: str | None) -> tuple[str, int]:
        threshold = self._thresholds.get(read_at)
        if threshold is None:
            window_ns = round(self.policy.recent_activity_window_s * NS_PER_S)
            start_ns = to_ns(read_at or self.snapshot.taken_at) - window_ns
            self._thresholds[read_at] = threshold = (from_ns(start_ns)[:_SECONDS], start_ns)
        return threshold

    def order_digest(self, order: LocalOrder | VenueOrder) -> str:
        """The stable part of every id derived from one order."""
        venue_id = known_id(order.venue_order_id)
        if venue_id is not None:
            return self.digest_of_ids(order.symbol, venue_id)
        client_id = known_client_id(order.client_order_id)
        if client_id is not None:
            return digest(self.profile.profile_id, "c", client_id)
        if isinstance(order, LocalOrder):
            return digest(self.profile.profile_id, "t", *bare_identity(order))
        return digest(self.profile.profile_id, "t", None, _token(order.symbol), order.side)

    def trade_digest(self, trade: Trade) -> str:
        """The stable part of every id derived from one trade."""
        return digest(self.profile.profile_id, "trade", known_id(trade.trade_id))

    def digest_of_ids(self, symbol: str | None, venue_id: str) -> str:
        """`order_digest` of an order by its instrument and comparable venue order id."""
        begun = self._digests_begun.get(symbol) or self._begin_digest(symbol)
        return end_digest(begun, plain_id(venue_id) if self.has_own_ids else venue_id)

    def digests_of_ids(self, orders: Sequence[LocalOrder], venue_ids: Iterable[str]) -> list[str]:
        """The same of many orders at once."""
        known, begin = self._digests_begun.get, self._begin_digest
        plain_ids = map(plain_id, venue_ids) if self.has_own_ids else venue_ids
        return [
            end_digest(known(order.symbol) or begin(order.symbol), venue_id)
            for order, venue_id in zip(orders, plain_ids, strict=True)
        ]

    def _begin_digest(self, symbol: str | None) -> BegunDigest:
        self._digests_begun[symbol] = begun = begin_digest(self.profile.profile_id, "v", _token(symbol))
        return begun

    def prior_of(self, break_id: str, kind: BreakKind, ids: Ids) -> Finding | None:
        """The last run's finding of this break: by its id, or where the finding has none by kind and any equal id."""
        found = self.prior_by_id.get(break_id)
        if found is not None:
            return found
        for one in self.prior_without_id:
            theirs = (one.client_order_id, one.venue_order_id, one.trade_id)
            if one.kind is kind and shares_id(ids, theirs):
                return one
        return None

    @cached_property
    def local_answers(self) -> dict[tuple[QueryBy, str], Outcome]:
        """What the ledger answered, by kind of id and comparable id. Of several answers found counts, then absent."""
        answers: dict[tuple[QueryBy, str], Outcome] = {}
        for one in self.snapshot.local.answers:
            key = (one.by, one.id.strip().lower())
            if one.outcome is Outcome.FOUND or answers.get(key) in (None, Outcome.UNKNOWN):
                answers[key] = one.outcome
        return answers

    @cached_property
    def known_symbols(self) -> dict[str, list[str | None]]:
        """The instruments in which the ledger answered to have a venue order id, by comparable id."""
        symbols: dict[str, list[str | None]] = {}
        for one in self.snapshot.local.answers:
            if one.outcome is Outcome.FOUND and one.by is QueryBy.VENUE_ORDER_ID:
                symbol = one.symbol if one.order is None else one.order.symbol
                symbols.setdefault(normal_id(one.id), []).append(symbol)
        return symbols

    def answer_of_instrument(self, venue_id: str, symbol: str) -> VenueAnswer | None:
        """The venue's answer about what this instrument has of a venue order id; null: it was not asked."""
        for one in self.snapshot.venue.answers:
            is_of_id = one.by is QueryBy.VENUE_ORDER_ID and normal_id(one.id) == normal_id(venue_id)
            if is_of_id and one.symbol is not None and not are_apart(one.symbol, symbol):
                return one
        return None

    def is_known_locally(self, venue_id: str) -> bool:
        """Whether the ledger answered that it has this venue order id."""
        return venue_id in self.known_symbols

    @cached_property
    def account_changed(self) -> bool:
        """Another account answered than the one recorded: its orders are none of ours."""
        answered, recorded = self.snapshot.venue.account_id, self.snapshot.venue.recorded_account_id
        return answered is not None and recorded is not None and known_id(answered) != known_id(recorded)


def _token(symbol: str | None) -> str | None:
    return None if symbol is None else symbol_token(symbol)


def _without_failed_rows(snapshot: Snapshot) -> Snapshot:
    """The snapshot without the rows of reads that failed: nothing follows from them, whoever left them there."""
    venue, failed = snapshot.venue, ReadState.FAILED
    opened, history, positions = venue.open_orders, venue.history, venue.positions
    if opened.state is failed and opened.rows:
        venue = replace(venue, open_orders=replace(opened, rows=[]))
    if history.state is failed and (history.orders or history.fills):
        venue = replace(venue, history=replace(history, orders=[], fills=[]))
    if positions.state is failed and positions.rows:
        venue = replace(venue, positions=replace(positions, rows=[]))
    return snapshot if venue is snapshot.venue else replace(snapshot, venue=venue)


def shares_id(left: Ids, right: Ids) -> bool:
    """Whether two rows have any id in common, place by place."""
    return any(
        a is not None and b is not None and known_id(a) == known_id(b)
        for a, b in zip(left, right, strict=True)
    )
