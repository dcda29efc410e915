"""Asks what a plan needs to know before it can judge, and adds the answers to the snapshots.

Rules: a question is asked once a run, whichever profile of the account has it; all of a round at the same time, each
within its time-out; no usable reply, and a reply to another question, are `unknown`. Must not know what follows from
an answer.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from trueup.engine.in_thread import in_thread
from trueup.engine.mirror.mirror import Mirror
from trueup.engine.run.account import ManagedAccount
from trueup.engine.run.observe_venue import earlier
from trueup.engine.run.share_orders import SharedOrders
from trueup.model.check_duplicates import fill_key
from trueup.model.check_snapshot import check_snapshot
from trueup.model.errors import VenueError
from trueup.model.ids import normal_id
from trueup.model.plan import Query
from trueup.model.snapshot import (
    Fill,
    HistoryRead,
    Local,
    LocalAnswer,
    LocalOrder,
    Snapshot,
    Trade,
    VenueAnswer,
    VenueOrder,
)
from trueup.model.times import to_ns
from trueup.model.vocabulary import Outcome, QueryBy, QuerySide, ReadState


class _Asked(Struct, frozen=True):
    """One question, however its ids are written. Local questions belong to a profile: its own orders are returned."""

    by: QueryBy | None
    ids: tuple[str, ...]
    profile_id: str | None = None
    symbol: str | None = None
    since: str | None = None


class _LocalReply(Struct, frozen=True):
    """Local answers, with the fills and trades of the orders that were found."""

    answers: Sequence[LocalAnswer]
    fills: Sequence[Fill]
    trades: Sequence[Trade]


class Answers:
    """What one run of an account has asked, and was answered."""

    def __init__(self, account: ManagedAccount, mirror: Mirror | None = None) -> None:
        """`mirror`: of the bots' own books, which are asked first what a local question names."""
        self._account = account
        self._mirror = mirror
        self._venue: dict[_Asked, VenueAnswer] = {}
        self._history: dict[_Asked, HistoryRead] = {}
        self._local: dict[_Asked, _LocalReply] = {}
        self._told: set[tuple[str, _Asked]] = set()  # by profile id: one may ask what another was answered

    def untold(self, profile_id: str, queries: Iterable[Query]) -> list[Query]:
        """Those of a plan's queries to which this profile has had no reply in this run."""
        return [query for query in queries if (profile_id, _asked(profile_id, query)) not in self._told]

    async def ask(self, queries: Mapping[str, Sequence[Query]]) -> None:
        """Asks every query of every profile that was not asked before; by profile id."""
        known = self._venue.keys() | self._history.keys() | self._local.keys()
        wanted = {_asked(one, query): query for one, asked in queries.items() for query in asked}
        fresh = {asked: query for asked, query in wanted.items() if asked not in known}
        sent_at = await in_thread(self._ask_locally, fresh)
        histories = {asked: query for asked, query in fresh.items() if query.by is QueryBy.HISTORY}
        async with asyncio.TaskGroup() as round_:
            if histories:
                round_.create_task(self._ask_history(histories, sent_at))
            for asked, query in fresh.items():
                if asked in histories:
                    continue
                if query.side is QuerySide.VENUE:
                    round_.create_task(self._ask_order(asked, query, sent_at))

    def add_to(
        self, snapshot: Snapshot, queries: Sequence[Query], taken_at: str, shared: SharedOrders
    ) -> Snapshot:
        """The snapshot with the answers to these queries, as of `taken_at`, checked like a document.

        What the answers name of the account's open orders stands in it from then on, whosever it is.
        """
        profile_id = snapshot.profile.profile_id
        asked = [_asked(profile_id, query) for query in self.untold(profile_id, queries)]
        self._told |= {(profile_id, one) for one in asked}
        local = snapshot.local
        for one in asked:
            local = _with_reply(local, self._local.get(one))
        if self._mirror is not None:  # a row that the questions named may be unclear
            told = self._mirror.faults().get(profile_id, [])
            more = [one for one in told if one not in local.faults]
            local = replace(local, faults=[*local.faults, *more]) if more else local
        found = [self._venue[one] for one in asked if one in self._venue]
        opened, history = snapshot.venue.open_orders, snapshot.venue.history
        for one in asked:
            history = _wider(history, self._history.get(one))
        records: list[VenueOrder | LocalOrder | Fill] = [one.order for one in found if one.order is not None]
        records += [one.order for one in local.answers if one.order is not None]
        if local.fills is not snapshot.local.fills:
            records += local.fills
        if history is not snapshot.venue.history:
            records += [*history.orders, *history.fills]
        if named := shared.named_by(profile_id, records):
            opened = replace(opened, rows=[*opened.rows, *named])
        wider = replace(
            snapshot,
            taken_at=taken_at,
            local=local,
            venue=replace(
                snapshot.venue,
                open_orders=opened,
                history=history,
                answers=[*snapshot.venue.answers, *found],
            ),
        )
        return check_snapshot(wider, self._account.checked[profile_id])

    def _ask_locally(self, fresh: Mapping[_Asked, Query]) -> str:
        """The local questions, and then the ledger's time: evidence is asked for after what it is held against."""
        ledger, account_id = self._account.ledger, self._account.account_id
        if self._mirror is not None:
            named = (
                one for query in fresh.values() if query.side is QuerySide.LOCAL for one in query.ids or []
            )
            self._mirror.look_up(sorted(set(named)))
        local = {  # a plan has one local question
            asked.profile_id: (asked, query.ids or [])
            for asked, query in fresh.items()
            if query.side is QuerySide.LOCAL and asked.profile_id is not None
        }
        told = ledger.books.find(account_id, {one: ids for one, (_, ids) in local.items()}) if local else {}
        for profile_id, answers in told.items():
            found = [answer.order for answer in answers if answer.order is not None]
            fills, trades = ledger.books.related(account_id, profile_id, found) if found else ([], [])
            self._local[local[profile_id][0]] = _LocalReply(answers, fills, trades)
        return ledger.now()

    async def _ask_order(self, asked: _Asked, query: Query, sent_at: str) -> None:
        self._venue[asked] = await find_order(self._account, query, sent_at)

    async def _ask_history(self, histories: Mapping[_Asked, Query], sent_at: str) -> None:
        """One read answers all: the one that goes back furthest."""
        furthest = min(histories.values(), key=lambda query: 0 if query.since is None else to_ns(query.since))
        read = await read_history(self._account, furthest, sent_at)
        self._history |= dict.fromkeys(histories, read)


async def find_order(account: ManagedAccount, query: Query, sent_at: str) -> VenueAnswer:
    """One order asked of the venue; `unknown` with the reason where there is no usable reply."""
    by, order_id = query.by or QueryBy.VENUE_ORDER_ID, query.id or ""
    try:
        async with asyncio.timeout(account.query_timeout_s):
            answer = await account.venue.find_order(by, order_id, query.symbol)
    except TimeoutError:
        answer = _unknown(by, order_id, f"no answer within {account.query_timeout_s:g} s")
    except VenueError as error:
        answer = _unknown(by, order_id, f"{type(error).__name__}: {error}")
    if not _replies_to(answer, by, order_id):
        answer = _unknown(by, order_id, "the reply was to another request")
    return replace(answer, read_at=earlier(answer.read_at, sent_at), symbol=query.symbol)


async def read_history(account: ManagedAccount, query: Query, sent_at: str) -> HistoryRead:
    """The account's history since the query's time. Of all symbols: one read has one `since`."""
    try:
        async with asyncio.timeout(account.read_timeout_s):
            read = await account.venue.history(query.since)
    except TimeoutError:
        read = HistoryRead(error=f"no answer within {account.read_timeout_s:g} s")
    except VenueError as error:
        read = HistoryRead(error=f"{type(error).__name__}: {error}")
    return replace(_as_asked(read, query.since), read_at=earlier(read.read_at, sent_at))


def _as_asked(read: HistoryRead, since: str | None) -> HistoryRead:
    """A history that begins later than it was asked for is partial."""
    late = read.state is ReadState.COMPLETE and _starts_before(since, read.since)
    return replace(read, state=ReadState.PARTIAL if late else read.state, since=since)


def _asked(profile_id: str, query: Query) -> _Asked:
    if query.side is QuerySide.LOCAL:
        return _Asked(query.by, tuple(sorted(query.ids or [])), profile_id=profile_id)
    if query.by is QueryBy.HISTORY:
        return _Asked(query.by, (), since=query.since)
    return _Asked(query.by, (normal_id(query.id or ""),), symbol=query.symbol)


def _unknown(by: QueryBy, order_id: str, error: str) -> VenueAnswer:
    return VenueAnswer(by=by, id=order_id, outcome=Outcome.UNKNOWN, error=error)


def _replies_to(answer: VenueAnswer, by: QueryBy, order_id: str) -> bool:
    if answer.by is not by or normal_id(answer.id) != normal_id(order_id):
        return False
    if answer.outcome is not Outcome.FOUND:
        return answer.order is None
    return answer.order is not None and normal_id(_id_of(answer.order, by) or "") == normal_id(order_id)


def _id_of(order: VenueOrder, by: QueryBy) -> str | None:
    return order.client_order_id if by is QueryBy.CLIENT_ORDER_ID else order.venue_order_id


def _with_reply(local: Local, reply: _LocalReply | None) -> Local:
    if reply is None:
        return local
    fills = {fill_key(one) for one in local.fills}
    trades = {one.trade_id for one in local.trades}
    return replace(
        local,
        answers=[*local.answers, *reply.answers],
        fills=local.fills + [one for one in reply.fills if fill_key(one) not in fills],
        trades=local.trades + [one for one in reply.trades if one.trade_id not in trades],
    )


def _wider(history: HistoryRead, answer: HistoryRead | None) -> HistoryRead:
    """The read that goes further back; an answer that failed takes nothing away, a partial one adds what it has."""
    if answer is None or answer.state is ReadState.FAILED:
        return history
    if history.state is not ReadState.FAILED and not _starts_before(answer.since, history.since):
        return history
    if answer.state is ReadState.COMPLETE:
        return answer
    return replace(answer, orders=[*answer.orders, *history.orders], fills=[*answer.fills, *history.fills])


def _starts_before(left: str | None, right: str | None) -> bool:
    return right is not None and (left is None or to_ns(left) < to_ns(right))
