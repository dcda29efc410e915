"""A plan laid onto its own snapshot, by the simulator."""

from trueup.model.snapshot import Fill
from trueup.sim.trials.projection import _lay_fills


def test_fills_of_two_orders_that_share_a_fill_id_stay_two() -> None:
    """Where a venue counts fill ids per order and names orders by client order id (simulator's seed 8767)."""
    known = Fill(fill_id="F-1", client_order_id="c-1", qty="2", price="100")
    new = Fill(fill_id="F-1", client_order_id="c-2", qty="3", price="101")
    assert _lay_fills([known], [new]) == [known, new]


def test_a_projected_fill_takes_its_row_s_place_and_goes_with_its_last_quantity() -> None:
    whole = Fill(fill_id="I-1", venue_order_id="v-1", qty="2", price="100", inferred=True)
    half = Fill(fill_id="I-1", venue_order_id="v-1", qty="1", price="100", inferred=True)
    none = Fill(fill_id="I-1", venue_order_id="v-1", qty="0", price="100", inferred=True)
    assert _lay_fills([whole], [half]) == [half]
    assert _lay_fills([whole], [none]) == []
