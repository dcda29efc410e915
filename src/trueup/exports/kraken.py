"""Kraken's own names, and its ledgers: `XXBTZUSD` is BTC/USD, and two ledger rows of one trade are one fill.

Kraken writes X before its old coins and Z before currencies, XBT for BTC and XDG for DOGE (Kraken's support pages,
"asset codes"). Must not know what a fill is for.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from trueup.exports.read_texts import read_amount
from trueup.exports.rows import Row, Rows
from trueup.model.errors import InputError
from trueup.model.money import ZERO, divide, text

_RENAMED = {"XBT": "BTC", "XDG": "DOGE"}
_OLD_COINS = frozenset({
    "XBT", "ETH", "XRP", "LTC", "XDG", "XLM", "XMR", "ZEC", "ETC", "REP", "MLN", "ICN", "NMC", "XVN", "DAO",
})  # fmt: skip
_CURRENCIES = frozenset({"USD", "EUR", "GBP", "CAD", "JPY", "CHF", "AUD", "KRW"})
_QUOTES = (
    "ZUSD", "ZEUR", "ZGBP", "ZCAD", "ZJPY", "ZAUD", "USDT", "USDC", "PYUSD", "USDG", "RLUSD", "EURT", "EURQ", "EURR",
    "USDQ", "USDR", "USD", "EUR", "GBP", "CAD", "JPY", "CHF", "AUD", "AED", "DAI", "XXBT", "XBT", "BTC", "XETH", "ETH",
    "DOT",
)  # fmt: skip
_NEW_WITH_OLD = "USDTZUSD"  # Kraken's answer of AssetPairs: no other
_TOLD_AS = frozenset({"descr", "price", "stopprice", "limitprice", "vol", "vol_exec", "opentm", "closetm"})
_TRADE_TYPES = frozenset({"trade", "spend", "receive"})


def asset_name(code: str) -> str:
    """`XXBT` as BTC, `ZUSD` as USD, `ETH2.S` as it stands."""
    known = code.upper()
    if (known[:1] == "X" and known[1:] in _OLD_COINS) or (known[:1] == "Z" and known[1:] in _CURRENCIES):
        known = known[1:]
    return _RENAMED.get(known, known)


def pair_name(pair: str) -> str:
    """`XXBTZUSD`, `XBTUSDT` or `XBT/USD` as base/quote; a pair that cannot be split stays as it is."""
    base, slash, quote = pair.upper().partition("/")
    if slash:
        return f"{asset_name(base)}/{asset_name(quote)}"
    for code in _QUOTES:
        if (
            base.endswith(code)
            and len(base) > len(code)
            and (len(asset_name(code)) == len(code) or _is_old(base, code))
        ):
            return f"{asset_name(base[: -len(code)])}/{asset_name(code)}"
    return pair


def _is_old(pair: str, quote: str) -> bool:
    """Only pairs of two old codes, and one other, are written with X and Z: XTZUSD is XTZ/USD, not XT and ZUSD."""
    base = pair[: -len(quote)]
    return asset_name(base) != base or quote in ("XBT", "XDG") or pair == _NEW_WITH_OLD


def pair_ledgers(rows: Rows) -> tuple[Rows, int]:
    """One row a trade, with what its two ledger entries say; and how many rows were no trade's. Raises InputError.

    An entry that stands again (two downloads put together) is the same.
    """
    of_trade: dict[str, list[Row]] = {}
    entries = list({tuple(row.cells.values()): row for row in reversed(rows.rows)}.values())[::-1]
    for row in entries:
        if (row.cells.get("type") or "").lower() in _TRADE_TYPES and (refid := row.cells.get("refid")):
            of_trade.setdefault(refid, []).append(row)
    for row in (leg for legs in of_trade.values() for leg in legs):
        _check_numbers(row, rows.name)
    paired = [row for legs in of_trade.values() if len(legs) == 2 for row in _fills(*legs)]
    columns = list(dict.fromkeys([*rows.columns, *_MADE]))
    return Rows(rows.name, columns, paired), len(entries) - 2 * len(paired)


def described(item: dict[str, Any]) -> dict[str, Any]:
    """A record of Kraken's API as other rows are: what was ordered stands in `descr`, a trade's id above it.

    `price` of `descr` is the limit, or the trigger of an order whose limit is `price2`; a distance (`+5%`) is neither.
    """
    if "ordertxid" in item and "txid" not in item:
        return {"txid": item.get("id"), **item}
    ordered = item.get("descr")
    if not isinstance(ordered, dict) or "vol_exec" not in item:
        return item
    kind = str(ordered.get("ordertype") or "")
    prices = [
        one if str(one)[-1:].isdigit() else None for one in (ordered.get("price"), ordered.get("price2"))
    ]
    limit, trigger = (prices[0], None) if kind in ("market", "limit") else (prices[1], prices[0])
    told = {key: value for key, value in item.items() if key not in _TOLD_AS}
    return told | {
        "symbol": pair_name(str(ordered.get("pair") or "")),
        "side": ordered.get("type"),
        "ordertype": kind,
        "limit_price": limit,
        "stop_price": trigger,
        "average": item.get("price"),
        "qty": item.get("vol"),
        "filled_qty": item.get("vol_exec"),
        "submitted_at": item.get("opentm"),
        "updated_at": item.get("closetm"),
    }


_MADE = ("symbol", "side", "qty", "price", "feepaid", "feeasset")


def _check_numbers(row: Row, name: str) -> None:
    for column in ("amount", "fee"):
        try:
            read_amount(row.cells.get(column) or "0", signed=True)
        except ValueError as fault:
            raise InputError(str(fault), f"{name} row {row.number}, {column}") from fault


def _fills(one: Row, other: Row) -> Iterator[Row]:
    """Base and quote of the two entries; none where they do not exchange one asset for another."""
    base, quote = sorted((one, other), key=_quote_rank)
    base_qty, quote_qty = _number(base, "amount"), _number(quote, "amount")
    if not base_qty or not quote_qty or (base_qty > ZERO) == (quote_qty > ZERO):
        return
    charged = next((leg for leg in (base, quote) if _number(leg, "fee")), quote)
    yield Row(
        base.number,
        base.cells
        | {
            "symbol": f"{_asset(base)}/{_asset(quote)}",
            "side": "buy" if base_qty > ZERO else "sell",
            "qty": text(abs(base_qty)),
            "price": text(divide(abs(quote_qty), abs(base_qty))),
            "feepaid": text(_number(charged, "fee")),
            "feeasset": _asset(charged),
        },
    )


def _quote_rank(row: Row) -> int:
    """The lower, the more likely the base: what stands early among the quotes is one."""
    asset = row.cells.get("asset") or ""
    return -_QUOTES.index(asset) if asset in _QUOTES else -len(_QUOTES)


def _asset(row: Row) -> str:
    return asset_name(row.cells.get("asset") or "")


def _number(row: Row, column: str) -> Decimal:
    return Decimal(read_amount(row.cells.get(column) or "0", signed=True))
