"""Equal amounts have one text, whatever way they are written."""

from decimal import Decimal, Inexact, localcontext

import pytest

from trueup.model.at_stake import at_stake
from trueup.model.errors import InvariantError
from trueup.model.money import (
    CONTEXT,
    ZERO,
    add,
    average_tolerance,
    canonical,
    cut_off,
    divide,
    exceeds,
    identical,
    is_same,
    is_within_bounds,
    multiply,
    parse,
    rounded,
    same,
    subtract,
    sum_text,
    text,
    total,
)
from trueup.model.plan import Break
from trueup.model.vocabulary import BreakKind, Severity


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
        ("1." + "3" * 37 + "6", "1." + "3" * 37 + "6"),  # what is stored stays what it was
        ("1" * 38, "1" * 38),
    ],
)
def test_one_text_for_one_amount(written: str, expected: str) -> None:
    assert canonical(written) == expected


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("0.3", "0.30000000000000004", True),
        ("1", "1.0000000009", True),
        ("1", "1.000000001", True),  # 0.000000001 of 1.000000001 is just less
        ("1", "1.0000000011", False),
        ("0", "0.00000000000000004", False),  # of nothing, anything is a difference
        ("-0.3", "0.3", False),
        ("0", "0.0", True),
    ],
)
def test_noise_is_no_difference(left: str, right: str, expected: bool) -> None:
    one, other = Decimal(left), Decimal(right)
    assert (is_same(one, other), is_same(other, one), same(left, right)) == (expected,) * 3
    assert exceeds(other, one) is (other > one and not expected)
    assert not exceeds(one, one)


def test_null_is_the_same_as_null_only() -> None:
    assert same(None, None)
    assert not same(None, "0")


def test_what_proofs_compare_has_no_noise() -> None:
    assert identical("0.30", "0.3")
    assert not identical("0.3", "0.30000000000000004")


def test_averages_differ_by_a_tick_or_a_millionth() -> None:
    assert average_tolerance(Decimal(100), Decimal("0.01")) == Decimal("0.01")
    assert average_tolerance(Decimal(100), Decimal(0)) == Decimal("0.0001")


def test_sums_are_exact_however_far_apart_their_amounts_are() -> None:
    large, small = Decimal("1e30"), Decimal("1.00000000000000000000000000001e-30")
    assert subtract(add(large, small), large) == small
    assert multiply(large, small) == Decimal("1.00000000000000000000000000001")
    with localcontext(CONTEXT):
        assert sum([large, small] * 1000, ZERO) - 1000 * large == 1000 * small


def test_what_would_be_rounded_in_a_sum_is_an_error() -> None:
    with pytest.raises(Inexact):
        add(Decimal("1e600"), Decimal("1e-30"))
    with localcontext(CONTEXT):
        with pytest.raises(Inexact):
            Decimal("1e600") + Decimal("1e-30")
        with pytest.raises(Inexact):
            Decimal(1) / Decimal(3)
        with pytest.raises(Inexact):
            Decimal("1.25").quantize(Decimal("0.1"))
    assert text(divide(Decimal(1), Decimal(3))) == "0." + "3" * 30


def test_what_is_rounded_says_so() -> None:
    with localcontext(CONTEXT):
        assert str(divide(Decimal(2), Decimal(3))) == "0." + "6" * 99 + "7"
        assert cut_off(Decimal("1.29"), Decimal("0.1")) == Decimal("1.2")
        assert rounded(Decimal("1.25"), Decimal("0.1")) == Decimal("1.2")
        assert rounded(Decimal("1.35"), Decimal("0.1")) == Decimal("1.4")


def test_quotients_of_the_furthest_amounts_multiply_and_add_up_exactly() -> None:
    """The widest there is: of costs that are products, divided, times a product of the furthest apart amounts."""
    large, small = (
        Decimal("9.87654321098765432109876543211e30"),
        Decimal("1.23456789012345678901234567891e-30"),
    )
    with localcontext(CONTEXT):
        widest = divide(large * large, small) * large * large + divide(small * small, large) * small * small
        assert widest > large


def test_a_sum_that_cannot_be_kept_is_refused() -> None:
    assert sum_text(add(Decimal("1e29"), Decimal(5))) == "1" + "0" * 28 + "5"
    with pytest.raises(InvariantError, match="more than 30 significant digits"):
        sum_text(add(Decimal("1e29"), Decimal("0.5")))


@pytest.mark.parametrize("number", ["1_0", "\u0661", "", " 1", "1e", "0x1", "nan", "inf", "1e5_0", "."])
def test_no_number(number: str) -> None:
    assert parse(number) is None


@pytest.mark.parametrize("number", ["1", "-1.5", "+.5", "5.", "1e-7", "1E+3"])
def test_a_number(number: str) -> None:
    assert parse(number) == Decimal(number)


def test_sums_and_what_is_at_stake_keep_every_digit_outside_the_core_too():
    """Python's own operators and `sum` round at 28 digits in silence."""
    long = "123456789012345.678901234567891"
    assert total([Decimal(long), Decimal("0.000000000000001"), Decimal(1)]) == Decimal(
        "123456789012346.678901234567892"
    )
    found = Break(
        break_id="b", kind=BreakKind.FILL_DRIFT, severity=Severity.WARN, symbol="ETH/USD", client_order_id="c",
        venue_order_id="v", trade_id=None, reason="r", message="m", local={"filled_qty": "0"},
        venue={"filled_qty": long, "filled_avg_price": "3"},
    )  # fmt: skip
    assert at_stake(found) == Decimal("370370367037037.036703703703673")


@pytest.mark.parametrize(
    "written",
    [
        "1e31",
        "1e-31",
        "1e999",
        "1e1000",
        "1e999999999999",
        "1e-999999999999",
        "1" * 700,
        "1." + "0" * 700 + "1",
    ],
)
def test_what_is_out_of_bounds_is_said_to_be_however_far(written: str) -> None:
    assert not is_within_bounds(Decimal(written))


@pytest.mark.parametrize(
    "written", ["0", "0e999999", "0.000", "1e30", "-1e-30", "1" * 30, "5" + "0" * 30, "2.50"]
)
def test_what_is_within_bounds_is_said_to_be(written: str) -> None:
    assert is_within_bounds(Decimal(written))


def test_an_exponent_that_no_value_has_is_no_number() -> None:
    assert parse("1e99999999999999999999") is None
    assert parse("1e-99999999999999999999") is None
