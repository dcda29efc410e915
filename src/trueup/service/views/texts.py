"""Amounts and times as a person reads them, whatever the surface."""

DECIMALS_SHOWN = 8


def brief(value: object) -> str:
    """An amount with at most 8 decimals, marked where it has more: people compare these, programs take --json."""
    whole, point, decimals = str(value).partition(".")
    long = point and len(decimals) > DECIMALS_SHOWN and decimals.isdigit()
    return f"{whole}.{decimals[:DECIMALS_SHOWN]}…" if long else str(value)


def brief_time(time: str | None) -> str:
    """A time to the second, as people read it; UTC goes without saying."""
    return "" if time is None else f"{time[:10]} {time[11:19]}"
