"""Single texts: expected values by hand."""

import pytest

from trueup.exports import read_texts
from trueup.model.vocabulary import PositionSide, Side, Status, TradeStatus


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10", "10"),
        ("0.10", "0.1"),
        ("1e-7", "0.0000001"),
        ("1.5E+3", "1500"),
        ("+5", "5"),
        (".5", "0.5"),
        ("0.100000000000000005551115123125", "0.100000000000000005551115123125"),
    ],
)
def test_amounts_keep_their_exact_value(text: str, expected: str) -> None:
    assert read_texts.read_amount(text) == expected


@pytest.mark.parametrize(
    "text", ["1,000.5", "NaN", "inf", "abc", "$5", "-1", "1e999", "1" * 39, "0x10", "１"]
)
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_texts.read_amount(text)


def test_signed_amounts_may_be_negative() -> None:
    assert read_texts.read_amount("-1.50", signed=True) == "-1.5"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T12:00:00Z", "2026-11-23T12:00:00Z"),
        ("2026-11-23 12:00:00+00:00", "2026-11-23T12:00:00Z"),
        ("2026-11-23T14:30:00.120+02:30", "2026-11-23T12:00:00.12Z"),
        ("2026-11-23T12:00:00.123456789Z", "2026-11-23T12:00:00.123456789Z"),
        ("2026-11-23 12:00:00.25+00", "2026-11-23T12:00:00.25Z"),  # PostgreSQL
        ("2026-11-23 14:00:00+02", "2026-11-23T12:00:00Z"),
        ("2026-11-23 12:00:00.25 +0000 UTC", "2026-11-23T12:00:00.25Z"),  # Go
        ("1795435200", "2026-11-23T12:00:00Z"),
        ("1795435200250", "2026-11-23T12:00:00.25Z"),
        ("1795435200.25", "2026-11-23T12:00:00.25Z"),
        ("1795435200000000001", "2026-11-23T12:00:00.000000001Z"),
    ],
)
def test_times_become_utc(text: str, expected: str) -> None:
    assert read_texts.read_time(text, assume_utc=False) == expected


def test_a_time_without_a_zone_needs_assume_utc() -> None:
    with pytest.raises(ValueError, match="--assume-utc"):
        read_texts.read_time("2026-11-23 12:00:00", assume_utc=False)
    assert read_texts.read_time("2026-11-23 12:00:00", assume_utc=True) == "2026-11-23T12:00:00Z"


@pytest.mark.parametrize(
    "text", ["2026-11-23", "12:00", "2026-13-01T00:00:00Z", "123", "yesterday", "0001-01-01T00:00:00+23:00"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_texts.read_time(text, assume_utc=True)


@pytest.mark.parametrize(
    ("word", "qty", "filled", "expected"),
    [
        # Alpaca's eighteen
        ("new", "10", "0", Status.PENDING_NEW),
        ("accepted", "10", "0", Status.PENDING_NEW),
        ("pending_new", "10", "0", Status.PENDING_NEW),
        ("held", "10", "0", Status.PENDING_NEW),
        ("accepted_for_bidding", "10", "0", Status.PENDING_NEW),
        ("pending_review", "10", "0", Status.PENDING_NEW),
        ("stopped", "10", "0", Status.PENDING_NEW),
        ("done_for_day", "10", "4", Status.PARTIALLY_FILLED),
        ("calculated", "10", "4", None),
        ("partially_filled", "10", "4", Status.PARTIALLY_FILLED),
        ("filled", "10", "10", Status.FILLED),
        ("canceled", "10", "4", Status.CANCELED),
        ("expired", "10", "0", Status.EXPIRED),
        ("replaced", "10", "0", Status.REPLACED),
        ("rejected", "10", "0", Status.REJECTED),
        ("pending_cancel", "10", "0", Status.PENDING_CANCEL),
        ("pending_replace", "10", "0", Status.PENDING_REPLACE),
        ("suspended", "10", "0", Status.SUSPENDED),
        # ccxt's
        ("open", "10", "0", Status.PENDING_NEW),
        ("open", "10", "4", Status.PARTIALLY_FILLED),
        ("closed", "10", "10", Status.FILLED),
        ("closed", "10", "4", Status.CANCELED),
        ("closed", "10", "0", Status.CANCELED),
        ("closed", "10", None, None),
        ("closed", None, "4", None),
        # the reference's
        ("pending", "10", None, Status.PENDING_NEW),
        ("Partially-Filled", "10", "4", Status.PARTIALLY_FILLED),
        ("CANCELLED", "10", "0", Status.CANCELED),
        # words of several that stand as one
        ("PartiallyFilled", "10", "4", Status.PARTIALLY_FILLED),
        ("PartiallyFilledCanceled", "10", "4", Status.CANCELED),
        ("partial-filled", "10", "4", Status.PARTIALLY_FILLED),  # HTX's
        ("partial-canceled", "10", "4", Status.CANCELED),
        ("mmp_canceled", "10", "0", Status.CANCELED),
        ("EXPIRED_IN_MATCH", "10", "0", Status.EXPIRED),
    ],
)
def test_status_words(word: str, qty: str | None, filled: str | None, expected: Status | None) -> None:
    assert read_texts.read_status(word, qty, filled) is expected


def test_an_unknown_status_word_is_not_guessed() -> None:
    with pytest.raises(KeyError):
        read_texts.read_status("done-ish", "10", "0")


def test_other_words() -> None:
    assert read_texts.read_side("BUY") is Side.BUY
    assert read_texts.read_side("sell_short") is Side.SELL
    assert read_texts.read_position_side("Sell") is PositionSide.SHORT
    assert read_texts.read_position_side("both") is None
    assert read_texts.read_trade_status("1") is TradeStatus.OPEN
    with pytest.raises(ValueError, match="buy, sell"):
        read_texts.read_side("up")
