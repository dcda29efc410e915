"""What of a venue's words may be shown."""

import base64
import json
from urllib.parse import quote

import pytest

from trueup.venues.texts import (
    LOOKED_AT_CHARS_MAX,
    MESSAGE_CHARS_MAX,
    NOT_SHOWN,
    Cleaner,
    masked_address,
    without_body,
)

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


KEY, SECRET = "AKpaper123", "s3/cr+t?~key"


@pytest.mark.parametrize(
    "spelling",
    [
        base64.b64encode(f"{KEY}:{SECRET}".encode()).decode(),
        base64.b64encode(f"x{KEY}:{SECRET}".encode()).decode().rstrip("="),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        "session-" + base64.b64encode(SECRET.encode()).decode(),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        quote(SECRET, safe="").lower(),
        quote(SECRET, safe="+"),
        "".join(f"%{byte:02x}" for byte in SECRET.encode()),
        SECRET.upper(),
    ],
)
@pytest.mark.parametrize(
    "text", ["no such key {}", '{{"message":"{} is unknown"}}', "Authorization: Basic {}", "k={}"]
)
def test_a_secret_in_another_notation_is_masked(text: str, spelling: str) -> None:
    said = Cleaner([KEY, SECRET]).clean(text.format(spelling))
    assert "***" in said
    assert spelling not in said


@pytest.mark.parametrize(
    "text",
    [
        "insufficient balance for BTC/USDT-PERP_2026",
        "order 8f14e45f-ceea-467f-a8b2-1a9c5ab6b7f1 not found",
        "basic authentication is required, 100% sure",
    ],
)
def test_other_words_stand(text: str) -> None:
    assert Cleaner([KEY, SECRET]).clean(text) == text


def test_the_credential_of_a_header_is_masked_though_nobody_knows_it() -> None:
    assert (
        Cleaner([]).clean("got Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc")
        == "got Authorization: Bearer ***"
    )


def test_addresses_lose_credentials_and_query() -> None:
    assert (
        masked_address("see https://me:pw@host:81/path?apiKey=1 now") == "see https://***@host:81/path?… now"
    )
    assert masked_address("postgresql://me:pw@db/books") == "postgresql://***@db/books"
    assert masked_address("me@host and 3://4") == "me@host and 3://4"


def test_a_message_has_a_bound() -> None:
    assert len(Cleaner([]).clean('{"message":"' + "a " * 5_000 + '"}')) == MESSAGE_CHARS_MAX + 1


@pytest.mark.parametrize(
    "piece", ["a", "sign", "%41", "basic ", "http://", "http://a?", "sign'", "key=", "AKpaper123"]
)
def test_a_long_line_is_cut_before_patterns_look_at_it(piece: str) -> None:
    """Without the cut the second takes a minute and a half: the time of some patterns grows with the line's square."""
    said = Cleaner([KEY, SECRET]).clean(piece * (64_000 // len(piece)))
    assert len(said) <= MESSAGE_CHARS_MAX + 1
    assert KEY not in said


def test_half_a_secret_at_the_cut_is_not_shown() -> None:
    """What stands before it shrinks when it is masked, so that the cut falls within what is shown."""
    coded = base64.b64encode(SECRET.encode()).decode()
    word = "".join(f"%{byte:02x}" for byte in SECRET.encode()) + " "
    before = word * ((LOOKED_AT_CHARS_MAX - 2 * len(coded)) // len(word))
    line = (
        before + "x" * (LOOKED_AT_CHARS_MAX - len(coded) // 2 - len(before) - 1) + " " + coded + " end" * 1000
    )
    said = Cleaner([KEY, SECRET]).clean(line)
    assert said.startswith("*** *** ")
    assert len(said) < MESSAGE_CHARS_MAX
    assert coded[:8] not in said
