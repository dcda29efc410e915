"""Numbers and places that a form or an address names: what is none is refused, and nobody is led elsewhere."""

import pytest

from trueup.surfaces.web.forms import go_back, unsaid, whole_number, within


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("0", 0), ("999999999", 999_999_999), ("", None), ("-1", None), ("1e3", None), (" 1", None),
     ("²", None), ("١", None), ("9" * 5000, None)],
)  # fmt: skip
def test_a_number_is_plain_digits_and_not_many(text: str, number: int | None) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize(
    "place",
    ["", "breaks", "//evil.example", "/\\evil.example", "/\t/evil.example", "/\n/evil.example", "/\r/evil.example",
     "\\\\evil.example", "https://evil.example", "javascript:alert(1)", "/a\x00b"],
)  # fmt: skip
def test_a_place_elsewhere_is_the_first_page(place: str) -> None:
    assert within(place) == "/"
    assert unsaid(place) == "/"
    assert go_back(place).headers["location"] == "/"


def test_a_place_of_ours_is_kept_without_words_in_our_name() -> None:
    assert unsaid("/explain/a%3Fb") == "/explain/a%3Fb"
    assert unsaid("/breaks?profile=p1&said=call+this+number&failed=x&page=2") == "/breaks?profile=p1&page=2"
