"""Many texts checked at once come to what each text alone comes to."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueup.model.check_texts import amount_fault, amounts_are_plain, time_fault, times_are_good

digit = st.integers(0, 9).map(str)
odd_time = st.tuples(*[digit] * 14).map(
    lambda d: f"20{d[0]}{d[1]}-{d[2]}{d[3]}-{d[4]}{d[5]}T{d[6]}{d[7]}:{d[8]}{d[9]}:{d[10]}{d[11]}Z"
)
day = st.integers(0, 32).map("{:02}".format)
near_time = st.builds(
    lambda month, day, hour, minute: f"2026-{month}-{day}T{hour:02}:{minute:02}:59Z",
    st.sampled_from(["02", "11"]),
    day,
    st.integers(0, 25),
    st.sampled_from([0, 59, 60]),
)
good_time = st.datetimes().map(lambda at: f"{at.replace(microsecond=0).isoformat()}Z")
other = st.sampled_from([None, "2026-11-23T12:00:00.5Z", "2026-11-23T12:00:00", "2026-11-23 12:00:00Z", ""])


@settings(max_examples=500, deadline=None)
@given(st.lists(st.one_of(near_time, near_time, good_time, odd_time, other), max_size=6))
def test_times_are_good_where_each_is(times: list[str | None]) -> None:
    assert times_are_good(times) == all(time_fault(one) is None for one in times if one is not None)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (["2026-11-23T23:59:59Z", "2026-11-24T00:00:00Z"], True),
        (["2026-11-23T12:00:00Z", "2026-11-23T24:00:00Z", "2026-11-25T12:00:00Z"], False),
        (["2026-11-23T12:00:00Z", "2026-11-31T12:00:00Z"], False),
        (["2026-11-00T12:00:00Z", "2026-11-23T12:00:00Z"], False),
        (["2026-11-23T12:00:00Z", "2026-11-23T12:60:00Z", "2026-11-23T13:00:00Z"], False),
        (["2026-02-28T12:00:00Z", "2028-02-29T12:00:00Z", "2026-02-29T12:00:00Z"], False),
    ],
)
def test_days_hours_and_minutes_that_do_not_exist(times: list[str], expected: bool) -> None:
    assert times_are_good(times) is expected


amount_text = st.text("0123456789.-+e", max_size=5) | st.sampled_from(
    ["1" * 30, "1" * 31, "0." + "0" * 30 + "1", "0.5", "7"]
)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(amount_text | st.none(), amount_text | st.none()), max_size=4))
def test_plain_amounts_are_faultless(rows: list[tuple[str | None, ...]]) -> None:
    present = [text for row in rows for text in row if text is not None]
    if amounts_are_plain(rows):
        assert [amount_fault(text, signed=False) for text in present] == [None] * len(present)


def test_ordinary_amounts_are_plain() -> None:
    assert amounts_are_plain([("10", "0", None), ("2.50", "99.9", "0.001")])
    assert not amounts_are_plain([("10", "0"), ("", "1")])
