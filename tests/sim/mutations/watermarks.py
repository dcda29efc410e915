"""Mistakes about how far the history is finally classed."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from tests.sim.mutations.evidence import Mutation
from trueup.engine.run import decide_state, leased_run, observe_local
from trueup.sim.trials import draw_world


def watermark_advanced_on_any_run() -> Mutation:
    """Also after a partial, failed, dry, limited or deferred one."""
    return mock.patch.object(
        leased_run, "next_watermark", lambda snapshot, plan, watermark: snapshot.venue.history.read_at
    )


def watermark_passes_unbooked_fills() -> Mutation:
    return mock.patch.object(decide_state, "_unresolved_since", return_value=[])


@contextmanager
def watermark_holds_for_any_scope() -> Iterator[None]:
    """People do nothing but narrow the scope."""
    narrowing = draw_world._CHANGES[:2]
    with (
        mock.patch.object(draw_world, "_CHANGES", narrowing),
        mock.patch.object(observe_local, "_holds", return_value=True),
    ):
        yield
