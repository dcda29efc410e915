"""What the suite needs of a kind of books under test: the bot's side of them, past trueup.

Books join by a `Bench`, and by a context manager `(folder) -> Bench` that the option `trueup_books` names.
"""

from typing import Protocol

from trueup.ports.foreign_books import ForeignBooks

PROFILE = "mom"


class Bench(Protocol):
    """Empty tables of a bot, and the books over them: profile `mom`, and whatever writing they can do switched on.

    Order N is a live limit order to buy 10 ETH/USD at 1000 of trade `t-1`, with the ids `c-N` and `v-N`.
    """

    books: ForeignBooks

    def add(self, number: int, venue_order_id: str | None = None) -> None:
        """The bot records order `number`; `venue_order_id`: in the place of `v-N`."""
        ...

    def fill(self, number: int, qty: str) -> None:
        """The bot books `qty` in all as filled, at 1000."""
        ...

    def end(self, number: int) -> None:
        """The bot marks it canceled."""
        ...

    def spoil(self, number: int) -> None:
        """A status word that means nothing to anybody."""
        ...

    def remove(self, number: int) -> None: ...

    def rows(self) -> list[dict[str, object]]:
        """All of the table as the bot sees it, in a fixed order."""
        ...
