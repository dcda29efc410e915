"""What a drift cost: how wrong the books were until a run repaired them, for how long, and why. Pure but for two reads.

Every order that a run wrote is one repair. Decides, from the order log alone (docs/explanation/cost.md):

- quantity: by how much the run moved the order, signed (bought is positive);
- exposure: what that quantity was executed for, in the quote currency; 0 where the quantity was right;
- profit or loss that the books had wrong: what the missed quantity had gained, at the venue's mark in the run that
  repaired it, less what it cost; before fees;
- since when: the execution's time, else the venue's own time of the state; until the repair was committed.

Unknown is null and counted as such, never zero. What a person undid again is no cost.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal, localcontext
from enum import StrEnum
from itertools import groupby
from typing import Any

import msgspec
from msgspec import Struct

from trueup.core.trades.move_trade import base_currency
from trueup.ledgers.journal.order_log import BY_RUN
from trueup.model.errors import InputError
from trueup.model.ids import symbol_token
from trueup.model.money import CONTEXT, ZERO, amount, rounded, text
from trueup.model.reasons import Reason
from trueup.model.times import NS_PER_S, to_ns
from trueup.model.vocabulary import CorrectionKind, Side
from trueup.ports.ledger import Ledger
from trueup.ports.people import UNDOES
from trueup.ports.records import LoggedOrder

RUNS_READ_MAX = 500  # kept runs whose marks are looked up, newest first: a snapshot may have megabytes
MONEY_STEP = Decimal("1e-8")  # as people are shown amounts
STOPPED_S = 60  # a bot that wrote nothing for so long while its books were wrong had stopped
NO_QUOTE = "unknown"  # the currency of a symbol that does not say it

_INSERTS = frozenset({CorrectionKind.INSERT_ORDER, CorrectionKind.INSERT_EXIT})
_VENUES_OWN = frozenset(
    {
        Reason.EXECUTION_CORRECTED,
        Reason.VENUE_AVERAGE_DIFFERS,
        Reason.PRICE_BECAME_KNOWN,
        Reason.FEE_DIFFERS,
        Reason.FILLED_AFTER_ALL,
        Reason.REPLACED_AT_VENUE,
        Reason.SUCCESSOR_OF_REPLACED,
        Reason.REAL_FILL_REPLACES,
        Reason.SAME_EXECUTION,
    }
)  # the venue said something else than before: no message was lost


class Cause(StrEnum):
    """Why the books were wrong, as far as the log tells."""

    LOST_FRAME = "lost_frame"  # the bot wrote other things meanwhile: this message it never had
    CRASH = "crash"  # the bot wrote nothing meanwhile, or had forgotten an order of its own
    MANUAL = "manual"  # a person acted
    VENUE = "venue"  # the venue changed what it had said
    UNKNOWN = "unknown"


class Repair(Struct, frozen=True, kw_only=True):
    """One order that one run wrote. Amounts are in `quote`; null is not known."""

    profile_id: str
    run_id: str
    break_id: str
    cause: Cause
    symbol: str | None
    client_order_id: str | None
    venue_order_id: str | None
    trade_id: str | None
    quote: str
    qty: str
    exposure: str | None
    profit_or_loss: str | None
    wrong_since: str | None
    repaired_at: str
    wrong_for_s: float | None


class CostSum(Struct, frozen=True, kw_only=True):
    """Of one day, cause or profile. `exposure`, `profit_or_loss`: by quote currency, of what is known; the others
    are counted. `wrong_for_s`: of the repair that took longest; null where none is known."""

    name: str
    repairs: int
    exposure: dict[str, str]
    unpriced: int
    profit_or_loss: dict[str, str]
    unmarked: int
    wrong_for_s: float | None


class DriftCost(Struct, frozen=True, kw_only=True):
    """Repairs since then, oldest first, and their sums."""

    since: str
    repairs: list[Repair]
    by_day: list[CostSum]
    by_cause: list[CostSum]
    by_profile: list[CostSum]


def read_cost(ledger: Ledger, since: str, profile_id: str | None = None) -> DriftCost:
    """Of all profiles, or one; `since`: RFC 3339. Two reads, and one of each kept run that repaired anything."""
    rows = ledger.journal.repaired_orders(since, profile_id)
    with localcontext(CONTEXT):
        folded = [one for one in _fold(rows) if to_ns(one.row.logged_at) >= to_ns(since)]
        marks = _Marks(ledger, {one.run_id: None for one in folded})
        causes = _Causes(ledger, folded)
        repairs = sorted(
            (_repair(one, marks.of(one), causes.of(one)) for one in folded), key=lambda one: one.repaired_at
        )
        return DriftCost(
            since=since,
            repairs=repairs,
            by_day=_sums(repairs, lambda one: one.repaired_at[:10]),
            by_cause=_sums(repairs, lambda one: one.cause.value),
            by_profile=_sums(repairs, lambda one: one.profile_id),
        )


# -- the log ----------------------------------------------------------------------------------------------------------


class _LoggedFill(Struct, gc=False):
    fill_id: str
    filled_at: str | None = None


class _LoggedFillId(Struct, gc=False):
    fill_id: str


class _LoggedCorrection(Struct, gc=False):
    break_id: str
    kind: str
    reason: str
    fill: _LoggedFillId | None = None
    changes: Any = None


class _Payload(Struct, gc=False):
    changes: dict[str, Any] = {}
    fills: list[_LoggedFill] = []
    corrections: list[_LoggedCorrection] = []


class _Stand(Struct, frozen=True):
    """What an order had filled, and for how much. `cost` null: at an unknown price."""

    qty: Decimal
    cost: Decimal | None


class _Folded(Struct):
    """One row of a run, with the order before and after it."""

    row: LoggedOrder
    payload: _Payload
    state: Mapping[str, Any]
    before: _Stand
    after: _Stand

    @property
    def run_id(self) -> str:
        return self.row.written_by.removeprefix(BY_RUN)

    @property
    def growth_qty(self) -> Decimal:
        return self.after.qty - self.before.qty


_PAYLOAD = msgspec.json.Decoder(_Payload)


def _fold(rows: Iterable[LoggedOrder]) -> Iterator[_Folded]:
    for _, own in groupby(rows, key=lambda one: (one.profile_id, one.order_key)):
        yield from _fold_order(own)


def _fold_order(rows: Iterable[LoggedOrder]) -> list[_Folded]:
    """Each row of a run that no person undid."""
    state: dict[str, Any] = {}
    found: list[_Folded] = []
    for row in rows:
        payload = _PAYLOAD.decode(row.payload)
        before = _stand(state)
        state = {**state, **payload.changes}
        if row.written_by.startswith(BY_RUN) and payload.corrections:
            found.append(_Folded(row, payload, state, before, _stand(state)))
        undone = {one.changes[UNDOES] for one in payload.corrections if _undoes(one)}
        found = [one for one in found if one.run_id not in undone]
    return found


def _undoes(one: _LoggedCorrection) -> bool:
    return isinstance(one.changes, dict) and UNDOES in one.changes


def _stand(state: Mapping[str, Any]) -> _Stand:
    qty, price = amount(state.get("filled_qty")), state.get("filled_avg_price")
    if qty == 0:
        return _Stand(ZERO, ZERO)
    return _Stand(qty, None if price is None else qty * amount(price))


# -- one repair -------------------------------------------------------------------------------------------------------


def _repair(one: _Folded, mark: Decimal | None, cause: Cause) -> Repair:
    state, since = one.state, _wrong_since(one)
    sign = -1 if state.get("side") == Side.SELL else 1
    cost = None if None in (one.after.cost, one.before.cost) else _between(one)
    exposure = ZERO if not one.growth_qty else cost
    return Repair(
        profile_id=one.row.profile_id,
        run_id=one.run_id,
        break_id=_main(one).break_id,
        cause=cause,
        symbol=state.get("symbol"),
        client_order_id=state.get("client_order_id"),
        venue_order_id=state.get("venue_order_id"),
        trade_id=state.get("trade_id"),
        quote=_quote(state.get("symbol")),
        qty=text(sign * one.growth_qty),
        exposure=None if exposure is None else _money(abs(exposure)),
        profit_or_loss=_profit_or_loss(one, sign, cost, mark),
        wrong_since=since,
        repaired_at=one.row.logged_at,
        wrong_for_s=None if since is None else _seconds(since, one.row.logged_at),
    )


def _between(one: _Folded) -> Decimal:
    return (one.after.cost or ZERO) - (one.before.cost or ZERO)


def _profit_or_loss(one: _Folded, sign: int, cost: Decimal | None, mark: Decimal | None) -> str | None:
    """What the true books say at the mark, less what these said; where the quantity was right no mark is needed."""
    if cost is None or (one.growth_qty and mark is None):
        return None
    return _money(sign * (one.growth_qty * (mark or ZERO) - cost))


def _money(value: Decimal) -> str:
    """Costs are made of averages, which are rounded: what is left of that in the last digits is nothing."""
    return text(rounded(value, MONEY_STEP) + ZERO)


def _wrong_since(one: _Folded) -> str | None:
    """The first execution that was booked; of an order without any the venue's time of what was set, if it said one."""
    booked = {each.fill.fill_id for each in one.payload.corrections if each.fill is not None}
    times = [each.filled_at for each in one.payload.fills if each.fill_id in booked and each.filled_at]
    if booked:
        return min(times, key=to_ns, default=None)
    changes = one.payload.changes
    inserted = _main(one).kind in _INSERTS
    return changes.get("submitted_at") if inserted else changes.get("venue_updated_at")


def _main(one: _Folded) -> _LoggedCorrection:
    """The correction that a row is named after: its first fill, else its first."""
    corrections = one.payload.corrections
    return next((each for each in corrections if each.fill is not None), corrections[0])


def _seconds(since: str, until: str) -> float:
    return max(0, to_ns(until) - to_ns(since)) / NS_PER_S


def _quote(symbol: str | None) -> str:
    """What follows the base in a symbol with a separator; of a contract the currency that it settles in."""
    if symbol is None:
        return NO_QUOTE
    if ":" in symbol:
        return symbol.rsplit(":", 1)[1].strip().upper() or NO_QUOTE
    base = base_currency(symbol, None)
    return NO_QUOTE if base is None else symbol.strip()[len(base) + 1 :].strip().upper() or NO_QUOTE


# -- why --------------------------------------------------------------------------------------------------------------


class _Causes:
    """When each profile's bot wrote tells whether it had stopped."""

    def __init__(self, ledger: Ledger, folded: Iterable[_Folded]) -> None:
        since: dict[str, list[str]] = defaultdict(list)
        for one in folded:
            since[one.row.profile_id].append(_wrong_since(one) or one.row.logged_at)
        self._writes = {
            owner: [to_ns(time) for time in ledger.journal.bot_writes(min(times, key=to_ns), owner)]
            for owner, times in since.items()
        }

    def of(self, one: _Folded) -> Cause:
        reasons = {each.reason for each in one.payload.corrections}
        if Reason.DECIDED_BY_PERSON in reasons:
            return Cause.MANUAL
        if any(each.kind in _INSERTS for each in one.payload.corrections):
            return Cause.MANUAL if one.state.get("client_order_id") is None else Cause.CRASH
        if reasons & _VENUES_OWN:
            return Cause.VENUE
        since = _wrong_since(one)
        return Cause.UNKNOWN if since is None else self._by_silence(one, since)

    def _by_silence(self, one: _Folded, since: str) -> Cause:
        writes = self._writes[one.row.profile_id]
        first = bisect_right(writes, to_ns(since))
        if first < len(writes) and writes[first] < to_ns(one.row.logged_at):
            return Cause.LOST_FRAME
        return Cause.CRASH if _seconds(since, one.row.logged_at) >= STOPPED_S else Cause.UNKNOWN


# -- marks ------------------------------------------------------------------------------------------------------------


class _Row(Struct, frozen=True, gc=False):
    symbol: str
    mark_price: str | None = None


class _Positions(Struct, frozen=True, gc=False):
    rows: list[_Row] = []


class _Venue(Struct, frozen=True, gc=False):
    positions: _Positions = _Positions()


class _Kept(Struct, frozen=True, gc=False):
    """What of a snapshot is read."""

    venue: _Venue = _Venue()


_KEPT = msgspec.json.Decoder(_Kept)


class _Marks:
    """The venue's mark prices in the runs that repaired, as far as they are kept."""

    def __init__(self, ledger: Ledger, run_ids: Iterable[str]) -> None:
        newest = sorted(run_ids, reverse=True)[:RUNS_READ_MAX]  # a run's id begins with its time
        self._by_run = {run_id: _read_marks(ledger, run_id) for run_id in newest}

    def of(self, one: _Folded) -> Decimal | None:
        symbol = one.state.get("symbol")
        return None if symbol is None else self._by_run.get(one.run_id, {}).get(symbol_token(symbol))


def _read_marks(ledger: Ledger, run_id: str) -> dict[str, Decimal]:
    try:
        _, snapshot, _ = ledger.journal.load_run(run_id)
    except InputError:  # purged
        return {}
    rows = _KEPT.decode(snapshot).venue.positions.rows
    return {symbol_token(one.symbol): amount(one.mark_price) for one in rows if one.mark_price is not None}


# -- sums -------------------------------------------------------------------------------------------------------------


def _sums(repairs: Iterable[Repair], key: Callable[[Repair], str]) -> list[CostSum]:
    groups: dict[str, list[Repair]] = defaultdict(list)
    for one in repairs:
        groups[key(one)].append(one)
    return [_sum(name, groups[name]) for name in sorted(groups)]


def _sum(name: str, repairs: list[Repair]) -> CostSum:
    times = [one.wrong_for_s for one in repairs if one.wrong_for_s is not None]
    return CostSum(
        name=name,
        repairs=len(repairs),
        exposure=_by_quote((one.quote, one.exposure) for one in repairs),
        unpriced=sum(one.exposure is None for one in repairs),
        profit_or_loss=_by_quote((one.quote, one.profit_or_loss) for one in repairs),
        unmarked=sum(one.profit_or_loss is None for one in repairs),
        wrong_for_s=max(times, default=None),
    )


def _by_quote(amounts: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    sums: dict[str, Decimal] = {}
    for quote, known in amounts:
        if known is not None:
            sums[quote] = sums.get(quote, ZERO) + amount(known)
    return {quote: text(sums[quote]) for quote in sorted(sums)}
