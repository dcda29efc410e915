"""`trueup replay`: plans a stored snapshot again and compares it with the plan that was stored, byte for byte."""

import click

from trueup.surfaces.cli.configured import open_books
from trueup.surfaces.cli.exit_codes import FAILURE, IN_SYNC
from trueup.surfaces.cli.invocation import Invocation, common


@click.command()
@click.argument("run")
@click.option(
    "--snapshot", "show_snapshot", is_flag=True, help="Print the stored snapshot instead of replaying it."
)
@common
def command(invocation: Invocation, run: str, show_snapshot: bool) -> int:
    """Plan the stored snapshot of RUN again and compare. Exit code 1 where the plans differ."""
    from trueup.engine.run.replay_run import replay_run

    with open_books(invocation) as books:
        if show_snapshot:
            invocation.json_text(books.journal.load_run(run)[1])
            return IN_SYNC
        replay = replay_run(books.journal, run)
    if invocation.json:
        invocation.data(
            {"run_id": run, "same": replay.same, "changed": replay.changed, "plan_id": replay.plan.plan_id}
        )
    elif replay.same:
        invocation.line(f"the same plan, byte for byte: {replay.plan.plan_id}", "green")
    else:
        invocation.line(f"the plan differs in {', '.join(replay.changed)}: the rules changed since", "red")
    return IN_SYNC if replay.same else FAILURE
