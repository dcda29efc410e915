"""The simulated market's instruments: integers inside, decimal text outside."""

from msgspec import Struct

from trueup.model.snapshot import Instrument

FEE_PARTS = 1_000_000  # fees are parts per million: positions count millionths of a step
FEE_DECIMALS = 6
_AVERAGE_DECIMALS = 6  # venues round averages; this many digits beyond the tick


def decimal_text(units: int, decimals: int) -> str:
    """An integer number of 10^-decimals as canonical decimal text."""
    if decimals == 0:
        return str(units)
    digits = str(abs(units)).rjust(decimals + 1, "0")
    fraction = digits[-decimals:].rstrip("0")
    whole = f"-{digits[:-decimals]}" if units < 0 else digits[:-decimals]
    return f"{whole}.{fraction}" if fraction else whole


class MarketInstrument(Struct, frozen=True, kw_only=True):
    """Quantities are multiples of 10^-qty_decimals, prices of 10^-price_decimals."""

    symbol: str
    quote: str = "USD"
    qty_decimals: int = 3
    price_decimals: int = 2
    start_ticks: int = 100_000
    move_ticks: int = 150  # the most that the price moves in one step of the walk
    quote_fee_ppm: int = 0  # parts per million of the notional, in the quote currency
    base_fee_ppm: int = 0  # parts per million of what a buy receives, in the base currency

    @property
    def base(self) -> str:
        return self.symbol.split("/")[0]

    def qty_text(self, steps: int) -> str:
        return decimal_text(steps, self.qty_decimals)

    def parts_text(self, parts: int) -> str:
        return decimal_text(parts, self.qty_decimals + FEE_DECIMALS)

    def price_text(self, ticks: int) -> str:
        return decimal_text(ticks, self.price_decimals)

    def average_text(self, cost: int, qty: int) -> str | None:
        if qty == 0:
            return None
        return decimal_text(cost * 10**_AVERAGE_DECIMALS // qty, self.price_decimals + _AVERAGE_DECIMALS)

    def model(self) -> Instrument:
        return Instrument(
            symbol=self.symbol, qty_step=self.qty_text(1), price_tick=self.price_text(1), quote=self.quote
        )
