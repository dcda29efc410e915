"""Tables at any width: no word is broken while that can be helped, and no text is lost."""

import io
import sys
from collections import Counter

import pytest
from rich.console import Console
from rich.text import Text

from trueup.surfaces.cli.terminal import ENDLESS, console
from trueup.surfaces.cli.text_table import TextTable, fit_widths

COLUMNS = ("severity", "kind", "order", "what", ">seen", "break", "error")
WHAT = "venue reports 46.7 of 46.7 filled, local 0"
ROWS: list[tuple[str, ...]] = [
    ("warn", "fill_drift", "p1-p1t3-entry-1", WHAT, "1", "da42b501", ""),
    ("info", "foreign_order", "web-2", "left alone", "12", "9b7f8b8b", ""),
]


def rendered(width: int, columns: tuple[str, ...] = COLUMNS, rows: list[tuple[str, ...]] = ROWS) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width).print(TextTable(columns, [[Text(cell) for cell in row] for row in rows]))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_where_there_is_room_a_row_is_a_line() -> None:
    head, _, first, second = rendered(120)
    assert head.split() == [
        "severity",
        "kind",
        "order",
        "what",
        "seen",
        "break",
    ]  # the empty column is left out
    assert first == f"warn      fill_drift     p1-p1t3-entry-1  {WHAT}     1  da42b501"
    assert second.split() == ["info", "foreign_order", "web-2", "left", "alone", "12", "9b7f8b8b"]


def test_with_less_room_the_widest_wraps_between_words() -> None:
    lines = rendered(74)
    assert lines[2] == "warn      fill_drift     p1-p1t3-entry-1  venue reports        1  da42b501"
    assert [line.strip() for line in lines[3:5]] == ["46.7 of 46.7", "filled, local 0"]


def test_too_narrow_for_all_columns_the_widest_goes_below() -> None:
    assert rendered(64) == [
        "severity  kind           order            seen  break",
        "─" * 56,  # 8 + 13 + 15 + 4 + 8, and 2 between any two
        "warn      fill_drift     p1-p1t3-entry-1     1  da42b501",
        f"    {WHAT}",
        "info      foreign_order  web-2              12  9b7f8b8b",
        "    left alone",
    ]


def test_of_several_below_each_is_named_and_none_is_the_first() -> None:
    lines = rendered(54)
    assert lines[2:5] == [
        "warn      fill_drift        1  da42b501",
        "    order: p1-p1t3-entry-1",
        f"    what: {WHAT}",
    ]
    value = ("a_key_that_is_longer_than_the_line", "value")
    assert rendered(20, ("key", "value"), [value])[2:] == [
        "a_key_that_is_longer",
        "_than_the_line",
        "    value",
    ]


def test_rows_without_any_text_are_nothing() -> None:
    assert "".join(rendered(40, ("a", "b"), [("", "")])) == ""


@pytest.mark.parametrize("width", [20, 30, 47, 64, 80, 100])
def test_nothing_is_lost_at_any_width(width: int) -> None:
    shown = Counter("".join(rendered(width)))
    given = Counter("".join(cell.replace(" ", "") for row in ROWS for cell in row))
    assert given - shown == Counter()


@pytest.mark.parametrize(
    ("least", "natural", "room", "widths"),
    [
        ([2, 2], [5, 5], 10, [5, 5]),
        ([2, 2], [5, 9], 10, [5, 5]),  # the widest gives way first
        ([2, 8], [5, 9], 10, [2, 8]),  # none below its least
        ([2, 9], [5, 9], 10, None),
    ],
)
def test_widths(least: list[int], natural: list[int], room: int, widths: list[int] | None) -> None:
    assert fit_widths(least, natural, room) == widths


def test_without_a_terminal_no_line_is_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.delenv("COLUMNS", raising=False)
    assert console().width == ENDLESS
    monkeypatch.setenv("COLUMNS", "100")
    assert console().width == 100


def test_a_column_without_a_name_has_no_label_below() -> None:
    lines = rendered(24, ("bot", "symbol", ""), [("a-very-long-name-of-a-bot", "ETH/USD", "equal")])
    assert "    equal" in lines
    assert not any(line.strip().startswith(":") for line in lines)
