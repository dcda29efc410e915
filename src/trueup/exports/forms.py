"""The exports that venues and bots hand out, each recognised by its header alone.

A form says what its columns mean, which of them are known and not needed, what its words mean, and in which time zone
it writes. Facts only; each is from the named venue's own download, or from the parsers of public tax programs that read
it. Must not read rows.
"""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from trueup.exports.meanings import header_token


class Kind(StrEnum):
    """What one row of a form is."""

    ORDERS = "orders"
    FILLS = "fills"
    TRADES = "trades"
    STATEMENTS = "statements"  # what moved in an account, of which no order can be told


class Form(Struct, frozen=True, kw_only=True):
    """`needs`: header names that together are this form's only; `lacks`: one that only other tables like it have;
    `means`: meaning → columns, best first.

    `passed`: columns whose content is known to say nothing more; `units`: meaning → column that names its unit;
    `rows_of`: the column and the words of the rows that count; `utc`: its times are UTC without saying so.
    """

    name: str
    kind: Kind
    needs: str
    lacks: str = ""
    means: dict[str, str]
    passed: str = ""
    units: dict[str, str] = {}
    words: dict[str, dict[str, str]] = {}
    rows_of: tuple[str, frozenset[str]] | None = None
    utc: bool = False
    zone: str = ""  # what else is known of its times, for a message; empty: nothing
    fee_is_negative: bool = False  # a fee that was paid is written as a negative amount
    why: str = "it names no orders"  # of a statement: why it is refused
    instead: str = ""  # of a statement: what to do in its place
    kraken_names: bool = False
    is_bots: bool = False
    is_ledger: bool = False  # two rows, one for each asset, are one fill
    has_two_rows_a_fill: bool = False  # OKX's: of a spot fill what was got and what was given
    has_fees_as_json: bool = False  # Hummingbot's `trade_fee`
    short_years: bool = False  # years may have two digits

    def columns_for(self, meaning: str, columns: Iterable[str]) -> list[str]:
        """The file's columns for this meaning, best first."""
        by_token = {header_token(column): column for column in columns}
        return [by_token[name] for name in self.means.get(meaning, "").split() if name in by_token]


def recognise(columns: Iterable[str]) -> Form | None:
    """The form whose header this is; null where it is nobody's that is known here."""
    tokens = {header_token(column) for column in columns}
    return next(
        (
            form
            for form in FORMS
            if tokens.issuperset(form.needs.split()) and tokens.isdisjoint(form.lacks.split())
        ),
        None,
    )


# -- what the forms are -----------------------------------------------------------------------------------------------

_BINANCE = (
    Form(
        name="Binance's order history",
        kind=Kind.ORDERS,
        needs="orderno pair side orderprice orderamount executed status",
        means={
            "venue_order_id": "orderno",
            "client_order_id": "clientorderid",
            "symbol": "pair",
            "side": "side",
            "order_type": "type",
            "price": "orderprice",
            "qty": "orderamount",
            "filled_qty": "executed",
            "filled_avg_price": "averageprice avgprice avgtradingprice",
            "status": "status",
            "submitted_at": "date time",
            "updated_at": "time2 time",
            "last_activity_at": "time2 time",
            "cost": "tradingtotal total",
            "stop_price": "triggerprice stopprice",
        },
        passed="baseasset quoteasset conditions triggercondition",
        utc=True,
        short_years=True,
    ),
    Form(
        name="Binance's order history (before 2021)",
        kind=Kind.ORDERS,
        needs="orderno pair type orderprice orderamount avgtradingprice filled status",
        means={
            "venue_order_id": "orderno",
            "symbol": "pair",
            "side": "type",
            "price": "orderprice",
            "qty": "orderamount",
            "filled_qty": "filled",
            "filled_avg_price": "avgtradingprice",
            "status": "status",
            "submitted_at": "date",
            "cost": "total",
        },
        utc=True,
        short_years=True,
    ),
    Form(
        name="Binance's futures order history",
        kind=Kind.ORDERS,
        needs="time orderno symbol type side price averageprice amount executedamount executedquoteamount status",
        means={
            "venue_order_id": "orderno",
            "client_order_id": "clientorderid",
            "symbol": "symbol",
            "side": "side",
            "order_type": "type",
            "price": "price",
            "qty": "amount",
            "filled_qty": "executedamount",
            "filled_avg_price": "averageprice",
            "status": "status",
            "stop_price": "stopprice",
            "position_side": "positionside",
            "submitted_at": "time",
            "updated_at": "updatetime",
            "last_activity_at": "updatetime",
        },
        passed="uid executedquoteamount",
        utc=True,
        short_years=True,
    ),
    Form(
        name="Binance's trade history",
        kind=Kind.FILLS,
        needs="pair side price executed amount fee",
        lacks="status",
        means={
            "fill_id": "tradeid",
            "venue_order_id": "orderno orderid",
            "symbol": "pair",
            "side": "side",
            "price": "price",
            "qty": "executed",
            "fee": "fee",
            "fee_currency": "feeunit feecoin",
            "filled_at": "date time",
        },
        passed="amount aorconversionpair aorconversionrate",
        utc=True,
        short_years=True,
    ),
    Form(
        name="Binance's trade history (before 2021)",
        kind=Kind.FILLS,
        needs="market type price amount total fee feecoin",
        lacks="status",
        means={
            "symbol": "market",
            "side": "type",
            "price": "price",
            "qty": "amount",
            "fee": "fee",
            "fee_currency": "feecoin",
            "filled_at": "date",
        },
        passed="total",
        utc=True,
        short_years=True,
    ),
    Form(
        name="Binance's futures trade history",
        kind=Kind.FILLS,
        needs="side price quantity amount fee realizedprofit",
        means={
            "fill_id": "tradeid",
            "venue_order_id": "orderid orderno",
            "symbol": "symbol pair",
            "side": "side",
            "price": "price",
            "qty": "quantity",
            "fee": "fee",
            "fee_currency": "feeunit feecoin",
            "filled_at": "date time",
            "position_side": "positionside",
        },
        passed="uid amount realizedprofit buyer maker quoteasset",
        utc=True,
        short_years=True,
    ),
    Form(
        name="Binance's trade history (with quote assets)",
        kind=Kind.FILLS,
        needs="date symbol side price quantity amount fee feecoin quoteasset",
        means={
            "symbol": "symbol",
            "side": "side",
            "price": "price",
            "qty": "quantity",
            "fee": "fee",
            "fee_currency": "feecoin",
            "filled_at": "date",
        },
        passed="amount quoteasset",
        utc=True,
        short_years=True,
    ),
)
_KRAKEN = (
    Form(
        name="Kraken's trades",
        kind=Kind.FILLS,
        needs="txid ordertxid pair time type price cost fee vol",
        means={
            "fill_id": "txid",
            "venue_order_id": "ordertxid",
            "symbol": "pair",
            "side": "type",
            "price": "price",
            "qty": "vol",
            "fee": "fee",
            "fee_currency": "feeasset",
            "filled_at": "time",
        },
        passed="ordertype cost margin misc ledgers aclass subclass postxid posttxid posstatus posstatuscode cprice "
        "ccost cfee cvol cmargin net trades",
        utc=True,
        kraken_names=True,
    ),
    Form(
        name="Kraken's ledgers",
        kind=Kind.FILLS,
        needs="txid refid time type asset amount fee balance",
        means={
            "fill_id": "refid",
            "symbol": "symbol",
            "side": "side",
            "price": "price",
            "qty": "qty",
            "fee": "feepaid",
            "fee_currency": "feeasset",
            "filled_at": "time",
        },
        passed="txid type subtype aclass subclass asset wallet amount fee balance amountusd",
        utc=True,
        kraken_names=True,
        is_ledger=True,
    ),
)
_COINBASE = (
    Form(
        name="Coinbase's fills",
        kind=Kind.FILLS,
        needs="tradeid product side createdat size sizeunit price fee pricefeetotalunit",
        means={
            "fill_id": "tradeid",
            "venue_order_id": "orderid",
            "symbol": "product",
            "side": "side",
            "qty": "size",
            "price": "price",
            "fee": "fee",
            "fee_currency": "pricefeetotalunit",
            "filled_at": "createdat",
        },
        passed="portfolio sizeunit total",
        units={"qty": "sizeunit"},
        utc=True,
    ),
    Form(
        name="Coinbase's fills (Advanced Trade)",
        kind=Kind.FILLS,
        needs="tradeid orderid productid tradetime price size commission side",
        means={
            "fill_id": "tradeid",
            "venue_order_id": "orderid",
            "symbol": "productid",
            "side": "side",
            "qty": "size",
            "price": "price",
            "fee": "commission",
            "filled_at": "tradetime",
            "qty_in_quote": "sizeinquote",
        },
        passed="entryid tradetype sequencetimestamp liquidityindicator userid retailportfolioid",
    ),
)
_ALPACA = (
    Form(
        name="Alpaca's account activities",
        kind=Kind.FILLS,
        needs="activitytype transactiontime orderid price qty side",
        means={
            "fill_id": "id",
            "venue_order_id": "orderid",
            "symbol": "symbol",
            "side": "side",
            "qty": "qty",
            "price": "price",
            "filled_at": "transactiontime",
        },
        passed="activitytype type leavesqty cumqty orderstatus date netamount status description",
        rows_of=("activitytype", frozenset({"fill"})),
    ),
)
_BYBIT = (
    Form(
        name="Bybit's spot trade history",
        kind=Kind.FILLS,
        needs="spotpairs direction filledprice filledquantity transactionid orderno",
        means={
            "fill_id": "transactionid",
            "venue_order_id": "orderno",
            "symbol": "spotpairs",
            "side": "direction",
            "qty": "filledquantity",
            "price": "filledprice",
            "fee": "execfeev2 fees",
            "fee_currency": "feecoin",
            "filled_at": "timestamp",
        },
        passed="uid ordertype filledvalue fees",
        utc=True,
    ),
    Form(
        name="Bybit's derivatives trade history",
        kind=Kind.FILLS,
        needs="market filledtype filledquantity filledprice direction orderno transactiontime",
        means={
            "fill_id": "transactionid trasactionid",
            "venue_order_id": "orderno",
            "symbol": "market",
            "side": "direction",
            "qty": "filledquantity",
            "price": "filledprice",
            "fee": "execfeev2 tradingfee",
            "fee_currency": "feecoin",
            "filled_at": "transactiontime",
        },
        passed="uid filledtype orderprice feerate tradingfee ordertype",
        words={"side": {"long": "buy", "short": "sell"}},
        rows_of=("filledtype", frozenset({"trade", "liquidation", "adl"})),
        utc=True,
    ),
    Form(
        name="Bybit's transaction log",
        kind=Kind.FILLS,
        needs="contract type direction quantity filledprice feepaid tradeid orderid",
        means={
            "fill_id": "tradeid",
            "venue_order_id": "orderid",
            "symbol": "contract",
            "side": "direction",
            "qty": "quantity",
            "price": "filledprice",
            "fee": "feepaid",
            "fee_currency": "currency",
            "filled_at": "time",
        },
        passed="uid type position funding cashflow change walletbalance feerate action orderno",
        rows_of=("type", frozenset({"trade"})),
        utc=True,
    ),
)
_OKX_ZONE = ". OKX writes them in the zone chosen for the download: download the file again in UTC+0 if it was another"
_OKX_SIDES = {"open_long": "buy", "close_short": "buy", "open_short": "sell", "close_long": "sell"}
_OKX = (
    Form(
        name="OKX's order history",
        kind=Kind.ORDERS,
        needs="orderid ordertime symbol side orderamount filledamount amountunit avgfilledprice status",
        means={
            "venue_order_id": "orderid",
            "client_order_id": "clientorderid",
            "symbol": "symbol",
            "side": "side",
            "order_type": "ordertype",
            "qty": "orderamount",
            "filled_qty": "filledamount",
            "price": "orderprice",
            "filled_avg_price": "avgfilledprice",
            "status": "status",
            "submitted_at": "ordertime",
        },
        passed="instrument lvg amountunit priceunit pnl fee feeunit botid userid",
        units={"qty": "amountunit", "filled_qty": "amountunit"},
        words={"side": _OKX_SIDES},
        zone=_OKX_ZONE,
    ),
    Form(
        name="OKX's trading history",
        kind=Kind.FILLS,
        needs="orderid time tradetype symbol action amount tradingunit filledprice fee feeunit",
        means={
            "fill_id": "id tradeid",
            "venue_order_id": "orderid",
            "symbol": "symbol",
            "side": "action",
            "qty": "amount",
            "price": "filledprice",
            "fee": "fee",
            "fee_currency": "feeunit",
            "filled_at": "time",
        },
        passed="userid tradetype tradingunit pnl positionchange positionbalance positionunit balancechange balance "
        "balanceunit filledpriceunit filledpriceusd pnlusd feeusd balanceusd balancechangeusd",
        units={"qty": "tradingunit"},
        words={"side": _OKX_SIDES},
        rows_of=("action", frozenset({"buy", "sell", *(one.replace("_", " ") for one in _OKX_SIDES)})),
        zone=_OKX_ZONE,
        fee_is_negative=True,
        has_two_rows_a_fill=True,
    ),
)
_OKX_API = Form(
    name="OKX's fills (its API)",
    kind=Kind.FILLS,
    needs="instid tradeid ordid fillpx fillsz side feeccy fee ts",
    means={
        "fill_id": "tradeid",
        "venue_order_id": "ordid",
        "client_order_id": "clordid",
        "symbol": "instid",
        "side": "side",
        "qty": "fillsz",
        "price": "fillpx",
        "fee": "fee",
        "fee_currency": "feeccy",
        "filled_at": "ts",
    },
    passed="insttype billid tag posside exectype fillpxvol fillpxusd fillmarkvol fillfwdpx fillmarkpx fillidxpx "
    "fillpnl filltime subtype feerate tradequoteccy",
    fee_is_negative=True,
)
_BITMEX = (
    Form(
        name="BitMEX's executions",
        kind=Kind.FILLS,
        needs="execid orderid symbol side lastqty lastpx exectype",
        means={  # no fee: `commission` is a rate, `execComm` counts satoshis
            "fill_id": "execid",
            "venue_order_id": "orderid",
            "client_order_id": "clordid",
            "symbol": "symbol",
            "side": "side",
            "qty": "lastqty",
            "price": "lastpx",
            "filled_at": "transacttime timestamp",
        },
        passed="timestamp orderqty price exectype ordtype ordstatus leavesqty cumqty avgpx account currency "
        "settlcurrency timeinforce execinst homenotional foreignnotional execcost trdmatchid lastmkt "
        "lastliquidityind text pegpricetype pegoffsetvalue stoppx displayqty ordrejreason",
        rows_of=("exectype", frozenset({"trade"})),
    ),
)
_BYBIT_API = Form(
    name="Bybit's executions (its API)",
    kind=Kind.FILLS,
    needs="execid orderid symbol side execqty execprice exectype exectime",
    means={
        "fill_id": "execid",
        "venue_order_id": "orderid",
        "client_order_id": "orderlinkid",
        "symbol": "symbol",
        "side": "side",
        "qty": "execqty",
        "price": "execprice",
        "fee": "execfee execfeev2",
        "fee_currency": "feecurrency",
        "filled_at": "exectime",
    },
    passed="ordertype stopordertype leavesqty ismaker feerate tradeiv markiv blocktradeid markprice indexprice "
    "underlyingprice orderprice exectype execvalue orderqty closedsize seq isleverage createtype execpnl extrafees",
    # what trades; a funding's quantity is that of the position
    rows_of=(
        "exectype",
        frozenset({"trade", "adltrade", "bustrade", "blocktrade", "moveposition", "futurespread"}),
    ),
)
_BITGET_API = Form(
    name="Bitget's fills (its API)",
    kind=Kind.FILLS,
    needs="tradeid orderid symbol side priceavg size amount feedetailtotalfee",
    means={
        "fill_id": "tradeid",
        "venue_order_id": "orderid",
        "symbol": "symbol",
        "side": "side",
        "qty": "size",
        "price": "priceavg",
        "fee": "feedetailtotalfee",
        "fee_currency": "feedetailfeecoin",
        "filled_at": "ctime",
    },
    # `amount` is what it cost
    passed="userid ordertype amount feedetaildeduction feedetailtotaldeductionfee tradescope utime",
    fee_is_negative=True,
)
_HUMMINGBOT = (
    Form(
        name="Hummingbot's trades",
        kind=Kind.FILLS,
        needs="exchangetradeid configfilepath symbol timestamp orderid tradetype price amount tradefee",
        means={
            "fill_id": "exchangetradeid",
            "client_order_id": "orderid",
            "symbol": "symbol",
            "side": "tradetype",
            "qty": "amount",
            "price": "price",
            "fee": "flatfee",
            "fee_currency": "flatfeetoken",
            "filled_at": "timestamp",
        },
        passed="configfilepath strategy market baseasset quoteasset ordertype leverage tradefee tradefeeinquote "
        "position age",
        is_bots=True,
        has_fees_as_json=True,
    ),
)
_KUCOIN_WORDS = {  # `part_deal` says neither that more may fill nor that it ended
    "status": {
        "deal": "closed",
        "done": "closed",
    }
}
_KUCOIN = (
    Form(
        name="KuCoin's filled orders",
        kind=Kind.ORDERS,
        needs="orderid ordertime symbol side orderamount avgfilledprice filledamount filledvolume status",
        means={
            "venue_order_id": "orderid",
            "client_order_id": "clientorderid",
            "symbol": "symbol",
            "side": "side",
            "order_type": "ordertype",
            "qty": "orderamount",
            "filled_qty": "filledamount",
            "price": "orderprice",
            "filled_avg_price": "avgfilledprice",
            "status": "status",
            "submitted_at": "ordertime",
            "updated_at": "filledtime",
            "last_activity_at": "filledtime",
            "cost": "filledvolume",
        },
        passed="uid accounttype filledvolumeusdt fee feecurrency tax accountmode",
        words=_KUCOIN_WORDS,
    ),
    Form(
        name="KuCoin's fills",
        kind=Kind.FILLS,
        needs="orderid symbol side avgfilledprice filledamount filledvolume makertaker",
        means={
            "fill_id": "tradeid",
            "venue_order_id": "orderid",
            "symbol": "symbol",
            "side": "side",
            "qty": "filledamount",
            "price": "avgfilledprice",
            "fee": "fee",
            "fee_currency": "feecurrency",
            "filled_at": "filledtime",
        },
        passed="uid accounttype ordertype filledvolume filledvolumeusdt tax makertaker accountmode",
    ),
    Form(
        name="KuCoin's fills (before 2022)",
        kind=Kind.FILLS,
        needs="tradecreatedat orderid symbol side price size funds fee feecurrency",
        means={
            "fill_id": "tradeid",
            "venue_order_id": "orderid",
            "symbol": "symbol",
            "side": "side",
            "qty": "size",
            "price": "price",
            "fee": "fee",
            "fee_currency": "feecurrency",
            "filled_at": "tradecreatedat",
        },
        passed="funds liquidity ordertype",
    ),
)
_FREQTRADE = (
    Form(
        name="freqtrade's orders",
        kind=Kind.ORDERS,
        needs="fttradeid ftorderside ftpair orderid ftisopen",
        means={
            "venue_order_id": "orderid",
            "trade_id": "fttradeid",
            "symbol": "ftpair symbol",
            "side": "side ftside",
            "action": "ftaction",
            "order_type": "ordertype",
            "qty": "amount ftamount",
            "filled_qty": "filled",
            "filled_avg_price": "average",
            "price": "price ftprice",
            "stop_price": "stopprice",
            "status": "status",
            "submitted_at": "orderdate",
            "last_activity_at": "orderupdatedate",
            "status_reason": "ftcancelreason",
        },
        passed="id ftorderside ftisopen remaining cost orderfilleddate fundingfee ftfeebase ftordertag isshort "
        "ftcancelreason ftamount ftprice symbol",
        utc=True,
        is_bots=True,
    ),
    Form(
        name="freqtrade's orders, as its trades list them",
        kind=Kind.ORDERS,
        needs="orderid pair ftorderside ftisentry orderdate",
        means={
            "venue_order_id": "orderid",
            "trade_id": "fttradeid",
            "symbol": "pair",
            "side": "side ftside",
            "action": "ftaction",
            "order_type": "ordertype",
            "qty": "amount",
            "filled_qty": "filled",
            "filled_avg_price": "average",
            "price": "safeprice price",
            "stop_price": "stopprice",
            "status": "status",
            "submitted_at": "ordertimestamp orderdate",
            "last_activity_at": "orderupdatetimestamp",
        },
        passed="ftorderside ftisentry remaining cost orderfilledtimestamp orderfilleddate orderdate isopen isshort "
        "ftfeebase fundingfee ftordertag safeprice price",
        utc=True,
        is_bots=True,
    ),
    Form(
        name="freqtrade's trades",
        kind=Kind.TRADES,
        needs="pair isopen isshort amount openrate stakeamount",
        means={
            "trade_id": "tradeid id",
            "symbol": "pair",
            "side": "isshort",
            "status": "isopen",
            "entry_qty": "entryfilled amount",
            "exit_qty": "exitfilled",
            "entry_avg_price": "openrate",
            "opened_at": "opentimestamp opendate",
            "fee_base_qty": "feebaseqty",
        },
        utc=True,
    ),
)
_IBKR_INSTEAD = (
    "write its executions as a table with fill_id, order_id, symbol, side, qty, price and filled_at (with a zone), and "
    "give that as --fills"
)
_STATEMENTS = (
    Form(
        name="Coinbase's transaction report",
        kind=Kind.STATEMENTS,
        needs="timestamp transactiontype asset quantitytransacted",
        means={},
        instead="download the fills of Coinbase Advanced instead",
    ),
    Form(
        name="Binance's transaction records",
        kind=Kind.STATEMENTS,
        needs="utctime account operation coin change",
        means={},
        instead="download the order history and the trade history instead",
    ),
    Form(
        name="Interactive Brokers' activity statement",
        kind=Kind.STATEMENTS,
        needs="statement header fieldname fieldvalue",
        means={},
        why="many tables stand in one file, and none names an order",
        instead=_IBKR_INSTEAD,
    ),
    *(
        Form(
            name="Interactive Brokers' Flex query",
            kind=Kind.STATEMENTS,
            needs=f"buysell {order_id}",
            means={},
            why="its times name no zone, and what was sold is negative",
            instead=_IBKR_INSTEAD,
        )
        for order_id in ("iborderid", "ibexecid")
    ),
)
FORMS: tuple[Form, ...] = (
    *_BINANCE, *_KRAKEN, *_COINBASE, *_ALPACA, *_BYBIT, *_OKX, _OKX_API, *_KUCOIN, *_FREQTRADE, *_BITMEX, _BYBIT_API,
    _BITGET_API, *_HUMMINGBOT, *_STATEMENTS
)  # fmt: skip
