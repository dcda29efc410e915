"""`trueup status`: how every profile stands, from the journal alone; the venue is not asked."""

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from trueup.surfaces.cli.configured import check_profile, open_books
from trueup.surfaces.cli.invocation import Invocation, common

if TYPE_CHECKING:
    from trueup.ports.ledger import Ledger
    from trueup.service.views.overview import AccountView

RUNS_SHOWN = 8


@click.command()
@click.option("--profile", "profile_id", metavar="ID", help="Only this profile.")
@common
def command(invocation: Invocation, profile_id: str | None) -> None:
    """Show every profile: last good run, open breaks, what waits; alerts that stand; the newest kept runs."""
    with open_books(invocation) as books:
        check_profile(books, profile_id)
        profiles = [one for one in _profiles(books) if profile_id in (None, one["profile_id"])]
        runs = books.journal.list_runs(profile_id, limit=RUNS_SHOWN)
        alerts = [one for one in books.journal.list_alerts(profile_id) if one.stands and not one.is_of_break]
        theirs = {one["account_id"] for one in profiles}
        accounts = [one for one in _accounts(books) if one.account_id in theirs]
    if invocation.json:
        invocation.data({"profiles": profiles, "accounts": accounts, "alerts": alerts, "runs": runs})
        return
    from trueup.service.views.texts import brief_time
    from trueup.surfaces.cli.terminal import severity, styled, table

    rows = [
        (
            one["profile_id"],
            one["account_id"],
            styled(f"paused: {one['pause_reason']}", "yellow")
            if one["paused"]
            else brief_time(one["last_good_run_at"]) or "never",
            _breaks_text(one["open_breaks"]),
            one["deferred"],
            one["notifications_waiting"],
            one["notifications_parked"],
        )
        for one in profiles
    ]
    columns = ("profile", "account", "last good run", "open breaks", ">deferred", ">to be told", ">parked")
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
    if alerts:
        told = [
            (severity(one.alert.severity.lower()), one.alert.message, brief_time(one.raised_at))
            for one in alerts
        ]
        invocation.show("", table("Alerts that stand", ("severity", "what", "told at"), told))
    if runs:
        kept = [(run.run_id, run.profile_id, brief_time(run.taken_at), run.state, run.error) for run in runs]
        invocation.show("", table("Newest kept runs", ("run", "profile", "taken at", "state", "error"), kept))
    if any(one["open_breaks"] for one in profiles):
        invocation.line("next: trueup breaks", "dim")


def _accounts(books: "Ledger") -> "list[AccountView]":
    from trueup.model.times import to_ns
    from trueup.service.views.overview import account_view

    now_ns = to_ns(books.now())
    return [account_view(lease, now_ns) for lease in books.journal.lease_states()]


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


def _profiles(books: "Ledger") -> list[dict[str, Any]]:
    known = books.journal.list_profiles()
    states = books.journal.profile_states([profile.profile_id for profile in known])
    completed = {key: at for lease in books.journal.lease_states() for key, at in lease.completed.items()}
    found: dict[str, Counter[str]] = {profile.profile_id: Counter() for profile in known}
    for record in books.journal.list_breaks():
        found[record.profile_id][record.found.severity.value] += 1
    rows = []
    for profile in known:
        profile_id = profile.profile_id
        waiting, parked = books.journal.count_outbox(profile_id)
        rows.append(
            {
                "profile_id": profile_id,
                "account_id": profile.account_id,
                "venue": profile.venue,
                "paused": states[profile_id].paused,
                "pause_reason": states[profile_id].pause_reason,
                "last_good_run_at": completed.get(profile_id),
                "open_breaks": dict(found[profile_id]),
                "deferred": len(books.journal.list_deferrals(profile_id)),
                "notifications_waiting": waiting,
                "notifications_parked": parked,
            }
        )
    return rows


def _breaks_text(counts: dict[str, int]) -> Any:
    from trueup.surfaces.cli.terminal import SEVERITY_STYLES, styled

    worst = next((severity for severity in ("error", "warn", "info") if counts.get(severity)), None)
    text = ", ".join(f"{counts[one]} {one}" for one in ("error", "warn", "info") if counts.get(one))
    return styled(text or "none", SEVERITY_STYLES[worst] if worst else "green")
