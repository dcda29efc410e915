"""`trueup verify`: the database is whole and its texts can be read; the order log's hash chain is whole, folded it
gives the books as they stand, and every trade is the sum of its orders.
"""

from typing import TYPE_CHECKING, Any

import click

from trueup.model.errors import LedgerDamaged
from trueup.surfaces.cli.configured import check_profile, open_books
from trueup.surfaces.cli.exit_codes import FAILURE, IN_SYNC
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.terminal import counted

if TYPE_CHECKING:
    from trueup.ports.ledger import Ledger

_FAULTS_SHOWN_MAX = 10


@click.command()
@click.option("--profile", metavar="ID", help="Only this profile.")
@common
def command(invocation: Invocation, profile: str | None) -> int:
    """Check the database's pages and texts, every profile's order log, and its trades against their orders.

    Exit code 1 where one is broken, the log contradicts the books, or a trade is not the sum of its orders.
    """
    with open_books(invocation) as books:
        damage = books.find_damage(quick=False)
        if damage:
            _show_damage(invocation, damage)
        try:
            check_profile(books, profile)
            answers = [
                _verified(books, one.profile_id)
                for one in books.journal.list_profiles()
                if profile in (None, one.profile_id)
            ]
        except LedgerDamaged:
            if not damage:
                raise
            answers = []  # what is damaged is told, and more of it cannot be read
    for answer in answers:
        invocation.data(answer) if invocation.json else _show(invocation, answer)
    faults = ("broken", "contradictions", "trades")
    return FAILURE if damage or any(answer[fault] for answer in answers for fault in faults) else IN_SYNC


def _verified(books: "Ledger", profile_id: str) -> dict[str, Any]:
    chain, fold = books.journal.verify_log(profile_id), books.fold_log(profile_id)
    return {
        "profile_id": profile_id,
        "rows": chain.rows,
        "broken": chain.broken,
        "contradictions": fold.contradictions,
        "unlogged": fold.unlogged,
        "trades": fold.trades,
    }


def _show_damage(invocation: Invocation, damage: list[str]) -> None:
    if invocation.json:
        invocation.data({"damaged": damage})
        return
    for fault in damage[:_FAULTS_SHOWN_MAX]:
        invocation.line(f"damaged: {fault}", "bold red")
    invocation.line("restore a backup, see docs/how-to/operate.md")


def _show(invocation: Invocation, answer: dict[str, Any]) -> None:
    name = answer["profile_id"]
    if answer["broken"]:
        invocation.line(f"{name}: the chain is broken: {answer['broken']}", "bold red")
    _show_faults(invocation, f"{name}: log and books differ", answer["contradictions"])
    _show_faults(invocation, f"{name}: a trade is not the sum of its orders", answer["trades"])
    if not answer["broken"] and not answer["contradictions"] and not answer["trades"]:
        unlogged = f", {len(answer['unlogged'])} written past it since" if answer["unlogged"] else ""
        invocation.line(f"{name}: {counted(answer['rows'], 'row')}, whole{unlogged}", "green")


def _show_faults(invocation: Invocation, what: str, faults: list[str]) -> None:
    for fault in faults[:_FAULTS_SHOWN_MAX]:
        invocation.line(f"{what}: {fault}", "red")
    if len(faults) > _FAULTS_SHOWN_MAX:
        invocation.line(f"{what}: … {len(faults) - _FAULTS_SHOWN_MAX} more", "red")
