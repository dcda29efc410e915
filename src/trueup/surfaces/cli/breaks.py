"""`trueup breaks`: what differs and is not resolved, since when, and how often it was seen."""

import click
import msgspec

from trueup.surfaces.cli.configured import check_profile, open_books
from trueup.surfaces.cli.invocation import Invocation, common


@click.command()
@click.option("--profile", metavar="ID", help="Only this profile.")
@click.option("--all", "show_all", is_flag=True, help="Also resolved ones.")
@click.option("--owner", metavar="NAME", help="Only those that NAME looks after.")
@common
def command(invocation: Invocation, profile: str | None, show_all: bool, owner: str | None) -> None:
    """List the open breaks."""
    from trueup.engine.people.decide import owners_of

    with open_books(invocation) as books:
        check_profile(books, profile)
        records = books.journal.list_breaks(profile, open_only=not show_all)
        owners = owners_of(books, profile)
    if owner is not None:
        records = [one for one in records if owners.get(one.found.break_id) == owner]
    if invocation.json:
        for record in records:
            invocation.data({**msgspec.to_builtins(record), "owner": owners.get(record.found.break_id)})
        return
    if not records:
        invocation.line("no break is on record" if show_all else "no open break", "green")
        return
    from trueup.model.ids import short_break_ids
    from trueup.service.views.texts import brief_time
    from trueup.surfaces.cli.render_plan import order_name
    from trueup.surfaces.cli.terminal import severity, table

    rows = [
        (
            severity(one.found.severity),
            one.found.kind,
            order_name(one.found),
            one.found.message,
            brief_time(one.first_seen_at)[5:16],
            one.occurrences,
            one.resolution or "open",
            owners.get(one.found.break_id, ""),
            short_id,
        )
        for one, short_id in zip(
            records, short_break_ids([one.found.break_id for one in records]), strict=True
        )
    ]
    columns = ("severity", "kind", "order", "what", "since", ">seen", "state", "owner", "break")
    invocation.show(table("Breaks, times in UTC" if show_all else "Open breaks, times in UTC", columns, rows))
    invocation.line("next: trueup explain ORDER or BREAK", "dim")
