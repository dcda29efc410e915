"""Orders that a plan adds are found by their ids, whoever looks first."""

import msgspec
from msgspec.structs import replace

from tests.acceptance.plan.snapshots import local_order, open_orders, snapshot
from trueup.core.draft.draft import begin_draft
from trueup.model.decode import decode_snapshot
from trueup.model.snapshot import LocalOrder
from trueup.model.vocabulary import Side, Status


def added(number: int) -> LocalOrder:
    return LocalOrder(
        venue_order_id=f" V-{number}",
        client_order_id=f"C-{number} ",
        side=Side.BUY,
        status=Status.PENDING_NEW,
    )


def test_orders_added_unindexed_are_found_by_either_id():
    document = snapshot([local_order(venue_order_id="v-1", client_order_id="c-1")], open_orders([]))
    local = begin_draft(decode_snapshot(msgspec.json.encode(document))).local
    assert local.local_index("v-1") == 0
    local.add_orders([added(2), added(3)])
    local.add_orders([added(4)])
    assert (local.index_by_client_id["c-3"], local.local_index("v-2")) == (2, 1)
    assert local.add_order(added(5)) == 4
    assert (local.local_index("v-4"), local.index_by_client_id["c-5"], len(local.matched)) == (3, 4, 4)


def test_an_index_that_is_asked_for_late_says_what_it_would_have_said_before():
    """Else what is found by an id hangs on who asked first."""
    document = snapshot([local_order(venue_order_id="v-1", client_order_id="c-1")], open_orders([]))
    early, late = (begin_draft(decode_snapshot(msgspec.json.encode(document))).local for _ in range(2))
    assert early.local_index("v-1") == 0
    for local in (early, late):
        local.change_order(0, replace(local.orders[0], venue_order_id="v-9"))
        local.add_orders([added(2)])
    assert late.index_by_venue_id == early.index_by_venue_id == {"v-1": 0, "v-2": 1}
