"""What ccxt raises becomes the right error, and no secret comes through."""

import ccxt
import pytest

from trueup.model.errors import AuthError, RateLimited, VenueError, VenueUnavailable
from trueup.venues.ccxt.errors import (
    ArgumentMissing,
    NotOffered,
    OrderMissing,
    PassingFault,
    as_venue_error,
)
from trueup.venues.texts import MESSAGE_CHARS_MAX, Cleaner

PEM = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEG\nCCqGSM49AwEHBG0wawIBAQQg\n-----END PRIVATE KEY-----"
SECRETS = ("apikey-12345678", "s3cr3t/with+odd=chars", PEM)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (ccxt.OrderNotFound("x"), OrderMissing),
        (ccxt.OrderNotCached("x"), VenueUnavailable),
        (ccxt.InvalidOrder("x"), VenueUnavailable),
        (ccxt.AuthenticationError("x"), AuthError),
        (ccxt.PermissionDenied("x"), AuthError),
        (ccxt.AccountSuspended("x"), AuthError),
        (ccxt.RateLimitExceeded("x"), RateLimited),
        (ccxt.DDoSProtection("x"), RateLimited),
        (ccxt.ArgumentsRequired("x"), ArgumentMissing),
        (ccxt.NotSupported("x"), NotOffered),
        (ccxt.NetworkError("x"), PassingFault),
        (ccxt.RequestTimeout("x"), PassingFault),
        (ccxt.OnMaintenance("x"), PassingFault),
        (ccxt.BadResponse("x"), PassingFault),
        (ccxt.InvalidNonce("x"), PassingFault),
        (ccxt.ExchangeError("x"), VenueUnavailable),
        (ccxt.BadSymbol("x"), VenueUnavailable),
        (KeyError("x"), VenueUnavailable),
    ],
)
def test_each_error_has_its_meaning(raised: Exception, expected: type[VenueError]) -> None:
    assert type(as_venue_error(raised, Cleaner([]), None)) is expected


def test_the_time_that_the_venue_names_is_kept() -> None:
    error = as_venue_error(ccxt.RateLimitExceeded("x"), Cleaner([]), {"retry-after": "17"})
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == 17


@pytest.mark.parametrize(
    "text",
    [
        "binance GET https://api.example.com/api/v3/account?timestamp=1&signature=0a1b2c3d4e5f&apiKey=apikey-12345678",
        "{'apiKey': 'apikey-12345678', 'sign': 'deadbeef'}",
        "echo s3cr3t/with+odd=chars",
        "echo s3cr3t%2Fwith%2Bodd%3Dchars",
        f"bad key {PEM}",
        "bad line CCqGSM49AwEHBG0wawIBAQQg here",
        '{"msg":"bad","signature":"0a1b2c3d4e5f"}',
    ],
)
def test_no_secret_comes_through(text: str) -> None:
    said = str(as_venue_error(ccxt.ExchangeError(text), Cleaner(SECRETS), None))
    for secret in (*SECRETS, "12345678", "odd", "CCqGSM49AwEHBG0wawIBAQQg", "0a1b2c3d4e5f", "deadbeef"):
        assert secret not in said


def test_a_message_has_a_bound_and_one_line() -> None:
    said = Cleaner([]).clean("a\n" * 10_000)
    assert len(said) <= MESSAGE_CHARS_MAX + 1
    assert "\n" not in said
