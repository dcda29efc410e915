"""`Break.venue` of an order that is unknown locally reads like the dict that a decoded plan has there."""

from collections.abc import Mapping

import msgspec
import pytest

from trueup.model.plan import Standing
from trueup.model.vocabulary import Status

STANDING = Standing(Status.PENDING_NEW, "10", None)


def test_it_reads_like_a_dict() -> None:
    assert isinstance(STANDING, Mapping)
    assert dict(STANDING) == {"status": "pending_new", "qty": "10", "filled_qty": None}
    assert (STANDING["qty"], STANDING.get("price", "none"), "filled_qty" in STANDING) == ("10", "none", True)
    assert list(STANDING.items()) == list(zip(STANDING.keys(), STANDING.values(), strict=True))


def test_what_it_does_not_have_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="price"):
        STANDING["price"]
    with pytest.raises(KeyError):
        STANDING["keys"]


def test_a_document_holds_it_as_an_object() -> None:
    assert msgspec.json.encode(STANDING) == b'{"status":"pending_new","qty":"10","filled_qty":null}'
