"""What the books and the journal hold of accounts, read at once, before the first venue request is sent.

Set-based, in one read transaction, for all profiles that are not paused. A bot's own rows are taken into the mirror
first; those that cannot be judged come along as faults. Must not know what a snapshot is judged to mean.
"""

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from trueup.engine.in_thread import in_thread
from trueup.engine.mirror.compare_trades import compare_trades
from trueup.engine.mirror.mirror import Mirror
from trueup.engine.run.account import ManagedAccount, ManagedProfile
from trueup.engine.run.ask_in_time import tell_instruments
from trueup.model.policy import Policy
from trueup.model.snapshot import (
    Local,
    LocalFault,
)
from trueup.model.times import NS_PER_S, from_ns, to_ns
from trueup.model.vocabulary import Extent
from trueup.ports.foreign_books import ForeignBooks
from trueup.ports.records import AlertRecord, BreakRecord, DeferralRecord, ProfileState

RECENT_S = 600.0  # how long a closed order is still read: the reference service's 10 minutes


class Remembered(Struct, frozen=True, kw_only=True):
    """What the journal holds of one profile before its run."""

    state: ProfileState = ProfileState()
    breaks: list[BreakRecord] = []  # still open
    deferrals: list[DeferralRecord] = []
    alerts: list[AlertRecord] = []  # as they were told last
    parked: int = 0  # notifications that the executor refused too often


class LocalReads(Struct, frozen=True, kw_only=True):
    """The local reads of an account. `sent_at`: the ledger's time when all of them had ended."""

    remembered: dict[str, Remembered]
    locals: dict[str, Local]
    recorded_account_id: str | None
    sent_at: str


async def observe_local(account: ManagedAccount, mirror: Mirror | None = None) -> LocalReads:
    """Everything local, in one thread call: set-based reads for all profiles that are not paused.

    `mirror`: of the bots' own books, which are taken in first.
    """
    if mirror is not None:
        await tell_instruments(account)
    return await in_thread(_read_local, account, mirror)


def read_local_sides(accounts: Sequence[ManagedAccount]) -> list[LocalReads]:
    """The local sides of accounts whose bots record into the ledger: one read for all that are of one ledger."""
    sides: dict[int, LocalReads] = {}
    batches: dict[tuple[int, float], list[ManagedAccount]] = {}
    for account in accounts:
        batches.setdefault((id(account.ledger), recent_s(account)), []).append(account)
    for batch in batches.values():
        found = zip(batch, _read_together(batch, None), strict=True)
        sides |= {id(account): side for account, side in found}
    return [sides[id(account)] for account in accounts]


def recent_s(account: ManagedAccount) -> float:
    """How long a closed order is still read, in seconds."""
    return max([RECENT_S, *(managed.policy.recent_activity_window_s for managed in account.profiles)])


def _read_local(account: ManagedAccount, mirror: Mirror | None) -> LocalReads:
    if mirror is not None:
        mirror.take_in(recent_s(account))
    (side,) = _read_together([account], mirror)
    return side


def _read_together(accounts: Sequence[ManagedAccount], mirror: Mirror | None) -> list[LocalReads]:
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
        LocalReads(
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
