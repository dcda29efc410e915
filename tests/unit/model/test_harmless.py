"""What untrusted text looks like on a terminal, in JSON and in a spreadsheet."""

import csv
import io
import json
import sys
import unicodedata

import pytest

from trueup.model.harmless import csv_cell, harmless_json, visible

HARMFUL_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_every_control_format_surrogate_and_separator_character_becomes_visible() -> None:
    harmful = [
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in HARMFUL_CATEGORIES
    ]
    assert len(harmful) > 2000
    assert [char for char in harmful if visible(char)[0] != "\\"] == []
    assert [char for char in harmful if char > "\x1f" and not harmless_json(f'"{char}"').isascii()] == []


@pytest.mark.parametrize("text", ["plain", "größe 山 🙂", "a b\N{NO-BREAK SPACE}c", "−1", "\\x1b"])
def test_other_text_stands_as_it_is(text: str) -> None:
    assert visible(text) == text
    assert harmless_json(text) == text


def test_what_a_terminal_obeys_or_an_eye_overlooks() -> None:
    assert visible("\x1b[31mred") == "\\x1b[31mred"
    assert visible("\x9b31m") == "\\x9b31m"
    assert visible("a\nb\tc") == "a\\nb\\tc"
    assert visible("abc\u202egnp") == "abc\\u202egnp"
    assert visible("B\u200bTC") == "B\\u200bTC"
    assert visible("\U000e0041") == "\\U000e0041"
    assert visible(None) == ""


@pytest.mark.parametrize(
    "text", ["\x9b31m", "\x7f", "abc\u202egnp", "B\u200bTC", "\U000e0041", "\ufeff", "plain"]
)
def test_json_says_the_same(text: str) -> None:
    written = json.dumps({"key": text, "list": [1, 2]}, ensure_ascii=False, indent=1)
    harmless = harmless_json(written)
    assert json.loads(harmless) == json.loads(written)
    assert harmless.isprintable() or harmless.replace("\n", "").isprintable()
    assert harmless.isascii() or text == "plain"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        (" =x", "' =x"),
        ("\n=x", "'\\n=x"),
        ("\t=x", "'\\t=x"),
        ("\r@x", "'\\r@x"),
        ("＝x", "'＝x"),
        ("−x", "'−x"),
        ("-x", "'-x"),
        ("+x", "'+x"),
        ("－2+3", "'－2+3"),
        ("\x1b[2J", "\\x1b[2J"),
        ("-1.5", "-1.5"),
        ("+2", "+2"),
        ("1E-8", "1E-8"),
        ("-1+cmd", "'-1+cmd"),
        ("-１", "'-１"),
        ("mom-1", "mom-1"),
        ("", ""),
    ],
)
def test_no_cell_is_a_formula(text: str, cell: str) -> None:
    assert csv_cell(text) == cell


@pytest.mark.parametrize(
    "text",
    [
        "a;=1+1",
        "a; =1+1",
        'a;"=1+1"',
        "a;\t@x",
        "a|=1+1",
        "=1;-2",
        "a;'=1",
        'a;=HYPERLINK("h","x")',
        "a;＝1",
        ";=1",
    ],
)
@pytest.mark.parametrize("separator", [",", ";", "|"])
def test_no_cell_is_a_formula_wherever_a_spreadsheet_splits(text: str, separator: str) -> None:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerow(["first", csv_cell(text), "last"])
    (row,) = csv.reader(io.StringIO(file.getvalue()), delimiter=separator)
    assert [cell for cell in row if cell.strip(' "').startswith(("=", "+", "-", "@", "＝"))] == []


@pytest.mark.parametrize("text", ["a;b", "a; 1", "a;", "|", "x;y=1", "a|b-1"])
def test_a_semicolon_alone_changes_nothing(text: str) -> None:
    assert csv_cell(text) == text
