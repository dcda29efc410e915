"""`trueup explain`: the story of an order, a trade, a break or a run: who did what when, by which rule, and on what
evidence."""

from typing import TYPE_CHECKING

import click

from trueup.surfaces.cli.configured import check_profile, open_books
from trueup.surfaces.cli.invocation import Invocation, common

if TYPE_CHECKING:
    from trueup.engine.people.explain import Explanation
    from trueup.model.snapshot import Snapshot


@click.command()
@click.argument("reference", metavar="ORDER|TRADE|BREAK|RUN")
@click.option("--profile", metavar="ID", help="Only of this profile.")
@common
def command(invocation: Invocation, reference: str, profile: str | None) -> None:
    """Tell the story of an order (by either id), a trade, a break, or a run."""
    from trueup.engine.people.explain import explain
    from trueup.service.views.story import venue_snapshots

    with open_books(invocation) as books:
        check_profile(books, profile)
        found = explain(books, reference, profile)
        if invocation.json:
            for one in found:
                invocation.data(one)
            return
        for one in found:
            show_explanation(invocation, one, venue_snapshots(books, one))


def show_explanation(invocation: Invocation, explanation: "Explanation", snapshots: "list[Snapshot]") -> None:
    from trueup.surfaces.cli.render_plan import render_plan
    from trueup.surfaces.cli.render_story import render_story

    if explanation.plan is not None and explanation.run is not None:
        run = explanation.run
        invocation.line(f"run {run.run_id}: {run.state}" + (f", {run.error}" if run.error else ""), "bold")
        read = snapshots[-1].venue.open_orders.state if snapshots else None
        invocation.show(render_plan(explanation.plan, read))
        invocation.line(f"next: trueup replay {run.run_id}", "dim")
    else:
        invocation.show(render_story(explanation, snapshots))
