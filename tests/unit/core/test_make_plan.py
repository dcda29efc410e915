"""A stage is given the values that its parameters name, and each value keeps what it is for."""

from inspect import signature

import msgspec

from tests.acceptance.plan.snapshots import local_order, snapshot, venue_order
from trueup.core.draft.draft import Draft, begin_draft
from trueup.core.make_plan import STAGES, STAGES_IN_DOUBT
from trueup.core.stages.diff_orders import diff_orders
from trueup.core.stages.match_orders import match_orders
from trueup.model.decode import decode_snapshot


def test_a_stage_asks_for_the_plans_values_in_one_order():
    values = list(Draft.__struct_fields__)
    for stage in (*STAGES, *STAGES_IN_DOUBT):
        asked = list(signature(stage).parameters)
        assert asked == [one for one in values if one in asked], stage.__name__
        assert asked


def test_a_judgement_is_laid_onto_the_local_side_and_left_with_the_outcome():
    open_row = venue_order(status="partially_filled", filled_qty="1", filled_avg_price="100")
    document = snapshot([local_order(status="partially_filled")], [open_row])
    draft = begin_draft(decode_snapshot(msgspec.json.encode(document)))
    given, rows = list(draft.facts.snapshot.local.orders), list(draft.venue.open_rows)
    match_orders(draft.facts, draft.local, draft.venue, draft.outcome)
    assert not draft.outcome.breaks
    diff_orders(draft.facts, draft.local, draft.venue, draft.outcome)
    assert (draft.local.orders[0].filled_qty, draft.local.original_orders[0].filled_qty) == ("1", "0")
    assert [one.kind for one in draft.outcome.corrections] == ["book_fill"]
    assert (draft.facts.snapshot.local.orders, draft.venue.open_rows) == (given, rows)
