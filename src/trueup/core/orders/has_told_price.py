"""Whether the venue told at what price all that filled of an order did: by its average, or by its fills."""

from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.compare_fills import price_of
from trueup.core.orders.record_figures import filled_qty
from trueup.model.ids import contradict, known_id
from trueup.model.money import ZERO, amount, exceeds
from trueup.model.snapshot import VenueOrder


def has_told_price(venue: VenueSide, record: VenueOrder) -> bool:
    """Of an order without a local row, whose fills are nobody's yet."""
    if amount(record.filled_avg_price) > 0:
        return True
    venue_id, filled = known_id(record.venue_order_id), filled_qty(record) or ZERO
    mine = [
        amount(fill.qty)
        for fill in venue.stray_fills
        if known_id(fill.venue_order_id) == venue_id
        and price_of(fill) is not None
        and not contradict(fill, record)
    ]
    return filled > 0 and not exceeds(filled, sum(mine, ZERO))
