"""What the simulated venue's lists show of orders and fills: rows that are hidden, late, twice, misprinted or left out.

A lie is bounded: what lags or hides is told `LAG_S_MAX` seconds later at the latest. Without faults the rows say the
truth.
"""

from decimal import Decimal
from random import Random
from typing import TypeVar

from msgspec import structs

from trueup.model.snapshot import Fill, VenueOrder
from trueup.model.times import NS_PER_S
from trueup.model.vocabulary import ReadState
from trueup.sim.faults import FaultDice
from trueup.sim.market.instruments import MarketInstrument
from trueup.sim.market.market import Market
from trueup.sim.market.orders import MarketFill, MarketOrder

NOISE_DIGITS = 16  # where a binary fraction of 64 bits ends
YOUNG_S = 120  # rows shift where new ones come in
Row = TypeVar("Row")
Told = TypeVar("Told", MarketOrder, MarketFill)


class VenueRows:
    """Makes the rows of one account's lists."""

    def __init__(self, market: Market, dice: FaultDice, *, fills_by_client_id: bool) -> None:
        self._market = market
        self._dice = dice
        self._fills_by_client_id = fills_by_client_id
        self._shown_from: dict[str, int] = {}  # order or fill id → when lists begin to show it

    def earlier_ns(self) -> int:
        return self._market.now_ns() - self._dice.lag_ns()

    def cut(self, rows: list[Row]) -> tuple[list[Row], ReadState]:
        if rows and self._dice.strikes("read_truncated"):
            return rows[: self._dice.rng.randrange(len(rows))], ReadState.PARTIAL
        return rows, ReadState.COMPLETE

    def skip(self, rows: list[Told]) -> list[Told]:
        """Rows shift while pages are read: a young one is in none of them."""
        young_ns = self._market.now_ns() - YOUNG_S * NS_PER_S
        if rows and self._dice.strikes("row_skipped"):
            skipped = self._dice.rng.choice(rows)
            return [row for row in rows if row is not skipped or row.told_ns < young_ns]
        return rows

    def _is_shown(self, identity: str, since_ns: int, fault: str) -> bool:
        """Is a row in the lists yet? Drawn once for each; what is late is shown `LAG_S_MAX` after it happened."""
        if identity not in self._shown_from:
            late_ns = self._dice.lag_ns() if self._dice.strikes(fault) else 0
            self._shown_from[identity] = since_ns + late_ns
        return self._shown_from[identity] <= self._market.now_ns()

    def order_rows(self, orders: list[MarketOrder], as_of_ns: int | None) -> list[VenueOrder]:
        rows: list[VenueOrder] = []
        for order in orders:
            if not self._is_shown(str(order.number), order.told_ns, "order_hidden"):
                continue
            row = order.view() if as_of_ns is None else order.view_at(as_of_ns)
            if self._dice.strikes("order_late"):
                row = order.view_at(self.earlier_ns())
            if row is not None:
                rows.append(self._blur(row))
            if row is not None and self._dice.strikes("row_duplicated"):
                older = order.view_at(self.earlier_ns())
                rows.insert(self._dice.rng.randint(0, len(rows)), older or row)
        return rows

    def _blur(self, row: VenueOrder) -> VenueOrder:
        """Take away what the fault takes: the status's meaning, the filled quantity, the average price."""
        if self._dice.strikes("status_unknown"):
            row = structs.replace(row, status=None, raw_status="calculated")
        if row.filled_qty != "0" and self._dice.strikes("filled_qty_missing"):
            row = structs.replace(row, filled_qty=None, filled_avg_price=None)
        if self._dice.strikes("updated_at_missing"):
            row = structs.replace(row, updated_at=None)
        if self._dice.strikes("id_respelled") and row.venue_order_id is not None:
            row = structs.replace(row, venue_order_id=f" {row.venue_order_id.lower()}")
        if row.filled_avg_price is not None and self._dice.strikes("average_missing"):
            row = structs.replace(row, filled_avg_price=None)
        if row.filled_qty not in (None, "0") and self._dice.strikes("amount_noisy"):
            row = structs.replace(row, filled_qty=_noisy(row.filled_qty or "0", self._dice.rng))
        if self._dice.strikes("precision_wrong"):
            row = _misprinted(row, self._market.instruments[row.symbol or ""])
        return row

    def fill_rows(self, fills: list[MarketFill], as_of_ns: int | None) -> list[Fill]:
        rows: list[Fill] = []
        for fill in fills:
            if as_of_ns is not None and fill.filled_ns > as_of_ns:
                continue
            if self._is_shown(f"{fill.order.number} {fill.fill_id}", fill.told_ns, "fill_late"):
                rows.append(self._named(fill))
                if self._dice.strikes("row_duplicated"):
                    rows.insert(self._dice.rng.randint(0, len(rows)), self._named(fill))
        return rows

    def _named(self, fill: MarketFill) -> Fill:
        view, order, client_order_id = fill.view(), fill.order, fill.order.client_order_id
        if self._dice.strikes("fill_changed"):
            fill.order.is_revised = True
            view = structs.replace(view, price=fill.order.instrument.price_text(fill.price + 1))
        if self._dice.strikes("price_untold"):
            view = structs.replace(view, price=None)
        if self._dice.strikes("amount_noisy"):
            view = structs.replace(view, qty=_noisy(view.qty, self._dice.rng))
        if not self._fills_by_client_id or client_order_id is None:
            return view
        if self._market.is_tag(order.account_id, client_order_id):
            return view
        return structs.replace(view, venue_order_id=None, client_order_id=client_order_id)


def _noisy(number: str, rng: Random) -> str:
    """A little more or less, as sums of binary fractions are."""
    return f"{Decimal(number) * (1 + Decimal(rng.choice((-2, -1, 1, 2))).scaleb(-NOISE_DIGITS)):f}"


def _misprinted(row: VenueOrder, instrument: MarketInstrument) -> VenueOrder:
    """Zeros that mean nothing, and a filled quantity cut off to a digit less."""
    limit = None if row.limit_price is None else _padded(row.limit_price)
    whole, _, digits = (row.filled_qty or "0").partition(".")
    cut_off = f"{whole}.{digits[: instrument.qty_decimals - 1]}" if digits else whole
    qty = None if row.qty is None else _padded(row.qty)
    filled = None if row.filled_qty is None else cut_off.rstrip(".")
    return structs.replace(row, qty=qty, limit_price=limit, filled_qty=filled)


def _padded(number: str) -> str:
    return f"{number}00" if "." in number else f"{number}.00"
