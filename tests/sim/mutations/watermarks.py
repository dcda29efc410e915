"""Mistakes about how far the history is finally classed."""

from unittest import mock

from tests.sim.mutations.evidence import Mutation
from trueup.engine import decide_state, leased_run, observe


def watermark_advanced_on_any_run() -> Mutation:
    """Also after a partial, failed, dry, limited or deferred one."""
    return mock.patch.object(
        leased_run, "next_watermark", lambda snapshot, plan, watermark: snapshot.venue.history.read_at
    )


def watermark_passes_unbooked_fills() -> Mutation:
    return mock.patch.object(decide_state, "_unresolved_since", return_value=[])


def watermark_holds_for_any_scope() -> Mutation:
    return mock.patch.object(observe, "_holds", return_value=True)
