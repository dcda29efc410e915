"""Untrusted text where a person or a program looks at it: what could steer a terminal, hide or turn letters, or run
as a formula is made visible. The one place for that, whatever the surface.

What counts as harmful: Unicode's control, format (direction marks, zero width, tags), surrogate and line separator
characters. They become backslash escapes in text and table cells, and JSON's own escapes in JSON, where a parser reads
back what there was. Must not know where a text comes from: all of it is treated alike.
"""

import re

# The categories Cc, Cf, Cs, Zl and Zp of Unicode; a test holds this to `unicodedata` of the running Python.
_FORMAT = (
    "\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
_HARMFUL = re.compile(f"[\x00-\x1f{_FORMAT}]")
_HARMFUL_IN_JSON = re.compile(
    f"[{_FORMAT}]"
)  # JSON itself escapes what is below U+0020; between values it is space
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?(E[+-]?\d+)?", re.ASCII)
# What spreadsheets take for the start of a formula, also in full width (Excel and LibreOffice fold it) and as U+2212.
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "−")
# Where lists are written with semicolons, as in much of Europe, a spreadsheet splits there, and our quotes do not hold
# it back: they enclose what stands between commas. Quotes and spaces before the formula are trimmed.
_SPLIT_AT_FORMULA = re.compile(rf"([;|])(?=[\s\"']*[{re.escape(''.join(_FORMULA_STARTS))}])")


def visible(value: object) -> str:
    """A value as text of one line that cannot steer a terminal: harmful characters become visible escapes."""
    text = "" if value is None else str(value)
    if text.isascii() and text.isprintable():
        return text
    return _HARMFUL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def harmless_json(text: str) -> str:
    """JSON that says the same with its harmful characters escaped, as a pair of surrogates where JSON needs one."""
    if text.isascii() and "\x7f" not in text:
        return text
    return _HARMFUL_IN_JSON.sub(lambda found: _json_escape(found[0]), text)


def csv_cell(text: str) -> str:
    """A cell that no spreadsheet runs: one that would be a formula gets an apostrophe; a plain number stays one.

    So does what would be a formula in a cell of its own where a spreadsheet splits at semicolons or bars.
    """
    if text.isascii() and text.isalnum():  # most are
        return text
    shown = visible(text)
    if ";" in shown or "|" in shown:
        shown = _SPLIT_AT_FORMULA.sub(r"\1'", shown)
    start = text.lstrip()  # a spreadsheet trims, too, line breaks included
    if start.startswith(_FORMULA_STARTS) and not _NUMBER.fullmatch(text):
        return "'" + shown
    return shown


def _json_escape(char: str) -> str:
    code = ord(char)
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    return f"\\u{0xD7C0 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
