"""`trueup status`: how every profile stands, from the journal alone; the venue is not asked."""

from typing import TYPE_CHECKING, Any

import click

from trueup.surfaces.cli.configured import check_profile, load, open_books, say_unwritten
from trueup.surfaces.cli.invocation import Invocation, common

if TYPE_CHECKING:
    from trueup.service.views.overview import AccountView, ProfileView


@click.command()
@click.option("--profile", "profile_id", metavar="ID", help="Only this profile.")
@common
def command(invocation: Invocation, profile_id: str | None) -> None:
    """Show every profile: last good run, open breaks, what waits; alerts that stand; the newest kept runs."""
    from trueup.service.views.overview import Standing, read_overview
    from trueup.service.views.texts import brief, brief_time
    from trueup.surfaces.cli.terminal import severity, styled, table

    objective_s = load(invocation).config.service.objective_s
    with open_books(invocation) as books:
        check_profile(books, profile_id)
        view = read_overview(books, objective_s, profile_id)
        say_unwritten(books, None if profile_id is None else [profile_id])
    if invocation.json:
        invocation.data(view)
        return
    accounts = view.accounts
    rows = [
        (
            one.profile_id,
            one.account_id,
            _sync_text(one),
            styled(f"paused: {one.pause_reason}", "yellow")
            if one.paused
            else brief_time(one.last_good_run_at) or "never",
            styled(one.health, "green" if one.health is Standing.OK else "yellow"),
            _breaks_text(one.open_breaks),
            brief(one.at_stake) if one.at_stake is not None else "unknown" if one.unpriced else "",
            one.deferred,
            one.notifications_waiting,
            one.notifications_parked,
        )
        for one in view.profiles
    ]
    columns = (
        *("profile", "account", "books", "last good run", "trueup", "open breaks", ">at stake"),
        *(">deferred", ">to be told", ">parked"),
    )
    if not rows:
        invocation.line("no profile is recorded yet; next: trueup run --once")
        return
    invocation.show(table("Profiles", columns, rows, rows_max=None))
    if any(one.worked_by for one in accounts):
        who = [
            (
                one.account_id,
                f"{one.worked_by} (now)" if one.is_held else one.worked_by,
                brief_time(one.next_due_at),
                f"{one.late_s:.0f} s" if one.late_s >= 1 else "",
            )
            for one in accounts
        ]
        heads = ("account", "worked on by", "next due", ">late")
        invocation.show("", table("Accounts", heads, who, rows_max=None))
    for one in accounts:
        if one.failures:
            invocation.line(_back_off_text(one), "red")
    if view.alerts:
        told = [
            (severity(one.alert.severity.lower()), one.alert.message, brief_time(one.raised_at))
            for one in view.alerts
        ]
        invocation.show("", table("Alerts that stand", ("severity", "what", "told at"), told))
    if view.runs:
        kept = [
            (run.run_id, run.profile_id, brief_time(run.taken_at), run.state, run.error) for run in view.runs
        ]
        invocation.show("", table("Newest kept runs", ("run", "profile", "taken at", "state", "error"), kept))
    if any(one.open_breaks for one in view.profiles):
        invocation.line("next: trueup breaks", "dim")


def _back_off_text(account: "AccountView") -> str:
    """In words: which account backs off, since when, after how many failures, when it is tried next, and why."""
    from trueup.service.views.texts import brief_time

    runs = "run" if account.failures == 1 else f"{account.failures} runs in a row"
    since, then = brief_time(account.failing_since), brief_time(account.next_due_at)
    when = f"it is tried next at {then}" if then else "trueup run tries it at its next turn"
    return (
        f"account {account.account_id} backs off: the last {runs} could judge nothing, since {since}; {when}:"
        f" {account.failure}"
    )


def _sync_text(one: "ProfileView") -> Any:
    """Unknown is never green: nobody has looked."""
    from trueup.service.views.overview import Sync
    from trueup.surfaces.cli.terminal import styled

    style = {Sync.IN_SYNC: "green", Sync.DRIFTED: "red", Sync.UNKNOWN: "yellow"}[one.sync]
    return styled(one.sync.replace("_", " "), style)


def _breaks_text(counts: dict[str, int]) -> Any:
    from trueup.surfaces.cli.terminal import SEVERITY_STYLES, styled

    worst = next((severity for severity in ("error", "warn", "info") if counts.get(severity)), None)
    text = ", ".join(f"{counts[one]} {one}" for one in ("error", "warn", "info") if counts.get(one))
    return styled(text or "none", SEVERITY_STYLES[worst] if worst else "green")
