"""`trueup cost`: what repaired drift had wrong of exposure and profit, and for how long."""

from typing import TYPE_CHECKING

import click

from trueup.surfaces.cli.configured import check_profile, open_books
from trueup.surfaces.cli.invocation import Invocation, common

if TYPE_CHECKING:
    from rich.console import RenderableType

    from trueup.service.views.cost import CostSum

DAYS = 30


@click.command()
@click.option("--profile", metavar="ID", help="Only this profile.")
@click.option("--days", type=click.IntRange(1, 3650), default=DAYS, show_default=True, help="How far back.")
@common
def command(invocation: Invocation, profile: str | None, days: int) -> None:
    """Show what the books had wrong until runs repaired them: sums by day, cause and profile."""
    from trueup.model.times import NS_PER_S, from_ns, to_ns
    from trueup.service.views.cost import read_cost

    with open_books(invocation) as books:
        check_profile(books, profile)
        since = from_ns(to_ns(books.now()) - days * 86_400 * NS_PER_S)
        cost = read_cost(books, since, profile)
    if invocation.json:
        invocation.data(cost)
    elif not cost.repairs:
        invocation.line(f"no run has repaired an order in the last {days} days", "green")
    else:
        for title, sums in (
            ("By day", cost.by_day),
            ("By cause", cost.by_cause),
            ("By profile", cost.by_profile),
        ):
            invocation.show(_sums(title, sums), "")
        invocation.line("next: trueup cost --json has every repair", "dim")


def _sums(title: str, sums: "list[CostSum]") -> "RenderableType":
    from trueup.surfaces.cli.terminal import table

    rows = [
        (
            one.name.replace("_", " "),
            one.repairs,
            _amounts(one.exposure, one.unpriced),
            _amounts(one.profit_or_loss, one.unmarked),
            "unknown" if one.wrong_for_s is None else f"{one.wrong_for_s:.0f} s",
        )
        for one in sums
    ]
    heads = (title.removeprefix("By "), ">repairs", ">exposure", ">profit or loss", ">longest wrong")
    return table(title, heads, rows)


def _amounts(known: dict[str, str], unknown: int) -> str:
    from trueup.service.views.texts import brief

    parts = [f"{brief(amount)} {quote}" for quote, amount in known.items() if amount != "0"]
    return ", ".join([*parts, *([f"{unknown} unknown"] if unknown else [])]) or "0"
