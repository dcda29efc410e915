"""What the ledger answers to a question is added to what was read before, each row once."""

import pytest

from trueup.engine.run.answer_queries import _as_asked, _LocalReply, _replies_to, _wider, _with_reply
from trueup.model.snapshot import Fill, HistoryRead, Local, VenueAnswer, VenueOrder
from trueup.model.vocabulary import Outcome, QueryBy, ReadState

BEFORE = Fill(fill_id="F1", venue_order_id="v-1", client_order_id="b1-1", symbol="ETH/USD", qty="3")


def test_a_fill_that_was_booked_anew_between_two_reads_is_one_fill() -> None:
    """By the identity of a fill, which has no client order id and no spelling."""
    anew = Fill(fill_id="f1 ", venue_order_id="V-1", client_order_id=None, symbol="ethusd", qty="3")
    other = Fill(fill_id="F2", venue_order_id="v-1", symbol="ETH/USD", qty="1")
    local = _with_reply(Local(fills=[BEFORE]), _LocalReply([], [anew, other], []))
    assert local.fills == [BEFORE, other]


ORDER = VenueOrder(venue_order_id="v-1", client_order_id="c-1")


@pytest.mark.parametrize(
    ("answer", "replies"),
    [
        (VenueAnswer(by=QueryBy.VENUE_ORDER_ID, id=" V-1", outcome=Outcome.FOUND, order=ORDER), True),
        (
            VenueAnswer(by=QueryBy.CLIENT_ORDER_ID, id="v-1", outcome=Outcome.ABSENT),
            False,
        ),  # the other kind of id
        (VenueAnswer(by=QueryBy.VENUE_ORDER_ID, id="v-2", outcome=Outcome.ABSENT), False),
        (VenueAnswer(by=QueryBy.VENUE_ORDER_ID, id="v-1", outcome=Outcome.ABSENT), True),
        (VenueAnswer(by=QueryBy.VENUE_ORDER_ID, id="v-1", outcome=Outcome.ABSENT, order=ORDER), False),
        (VenueAnswer(by=QueryBy.VENUE_ORDER_ID, id="v-1", outcome=Outcome.FOUND), False),
    ],
)
def test_a_reply_to_another_request_is_none(answer: VenueAnswer, replies: bool) -> None:
    assert _replies_to(answer, QueryBy.VENUE_ORDER_ID, "v-1") is replies


def test_the_history_that_goes_back_furthest_counts_and_what_begins_late_is_partial() -> None:
    short = HistoryRead(state=ReadState.COMPLETE, since="2026-11-23T11:00:00Z")
    long = HistoryRead(state=ReadState.COMPLETE, since="2026-11-23T10:00:00Z")
    assert _wider(short, long) is long
    assert _wider(long, short) is long
    assert _wider(long, HistoryRead(state=ReadState.COMPLETE, since=None)).since is None
    assert _as_asked(short, "2026-11-23T10:00:00Z").state is ReadState.PARTIAL
    assert _as_asked(long, "2026-11-23T11:00:00Z").state is ReadState.COMPLETE
