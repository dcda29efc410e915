"""A client order id read by the policy's `client_order_id_pattern`: which profile, trade and action it names.

The pattern comes from a configuration, the ids from a venue, so neither may make the other expensive: RE2 matches in
time linear in the id, whatever the pattern (no look-around, no references back), and an id beyond `ID_CHARS_MAX` is not
matched at all.
"""

import re2

GROUPS = frozenset({"profile", "trade", "action"})
ID_CHARS_MAX = 256  # the longest id of a documented venue has 128
PATTERN_CHARS_MAX = 1000


class BadPattern(ValueError):
    """The text is no usable pattern; the message says why, for a person."""


class IdPattern:
    """One compiled pattern. Raises BadPattern where it cannot be used.

    It works on UTF-8, which is what RE2 matches; texts would be translated there and back for each group.
    """

    __slots__ = ("_expression", "_numbers")

    def __init__(self, pattern: str) -> None:
        if len(pattern) > PATTERN_CHARS_MAX:
            raise BadPattern(f"longer than {PATTERN_CHARS_MAX} characters")
        options = re2.Options()
        options.log_errors = False
        try:
            self._expression = re2.compile(pattern.encode(), options)
        except (re2.error, UnicodeEncodeError) as fault:
            raise BadPattern(f"not a regular expression of RE2: {_reason(fault)}") from fault
        self._numbers = {name.decode(): number for name, number in self._expression.groupindex.items()}
        if not self._numbers.keys() & GROUPS:
            raise BadPattern("the expression needs a named group: profile, trade or action")

    def has(self, group: str) -> bool:
        """Whether the pattern names this group at all."""
        return group in self._numbers

    def read(self, client_order_id: str, group: str) -> str | None:
        """What the id says of `group`; null where it does not match, is too long, or the group is empty."""
        number = self._numbers.get(group)
        if number is None or len(client_order_id) > ID_CHARS_MAX:
            return None
        match = self._expression.search(client_order_id.encode(errors="surrogatepass").strip())
        said = None if match is None else match.group(number)
        return said.decode(errors="replace") if said else None


def _reason(fault: Exception) -> str:
    first = fault.args[0] if fault.args else fault
    text = first.decode(errors="replace") if isinstance(first, bytes) else str(first)
    if "(?" in text or "invalid escape" in text:
        return f"{text} (look-around and references to groups are not available: they cannot be matched in linear time)"
    return text
