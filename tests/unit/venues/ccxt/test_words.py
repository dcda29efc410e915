"""The exchanges' own words against ccxt's, over every status table of the installed ccxt."""

import ast
import inspect
from collections.abc import Iterator

import ccxt.async_support
import pytest

from trueup.exports.read_texts import read_status
from trueup.model.vocabulary import Status
from trueup.venues.ccxt.traits import family
from trueup.venues.ccxt.words import DEFINED, OWN_WORDS, Own, end_of, own_word, settle, word_token


def tables() -> Iterator[tuple[str, str, str]]:
    """(exchange, its word, ccxt's status) of each table in a function for the status of orders."""
    for exchange_id in ccxt.async_support.exchanges:
        source = inspect.getsource(inspect.getmodule(getattr(ccxt.async_support, exchange_id)))  # type: ignore[arg-type]
        for function in ast.walk(ast.parse(source)):
            if not isinstance(function, ast.FunctionDef) or not function.name.endswith("order_status"):
                continue
            for table in ast.walk(function):
                if isinstance(table, ast.Dict):
                    for key, value in zip(table.keys, table.values, strict=True):
                        if isinstance(key, ast.Constant) and isinstance(value, ast.Constant):
                            yield exchange_id, str(key.value), str(value.value)


TABLES = list(tables())
# Where ccxt's own table says another kind of thing than the exchange's word: neither is believed.
CONTRADICTIONS = {
    ("apex", "CANCELING", "canceled"), ("coinone", "partially_canceled", "open"),
    ("foxbit", "PARTIALLY_CANCELED", "open"), ("foxbit", "PENDING_CANCEL", "canceled"),
    ("hashkey", "PENDING_CANCEL", "canceled"), ("poloniex", "PENDING_CANCEL", "canceled"),
    ("modetrade", "CANCEL_SENT", "canceled"), ("modetrade", "CANCEL_ALL_SENT", "canceled"),
    ("woo", "CANCEL_SENT", "canceled"), ("woo", "CANCEL_ALL_SENT", "canceled"),
    ("woofipro", "CANCEL_SENT", "canceled"), ("woofipro", "CANCEL_ALL_SENT", "canceled"),
    ("toobit", "PENDING_CANCEL", "canceled"), ("revolutx", "replaced", "open"), ("weex", "partial_fill", "closed"),
}  # fmt: skip


def test_every_table_is_read() -> None:
    assert len(TABLES) > 600
    assert len({exchange_id for exchange_id, _, _ in TABLES}) > 70


def test_where_ccxts_tables_contradict_the_exchanges_words() -> None:
    found = set()
    for exchange_id, said, theirs in TABLES:
        try:
            status = read_status(theirs, "10", "10" if theirs == "closed" else "0")
        except KeyError:
            continue
        if status is not None and settle(status, own_word(said, family(exchange_id))) is None:
            found.add((exchange_id, said, theirs))
    # bybit's table calls a canceled part "closed"; with less filled than ordered that is a cancel, as it says itself
    found = {one for one in found if not (one[0] == "bybit" and "cancel" in one[1].lower())}
    assert found == CONTRADICTIONS


def test_words_in_any_spelling() -> None:
    assert (
        own_word("Partially-Filled")
        is own_word("PARTIALLY_FILLED")
        is own_word("PartiallyFilled")
        is Own.PARTLY
    )
    assert word_token("ORDER_STATUS_PLACED") == "orderstatusplaced"
    assert own_word(None) is own_word("triggered") is own_word("done") is own_word("2") is None
    assert (
        own_word("done", "upbit") is own_word("Completed", "bithumb") is own_word("2", "lbank") is Own.FILLED
    )
    assert own_word("closed", "paradex") is own_word("done", "coinbaseexchange") is None  # either end


@pytest.mark.parametrize(
    ("theirs", "own", "expected"),
    [
        (Status.PENDING_NEW, Own.LIVE, Status.PENDING_NEW),
        (Status.PARTIALLY_FILLED, Own.LIVE, Status.PARTIALLY_FILLED),
        (Status.PARTIALLY_FILLED, Own.CANCELING, Status.PENDING_CANCEL),
        (Status.PENDING_NEW, Own.REPLACING, Status.PENDING_REPLACE),
        (Status.CANCELED, Own.EXPIRED, Status.EXPIRED),
        (Status.CANCELED, Own.REJECTED, Status.REJECTED),
        (Status.CANCELED, Own.REPLACED, Status.REPLACED),
        (Status.REJECTED, Own.EXPIRED, Status.EXPIRED),
        (Status.REJECTED, Own.CANCELED, Status.REJECTED),
        (Status.FILLED, Own.FILLED, Status.FILLED),
        (Status.FILLED, None, Status.FILLED),
        (None, Own.FILLED, None),
        # contradictions: neither is believed
        (Status.CANCELED, Own.LIVE, None),
        (Status.FILLED, Own.PARTLY, None),
        (Status.CANCELED, Own.CANCELING, None),
        (Status.PENDING_NEW, Own.CANCELED, None),
        (Status.PARTIALLY_FILLED, Own.FILLED, None),
        (Status.CANCELED, Own.FILLED, None),
        (Status.FILLED, Own.CANCELED, None),
        (Status.FILLED, Own.REPLACED, None),
    ],
)
def test_settle(theirs: Status | None, own: Own | None, expected: Status | None) -> None:
    assert settle(theirs, own) is expected


def test_what_documentation_defines_is_no_other_known_word() -> None:
    assert {word for _, word in DEFINED} <= {*OWN_WORDS, "calculated", "suspended", "5"}


def test_an_end_that_only_the_exchange_names() -> None:
    assert end_of(Own.EXPIRED) is Status.EXPIRED
    assert end_of(Own.REJECTED) is Status.REJECTED
    assert end_of(None) is end_of(Own.FILLED) is end_of(Own.LIVE) is end_of(Own.CANCELING) is None


def test_a_number_that_means_live() -> None:
    assert own_word("2", "btse") is Own.LIVE
    assert own_word("5", "btse") is own_word("2", "bitopro") is None
