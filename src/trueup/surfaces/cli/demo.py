"""`trueup demo`: bots trade, faults happen, books drift, trueup repairs them, and the result is proven.

Decides the script and its pace. With a terminal it takes about ten seconds, without one it does not wait at all.
"""

import asyncio
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trueup.model.errors import InputError
from trueup.surfaces.cli.database_option import checked_server
from trueup.surfaces.cli.exit_codes import FAILURE, IN_SYNC
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.terminal import counted, say

if TYPE_CHECKING:
    from trueup.engine.run.account import ProfileReport
    from trueup.surfaces.cli.demo_world import DemoWorld
    from trueup.surfaces.cli.render_demo import Drift

SEED = 20
TRADING_PACE_S = 2.5  # for all of the trading
READING_PACE_S = 1.2  # before each further act
FAULTS_SHOWN_MAX = 14


@click.command()
@click.option("--seed", type=int, default=SEED, show_default=True, help="Another seed, another story.")
@click.option("--fast", is_flag=True, help="Do not pause to let it be read.")
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Put the books here (default: a new temporary folder).")  # fmt: skip
@click.option(
    "--postgres", metavar="URL", help="Put them into this empty database: postgresql://USER@HOST/NAME."
)
@click.option("--web", is_flag=True, help="Then show the dashboard on the demo's books, until Ctrl-C.")
@click.option("--listen", metavar="HOST:PORT", default="127.0.0.1:8787", show_default=True,
              help="Where the dashboard answers.")  # fmt: skip
@common
def command(
    invocation: Invocation,
    seed: int,
    fast: bool,
    keep: Path | None,
    postgres: str | None,
    web: bool,
    listen: str,
) -> int:
    """Watch books drift and be repaired, on a simulated venue; about ten seconds, no set-up."""
    place = "SQLite" if postgres is None else "PostgreSQL"
    invocation.talk(
        f"trueup demo, seed {seed}: four bots on two accounts of a simulated venue, {place}", "bold"
    )
    from trueup.surfaces.cli.demo_world import DemoWorld

    world = DemoWorld(seed, _folder(keep), None if postgres is None else checked_server(postgres))
    try:
        paced = not fast and sys.stdout.isatty() and not invocation.json
        code = _Show(invocation, world, paced=paced).run()
        if web:
            _show_pages(world, listen)
        return code
    finally:
        world.close()


def _show_pages(world: "DemoWorld", listen: str) -> None:
    """The dashboard, in the demo's own time: its last run was a moment ago, and a further one, that only looks, comes
    every half minute. Who has the token may plan, apply, correct and undo."""
    from trueup.service.load_config import load_config
    from trueup.service.open_accounts import open_account
    from trueup.surfaces.cli.web import until_stopped
    from trueup.surfaces.web.dashboard import dashboard

    loaded = load_config(str(world.folder / "trueup.toml"))

    accounts = [
        open_account(one, loaded, world.ledger, world.clock, os.environ) for one in loaded.config.accounts
    ]
    token = secrets.token_hex(12)

    async def serve() -> None:
        async with dashboard(loaded, world.ledger, accounts, listen, demo_token=token) as address:
            say(f"http://{address}   (Ctrl-C ends it)")
            say(f"to correct, apply and undo there, log in with  {token}")
            going = asyncio.create_task(world.go_on(accounts))
            await until_stopped()
            going.cancel()

    asyncio.run(serve())


def _folder(keep: Path | None) -> Path:
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="trueup-demo-"))
    if keep.exists() and any(keep.iterdir()):
        raise InputError("is not empty; name a new folder", str(keep))
    keep.mkdir(parents=True, exist_ok=True)
    return keep


class _Show:
    """The acts, in order."""

    def __init__(self, invocation: Invocation, world: "DemoWorld", *, paced: bool) -> None:
        self._out = invocation
        self._world = world
        self._paced = paced
        self._faults: Counter[str] = Counter()

    def run(self) -> int:
        self._trade()
        drifts = self._look()
        reports = self._repair()
        equal = self._compare(reports[-len(self._world.world.profiles) :])
        self._leave_to_people(reports[-len(self._world.world.profiles) :])
        interesting = self._explain(drifts)
        path = self._world.leave()
        self._say_next(path, interesting)
        if self._out.json:
            self._out.data(
                {
                    "folder": str(self._world.folder),
                    "faults": self._faults,
                    "drifted_orders": drifts,
                    "corrections": sum(report.applied.applied for report in reports if report.applied),
                    "books_equal_truth": equal,
                }
            )
        return IN_SYNC if equal else FAILURE

    # -- acts ----------------------------------------------------------------------------------------------

    def _trade(self) -> None:
        from trueup.surfaces.cli.demo_world import TRADING_S
        from trueup.surfaces.cli.render_demo import FAULT_TEXTS

        self._act(
            f"{TRADING_S // 60} minutes of trading, {len(self._world.world.profiles)} bots; trueup is not running",
            0,
        )
        for at, faults in self._world.trade():
            self._pause(TRADING_PACE_S / TRADING_S)
            for fault in faults:
                if self._faults[fault] < 2 and len(self._faults) <= FAULTS_SHOWN_MAX:
                    self._out.talk(f"  {at}  {FAULT_TEXTS.get(fault, fault)}", "yellow")
            self._faults += faults
        orders = sum(len(self._world.world.market.truth_orders(one)) for one in self._world.world.accounts)
        fills = sum(len(self._world.world.market.truth_fills(one)) for one in self._world.world.accounts)
        self._out.talk(f"  {orders} orders, {fills} fills, {sum(self._faults.values())} faults")

    def _look(self) -> "list[Drift]":
        from trueup.surfaces.cli.render_demo import drift_of, drift_table

        self._act("trueup compares the books with the venue; nothing is written")
        drifts = drift_of(self._world.look(), self._world.price)
        self._out.talk_table(drift_table(drifts))
        return drifts

    def _repair(self) -> "list[ProfileReport]":
        from trueup.surfaces.cli.demo_world import unproven
        from trueup.surfaces.cli.render_demo import repair_table

        self._act("trueup repairs what evidence proves, run by run, and tells the bots")
        reports: list[ProfileReport] = []
        for number, run in enumerate(self._world.repair(), 1):
            reports += run
            applied = sum(report.applied.applied for report in run if report.applied)
            left = sum(len(unproven(report)) for report in run)
            waits = f", {left} not proven yet" if left else ""
            self._out.talk(f"  run {number}: {counted(applied, 'correction')}{waits}")
            self._pause(READING_PACE_S / 3)
        self._out.talk_table(repair_table(reports))
        self._out.talk(f"  {self._world.told()} notifications, each obeyed once")
        return reports

    def _compare(self, last: "list[ProfileReport]") -> bool:
        from trueup.surfaces.cli.render_demo import totals_table

        self._act("the books against the venue's truth, to the last decimal")
        totals, violations = self._world.totals(), self._world.violations(last)
        self._out.talk_table(totals_table(totals))
        for violation in violations:
            self._out.talk(f"  {violation.subject}: {violation.message}", "bold red")
        equal = not violations and all(one.booked == one.traded for one in totals)
        verdict = "every order, fill, price and trade is equal" if equal else "the books are not the truth"
        self._out.talk(f"  {verdict}", "bold green" if equal else "bold red")
        return equal

    def _leave_to_people(self, last: "list[ProfileReport]") -> None:
        from trueup.surfaces.cli.demo_world import CLOSED_BY_HAND

        self._act("what trueup leaves to people")
        plans = [report.plan for report in last if report.plan is not None]
        foreign = {one.venue_order_id for plan in plans for one in plan.breaks if one.kind == "foreign_order"}
        self._out.talk(f"  somebody else's live orders on these accounts: {len(foreign)}, never touched")
        for profile_id, trade, why in self._world.quarantined():
            self._out.talk(
                f"  {profile_id} may not trade {trade.trade_id}: {why or 'its position differs'}", "yellow"
            )
            self._out.talk(
                f"    if it was yours: trueup decide adopt {CLOSED_BY_HAND} --profile {profile_id} --why …"
            )

    def _explain(self, drifts: "list[Drift]") -> str | None:
        from trueup.engine.people.explain import explain
        from trueup.service.views.story import venue_snapshots
        from trueup.surfaces.cli.render_story import render_story

        if not drifts:
            return None
        stories = [explain(self._world.ledger, one.order)[0] for one in drifts]
        story = max(stories, key=lambda one: len(one.timeline))
        order = story.breaks[0].found.client_order_id or story.breaks[0].found.break_id
        self._act(f"how it knows: trueup explain {order}")
        self._out.talk_table(render_story(story, venue_snapshots(self._world.ledger, story)))
        return order

    def _say_next(self, configuration: Path, order: str | None) -> None:
        program = "trueup" if shutil.which("trueup") else "python3 dev.py run"
        self._act("your turn: these books are yours to look at", 0)
        commands = [
            "status",
            "breaks --all",
            "quarantine list",
            f"explain {order}" if order else "plan",
            *(f"explain {trade.trade_id}" for _, trade, _ in self._world.quarantined()[:1]),
            "plan",
            "verify",
            "export fills",
        ]
        self._out.talk(f"  export TRUEUP_CONFIG={configuration.resolve()}", "cyan")
        for one in commands:
            self._out.talk(f"  {program} {one}", "cyan")
        self._out.talk(f"then your own bot: {program} snapshot --help, or {program} init")

    # -- pace ----------------------------------------------------------------------------------------------

    def _act(self, title: str, pause_s: float = READING_PACE_S) -> None:
        self._pause(pause_s)
        self._out.talk("")
        self._out.talk(title, "bold")

    def _pause(self, seconds: float) -> None:
        if self._paced:
            time.sleep(seconds)
