"""Equal amounts have one text, whatever way they are written."""

import pytest

from trueup.model.money import canonical


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("0", "0"),
        ("0.0", "0"),
        ("00", "0"),
        ("007", "7"),
        ("10", "10"),
        ("10.", "10"),
        (".5", "0.5"),
        ("0.5", "0.5"),
        ("00.5", "0.5"),
        ("1.50", "1.5"),
        ("1.0", "1"),
        ("100.05", "100.05"),
        ("0.0000001", "0.0000001"),
        ("1e2", "100"),
        ("-3.50", "-3.5"),
        ("1." + "3" * 37, "1." + "3" * 37),  # 38 digits stay
        ("1." + "3" * 37 + "6", "1." + "3" * 36 + "4"),  # 39 are rounded, half even
        ("1" * 38, "1" * 38),
    ],
)
def test_one_text_for_one_amount(written: str, expected: str) -> None:
    assert canonical(written) == expected
