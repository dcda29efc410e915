"""`trueup apply`: shows plans, asks, and applies exactly those; a stale one is refused, with what changed."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trueup.engine.run.account import RunState
from trueup.model.errors import InputError
from trueup.surfaces.cli.configured import (
    apply_plans,
    load,
    open_books,
    plan_profiles,
    report_code,
    say_unwritten,
)
from trueup.surfaces.cli.exit_codes import (
    BAD_CREDENTIALS,
    BREAKS,
    FAILURE,
    IN_SYNC,
    LEASED_ELSEWHERE,
    UNREACHABLE,
    worst,
)
from trueup.surfaces.cli.files import open_input
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.plan import say_failures
from trueup.surfaces.cli.repairs import is_writable, next_steps
from trueup.surfaces.cli.terminal import confirm, counted, progress, say

if TYPE_CHECKING:
    from trueup.engine.run.account import ProfileReport
    from trueup.model.plan import Correction, Plan
    from trueup.service.load_config import LoadedConfig


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@click.option("--profile", "profile_ids", multiple=True, metavar="ID", help="Only this profile (repeatable).")
@common
def command(
    invocation: Invocation, file: Path | None, auto_approve: bool, profile_ids: tuple[str, ...]
) -> int:
    """Show the plan, ask, and apply exactly that plan; of FILE, if `trueup plan -o FILE` wrote one.

    A plan that would change other rows by now is refused as stale, and nothing of it is written.
    """
    loaded = load(invocation)
    made = [] if file is not None else _make_plans(loaded, profile_ids)
    plans = _plans(made) if file is None else _chosen(_read_plans(file), profile_ids)
    unread = [_unread_code(report) for report in made]
    paused = [report.profile_id for report in made if report.state is RunState.PAUSED]
    unread += _say_doubts(plans)
    due = [plan for plan in plans if plan.corrections]
    approved = {plan.profile_id: plan for plan in due if is_writable(loaded, plan.profile_id)}
    if len(approved) < len(due):
        unread.append(_say_report_only(loaded, [one for one in due if one.profile_id not in approved]))
        if not approved:
            return worst(unread)
    if not approved:
        _say_nothing_to_apply(invocation, paused, _count_deferred(plans))
        if file is None:
            with open_books(invocation) as books:
                say_unwritten(books)
        return worst(unread)
    if not auto_approve:
        _show(invocation, list(approved.values()))
        if not confirm(_question(list(approved.values())), flag="--auto-approve"):
            say("nothing was written")
            return FAILURE
    with progress("applying"):
        reports = apply_plans(loaded, approved)
    for report in reports:
        _tell(invocation, report, approved[report.profile_id])
    with open_books(invocation) as books:
        unread += [FAILURE] if say_unwritten(books, approved) else []
    return worst([*unread, *(_code(report) for report in reports)])


def _make_plans(loaded: "LoadedConfig", profile_ids: tuple[str, ...]) -> "list[ProfileReport]":
    with progress("reading the books and the venue"):
        reports = plan_profiles(loaded, profile_ids)
    for report in reports:
        say_failures(report)
    return reports


def _plans(reports: "list[ProfileReport]") -> "list[Plan]":
    return [report.plan for report in reports if report.plan is not None]


def _unread_code(report: "ProfileReport") -> int:
    """What kept a profile from being planned; that nothing is to be applied to it says nothing then."""
    code = report_code(report)
    kept = (FAILURE, BAD_CREDENTIALS, UNREACHABLE)
    return code if code in kept or report.state is RunState.PAUSED else IN_SYNC


def _read_plans(file: Path) -> "list[Plan]":
    from trueup.model.decode import decode_plan

    with open_input(str(file)) as stream:
        lines = [line for line in stream.read().split(b"\n") if line.strip()]
    try:
        plans = [decode_plan(line) for line in lines]
    except InputError as fault:
        raise InputError(fault.message, f"{file}: {fault.path}") from fault
    if not plans:
        raise InputError("holds no plan", str(file))
    if len({plan.profile_id for plan in plans}) < len(plans):
        raise InputError("holds two plans of one profile; make it anew with `trueup plan -o FILE`", str(file))
    return plans


def _chosen(plans: "list[Plan]", profile_ids: tuple[str, ...]) -> "list[Plan]":
    planned = [plan.profile_id for plan in plans]
    for unknown in (one for one in profile_ids if one not in planned):
        raise InputError(f"the file has no plan of {unknown!r}, but of: {', '.join(planned)}", "--profile")
    return [plan for plan in plans if not profile_ids or plan.profile_id in profile_ids]


def _show(invocation: Invocation, plans: "list[Plan]") -> None:
    """Shown to whoever answers; with --json the answer alone goes to standard output."""
    from trueup.surfaces.cli import terminal
    from trueup.surfaces.cli.render_plan import render_plan

    for plan in plans:
        terminal.console(color=invocation.color, stderr=invocation.json).print(render_plan(plan))


def _question(plans: "list[Plan]") -> str:
    corrections = sum(len(plan.corrections) for plan in plans)
    return f"Apply {counted(corrections, 'correction')} to {', '.join(plan.profile_id for plan in plans)}?"


def _say_report_only(loaded: "LoadedConfig", plans: "list[Plan]") -> int:
    """Of bots' own books that are not written; their breaks stand."""
    for line in next_steps(loaded, plans):
        say(line)
    return BREAKS


def _say_doubts(plans: "list[Plan]") -> list[int]:
    """Books that cannot be what their mapping says: nothing of them is judged, so nothing of them is applied."""
    from trueup.model.vocabulary import BreakKind

    doubts = [one.message for plan in plans for one in plan.breaks if one.kind is BreakKind.MAPPING_DOUBTFUL]
    for message in doubts:
        say(f"this cannot be right: {message}")
    return [BREAKS] if doubts else []


def _count_deferred(plans: "list[Plan]") -> int:
    """Orders alone: of an instrument whose orders move, each is counted."""
    found = (one for plan in plans for one in plan.deferred)
    return sum(1 for one in found if one.client_order_id or one.venue_order_id)


def _say_nothing_to_apply(invocation: Invocation, paused: list[str], deferred: int) -> None:
    if invocation.json:
        invocation.data({"applied": 0, "paused": paused, "deferred": deferred})
    elif paused:
        say(f"nothing was planned for {', '.join(paused)}, which is paused; next: trueup resume")
    elif deferred:
        say(f"nothing to apply; {counted(deferred, 'order')} not judged yet: trueup plan says why")
    else:
        say("nothing to apply")


def _code(report: "ProfileReport") -> int:
    """What was applied is mended: breaks that remain are for the next plan."""
    if report.state is RunState.APPLIED:
        return FAILURE if report.applied is not None and report.applied.superseded else IN_SYNC
    if report.state is RunState.SKIPPED:
        return LEASED_ELSEWHERE
    return report_code(report) or FAILURE


# -- telling ----------------------------------------------------------------------------------------------------------


def _tell(invocation: Invocation, report: "ProfileReport", approved: "Plan") -> None:
    gone, new = _changes(approved, report.plan) if report.state is RunState.STALE else ([], [])
    if invocation.json:
        invocation.data(_as_json(report, gone, new))
        return
    if report.state is RunState.STALE:
        _tell_stale(invocation, report, gone, new)
    elif report.applied is not None and report.state is RunState.APPLIED:
        done = report.applied
        superseded = f", {done.superseded} dropped because their rows moved" if done.superseded else ""
        invocation.line(
            f"{report.profile_id}: applied {counted(done.applied, 'correction')}{superseded}; run {done.run_id}"
        )
        for conflict in done.conflicts:
            say(f"{report.profile_id}: {conflict}")
    else:
        say(
            f"{report.profile_id}: {report.state}: {report.error or report.blocked_reason or 'nothing was written'}"
        )


def _changes(approved: "Plan", now: "Plan | None") -> "tuple[list[Correction], list[Correction]]":
    """Corrections that were approved and no longer stand, and those that would be made instead."""
    from msgspec.json import encode

    before = {encode(one): one for one in approved.corrections}
    after = {} if now is None else {encode(one): one for one in now.corrections}
    gone = [one for key, one in before.items() if key not in after]
    return gone, [one for key, one in after.items() if key not in before]


def _tell_stale(
    invocation: Invocation, report: "ProfileReport", gone: "list[Correction]", new: "list[Correction]"
) -> None:
    from trueup.surfaces.cli.render_plan import correction_text, order_name
    from trueup.surfaces.cli.terminal import table

    say(f"{report.profile_id}: the plan is stale, nothing was written; make a new one with `trueup plan`")
    rows = [("approved", one.kind, order_name(one), correction_text(one)) for one in gone]
    rows += [("now", one.kind, order_name(one), correction_text(one)) for one in new]
    invocation.show(table("What changed", ("plan", "kind", "order", "change"), rows))


def _as_json(report: "ProfileReport", gone: "list[Correction]", new: "list[Correction]") -> dict[str, Any]:
    done = report.applied
    return {
        "profile_id": report.profile_id,
        "state": report.state,
        "run_id": report.run_id,
        "applied": 0 if done is None else done.applied,
        "superseded": 0 if done is None else done.superseded,
        "notifications": 0 if done is None else done.notifications,
        "conflicts": [] if done is None else done.conflicts,
        "no_longer": gone,
        "instead": new,
        "error": report.error or report.blocked_reason,
    }
