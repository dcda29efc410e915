"""`trueup plan`: what differs and what would be repaired; of a snapshot file, or of the configured profiles.

Exit codes: 0 no break above info, 2 breaks, 3 incomplete (the open-order read is not complete, or a query is open),
1 failure; of several plans the worst in the order 1, 2, 3, 0.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trueup.surfaces.cli.invocation import Invocation, common

if TYPE_CHECKING:
    from trueup.model.errors import InputError
    from trueup.model.plan import Plan
    from trueup.model.snapshot import Snapshot
    from trueup.surfaces.cli.documents import Document

IN_SYNC, FAILURE, BREAKS, INCOMPLETE = 0, 1, 2, 3
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
        from trueup.surfaces.cli.configured import plan_configured

        return plan_configured(invocation, output, profile_ids)
    if output is not None or profile_ids:
        raise click.UsageError("--snapshot takes neither --output nor --profile: redirect the output instead")
    from trueup.surfaces.cli.documents import read_documents

    return worst(_answer(invocation, document) for document in read_documents(snapshot))


def worst(codes: Iterable[int]) -> int:
    return min(codes, key=(FAILURE, BREAKS, INCOMPLETE, IN_SYNC).index, default=IN_SYNC)


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
    show_plan(invocation, plan)
    return exit_code(snapshot, plan)


def show_plan(invocation: Invocation, plan: "Plan") -> None:
    if invocation.json:
        invocation.data(plan)
        return
    from trueup.surfaces.cli.render_plan import render_plan

    invocation.show(render_plan(plan))


def exit_code(snapshot: "Snapshot", plan: "Plan") -> int:
    from trueup.model.vocabulary import ReadState, Severity

    if not plan.result.processed:
        return FAILURE
    if any(found.severity is not Severity.INFO for found in plan.breaks):
        return BREAKS
    if plan.queries or snapshot.venue.open_orders.state is not ReadState.COMPLETE:
        return INCOMPLETE
    return IN_SYNC


def _answer_fault(invocation: Invocation, line: int, fault: "InputError") -> None:
    if invocation.json:
        invocation.data({"format": ERROR_FORMAT, "line": line, "path": fault.path, "message": fault.message})
    else:
        from trueup.surfaces.cli.terminal import say_error

        say_error(f"line {line}: {fault}")
