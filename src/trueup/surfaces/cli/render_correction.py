"""A person's correction as a terminal shows it: what stands, what will stand, and what the bot is told."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from trueup.ports.people import PersonCorrection
from trueup.service.views.correction import changes_of
from trueup.service.views.texts import brief
from trueup.surfaces.cli.terminal import styled, table

if TYPE_CHECKING:
    from rich.console import RenderableType


def render_correction(made: PersonCorrection) -> "RenderableType":
    from rich.console import Group

    from trueup.surfaces.cli.render_plan import spaced

    return Group(*spaced(_parts(made)))


def _parts(made: PersonCorrection) -> Iterator["RenderableType"]:
    what = f"{made.kind.replace('_', ' ')} {made.about} ({made.profile_id}), by {made.author}: {made.reason}"
    yield styled(what, "bold")
    rows = [(one.subject, one.key, brief(one.before), brief(one.after)) for one in changes_of(made)]
    if rows:
        yield table("What changes", ("what", "key", "before", "after"), rows, rows_max=None)
    if made.notifications:
        told = [
            (
                one.kind,
                one.client_order_id or one.venue_order_id or one.trade_id or "",
                one.cumulative_qty or "",
            )
            for one in made.notifications
        ]
        yield table("What the bot is told", ("kind", "of", ">filled in all"), told, rows_max=None)
