"""A simulated market whose bots record into a real ledger, while real `trueup run` processes repair it.

The market lives in the test's process and reaches the others as an exported file, rewritten whole at every step; its
clock is two hours behind the machine's, so that nothing of it is ever in the future. The bots lose frames and crash
between sending and recording; what they have not recorded is recorded for them by trueup, or never.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from tests.acceptance.effects import Effects
from tests.patience import PATIENCE_S
from trueup.engine.recorder.recorder import Recorder
from trueup.engine.run.account import ProfileReport
from trueup.engine.run.run_account import reconcile_account
from trueup.ledgers.postgresql import open_postgresql
from trueup.ledgers.sqlite import open_sqlite
from trueup.model.decode import decode_plan
from trueup.model.plan import Plan
from trueup.model.snapshot import Fill, HistoryRead, Local, LocalOrder, Profile, Trade
from trueup.model.times import NS_PER_S, from_ns
from trueup.model.vocabulary import BreakKind
from trueup.service.load_config import load_config
from trueup.service.open_accounts import open_accounts
from trueup.sim.checkers import ProfileBooks, check_books, check_converged
from trueup.sim.clock import SimClock
from trueup.sim.faults import Faults
from trueup.sim.trials.world import Shape, World
from trueup.venues.files import Export, write_export

T = TypeVar("T", LocalOrder, Fill, Trade)
BEHIND_NS = 7200 * NS_PER_S
ROOT = Path(__file__).parents[2]
FAULTS = Faults(
    call_unanswered=0.05,
    effect_delayed=0.3,
    order_rejected=0.03,
    order_expires=0.05,
    frame_lost=0.6,
    frame_late=0.1,
    frame_duplicated=0.1,
    crash_before_send=0.03,
    crash_after_send=0.1,
    crash_before_record=0.05,
    person_order=0.03,
)
POLICY = """
owned_client_order_id_prefixes = ["{profile}"]
client_order_id_pattern = '{pattern}'
absence_confirmations = 2
absence_min_age_s = 0
parity_enabled = false
exit_backfill_enabled = false
"""
RUNS_TO_CONVERGE_MAX = 8
CONFIRMATIONS_MAX = 8


class Rig:
    """One world, its ledger, its exports, and the configuration of the processes that repair it.

    `postgresql`: the URL of the ledger, which is a SQLite file otherwise. `muddled`: the exports list fills in any
    order, and some of them twice. `start`: the market's first moment; null: two hours ago.
    """

    def __init__(
        self,
        folder: Path,
        seed: int,
        *,
        accounts: int,
        profiles: int,
        lease_ttl_s: float,
        postgresql: str | None = None,
        muddled: bool = False,
        start: str | None = None,
    ) -> None:
        self.folder = folder
        self.random = Random(seed)
        self._muddled = muddled
        self._obeyed: set[str] = set()  # each is obeyed once
        clock = self.clock = SimClock(start or from_ns(time.time_ns() - BEHIND_NS))
        if postgresql is None:
            self._url = f"sqlite:///{folder / 'trueup.sqlite'}"
            self.ledger = open_sqlite(folder / "trueup.sqlite", clock_ns=clock.now_ns)
        else:
            self._url = postgresql
            self.ledger = open_postgresql(postgresql, clock_ns=clock.now_ns)
        self.world = World(
            seed,
            shape=Shape(accounts=accounts, profiles=profiles),
            faults=FAULTS,
            clock=clock,
            make_books=self._recorder,
        )
        self.config = folder / "trueup.toml"
        self.config.write_text(self._configuration(lease_ttl_s))
        self.effects = Effects(folder / "effects.sqlite")
        os.environ["EFFECTS"] = str(folder / "effects.sqlite")  # for executors, here and in the processes
        self.export()

    def _recorder(self, profile: Profile) -> Any:
        return Recorder(self.ledger, replace(profile, venue="files"))

    def _configuration(self, lease_ttl_s: float) -> str:
        head = (
            f"[database]\nurl = '{self._url}'\n"
            "[service]\napply = true\ninterval_s = 0.005\njitter = 0.5\n"
            f"lease_ttl_s = {lease_ttl_s}\nexecutor = 'tests.acceptance.effects:make_effects'\n"
        )
        lines = [head]
        for account in self.world.accounts.values():
            name = account.account_id
            lines.append(
                f"[[accounts]]\naccount_id = '{name}'\nvenue = 'files'\noptions = {{ path = '{name}.json' }}\n"
            )
            for profile_id in account.profile_ids:
                pattern = self.world.profiles[profile_id].policy.client_order_id_pattern
                policy = POLICY.format(profile=profile_id, pattern=pattern)
                lines.append(f"[[accounts.profiles]]\nprofile_id = '{profile_id}'\nuser_id = 'u1'\n")
                lines.append(f"[accounts.profiles.policy]{policy}")
        return "\n".join(lines)

    # -- the world goes on ----------------------------------------------------------------------------------------

    def step(self, seconds: int) -> None:
        """Some seconds of the market and its bots, which first hear what trueup has told them."""
        self.obey()
        self.world.run_for(seconds)
        assert self.clock.now_ns() < time.time_ns(), "the market has no past left: begin it earlier"
        self.export()

    def obey(self) -> None:
        for key, notification in self.effects.effects().items():
            if key in self._obeyed:
                continue
            self._obeyed.add(key)
            for profile in self.world.profiles.values():
                if profile.bot.is_mine(notification):
                    profile.bot.obey(notification)

    def export(self) -> None:
        for account in self.world.accounts.values():
            venue = account.venue
            write_export(
                self.folder / f"{account.account_id}.json",
                Export(
                    account_id=account.account_id,
                    instruments=venue.read_instruments(),
                    open_orders=venue.read_open_orders(),
                    history=self._muddle(venue.read_history(None)),
                ),
            )

    def _muddle(self, history: HistoryRead) -> HistoryRead:
        if not self._muddled:
            return history
        fills = [fill for fill in history.fills for _ in range(self.random.choice((1, 1, 2)))]
        self.random.shuffle(fills)
        return replace(history, fills=fills)

    def settle(self, patience_s: float = PATIENCE_S) -> list[ProfileReport]:
        """Ends faults and trading, then runs until nothing is left to do; returns the last runs. `patience_s`: with
        runs that fail one after the other, as those over false books do for good."""
        self.world.heal()
        self.step(30)
        self.world.rest()
        self.step(120)
        reports = asyncio.run(self._converge(patience_s))
        for _ in range(CONFIRMATIONS_MAX):  # an absence is confirmed over time, by runs that correct nothing
            if not any(one.plan is not None and _is_confirming(one.plan) for one in reports):
                break
            self.step(70)
            reports = asyncio.run(self._converge(patience_s))
        return reports

    async def _converge(self, patience_s: float) -> list[ProfileReport]:
        """The last runs, once one of them had nothing to do; a lease that a dead process holds is waited for."""
        reports: list[ProfileReport] = []
        left, end = RUNS_TO_CONVERGE_MAX, time.monotonic() + PATIENCE_S
        failing_since = None
        async with open_accounts(load_config(str(self.config))) as accounts:
            while left and time.monotonic() < end:
                runs = [await reconcile_account(account, apply=True) for account in accounts]
                reports = [profile for run in runs for profile in run.profiles]
                if any(one.plan is None for one in reports):
                    failing_since = failing_since or time.monotonic()
                    if time.monotonic() - failing_since > patience_s:
                        break
                    await asyncio.sleep(0.1)
                    continue
                failing_since = None
                if not any(one.plan.corrections for one in reports if one.plan is not None):
                    break
                left -= 1
        return reports

    # -- what must hold -------------------------------------------------------------------------------------------

    def faults_now(self) -> list[str]:
        """What may not be, at any moment: in the books, in the log, at the executor."""
        found = [f"{key} was told with two contents" for key in self.effects.contradictions()]
        for profile_id, profile in self.world.profiles.items():
            found += [str(one) for one in check_books(self.world.market, self._books(profile_id))]
            log = self.ledger.journal.verify_log(profile_id)
            found += [f"log of {profile_id}: {log.broken}"] if log.broken else []
            found += [
                f"log of {profile_id}: {one}" for one in self.ledger.fold_log(profile_id).contradictions
            ]
            assert profile.account.account_id in self.world.accounts
        return found

    def faults_in_the_end(self, reports: list[ProfileReport]) -> list[str]:
        """What may not be left once the market rests: a fill not booked, an effect not had."""
        found = self.faults_now()
        for report in reports:
            if report.plan is None:
                found.append(f"{report.profile_id}: the last run failed: {report.error}")
                continue
            books = self._books(report.profile_id)
            found += [str(one) for one in check_converged(self.world.market, books, report.plan)]
        committed = {row["notification"]["notification_id"] for row in self.ledger.export("outbox")}
        effects = set(self.effects.effects())
        found += [f"{key} was applied and never committed" for key in self._applied() - committed]
        found += [f"{key} was committed and never told" for key in committed - effects]
        found += [f"{key} was told and never committed" for key in effects - committed]
        return found + (
            []
            if self.ledger.journal.count_outbox() == (0, 0)
            else [f"outbox: {self.ledger.journal.count_outbox()}"]
        )

    def _applied(self) -> set[str]:
        """What the kept runs would tell, of those that applied whole."""
        corrections = self.ledger.export("corrections")
        partly = {row["run_id"] for row in corrections if row["state"] != "applied"}
        whole = [row["run_id"] for row in self.ledger.export("runs") if row["state"] == "applied"]
        whole = [run_id for run_id in whole if run_id not in partly]
        plans = [decode_plan(self.ledger.journal.load_run(run_id)[2]) for run_id in whole]
        return {one.notification_id for plan in plans for one in plan.notifications}

    def _books(self, profile_id: str) -> ProfileBooks:
        """All of them, however old: exports leave nothing out."""
        account_id = self.world.profiles[profile_id].account.account_id
        local = Local(
            orders=self._rows("orders", profile_id, LocalOrder),
            fills=self._rows("fills", profile_id, Fill),
            trades=self._rows("trades", profile_id, Trade),
        )
        return ProfileBooks(profile_id=profile_id, account_id=account_id, local=local)

    def _rows(self, table: str, profile_id: str, kind: type[T]) -> list[T]:
        rows = self.ledger.export(table, profile_id)
        return [
            msgspec.convert({key: row[key] for key in row if key in kind.__struct_fields__}, kind)
            for row in rows
        ]

    def close(self) -> None:
        self.ledger.close()
        self.effects.close()


class Nursery:
    """Forked `trueup run` processes, one at a time; see tests/acceptance/nursery.py, or another `module` like it."""

    def __init__(self, rig: Rig, module: str = "tests.acceptance.nursery", *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, str(rig.folder / "run.log"), *arguments],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, *arguments: str) -> int:
        """Returns the process id."""
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(arguments) + "\n")
        self._process.stdin.flush()
        return int(self._line())

    def kill(self, process_id: int) -> int:
        """SIGKILL; returns the exit status, as `os.waitpid` gives it."""
        os.kill(process_id, signal.SIGKILL)
        return self.ended()

    def ended(self) -> int:
        """Waits for its end; returns the same."""
        return int(self._line())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=PATIENCE_S)

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def environment() -> dict[str, str]:
    """Of a process that has to import the bots' executor."""
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}


def event_counts(log: Path) -> dict[str, int]:
    """How often each event stands in a log of JSON lines; a line cut off by a kill is no event."""
    counts: dict[str, int] = {}
    for line in log.read_bytes().splitlines():
        try:
            event = msgspec.json.decode(line)["event"]
        except (msgspec.MsgspecError, UnicodeDecodeError, TypeError, KeyError):
            continue
        counts[event] = counts.get(event, 0) + 1
    return counts


def _is_confirming(plan: Plan) -> bool:
    return any(one.kind is BreakKind.MISSING_AT_VENUE for one in plan.findings)
