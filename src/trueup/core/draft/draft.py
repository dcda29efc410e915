"""What a plan is made of while it is made: the facts, the two sides and the outcome. A stage is given what it needs."""

from msgspec import Struct

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.model.ids import comparable_ids
from trueup.model.last_results import LastResults
from trueup.model.snapshot import Snapshot, Trade


class Draft(Struct, frozen=True):
    """One plan in the making."""

    facts: Facts
    local: LocalSide
    venue: VenueSide
    outcome: RunOutcome


def begin_draft(
    snapshot: Snapshot, results: LastResults | None = None, *, has_own_ids: bool = False
) -> Draft:
    """Both sides as the snapshot has them, and nothing said yet."""
    facts = Facts(snapshot, results, has_own_ids=has_own_ids)
    local = facts.snapshot.local
    return Draft(
        facts=facts,
        local=LocalSide(
            orders=local.orders,
            original_orders=local.orders,
            results=facts.results,
            trades=dict(facts.results.of(_by_id, local.trades)),
        ),
        venue=VenueSide(facts.snapshot.venue.open_orders.rows),
        outcome=RunOutcome(facts),
    )


def _by_id(trades: list[Trade]) -> dict[str, Trade]:
    keys = comparable_ids([one.trade_id for one in trades])
    return {key or "": trade for key, trade in zip(keys, trades, strict=True)}
