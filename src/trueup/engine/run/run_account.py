"""One run of an account, from the lease to the alerts: what a service repeats and a bot may call itself."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import nullcontext

from msgspec.structs import asdict, replace

from trueup.engine.events import Event, log_event
from trueup.engine.holder import new_holder
from trueup.engine.in_thread import in_thread
from trueup.engine.mirror.deliver_write_backs import deliver_write_backs
from trueup.engine.run.account import AccountReport, ManagedAccount, ProfileReport, RunState
from trueup.engine.run.alerts import AlertBook, OpenBreak, degraded
from trueup.engine.run.decide_state import saw_everything
from trueup.engine.run.deliver_outbox import deliver_outbox
from trueup.engine.run.leased_run import LeasedRun
from trueup.engine.run.observe_local import Remembered
from trueup.engine.run.plan_profiles import error_text
from trueup.engine.run.report import report_profile
from trueup.engine.run.together import Together
from trueup.model.errors import RestartNeeded, TrueupError
from trueup.model.plan import Alert, Plan
from trueup.model.vocabulary import BreakKind, Severity
from trueup.ports.records import Lease

CONTENDED = "another process holds the account's lease; it runs there, or here after it expires"
_OF_ROWS = (BreakKind.ROW_REMOVED, BreakKind.WRITE_REFUSED, BreakKind.TRADE_ROW_DIFFERS)
UNJUDGED = (RunState.PAUSED, RunState.SKIPPED)


DueInS = Callable[[AccountReport], float]  # when an account is due again, by how its run ended


async def reconcile_account(
    account: ManagedAccount,
    *,
    apply: bool = False,
    approved: Mapping[str, Plan] | None = None,
    alerts: AlertBook | None = None,
    lease: Lease | None = None,
    due_in_s: DueInS | None = None,
    together: Together | None = None,
) -> AccountReport:
    """Runs an account once and says what became of each profile.

    `approved`, by profile id: plans that a person accepted; each applies exactly, or its profile's state is `stale`.
    `alerts`: what was raised before, and where alerts go; null: nowhere.
    `lease`: claimed already, and freed here; null: acquired here. `due_in_s`: when the account is due again, if sooner
    or later than the journal has it.
    `together`: what accounts that run at the same time share, so that their books are read, and their leases freed, in
    one statement for all; null: this account by itself.
    Raises nothing for a venue, a database or a profile that fails: the report says so. Raises RestartNeeded where the
    database is another one than was opened.
    """
    got = lease or await _acquire(account)
    if isinstance(got, AccountReport):
        await _tell(account, got, alerts)
        return got
    run = LeasedRun(account, got, apply=apply, approved=approved or {}, together=together)
    with nullcontext() if together is None else together.working():
        return await _run_leased(account, run, due_in_s, alerts, writes_back=apply or bool(approved))


async def _tell(
    account: ManagedAccount,
    report: AccountReport,
    alerts: AlertBook | None,
    remembered: Mapping[str, Remembered] = {},
) -> None:
    """To the log what each profile's run found, and to the alerts what a person should hear.

    `remembered`: what the journal held under the run's lease; what it lacks could not be read then, and is now.
    """
    for profile in report.profiles:
        report_profile(profile, account.said, account.clock.monotonic_ns())
    if alerts is None:
        return
    judged = [one for one in report.profiles if one.state not in UNJUDGED]
    parked = await _parked(account) if any(one.profile_id not in remembered for one in judged) else {}
    for profile in judged:
        kept = remembered.get(profile.profile_id)
        await alerts.update(
            profile.profile_id,
            _alerts_of(profile, parked.get(profile.profile_id, 0) if kept is None else kept.parked),
            account.clock.now_ns(),
            saw_everything=_saw_everything(profile),
            breaks=_open_breaks(profile),
            kept=None if kept is None else kept.alerts,
        )


async def _acquire(account: ManagedAccount) -> Lease | AccountReport:
    """The lease, or the report that there is none to be had."""
    try:
        lease = await in_thread(
            account.ledger.journal.acquire_lease, account.account_id, new_holder(), account.lease_ttl_s
        )
    except RestartNeeded:
        raise
    except TrueupError as error:
        _say_error(account, Event.RUN_FAILED, {"account_id": account.account_id}, error)
        return _unprocessed(account, RunState.FAILED, error_text(error))
    return lease or contended(account)


def contended(account: ManagedAccount) -> AccountReport:
    """What is reported where another process works on the account."""
    log_event(Event.LEASE_CONTENDED, {"account_id": account.account_id})
    return _unprocessed(account, RunState.SKIPPED, CONTENDED, contended=True)


async def _run_leased(
    account: ManagedAccount,
    run: LeasedRun,
    due_in_s: DueInS | None,
    alerts: AlertBook | None,
    *,
    writes_back: bool,
) -> AccountReport:
    try:
        await run.run()
        if writes_back:
            await _write_back(account, run.lease)
        parked = await _deliver(account, run)
        remembered = {
            one: replace(kept, parked=kept.parked + parked[one]) for one, kept in run.remembered.items()
        }
        # under the lease: nobody else tells the same meanwhile
        await _tell(account, run.report(), alerts, remembered)
    finally:
        await run.release(None if due_in_s is None else due_in_s(run.report()))
    return run.report()


def _say_error(
    account: ManagedAccount, event: Event, fields: Mapping[str, object], error: Exception | None = None
) -> None:
    account.said.log(account.clock.monotonic_ns(), event, fields, level=logging.ERROR, error=error)


def _unprocessed(
    account: ManagedAccount, state: RunState, error: str, *, contended: bool = False
) -> AccountReport:
    profiles = [ProfileReport(profile_id=one, state=state, error=error) for one in account.profile_ids]
    return AccountReport(
        account_id=account.account_id, processed=False, contended=contended, profiles=profiles, error=error
    )


async def _write_back(account: ManagedAccount, lease: Lease) -> None:
    """Sets in the bots' own books what this run and earlier ones committed for them."""
    if not account.foreign:
        return
    fields: dict[str, object] = {"account_id": account.account_id}
    try:
        done = await in_thread(deliver_write_backs, account, lease)
    except TrueupError as error:
        _say_error(account, Event.WRITE_BACKS_FAILED, fields, error)
        return
    if done.failed or done.refused:
        _say_error(account, Event.WRITE_BACKS_FAILED, fields | asdict(done))
    elif done.delivered or done.moved:
        level = logging.WARNING if done.left else logging.INFO
        log_event(Event.WRITE_BACKS_DELIVERED, fields | asdict(done), level=level)


async def _deliver(account: ManagedAccount, run: LeasedRun) -> Counter[str]:
    """Tells the executor, while the lease keeps other processes from telling it out of turn.

    Returns how many notifications it refused too often now, by profile id.
    """
    if account.executor is None or not run.report().processed:
        return Counter()
    try:
        delivery = await deliver_outbox(
            account.ledger.journal, account.executor, account.profile_ids, run.keep_lease
        )
    except TrueupError as error:
        _say_error(account, Event.OUTBOX_FAILED, {"account_id": account.account_id}, error)
        return Counter()
    if delivery.failed or delivery.parked:
        counts: dict[str, object] = {"failed": delivery.failed, "parked": len(delivery.parked)}
        _say_error(account, Event.OUTBOX_FAILED, counts | {"account_id": account.account_id})
    return Counter(one.profile_id for one in delivery.parked)


def _saw_everything(report: ProfileReport) -> bool:
    if report.state is RunState.FAILED or report.snapshot is None:
        return False
    return saw_everything(report.snapshot)


async def _parked(account: ManagedAccount) -> dict[str, int]:
    """By profile id; nothing where the journal cannot be read: that is told already."""
    try:
        return await in_thread(account.ledger.journal.parked_notifications, account.profile_ids)
    except TrueupError:
        return {}


def _alerts_of(report: ProfileReport, parked: int) -> list[Alert]:
    """What a person should hear of one profile's run."""
    if report.state is RunState.FAILED:
        return [degraded(report.profile_id, report.cause, report.error or "the run failed")]
    alerts = list(report.plan.alerts) if report.plan is not None else []
    if report.history_gap is not None:
        alerts.append(degraded(report.profile_id, "coverage:history_gap", report.history_gap, "WARN"))
    alerts += _about_rows(report)
    if parked:
        message = (
            f"the executor refused {parked} notifications too often: mend it, then `trueup outbox retry`"
        )
        alerts.append(degraded(report.profile_id, "outbox:parked", message))
    return alerts


def _open_breaks(report: ProfileReport) -> list[OpenBreak]:
    """The breaks above info that the run left open: it did not correct them, or its correction was not applied."""
    if report.plan is None or report.state is RunState.FAILED:
        return []
    plan, applied = report.plan, report.applied
    dropped = set() if applied is None else set(applied.superseded_ids)
    undone = {one.break_id for one in plan.corrections if one.correction_id in dropped}
    is_applied = report.state is RunState.APPLIED and applied is not None
    seen_at = {one.break_id: one.first_seen_at for one in plan.findings}
    return [
        OpenBreak(found=one, first_seen_at=seen_at.get(one.break_id, plan.taken_at))
        for one in plan.breaks
        if one.severity is not Severity.INFO
        and not (is_applied and one.corrected and one.break_id not in undone)
    ]


def _about_rows(report: ProfileReport) -> list[Alert]:
    """One alert a kind of row that needs a person: it is gone, or it took no correction."""
    found = [] if report.plan is None else [one for one in report.plan.breaks if one.kind in _OF_ROWS]
    return [
        degraded(report.profile_id, f"books:{kind}", f"{len(of_kind)} rows: {of_kind[0].message}")
        for kind in _OF_ROWS
        if (of_kind := [one for one in found if one.kind is kind])
    ]
