"""Secrets in places of other programs' files."""

from pathlib import Path

import pytest

from trueup.model.errors import AuthError
from trueup.service.config import SecretSource
from trueup.service.secrets import json_with_comments, read_secret

FREQTRADE = """{
    // the exchange
    "exchange": {"name": "binance", "key": "k//not-a-comment", "secret": "s,]", /* two
    lines */ "pairs": ["BTC/USDT",],},
}"""


def test_a_secret_in_a_json_file_with_comments(tmp_path: Path):
    (tmp_path / "config.json").write_text(FREQTRADE)
    for path, secret in (("exchange.key", "k//not-a-comment"), ("exchange.secret", "s,]")):
        source = SecretSource(json="config.json", path=path)
        assert read_secret("key", source, str(tmp_path), {}) == secret
    assert json_with_comments(FREQTRADE)["exchange"]["pairs"] == ["BTC/USDT"]


@pytest.mark.parametrize("path", ["exchange.nothing", "exchange", "exchange.pairs", "exchange.key.more"])
def test_a_place_that_holds_no_text_is_named_and_nothing_of_the_file_is(tmp_path: Path, path):
    (tmp_path / "config.json").write_text(FREQTRADE)
    with pytest.raises(AuthError) as caught:
        read_secret("key", SecretSource(json="config.json", path=path), str(tmp_path), {})
    assert path in str(caught.value)
    assert "not-a-comment" not in str(caught.value)


def test_a_file_that_is_no_json_is_not_quoted(tmp_path: Path):
    (tmp_path / "c.json").write_text('{"key": hunter2')
    with pytest.raises(AuthError, match="is not JSON") as caught:
        read_secret("key", SecretSource(json="c.json", path="key"), str(tmp_path), {})
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("source", "is_clear"),
    [
        (SecretSource(env="A"), True),
        (SecretSource(file="a"), True),
        (SecretSource(json="a", path="b"), True),
        (SecretSource(json="a"), False),
        (SecretSource(env="A", path="b"), False),
        (SecretSource(env="A", file="b"), False),
        (SecretSource(), False),
    ],
)
def test_one_place_and_whole(source, is_clear):
    assert source.is_clear is is_clear
