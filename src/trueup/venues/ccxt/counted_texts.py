"""Texts that can be subtracted, for parsers of ccxt that count with what they take for numbers.

Such a parser would fail with the exact texts that we have it read, and round with floats. So while it reads an order,
its numbers are texts that count exactly; what it hands on is plain text again. Must not know which exchange needs it.
"""

from decimal import Decimal
from typing import Any

from trueup.model.money import subtract, text


class CountedText(str):
    """A number's exact text: it counts as the number, and is written as it was."""

    __slots__ = ()

    def __sub__(self, other: object) -> "CountedText":
        return CountedText(text(subtract(Decimal(self), Decimal(str(other)))))

    def __gt__(self, other: object) -> bool:
        return Decimal(self) > Decimal(str(other))


def count_texts(twin: Any) -> None:
    """Has this exchange object read orders with numbers that count. `twin`: ours, never a bot's."""
    read_order, finish_order = type(twin).parse_order, type(twin).safe_order

    def parse_order(order: Any, market: Any = None) -> Any:
        number, twin.number = twin.number, CountedText
        try:
            return read_order(twin, order, market)
        finally:
            twin.number = number

    def safe_order(order: Any, market: Any = None) -> Any:
        plain = {key: str(value) if isinstance(value, CountedText) else value for key, value in order.items()}
        number, twin.number = twin.number, str
        try:
            return finish_order(twin, plain, market)
        finally:
            twin.number = number

    twin.parse_order, twin.safe_order = parse_order, safe_order
