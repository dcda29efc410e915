"""A run's documents come back as they were, whether they were compressed at once or beside."""

import pytest

from tests.acceptance.plan.snapshots import local_order, snapshot, venue_order
from trueup.core.make_plan import make_plan
from trueup.ledgers.journal.journal_rows import encode
from trueup.ledgers.sql.pack_run import BESIDE_FROM_BYTES, packing, unpacked
from trueup.ledgers.sql.plan_texts import PlanTexts
from trueup.model.decode import decode_snapshot


@pytest.mark.parametrize(("orders", "is_large"), [(1, False), (1500, True)])
def test_what_is_packed_is_unpacked(orders: int, is_large: bool) -> None:
    ids = [{"client_order_id": f"c-{number}", "venue_order_id": f"v-{number}"} for number in range(orders)]
    document = snapshot(
        [local_order(**one) for one in ids], [venue_order(status="canceled", **one) for one in ids]
    )
    taken = decode_snapshot(encode(document))
    plan = make_plan(taken)
    assert (len(encode(taken)) + len(encode(plan)) >= BESIDE_FROM_BYTES) is is_large
    with packing(taken, PlanTexts(plan)) as packed:
        assert unpacked(packed.snapshot(), "run-1") == encode(taken)
        assert unpacked(packed.plan(), "run-1") == encode(plan)
