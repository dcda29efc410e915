"""Kraken's names, and its ledgers as fills."""

import pytest

from trueup.exports.kraken import described, pair_ledgers, pair_name
from trueup.exports.read_rows import read_rows
from trueup.model.errors import InputError


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("XXBTZUSD", "BTC/USD"), ("XETHZEUR", "ETH/EUR"), ("XBTUSDT", "BTC/USDT"), ("XXDGXXBT", "DOGE/BTC"),
        ("SOLUSD", "SOL/USD"), ("ADAEUR", "ADA/EUR"), ("XETHXXBT", "ETH/BTC"), ("XBT/USD", "BTC/USD"),
        ("EURUSD", "EUR/USD"), ("XTZUSD", "XTZ/USD"), ("ZECXBT", "ZEC/BTC"), ("ZRXUSD", "ZRX/USD"), ("FOO", "FOO"),
        ("USDTZUSD", "USDT/USD"), ("USDTUSD", "USDT/USD"),
        ("USDCUSD", "USDC/USD"), ("ETHUSDC", "ETH/USDC"), ("ZEURZUSD", "EUR/USD"),
    ],
)  # fmt: skip
def test_pairs(said: str, expected: str) -> None:
    assert pair_name(said) == expected


LEDGERS = (
    '"txid","refid","time","type","subtype","aclass","asset","amount","fee","balance"\n'
    '"L1","T-1","2026-11-20 13:14:15","trade","","currency","ZUSD","-600.1010","0.9602","100"\n'
    '"L2","T-1","2026-11-20 13:14:15","trade","","currency","XXBT","0.0100000000","0","0.01"\n'
    '"L3","D-1","2026-11-20 14:00:00","deposit","","currency","ZUSD","50","0","150"\n'
    '"L4","T-2","2026-11-20 15:00:00","trade","","currency","XETH","-2","0.003","1"\n'
    '"L5","T-2","2026-11-20 15:00:00","trade","","currency","XXBT","0.08","0","0.09"\n'
)


def test_downloads_put_together_have_each_entry_once() -> None:
    once = pair_ledgers(read_rows(LEDGERS.encode(), "x"))
    twice = pair_ledgers(read_rows((LEDGERS + LEDGERS).encode(), "x"))
    assert [row.cells for row in twice[0].rows] == [row.cells for row in once[0].rows]
    assert twice[1] == once[1] == 1


def test_two_entries_of_one_trade_are_one_fill() -> None:
    rows, left = pair_ledgers(read_rows(LEDGERS.encode(), "ledgers.csv"))
    assert left == 1
    names = ("refid", "symbol", "side", "qty", "price", "feepaid", "feeasset")
    assert [tuple(row.cells[name] for name in names) for row in rows.rows] == [
        ("T-1", "BTC/USD", "buy", "0.01", "60010.1", "0.9602", "USD"),
        ("T-2", "ETH/BTC", "sell", "2", "0.04", "0.003", "ETH"),
    ]


@pytest.mark.parametrize(
    ("descr", "expected"),
    [
        ({"ordertype": "limit", "price": "40000", "price2": "0"}, ("40000", None)),
        ({"ordertype": "stop-loss-limit", "price": "38000", "price2": "37900"}, ("37900", "38000")),
        ({"ordertype": "trailing-stop", "price": "+5.0000%", "price2": "0"}, ("0", None)),
    ],
)
def test_an_order_of_the_api(descr: dict[str, str], expected: tuple[str | None, str | None]) -> None:
    item = {
        "id": "O-1", "status": "closed", "opentm": 1700474400.12, "closetm": 1700474460.5, "vol": "0.5",
        "vol_exec": "0.4", "cost": "15960", "price": "39900", "limitprice": "0.0", "stopprice": "0.0",
        "descr": {"pair": "XBTUSDT", "type": "buy", **descr},
    }  # fmt: skip
    told = described(item)
    assert (told["limit_price"], told["stop_price"]) == expected
    assert (told["symbol"], told["side"], told["qty"], told["filled_qty"]) == (
        "BTC/USDT",
        "buy",
        "0.5",
        "0.4",
    )
    assert (told["average"], told["submitted_at"], told["updated_at"]) == (
        "39900",
        1700474400.12,
        1700474460.5,
    )
    assert not {"price", "vol", "limitprice", "descr"} & told.keys()


def test_a_trade_of_the_api_has_its_id_as_others_have() -> None:
    assert described({"id": "T-1", "ordertxid": "O-1"})["txid"] == "T-1"
    assert described({"id": "x", "side": "buy"}) == {"id": "x", "side": "buy"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [("0,5", "write a point for decimals"), ("half", "is not a number"), ("NaN", "is not")],
)
def test_a_ledgers_amount_that_is_no_number_is_told_with_its_row(said: str, expected: str) -> None:
    text = LEDGERS.splitlines()
    cells = text[1].split(",")
    cells[7] = f'"{said}"'
    broken = "\n".join([text[0], ",".join(cells), *text[2:]])
    with pytest.raises(InputError, match=rf"ledgers\.csv row 2, amount: .*{expected}"):
        pair_ledgers(read_rows(broken.encode(), "ledgers.csv"))
