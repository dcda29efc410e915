"""What the ledger answers to a question is added to what was read before, each row once."""

from trueup.engine.run.answer_queries import _LocalReply, _with_reply
from trueup.model.snapshot import Fill, Local

BEFORE = Fill(fill_id="F1", venue_order_id="v-1", client_order_id="b1-1", symbol="ETH/USD", qty="3")


def test_a_fill_that_was_booked_anew_between_two_reads_is_one_fill() -> None:
    """By the identity of a fill, which has no client order id and no spelling."""
    anew = Fill(fill_id="f1 ", venue_order_id="V-1", client_order_id=None, symbol="ethusd", qty="3")
    other = Fill(fill_id="F2", venue_order_id="v-1", symbol="ETH/USD", qty="1")
    local = _with_reply(Local(fills=[BEFORE]), _LocalReply([], [anew, other], []))
    assert local.fills == [BEFORE, other]
