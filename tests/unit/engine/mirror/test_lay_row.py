"""What a bot's row makes of the fills that the mirror has of its order. Expected values by hand, from books.md."""

from typing import Any

import pytest

from trueup.engine.mirror.lay_row import lay_row
from trueup.model.snapshot import Fill, LocalOrder
from trueup.model.vocabulary import Side, Status
from trueup.ports.book_rows import FillRow
from trueup.ports.foreign_books import ForeignRow

NOW = "2026-11-23T12:00:00.000000000Z"
KEYS = frozenset({"status", "filled_qty", "filled_avg_price"})


def order(filled: str) -> LocalOrder:
    return LocalOrder(
        venue_order_id="v-1", client_order_id="c-1", symbol="ETH/USD", side=Side.BUY, qty="10",
        status=Status.PARTIALLY_FILLED, filled_qty=filled, filled_avg_price="1000",
    )  # fmt: skip


def fill(fill_id: str, qty: str, second: int, *, inferred: bool = False) -> Fill:
    at = f"2026-11-23T11:00:{second:02}Z"
    return Fill(fill_id=fill_id, venue_order_id="v-1", qty=qty, price="1000", filled_at=at, inferred=inferred)


def laid(
    filled: str,
    said: list[Fill] | None,
    booked: list[Fill],
    *,
    before: str | None = None,
    are_whole: bool = True,
) -> tuple[list[str], list[str], bool]:
    """The fills that are new and those that are dropped, and whether anything changed."""
    row = ForeignRow(key="1", fingerprint="F", profile_id="p", order=order(filled), fills=said)
    known = [FillRow("ethusd", "v:v-1", one.fill_id.lower(), 1, one) for one in booked]
    found = lay_row(row, KEYS, order(before or filled), known, NOW, fills_are_whole=are_whole)
    return [one.fill_id for one in found.new], [one.fill.fill_id for one in found.dropped], found.changed


ONE, TWO, OWN = fill("F1", "3", 1), fill("F2", "7", 2), fill("own-1", "3", 1)
SUPERSEDED = fill("own-1", "0", 1)
GUESS = fill("digest", "7", 2, inferred=True)

CASES: dict[str, tuple[Any, Any]] = {
    "named as booked": (("10", [ONE, TWO], [ONE, TWO]), ([], [], False)),
    "one is not named": (("10", [ONE], [ONE, TWO]), ([], ["F2"], True)),
    "none is named": (("10", [], [ONE, TWO]), ([], ["F1", "F2"], True)),
    "of fewer only the guess is dropped": (("3", [ONE], [ONE, GUESS], "10"), ([], ["digest"], True)),
    "a guess is no row of the bot's": (("10", [ONE], [ONE, GUESS]), ([], [], False)),
    "named by an id of its own": (("3", [OWN], [SUPERSEDED, ONE]), ([], [], False)),
    "by an id of its own, and one not at all": (("10", [OWN], [SUPERSEDED, ONE, TWO]), ([], ["F2"], True)),
    "only a part stands for the own one": (
        ("10", [OWN], [SUPERSEDED, fill("F3", "2", 1)]),
        (["own-1"], ["F3", "own-1"], True),
    ),
    "the own one counts again": (("3", [OWN], [SUPERSEDED]), (["own-1"], ["own-1"], True)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_books_that_take_fills_name_all_of_them(name: str) -> None:
    given, expected = CASES[name]
    filled, said, booked, *before = given
    assert laid(filled, said, booked, before=before[0] if before else None) == expected


@pytest.mark.parametrize("said", [[ONE], None])
def test_books_that_take_none_need_not(said: list[Fill] | None) -> None:
    assert laid("10", said, [ONE, TWO], are_whole=said is None) == ([], [], False)
    assert laid("3", said, [ONE, TWO], before="10", are_whole=said is None) == ([], ["F2"], True)
