"""Reads one account once and makes a snapshot for each of its profiles.

Rules: all local reads end before the first venue request is sent; `read_at` of a read is the ledger's time just
before that, or the adapter's own where that is earlier (an export is as old as it says); a read that failed or took
too long is a failed read with its reason, never an empty one. Must not know what a snapshot is judged to mean.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from trueup.engine.in_thread import in_thread
from trueup.engine.mirror.compare_trades import compare_trades
from trueup.engine.mirror.mirror import Mirror
from trueup.engine.run.account import ManagedAccount, ManagedProfile
from trueup.engine.run.slots import waiting
from trueup.model.check_snapshot import check_snapshot
from trueup.model.checked_rows import CheckedRows
from trueup.model.errors import AuthError, VenueError
from trueup.model.ids import symbol_token
from trueup.model.policy import Policy
from trueup.model.snapshot import (
    NOT_READ,
    SNAPSHOT_FORMAT,
    Decision,
    HistoryRead,
    Instrument,
    Local,
    LocalFault,
    OrdersRead,
    PositionsRead,
    Snapshot,
    Venue,
)
from trueup.model.times import NS_PER_S, from_ns, to_ns
from trueup.model.vocabulary import BreakKind, DecisionKind, Extent, ReadFault, ReadState
from trueup.ports.foreign_books import ForeignBooks, SnappingBooks
from trueup.ports.records import AlertRecord, BreakRecord, DeferralRecord, ProfileState

T = TypeVar("T")
F = TypeVar("F")
Read = TypeVar("Read", OrdersRead, HistoryRead, PositionsRead)

RECENT_S = 600.0  # how long a closed order is still read: the reference service's 10 minutes
HISTORY_OVERLAP_S = 600  # venues list an order or fill late, or with a time slightly before its watermark


class Remembered(Struct, frozen=True, kw_only=True):
    """What the journal holds of one profile before its run."""

    state: ProfileState = ProfileState()
    breaks: list[BreakRecord] = []  # still open
    deferrals: list[DeferralRecord] = []
    alerts: list[AlertRecord] = []  # as they were told last
    parked: int = 0  # notifications that the executor refused too often


class LocalSide(Struct, frozen=True, kw_only=True):
    """The local reads of an account. `sent_at`: the ledger's time when all of them had ended."""

    remembered: dict[str, Remembered]
    locals: dict[str, Local]
    recorded_account_id: str | None
    sent_at: str


class VenueSide(Struct, frozen=True, kw_only=True):
    """The venue's reads of an account, shared by its profiles."""

    venue: Venue
    instruments: list[Instrument]


async def observe_local(account: ManagedAccount, mirror: Mirror | None = None) -> LocalSide:
    """Everything local, in one thread call: set-based reads for all profiles that are not paused.

    `mirror`: of the bots' own books, which are taken in first.
    """
    if mirror is not None:
        await tell_instruments(account)
    return await in_thread(_read_local, account, mirror)


def read_local_sides(accounts: Sequence[ManagedAccount]) -> list[LocalSide]:
    """The local sides of accounts whose bots record into the ledger: one read for all that are of one ledger."""
    sides: dict[int, LocalSide] = {}
    batches: dict[tuple[int, float], list[ManagedAccount]] = {}
    for account in accounts:
        batches.setdefault((id(account.ledger), recent_s(account)), []).append(account)
    for batch in batches.values():
        found = zip(batch, _read_together(batch, None), strict=True)
        sides |= {id(account): side for account, side in found}
    return [sides[id(account)] for account in accounts]


async def tell_instruments(account: ManagedAccount) -> None:
    """To books that snap their amounts, before they are read at all; where the venue does not answer in the time of one
    question they are read without, and read anew by the run that was told."""
    if all(books.knows_instruments for books in _snapping(account)):
        return
    async with waiting():
        told = await _bounded(account.venue.instruments(), _same, account.query_timeout_s)
    if not isinstance(told, _Fault):
        for books in _snapping(account):
            books.know_instruments(told)


def _snapping(account: ManagedAccount) -> list[SnappingBooks]:
    return [books for books in account.foreign if isinstance(books, SnappingBooks)]


async def observe_venue(account: ManagedAccount, local: LocalSide) -> VenueSide:
    """Everything at the venue, at once. Raises nothing for a venue that does not answer: the reads say so."""
    since = history_since(account.profiles, local)
    venue, limit_s = account.venue, account.read_timeout_s
    async with asyncio.TaskGroup() as reads:
        opened = reads.create_task(
            _bounded(venue.open_orders(), lambda one: OrdersRead(error=one.error, fault=one.fault), limit_s)
        )
        history = reads.create_task(
            _bounded(venue.history(since), lambda one: HistoryRead(since=since, error=one.error), limit_s)
        )
        positions = reads.create_task(
            _bounded(_read_positions(account), lambda one: PositionsRead(error=one.error), limit_s)
        )
        account_id = reads.create_task(_bounded(venue.account_id(), _same, limit_s))
        instruments = reads.create_task(_bounded(venue.instruments(), _same, limit_s))
    whose, steps = account_id.result(), instruments.result()
    side = Venue(
        account_id=None if isinstance(whose, _Fault) else whose,
        recorded_account_id=local.recorded_account_id,
        open_orders=_stamped(opened.result(), local.sent_at),
        history=_stamped(history.result(), local.sent_at),
        positions=_stamped(positions.result(), local.sent_at),
    )
    if isinstance(whose, _Fault):
        return VenueSide(venue=_all_failed(side, f"account id: {whose.error}", whose.fault), instruments=[])
    if isinstance(steps, _Fault):
        return VenueSide(venue=_all_failed(side, f"instruments: {steps.error}", steps.fault), instruments=[])
    for books in _snapping(account):
        books.know_instruments(steps)
    return VenueSide(venue=side, instruments=steps)


def make_snapshot(
    managed: ManagedProfile,
    local: LocalSide,
    venue: Venue,
    instruments: list[Instrument],
    taken_at: str,
    checked: CheckedRows | None = None,
) -> Snapshot:
    """One profile's snapshot, checked by the same rules as a document. Raises InputError for an unusable value."""
    locals_ = local.locals.get(managed.profile_id, Local(read_at=local.sent_at))
    snapshot = Snapshot(
        format=SNAPSHOT_FORMAT,
        taken_at=taken_at,
        profile=managed.profile,
        policy=with_baselines(managed.policy, locals_.decisions),
        instruments=instruments,
        local=locals_,
        venue=venue,
        prior=local.remembered[managed.profile_id].state.prior,
    )
    return check_snapshot(snapshot, checked)


def with_baselines(policy: Policy, decisions: Sequence[Decision]) -> Policy:
    """What a person said the owner holds takes the place of what is configured for that symbol; the latest counts."""
    said = [one for one in decisions if one.kind is DecisionKind.SET_BASELINE and one.symbol and one.qty]
    if not said:
        return policy
    baseline = dict(policy.position_baseline)
    for one in sorted(said, key=lambda each: (to_ns(each.decided_at), each.decision_id)):
        token = symbol_token(one.symbol or "")
        baseline = {symbol: qty for symbol, qty in baseline.items() if symbol_token(symbol) != token}
        baseline[one.symbol or ""] = one.qty or "0"
    return replace(policy, position_baseline=baseline)


def history_since(profiles: Sequence[ManagedProfile], local: LocalSide) -> str | None:
    """From when on the venue's history is read: the least watermark, overlapped; null = from the beginning.

    Orders found missing at the venue want it from their submission on: their absence is only confirmed against it.
    """
    starts: list[int] = []
    for managed in profiles:
        state = local.remembered[managed.profile_id].state
        if state.paused:
            continue
        start = coverage_start(state.watermark, managed.policy)
        if start is None:
            return None
        starts += [to_ns(start), *_missing_since(state, local.locals.get(managed.profile_id, Local()))]
    return from_ns(min(starts) - HISTORY_OVERLAP_S * NS_PER_S) if starts else None


def coverage_start(watermark: str | None, policy: Policy) -> str | None:
    """From when on history is still to be classed: the watermark, or a baseline that a person set after it."""
    known = [time for time in (watermark, policy.coverage_baseline_at) if time is not None]
    return max(known, key=to_ns, default=None)


def _missing_since(state: ProfileState, local: Local) -> list[int]:
    missing = [one for one in state.prior if one.kind is BreakKind.MISSING_AT_VENUE]
    ids = {one.venue_order_id for one in missing} | {one.client_order_id for one in missing}
    return [
        to_ns(order.submitted_at)
        for order in (local.orders if missing else [])
        if order.submitted_at is not None and {order.venue_order_id, order.client_order_id} & (ids - {None})
    ]


def earlier(left: str | None, right: str) -> str:
    """The earlier of two times; the second where the first is unknown."""
    return right if left is None or to_ns(right) < to_ns(left) else left


# -- local ------------------------------------------------------------------------------------------------------------


def recent_s(account: ManagedAccount) -> float:
    """How long a closed order is still read, in seconds."""
    return max([RECENT_S, *(managed.policy.recent_activity_window_s for managed in account.profiles)])


def _read_local(account: ManagedAccount, mirror: Mirror | None) -> LocalSide:
    if mirror is not None:
        mirror.take_in(recent_s(account))
    (side,) = _read_together([account], mirror)
    return side


def _read_together(accounts: Sequence[ManagedAccount], mirror: Mirror | None) -> list[LocalSide]:
    """In one read transaction. The accounts are of one ledger, and look back equally far."""
    ledger, journal = accounts[0].ledger, accounts[0].ledger.journal
    with ledger.reading():
        ids = [one for account in accounts for one in account.profile_ids]
        known = journal.profile_states(ids)
        states = {one.account_id: _as_covered(one.profiles, known) for one in accounts}
        paused = {one for found in states.values() for one, state in found.items() if state.paused}
        locals_ = _read_books(accounts, mirror, paused)
        breaks, deferrals = journal.open_breaks(ids), journal.deferrals(ids)
        recorded = journal.recorded_venue_accounts([one.account_id for one in accounts])
        alerts, parked = journal.alerts_of(ids), journal.parked_notifications(ids)
        sent_at = ledger.now()
    return [
        LocalSide(
            remembered={
                one: Remembered(
                    state=states[account.account_id].get(one, ProfileState()),
                    breaks=breaks.get(one, []),
                    deferrals=deferrals.get(one, []),
                    alerts=alerts.get(one, []),
                    parked=parked.get(one, 0),
                )
                for one in account.profile_ids
            },
            locals=locals_[account.account_id],
            recorded_account_id=recorded.get(account.account_id),
            sent_at=sent_at,
        )
        for account in accounts
    ]


def _read_books(
    accounts: Sequence[ManagedAccount], mirror: Mirror | None, paused: Collection[str]
) -> dict[str, dict[str, Local]]:
    """What the bots recorded, with the decisions of people that stand, and the rows that cannot be judged.

    By account id and profile id; nothing of profiles that are paused.
    """
    active = {
        account.account_id: [one for one in account.profile_ids if one not in paused] for account in accounts
    }
    wanted = {account_id: ids for account_id, ids in active.items() if ids}
    if not wanted:
        return {account_id: {} for account_id in active}
    ledger = accounts[0].ledger
    found = ledger.books.read_accounts(wanted, recent_s(accounts[0]))
    decided = ledger.journal.standing_decisions([one for ids in wanted.values() for one in ids])
    return {
        account.account_id: _with_faults(
            account,
            mirror,
            {
                one: replace(local, decisions=decided[one]) if one in decided else local
                for one, local in found.get(account.account_id, {}).items()
            },
        )
        for account in accounts
    }


def _with_faults(
    account: ManagedAccount, mirror: Mirror | None, locals_: dict[str, Local]
) -> dict[str, Local]:
    """Of a bot's own books: which never are here whole."""
    if not account.foreign:
        return locals_
    standing = account.ledger.journal.row_faults(list(locals_))
    found = {} if mirror is None else mirror.faults()
    return {
        one: local
        if (books := account.books_of(one)) is None
        else replace(
            local,
            extent=Extent.OPEN_AND_RECENT,  # a mirror never has all of a bot's rows
            faults=[
                *standing.get(one, []),
                *found.get(one, []),
                *_of_trades(account, books, mirror, one, local),
            ],
            mapped=books.traits.mapped,
            decimals=books.traits.decimals,
            stops_keep_id=books.traits.stops_keep_id,
        )
        for one, local in locals_.items()
    }


def _of_trades(
    account: ManagedAccount, books: ForeignBooks, mirror: Mirror | None, profile_id: str, local: Local
) -> list[LocalFault]:
    """Trades whose own rows are not what their orders come to, where a repair keeps them so."""
    if mirror is None or not books.traits.trade_keys or local.read_at is None:
        return []
    window_s = next(
        one.policy.recent_activity_window_s for one in account.profiles if one.profile_id == profile_id
    )
    busy_since = from_ns(to_ns(local.read_at) - round(window_s * NS_PER_S))
    return compare_trades(mirror.trades(profile_id), local, books.traits.trade_keys, busy_since)


def _as_covered(
    profiles: Sequence[ManagedProfile], states: Mapping[str, ProfileState]
) -> dict[str, ProfileState]:
    """The states of these profiles, without watermarks that were set while less was classed than is now."""
    known = [(one.profile_id, one.policy) for one in profiles if one.profile_id in states]
    return {
        one: states[one] if _holds(states[one], policy) else replace(states[one], watermark=None)
        for one, policy in known
    }


def _holds(state: ProfileState, policy: Policy) -> bool:
    scope = state.scope
    return scope.holds(policy) if scope is not None else not policy.coverage_enabled


# -- venue ------------------------------------------------------------------------------------------------------------


class _Fault(Struct, frozen=True):
    error: str
    fault: ReadFault = ReadFault.UNREACHABLE


def _same(fault: _Fault) -> _Fault:
    return fault


async def _bounded(read: Awaitable[T], failed: Callable[[_Fault], F], timeout_s: float) -> T | F:
    """A venue's answer within its time, or what `failed` makes of the reason why there is none."""
    try:
        async with asyncio.timeout(timeout_s):
            return await read
    except TimeoutError:
        return failed(_Fault(f"no answer within {timeout_s:g} s"))
    except AuthError as error:
        return failed(_Fault(f"{type(error).__name__}: {error}", ReadFault.CREDENTIALS))
    except VenueError as error:
        return failed(_Fault(f"{type(error).__name__}: {error}"))


async def _read_positions(account: ManagedAccount) -> PositionsRead:
    """Positions where a profile's policy has a use for them: a call saved per run otherwise."""
    policies = [managed.policy for managed in account.profiles]
    if not any(policy.parity_enabled or policy.exit_backfill_enabled for policy in policies):
        return PositionsRead(error=NOT_READ)
    return await account.venue.positions()


def _stamped(read: Read, sent_at: str) -> Read:
    return replace(read, read_at=earlier(read.read_at, sent_at))


def _all_failed(venue: Venue, error: str, fault: ReadFault) -> Venue:
    """Without the account's id or the instruments, what was read cannot be judged: it proves nothing."""
    return replace(
        venue,
        open_orders=replace(venue.open_orders, state=ReadState.FAILED, rows=[], error=error, fault=fault),
        history=replace(venue.history, state=ReadState.FAILED, orders=[], fills=[], error=error),
        positions=replace(venue.positions, state=ReadState.FAILED, rows=[], error=error),
    )
