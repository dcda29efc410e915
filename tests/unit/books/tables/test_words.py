"""A bot's words, both ways."""

import pytest

from trueup.books.tables.words import Words, check_word
from trueup.model.vocabulary import Action, Side, Status

SAID = Words({"DONE": "filled", "Working": "open", "gone": "canceled", "L": "buy", "in": "entry"})


@pytest.mark.parametrize(
    ("text", "filled", "status"),
    [
        ("DONE", "10", Status.FILLED),
        ("done", "10", Status.FILLED),  # case says nothing
        ("Working", "0", Status.PENDING_NEW),
        ("working", "3", Status.PARTIALLY_FILLED),
        ("gone", "3", Status.CANCELED),
        ("NEW", "0", Status.PENDING_NEW),  # not mapped: what everybody means by it
        ("closed", "10", Status.FILLED),
        ("closed", "3", Status.CANCELED),
        ("calculated", "3", None),
        ("weird", "3", None),
    ],
)
def test_a_status_word_means_what_the_mapping_or_everybody_says(text, filled, status):
    assert SAID.status(text, "10", filled) is status


def test_other_words():
    assert SAID.side("l") is Side.BUY
    assert SAID.side("SELL") is Side.SELL
    assert SAID.action("IN") is Action.ENTRY
    assert SAID.action("nonsense") is None
    with pytest.raises(ValueError, match="none of"):
        SAID.side("up")


@pytest.mark.parametrize(
    ("ours", "word"),
    [
        ("filled", "DONE"),
        ("partially_filled", "Working"),  # the bot has one word for all that is live
        ("pending_new", "Working"),
        ("canceled", "gone"),
        ("expired", "gone"),
        ("suspended", None),  # no word of ours reaches a bot that has none
    ],
)
def test_only_a_word_of_the_bots_own_is_written(ours, word):
    assert SAID.to_write(ours) == word


def test_live_words_are_searched_for_in_every_spelling():
    live = SAID.live()
    assert {"Working", "new", "NEW", "Partially filled", "PARTIALLY-FILLED"} <= set(live)
    assert {"Partially Filled", "PartiallyFilled", "partiallyFilled", "PendingCancel"} <= set(live)
    assert {"working", "WORKING"} <= set(live)  # of the mapping's own words case says nothing, too
    assert not {"DONE", "gone", "filled", "FILLED"} & set(live)


def test_a_word_that_the_mapping_calls_ended_is_not_searched_for():
    assert not {"open", "OPEN"} & set(Words({"open": "filled"}).live())


def test_what_a_word_may_mean():
    assert check_word("orders", "status", "filled") is None
    assert check_word("orders", "status", "open") is None
    assert "expected one of" in str(check_word("orders", "status", "done"))
    assert "has no words" in str(check_word("orders", "qty", "x"))
    assert check_word("orders", "symbol", "BTC/USD") is None
    assert check_word("trades", "side", "long") is None
    assert check_word("trades", "side", "buy") is not None
