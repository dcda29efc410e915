"""`trueup plan`: what differs and what would be repaired; of a snapshot file, or of the configured profiles.

Exit codes: 0 no break above info, 2 breaks, 3 incomplete (the open-order read is not complete, a query is open, an end
is unknown, everything was deferred, or the profile is paused), 1 failure; of several plans the worst.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trueup.surfaces.cli.exit_codes import BREAKS, FAILURE, IN_SYNC, INCOMPLETE, worst
from trueup.surfaces.cli.invocation import Invocation, common

if TYPE_CHECKING:
    from trueup.engine.run.account import ProfileReport
    from trueup.model.errors import InputError
    from trueup.model.plan import Plan
    from trueup.model.snapshot import Snapshot
    from trueup.surfaces.cli.documents import Document

ERROR_FORMAT = "trueup.error/1"


@click.command()
@click.option(
    "--snapshot", metavar="FILE", help="Plan a snapshot file, or - for standard input; needs nothing else."
)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False),
              help="Write the plan to a file that `trueup apply FILE` takes.")  # fmt: skip
@click.option("--profile", "profile_ids", multiple=True, metavar="ID", help="Only this profile (repeatable).")
@common
def command(
    invocation: Invocation, snapshot: str | None, output: Path | None, profile_ids: tuple[str, ...]
) -> int:
    """Show what differs and what would be repaired. Writes nothing to the books.

    \b
    Exit codes: 0 in sync, 2 breaks, 3 incomplete, 1 failure, 64 bad input.
    """
    if snapshot is None:
        return _plan_configured(invocation, output, profile_ids)
    if output is not None or profile_ids:
        raise click.UsageError("--snapshot takes neither --output nor --profile: redirect the output instead")
    from trueup.surfaces.cli.documents import read_documents

    if Path(snapshot).is_file():  # a pipe must not be read twice
        _refuse_export(snapshot)
    code = IN_SYNC
    for document in read_documents(snapshot):  # one at a time: memory does not grow with their number
        code = worst([code, _answer(invocation, document)])
    return code


def _refuse_export(path: str) -> None:
    """Says what to type for a file of rows: what is wrong with it as a snapshot would tell a person nothing."""
    from trueup.exports.advise import HEAD_BYTES, advise
    from trueup.model.errors import InputError
    from trueup.surfaces.cli.files import open_input

    with open_input(path) as file:
        advice = advise(file.read(HEAD_BYTES), path)
    if advice is not None:
        raise InputError(advice, path)


# -- snapshot files ---------------------------------------------------------------------------------------------------


def _answer(invocation: Invocation, document: "Document") -> int:
    """Prints one plan. A fault of a document that stands alone is raised; in a batch it is answered in its place."""
    from trueup.core.make_plan import make_plan
    from trueup.model.decode import decode_snapshot
    from trueup.model.errors import InputError

    try:
        if document.fault is not None:
            raise InputError(document.fault)
        snapshot = decode_snapshot(document.data)
    except InputError as fault:
        if document.line is None:
            raise
        _answer_fault(invocation, document.line, fault)
        return FAILURE
    plan = make_plan(snapshot)
    show_plan(invocation, snapshot, plan)
    return exit_code(snapshot, plan)


def _answer_fault(invocation: Invocation, line: int, fault: "InputError") -> None:
    if invocation.json:
        invocation.data({"format": ERROR_FORMAT, "line": line, "path": fault.path, "message": fault.message})
    else:
        from trueup.surfaces.cli.terminal import say_error

        say_error(f"line {line}: {fault}")


def show_plan(invocation: Invocation, snapshot: "Snapshot", plan: "Plan") -> None:
    if invocation.json:
        invocation.data(plan)
        return
    from trueup.surfaces.cli.render_plan import render_plan

    invocation.show(render_plan(plan, snapshot.venue.open_orders.state))


def exit_code(snapshot: "Snapshot", plan: "Plan") -> int:
    from trueup.model.vocabulary import BreakKind, DeferralReason, ReadState, Severity

    if not plan.result.processed:
        return FAILURE
    kinds = {found.kind for found in plan.breaks if found.severity is not Severity.INFO}
    if kinds - {BreakKind.END_UNKNOWN}:
        return BREAKS
    waiting = (DeferralReason.QUERY_OPEN, DeferralReason.QUERY_BUDGET)
    is_waiting = bool(plan.queries) or any(one.reason in waiting for one in plan.deferred)
    if kinds or is_waiting or snapshot.venue.open_orders.state is not ReadState.COMPLETE:
        return INCOMPLETE
    return INCOMPLETE if nothing_was_judged(snapshot, plan) else IN_SYNC


def nothing_was_judged(snapshot: "Snapshot", plan: "Plan") -> bool:
    """Whether every order that could be judged, live here or listed there, was deferred; false where there is none."""
    from trueup.model.ids import known_client_id, known_id
    from trueup.model.vocabulary import LIVE

    if not plan.deferred:
        return False
    venue_ids = {known_id(one.venue_order_id) for one in plan.deferred} - {None}
    client_ids = {known_client_id(one.client_order_id) for one in plan.deferred} - {None}
    live = [one for one in snapshot.local.orders if one.status in LIVE]
    ids = [(one.venue_order_id, one.client_order_id) for one in live]
    ids += [(one.venue_order_id, one.client_order_id) for one in snapshot.venue.open_orders.rows]
    return bool(ids) and all(
        known_id(venue_id) in venue_ids or known_client_id(client_id) in client_ids
        for venue_id, client_id in ids
    )


# -- configured profiles ----------------------------------------------------------------------------------------------


def _plan_configured(invocation: Invocation, output: Path | None, profile_ids: tuple[str, ...]) -> int:
    from trueup.surfaces.cli.configured import load, plan_profiles, report_code
    from trueup.surfaces.cli.repairs import next_steps
    from trueup.surfaces.cli.terminal import progress, say

    loaded = load(invocation)
    with progress("reading the books and the venue"):
        reports = plan_profiles(loaded, profile_ids)
    plans = [report.plan for report in reports if report.plan is not None]
    for number, report in enumerate(reports):
        if number and not invocation.json:
            invocation.line("")
        _show_report(invocation, report)
    if output is not None:
        write_plans(output, plans)
    for line in next_steps(loaded, plans, output) if output is not None or not invocation.json else ():
        say(line)
    return worst([report_code(report) for report in reports])


def _show_report(invocation: Invocation, report: "ProfileReport") -> None:
    if report.plan is not None and report.snapshot is not None:
        show_plan(invocation, report.snapshot, report.plan)
    say_failures(report)
    _say_old_venue(report)


def _say_old_venue(report: "ProfileReport") -> None:
    """Where rows that do not say when they changed were first read after the venue's orders were exported."""
    from trueup.model.times import is_before
    from trueup.model.vocabulary import DeferralReason
    from trueup.surfaces.cli.terminal import say

    if report.plan is None or report.snapshot is None:
        return
    told_at = report.snapshot.venue.open_orders.read_at
    recent = {
        (one.client_order_id, one.venue_order_id)
        for one in report.plan.deferred
        if one.reason is DeferralReason.RECENT_ACTIVITY
    }
    active = [
        one.last_activity_at
        for one in report.snapshot.local.orders
        if (one.client_order_id, one.venue_order_id) in recent and one.last_activity_at is not None
    ]
    if told_at is not None and any(is_before(told_at, one) for one in active):
        say(
            f"{report.profile_id}: the venue's orders are of {told_at}, older than what is known of {len(active)} of "
            "the bot's: export them again (connect --force), or map the column that says when a row last changed "
            "(last_activity_at)"
        )


def say_failures(report: "ProfileReport") -> None:
    """Why a profile was not planned, and what of the venue was not read."""
    from trueup.surfaces.cli.terminal import say

    if report.error is not None:
        say(f"{report.profile_id}: {report.state}: {report.error}")
    failed = [] if report.snapshot is None else _failed_reads(report.snapshot)
    for name, error in failed:
        say(f"{report.profile_id}: {name} could not be read: {error}")


def _failed_reads(snapshot: "Snapshot") -> list[tuple[str, str]]:
    from trueup.model.snapshot import NOT_READ

    venue = snapshot.venue
    reads = (("open orders", venue.open_orders), ("history", venue.history), ("positions", venue.positions))
    return [(name, read.error) for name, read in reads if read.error not in (None, NOT_READ)]


def write_plans(path: Path, plans: "Iterable[Plan]") -> None:
    """One plan a line: what `trueup apply FILE` takes."""
    import msgspec

    from trueup.surfaces.cli.files import write_whole

    write_whole(path, b"".join(msgspec.json.encode(plan) + b"\n" for plan in plans))
