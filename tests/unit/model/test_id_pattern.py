"""What a pattern reads of an id, and what may not be a pattern."""

import time

import pytest

from trueup.model.id_pattern import ID_CHARS_MAX, BadPattern, IdPattern

ORDER = IdPattern(r"^(?P<profile>\w+)-(?P<trade>\w+)-(?P<action>entry|exit)")


@pytest.mark.parametrize(
    ("client_order_id", "group", "said"),
    [
        ("mom-t7-entry-2", "profile", "mom"),
        ("mom-t7-entry-2", "trade", "t7"),
        ("  mom-t7-exit ", "action", "exit"),
        ("mom-t7", "trade", None),
        ("mom-t7-entry", "side", None),
        ("", "trade", None),
    ],
)
def test_what_an_id_says(client_order_id: str, group: str, said: str | None) -> None:
    assert ORDER.read(client_order_id, group) == said


def test_a_group_that_matched_nothing_says_nothing() -> None:
    pattern = IdPattern(r"^(?P<trade>t\d*)?(?P<action>x*)")
    assert pattern.read("q", "trade") is None
    assert pattern.read("t1", "action") is None


def test_letters_of_any_script_stand_as_they_are() -> None:
    assert IdPattern("^(?P<trade>[^-]+)-").read("größe-1", "trade") == "größe"


def test_an_id_that_is_too_long_is_not_matched() -> None:
    pattern = IdPattern("(?P<trade>a+)")
    assert pattern.read("a" * ID_CHARS_MAX, "trade") == "a" * 256
    assert pattern.read("a" * (ID_CHARS_MAX + 1), "trade") is None


@pytest.mark.parametrize(
    "pattern", [r"^(?P<trade>(\w+\s?)*)$", r"^(?P<trade>(a|a|aa)+)$", r"(?P<trade>(a*)*b)"]
)
def test_nested_quantifiers_take_linear_time(pattern: str) -> None:
    """Python's own engine needs longer than anyone waits for these, at half the length."""
    started = time.process_time()
    assert IdPattern(pattern).read("a" * 200 + "!", "trade") is None
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(?P<trade>", "not a regular expression of RE2: missing"),
        (r"(?P<trade>a)(?=b)", "look-around and references to groups are not available"),
        (r"(?P<trade>a)\1", "look-around and references to groups are not available"),
        (r"^\w+$", "needs a named group: profile, trade or action"),
        ("(?P<trade>" + "a" * 1000 + ")", "longer than 1000 characters"),
    ],
)
def test_what_may_not_be_a_pattern(pattern: str, message: str) -> None:
    with pytest.raises(BadPattern, match=message):
        IdPattern(pattern)
