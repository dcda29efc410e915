"""Named mistakes in product code, made at run time in this process: each must be caught by the simulator's checkers."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest import mock

from msgspec import structs

from trueup.core import fold_fills as fold
from trueup.core.make_plan import make_plan
from trueup.engine import decide_state, leased_run, observe, plan_profiles, run_account
from trueup.engine.answer_queries import Answers
from trueup.engine.deliver_outbox import DeliveryReport
from trueup.engine.observe import LocalSide, Remembered, observe_local, observe_venue
from trueup.ledgers import apply_plan, commit_run, order_log
from trueup.ledgers.sqlite import migrate
from trueup.model.money import ZERO
from trueup.model.snapshot import Snapshot, Venue, VenueOrder
from trueup.model.vocabulary import Outcome, ReadState, Status

Mutation = Callable[[], AbstractContextManager[Any]]


def _planning(change: Callable[[Snapshot], Snapshot]) -> AbstractContextManager[Any]:
    """The engine plans from a snapshot that is not what was read."""
    plan = make_plan
    return mock.patch.object(plan_profiles, "make_plan", lambda snapshot: plan(change(snapshot)))


def no_fence() -> AbstractContextManager[Any]:
    return mock.patch.object(commit_run, "renew", lambda database, lease: lease)


@contextmanager
def no_unique_fill_key() -> Iterator[None]:
    """Neither the schema nor the fold knows a fill again."""
    load = migrate.load_migrations
    key = "  PRIMARY KEY (account_id, instrument, order_identity, fill_identity)\n) STRICT, WITHOUT ROWID"

    def without_key() -> list[migrate.Migration]:
        return [
            structs.replace(one, sql=one.sql.replace(f",\n{key}", "\n) STRICT"))
            if "CREATE TABLE fills" in one.sql
            else one
            for one in load()
        ]

    with (
        mock.patch.object(migrate, "load_migrations", without_key),
        mock.patch.object(apply_plan._FillFinder, "find", return_value=None),
        mock.patch.object(fold, "fill_key", side_effect=lambda fill, order_id: (object(), None)),
    ):
        yield


def absence_without_confirmation() -> AbstractContextManager[Any]:
    def hasty(snapshot: Snapshot) -> Snapshot:
        policy = structs.replace(snapshot.policy, absence_confirmations=1, absence_min_age_s=0)
        return structs.replace(snapshot, policy=policy)

    return _planning(hasty)


def partial_read_taken_as_complete() -> AbstractContextManager[Any]:
    stamp = observe._stamped

    def complete(read: Any, sent_at: str) -> Any:
        state = ReadState.COMPLETE if read.state is ReadState.PARTIAL else read.state
        return structs.replace(stamp(read, sent_at), state=state)

    return mock.patch.object(observe, "_stamped", complete)


def outbox_key_per_attempt() -> AbstractContextManager[Any]:
    write = commit_run._Commit._write_outbox

    def with_new_ids(self: Any, notifications: Any) -> None:
        run_id = self._run.run_id
        renamed = [
            structs.replace(one, notification_id=f"{one.notification_id}{run_id}") for one in notifications
        ]
        write(self, renamed)

    return mock.patch.object(commit_run._Commit, "_write_outbox", with_new_ids)


def inferred_fill_not_superseded() -> AbstractContextManager[Any]:
    return mock.patch.object(fold._Work, "_supersede", return_value=(ZERO, None, ZERO))


@contextmanager
def version_not_compared() -> Iterator[None]:
    def any_version(self: Any, subject: Any) -> Any:
        rows = self._named(subject)
        if subject.after.version == 1:
            return None if rows else []
        return rows if len(rows) == 1 and rows[0].profile_id == self._profile_id else None

    with mock.patch.object(apply_plan._RowFinder, "find", any_version):
        yield


def watermark_advanced_on_any_run() -> AbstractContextManager[Any]:
    """Also after a partial, failed, dry, limited or deferred one."""
    return mock.patch.object(
        leased_run, "next_watermark", lambda snapshot, plan, watermark: snapshot.venue.history.read_at
    )


def watermark_passes_unbooked_fills() -> AbstractContextManager[Any]:
    return mock.patch.object(decide_state, "_unresolved_since", return_value=[])


def venue_read_sent_before_the_local_read() -> AbstractContextManager[Any]:
    early: dict[int, Any] = {}

    async def local_later(account: Any) -> Any:
        side = LocalSide(
            remembered={one: Remembered() for one in account.profile_ids},
            locals={},
            recorded_account_id=None,
            sent_at=account.ledger.now(),
        )
        early[id(account)] = await observe_venue(account, side)
        return await observe_local(account)

    async def venue_as_it_was(account: Any, local: Any) -> Any:
        side = early.pop(id(account))
        reads = {
            name: structs.replace(getattr(side.venue, name), read_at=local.sent_at)
            for name in ("open_orders", "history", "positions")
        }
        return structs.replace(side, venue=structs.replace(side.venue, **reads))

    return mock.patch.multiple(plan_profiles, observe_local=local_later, observe_venue=venue_as_it_was)


def predecessors_fills_forgotten_on_a_replace() -> AbstractContextManager[Any]:
    def empty(row: VenueOrder) -> VenueOrder:
        forgotten = row.status is Status.REPLACED
        return structs.replace(row, filled_qty="0", filled_avg_price=None) if forgotten else row

    def forget(snapshot: Snapshot) -> Snapshot:
        venue = _with_rows(snapshot.venue, empty)
        replaced = {row.venue_order_id for row in venue.history.orders if row.status is Status.REPLACED}
        fills = [fill for fill in venue.history.fills if fill.venue_order_id not in replaced]
        return structs.replace(
            snapshot,
            venue=structs.replace(venue, history=structs.replace(venue.history, fills=fills)),
        )

    return _planning(forget)


def replacement_looks_like_a_cancel() -> AbstractContextManager[Any]:
    def unlinked(row: VenueOrder) -> VenueOrder:
        status = Status.CANCELED if row.status is Status.REPLACED else row.status
        return structs.replace(row, status=status, replaces=None, replaced_by=None)

    return _planning(lambda snapshot: structs.replace(snapshot, venue=_with_rows(snapshot.venue, unlinked)))


def unknown_answer_counts_as_absent() -> AbstractContextManager[Any]:
    def absent(snapshot: Snapshot) -> Snapshot:
        answers = [
            structs.replace(answer, outcome=Outcome.ABSENT) if answer.outcome is Outcome.UNKNOWN else answer
            for answer in snapshot.venue.answers
        ]
        return structs.replace(snapshot, venue=structs.replace(snapshot.venue, answers=answers))

    return _planning(absent)


def everybody_is_ours() -> AbstractContextManager[Any]:
    def open_handed(snapshot: Snapshot) -> Snapshot:
        policy = structs.replace(snapshot.policy, owned_client_order_id_prefixes=(), owned_sub_tags=())
        return structs.replace(snapshot, policy=policy)

    return _planning(open_handed)


def outbox_never_delivered() -> AbstractContextManager[Any]:
    async def nothing(*args: Any) -> DeliveryReport:
        return DeliveryReport()

    return mock.patch.object(run_account, "deliver_outbox", nothing)


def log_not_chained() -> AbstractContextManager[Any]:
    chained = order_log.row_hash
    return mock.patch.object(order_log, "row_hash", lambda previous, facts: chained("", facts))


def corrections_not_kept() -> AbstractContextManager[Any]:
    """The books move, and nothing says by which corrections."""
    return mock.patch.object(commit_run, "_correction_values", _of_nothing)


def _of_nothing(run: Any, one: Any, state: str, keys: Any) -> tuple[Any, ...]:
    return ("", "", "", "", state, "", "", None, None, None, None, "{}")


def trades_not_moved() -> AbstractContextManager[Any]:
    plan = make_plan
    return mock.patch.object(
        plan_profiles, "make_plan", lambda snapshot: structs.replace(plan(snapshot), projected_trades=[])
    )


def questions_never_asked() -> AbstractContextManager[Any]:
    return mock.patch.object(Answers, "untold", return_value=[])


def _with_rows(venue: Venue, change: Callable[[VenueOrder], VenueOrder]) -> Venue:
    return structs.replace(
        venue,
        open_orders=structs.replace(venue.open_orders, rows=[change(row) for row in venue.open_orders.rows]),
        history=structs.replace(venue.history, orders=[change(row) for row in venue.history.orders]),
        answers=[
            structs.replace(answer, order=change(answer.order)) if answer.order is not None else answer
            for answer in venue.answers
        ],
    )


MUTATIONS: tuple[Mutation, ...] = (
    no_fence,
    no_unique_fill_key,
    absence_without_confirmation,
    partial_read_taken_as_complete,
    outbox_key_per_attempt,
    inferred_fill_not_superseded,
    version_not_compared,
    watermark_advanced_on_any_run,
    watermark_passes_unbooked_fills,
    venue_read_sent_before_the_local_read,
    predecessors_fills_forgotten_on_a_replace,
    replacement_looks_like_a_cancel,
    unknown_answer_counts_as_absent,
    everybody_is_ours,
    outbox_never_delivered,
    log_not_chained,
    corrections_not_kept,
    trades_not_moved,
    questions_never_asked,
)

# What makes a mistake show soon: rates that replace the seed's own.
PROVOKING: dict[str, dict[str, float]] = {
    "no_fence": {"paused": 0.6, "killed": 0.0, "reply_slow": 0.0, "reply_lost": 0.0},
    "version_not_compared": {"thread_late": 0.1},
    "partial_read_taken_as_complete": {"read_truncated": 0.5},
    "watermark_passes_unbooked_fills": {"precision_wrong": 0.6, "answer_unknown": 0.9, "read_truncated": 0.0},
    "venue_read_sent_before_the_local_read": {"reply_slow": 0.9, "read_failed": 0.0},
    "unknown_answer_counts_as_absent": {"answer_unknown": 0.8, "order_hidden": 0.6},
}
