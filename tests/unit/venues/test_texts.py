"""What of a venue's words may be shown."""

import json

import pytest

from trueup.venues.texts import MESSAGE_CHARS_MAX, NOT_SHOWN, Cleaner, masked_address, without_body

AWKWARD = 'k"y\\with/ü\nand-lines'  # every character of it that JSON writes in another way


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('binance {"code":-2015,"msg":"Invalid API-key"}', "binance -2015, Invalid API-key"),
        ('kraken {"error":["EAPI:Invalid key"],"result":{}}', "kraken EAPI:Invalid key"),
        ('okx {"code":"50111","data":[{"sCode":"1","balance":"12.5"}],"msg":""}', "okx 50111, 1"),
        ('{"retCode":10003,"retMsg":"API key is invalid.","result":{"apiKey":"abc"}}', "10003, API key is invalid."),
        ('x {"headers":{"X-Key":"abc"}}', f"x {NOT_SHOWN}"),
        ("x {'apiKey': 'abc'}", f"x {NOT_SHOWN}"),
        ("x <html>abc</html>", f"x {NOT_SHOWN}"),
        ('x {"code":1, cut', f"x {NOT_SHOWN}"),
        ("[" * 100_000, NOT_SHOWN),
        ("fetchOrder() requires a symbol argument", "fetchOrder() requires a symbol argument"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_body_is_told_by_its_code_and_message_alone(text: str, said: str) -> None:
    assert without_body(text) == said


@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_secret_that_json_escapes_is_masked(ascii_only: bool) -> None:
    echo = json.dumps({"message": f"no such key: {AWKWARD}"}, ensure_ascii=ascii_only)
    said = Cleaner([AWKWARD]).clean(echo)
    assert said == "no such key: ***"


def test_a_secret_in_plain_words_is_masked_in_every_spelling() -> None:
    cleaner = Cleaner([AWKWARD])
    for spelling in (json.dumps(AWKWARD), AWKWARD, "k%22y%5Cwith%2F%C3%BC%0Aand-lines"):
        assert "lines" not in cleaner.clean(f"key {spelling} refused")


@pytest.mark.parametrize(
    "echo",
    [
        repr(AWKWARD),
        json.dumps(json.dumps(AWKWARD)),
        json.dumps({"message": repr(AWKWARD)}),
        json.dumps({"message": json.dumps({"key": AWKWARD})}),
    ],
)
def test_a_secret_that_was_written_twice_over_is_masked(echo: str) -> None:
    said = Cleaner([AWKWARD]).clean(echo)
    assert "***" in said
    assert "with" not in said
    assert "lines" not in said


def test_addresses_lose_credentials_and_query() -> None:
    assert (
        masked_address("see https://me:pw@host:81/path?apiKey=1 now") == "see https://***@host:81/path?… now"
    )
    assert masked_address("postgresql://me:pw@db/books") == "postgresql://***@db/books"
    assert masked_address("me@host and 3://4") == "me@host and 3://4"


def test_a_message_has_a_bound() -> None:
    assert len(Cleaner([]).clean('{"message":"' + "a" * 10_000 + '"}')) == MESSAGE_CHARS_MAX + 1
