"""The demo's world: three bots on a simulated venue, their books in a real SQLite ledger, and trueup's engine on both.

Decides which faults the demo has and how it is repaired; prints nothing. Everything follows from the seed, and time is
the simulator's, so nothing here waits.
"""

import dataclasses
import logging
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TypeVar, cast

from msgspec import Struct, convert
from msgspec.structs import fields, replace

from trueup.engine.account import ManagedAccount, ManagedProfile, ProfileReport
from trueup.engine.plan_account import plan_account
from trueup.engine.recorder import Recorder
from trueup.engine.run_account import reconcile_account
from trueup.ledgers.sqlite import SqliteLedger
from trueup.model.money import ZERO, add, amount, multiply, subtract
from trueup.model.policy import Policy
from trueup.model.snapshot import Fill, Local, LocalOrder, Profile, Trade
from trueup.model.vocabulary import Side
from trueup.sim.books import Books
from trueup.sim.checkers import ProfileBooks, Violation, check_converged
from trueup.sim.clock import SimClock, run_simulated
from trueup.sim.faults import Faults
from trueup.sim.managed import managed_account
from trueup.sim.market_orders import MarketInstrument
from trueup.sim.world import Shape, World
from trueup.venues.files import Export, write_export

Row = TypeVar("Row", LocalOrder, Fill, Trade)
BOTS = 3
TRADING_S = 240
SETTLING_S = 30  # until whatever was late has arrived
RUN_EVERY_S = 31  # three runs span the least age of a confirmed absence, 60 s
RUNS_MAX = 8
DATABASE = "trueup.sqlite"
VENUE = "files"  # what `trueup plan` reads when the show is over: the venue's last word, exported
INSTRUMENTS = (
    MarketInstrument(symbol="BTC/USD", qty_decimals=5, start_ticks=6_000_000, base_fee_ppm=1_500),
    MarketInstrument(symbol="ETH/USD", qty_decimals=3, start_ticks=250_000, quote_fee_ppm=500),
    MarketInstrument(symbol="SOL/USD", qty_decimals=2, start_ticks=14_000),
)
FAULTS = Faults(
    frame_lost=0.12,
    call_unanswered=0.05,
    crash_after_send=0.05,
    crash_before_send=0.03,
    effect_delayed=0.3,
    person_cancel=0.02,
)


class Totals(Struct, frozen=True):
    """What one profile bought and sold of one symbol, exactly: from the ledger's fills and from the venue's."""

    profile_id: str
    symbol: str
    side: Side
    booked: tuple[Decimal, Decimal]  # quantity, and quantity × price
    traded: tuple[Decimal, Decimal]


class DemoWorld:
    """Trade, look, repair, compare; in this order."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.folder = folder
        logging.getLogger("trueup").addHandler(logging.NullHandler())
        self._clock = SimClock()
        self.ledger = SqliteLedger(folder / DATABASE, clock_ns=self._clock.now_ns)
        self.world = World(
            seed,
            shape=Shape(accounts=BOTS),
            faults=FAULTS,
            instruments=INSTRUMENTS,
            make_books=self._make_books,
            clock=self._clock,
        )
        self._accounts = [self._managed(account_id) for account_id in self.world.accounts]

    def close(self) -> None:
        self.ledger.close()

    # -- acts ----------------------------------------------------------------------------------------------

    def trade(self) -> Iterator[tuple[str, Counter[str]]]:
        """Bots trade and faults happen; yields the time and the faults of every simulated second."""
        for _ in range(TRADING_S):
            before = self.world.dice.hits.copy()
            self.world.step()
            yield self._clock.now()[11:19], self.world.dice.hits - before
        self.world.rest()
        self.world.heal()
        self.world.run_for(SETTLING_S)

    def look(self) -> list[ProfileReport]:
        """What trueup sees, without writing anything."""
        return [
            report
            for account in self._accounts
            for report in run_simulated(self._clock, plan_account(account))
        ]

    def repair(self) -> Iterator[list[ProfileReport]]:
        """Runs until nothing is left to repair or to ask."""
        for number in range(RUNS_MAX):
            if number:
                self.world.run_for(RUN_EVERY_S)
            runs = [run_simulated(self._clock, reconcile_account(one, apply=True)) for one in self._accounts]
            reports = [report for run in runs for report in run.profiles]
            yield reports
            if not any(_has_work(report) for report in reports):
                return

    def violations(self, reports: list[ProfileReport]) -> list[Violation]:
        """Where the books are not the truth, as checkers see it that share no code with what they check."""
        found: list[Violation] = []
        for report, account in zip(reports, self._accounts, strict=True):
            if report.plan is not None:
                local = self.books(account)
                books = ProfileBooks(
                    profile_id=report.profile_id,
                    account_id=account.account_id,
                    local=local,
                    overrun_trades=frozenset(
                        trade.trade_id for trade in local.trades if _holds_nothing(trade)
                    ),
                )
                found += check_converged(self.world.market, books, report.plan, coverage=True)
        return found

    def totals(self) -> list[Totals]:
        return [row for account in self._accounts for row in self._totals(account)]

    def told(self) -> int:
        """How many notifications the bots obeyed."""
        return sum(len(profile.bot.effects) for profile in self.world.profiles.values())

    def price(self, symbol: str) -> Decimal:
        """The market's last price."""
        instrument = self.world.market.instruments[symbol]
        return Decimal(instrument.price_text(self.world.market.prices[symbol]))

    def leave(self) -> Path:
        """Writes what further commands need: the venue's last word and a configuration. Returns the latter's path."""
        lines = [f'[database]\npath = "{DATABASE}"\n']
        for account in self._accounts:
            venue, managed = self.world.accounts[account.account_id].venue, account.profiles[0]
            export = Export(
                account_id=account.account_id,
                instruments=venue.read_instruments(),
                open_orders=venue.read_open_orders(),
                history=venue.read_history(None),
                positions=venue.read_positions(),
            )
            write_export(self.folder / f"venue-{account.account_id}.json", export)
            prefix = managed.policy.owned_client_order_id_prefixes[0]
            lines.append(
                f'[[accounts]]\naccount_id = "{account.account_id}"\nvenue = "{VENUE}"\n'
                f'options = {{ path = "venue-{account.account_id}.json" }}\n\n'
                f'[[accounts.profiles]]\nprofile_id = "{managed.profile_id}"\n\n'
                f'[accounts.profiles.policy]\nowned_client_order_id_prefixes = ["{prefix}"]\n'
                f"client_order_id_pattern = '{managed.policy.client_order_id_pattern}'\n"
            )
        path = self.folder / "trueup.toml"
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    def books(self, account: ManagedAccount) -> Local:
        """Every row, however old."""
        profile_id = account.profile_ids[0]
        return Local(
            orders=self._rows("orders", profile_id, LocalOrder),
            fills=self._rows("fills", profile_id, Fill),
            trades=self._rows("trades", profile_id, Trade),
        )

    # -- inside ----------------------------------------------------------------------------------------------

    def _rows(self, table: str, profile_id: str, kind: type[Row]) -> list[Row]:
        keys = {field.name for field in fields(kind)}
        rows = self.ledger.export(table, profile_id)
        return [convert({key: value for key, value in row.items() if key in keys}, kind) for row in rows]

    def _make_books(self, profile: Profile) -> Books:
        """A bot's books are the ledger, written through the same Recorder that a real bot uses."""
        return cast(Books, Recorder(self.ledger, replace(profile, venue=VENUE)))

    def _managed(self, account_id: str) -> ManagedAccount:
        account = managed_account(self.world, account_id, self.ledger)
        return dataclasses.replace(account, profiles=[_with_every_stage(one) for one in account.profiles])

    def _totals(self, account: ManagedAccount) -> Iterator[Totals]:
        profile_id = account.profile_ids[0]
        booked = self.books(account).fills
        traded = [
            fill.view()
            for fill in self.world.market.truth_fills(account.account_id)
            if fill.order.placed_by == profile_id
        ]
        for symbol in self.world.market.instruments:
            for side in Side:
                mine, theirs = _sums(booked, symbol, side), _sums(traded, symbol, side)
                if mine != (ZERO, ZERO) or theirs != (ZERO, ZERO):
                    yield Totals(profile_id, symbol, side, mine, theirs)


def _with_every_stage(managed: ManagedProfile) -> ManagedProfile:
    """The policy that `leave` writes: which orders are the bot's, and the defaults for all else."""
    policy = Policy(
        owned_client_order_id_prefixes=managed.policy.owned_client_order_id_prefixes,
        client_order_id_pattern=managed.policy.client_order_id_pattern,
    )
    return ManagedProfile(profile=replace(managed.profile, venue=VENUE), policy=policy)


def _sums(fills: list[Fill], symbol: str, side: Side) -> tuple[Decimal, Decimal]:
    qty, value = ZERO, ZERO
    for fill in fills:
        if fill.symbol == symbol and fill.side is side:
            qty = add(qty, amount(fill.qty))
            value = add(value, multiply(amount(fill.qty), amount(fill.price)))
    return qty, value


def _holds_nothing(trade: Trade) -> bool:
    """What its bot sold beyond that stands on the orders only."""
    held = subtract(amount(trade.entry_qty), amount(trade.fee_base_qty))
    return held <= amount(trade.exit_qty)


def _has_work(report: ProfileReport) -> bool:
    """Something was corrected, is asked, waits, or is not confirmed yet."""
    plan = report.plan
    if plan is None:
        return True
    unconfirmed = any(not one.corrected and one.severity != "info" for one in plan.breaks)
    return bool(plan.corrections or plan.queries or plan.deferred or unconfirmed)
