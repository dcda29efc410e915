"""The demo's world: bots on a simulated venue, their books in a real ledger, and trueup's engine on both.

Decides which faults the demo has and how it is repaired; prints nothing. Everything follows from the seed, and time is
the simulator's, so nothing here waits.
"""

import asyncio
import dataclasses
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TypeVar, cast

from msgspec import Struct, convert
from msgspec.structs import fields, replace

from trueup.engine.recorder.recorder import Recorder
from trueup.engine.run.account import ManagedAccount, ManagedProfile, ProfileReport
from trueup.engine.run.plan_account import plan_account
from trueup.engine.run.run_account import reconcile_account
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.ledgers.sqlite import open_sqlite
from trueup.model.errors import InputError
from trueup.model.money import ZERO, add, amount, multiply, subtract
from trueup.model.plan import Break
from trueup.model.policy import Policy
from trueup.model.snapshot import Fill, Local, LocalOrder, Profile, Trade
from trueup.model.times import NS_PER_S
from trueup.model.vocabulary import BreakKind, Severity, Side, TradeStatus
from trueup.sim.bots.books import Books
from trueup.sim.bots.people import PERSON
from trueup.sim.checkers import ProfileBooks, Violation, check_converged
from trueup.sim.clock import SimClock, run_simulated
from trueup.sim.faults import Faults
from trueup.sim.market.instruments import MarketInstrument
from trueup.sim.market.orders import OrderRequest
from trueup.sim.trials.managed import managed_account
from trueup.sim.trials.world import Shape, World
from trueup.venues.files import Export, write_export

Row = TypeVar("Row", LocalOrder, Fill, Trade)
ACCOUNTS, BOTS_EACH = 2, 2  # two bots share an account: each owns what begins with its name
START = "2026-01-05T12:00:00Z"  # long over, so that nothing of it is recent to the commands that follow
TRADING_S = 240
SETTLING_S = 30  # until whatever was late has arrived
RUN_EVERY_S = 31  # three runs span the least age of a confirmed absence, 60 s
RUNS_MAX = 10
CLOSED_BY_HAND = "web-1"  # the client order id that the website gave it
ENOUGH = 10**9  # steps: more than anyone asks for
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

    def __init__(self, seed: int, folder: Path, postgresql: str | None = None) -> None:
        """`postgresql`: the URL of the books, an empty database; null: a SQLite file in the folder."""
        self.folder = folder
        self._url = postgresql or f"sqlite:///{DATABASE}"
        logging.getLogger("trueup").addHandler(logging.NullHandler())
        self.clock = SimClock(START)
        self.ledger = _open(folder / DATABASE, postgresql, self.clock.now_ns)
        self.world = World(
            seed,
            shape=Shape(accounts=ACCOUNTS, profiles=BOTS_EACH),
            faults=FAULTS,
            instruments=INSTRUMENTS,
            make_books=self._make_books,
            clock=self.clock,
        )
        self.closed_by_hand: tuple[str, str] | None = None  # profile and trade whose position a person sold
        self._accounts = [self._managed(account_id) for account_id in self.world.accounts]

    def close(self) -> None:
        self.ledger.close()

    # -- acts ----------------------------------------------------------------------------------------------

    def trade(self) -> Iterator[tuple[str, Counter[str]]]:
        """Bots trade and faults happen; yields the time and the faults of every simulated second."""
        for _ in range(TRADING_S):
            before = self.world.dice.hits.copy()
            self.world.step()
            yield self.clock.now()[11:19], self.world.dice.hits - before
        self.world.rest()
        self.world.heal()
        self.world.run_for(SETTLING_S)
        yield self.clock.now()[11:19], Counter(self._happenings())
        self.world.run_for(SETTLING_S)

    def look(self) -> list[ProfileReport]:
        """What trueup sees, without writing anything."""
        return [
            report
            for account in self._accounts
            for report in run_simulated(self.clock, plan_account(account))
        ]

    def repair(self) -> Iterator[list[ProfileReport]]:
        """Runs until nothing is left to repair or to ask."""
        for number in range(RUNS_MAX):
            if number:
                self.world.run_for(RUN_EVERY_S)
            runs = [run_simulated(self.clock, reconcile_account(one, apply=True)) for one in self._accounts]
            reports = [report for run in runs for report in run.profiles]
            yield reports
            if not any(_has_work(report) for report in reports):
                return

    async def go_on(self, accounts: Sequence[ManagedAccount]) -> None:
        """Looks every half minute, for as long as somebody watches; the market stands still."""
        while True:
            await asyncio.sleep(RUN_EVERY_S)
            self.clock.advance(RUN_EVERY_S * NS_PER_S)
            for account in accounts:
                await reconcile_account(account)

    def violations(self, reports: list[ProfileReport]) -> list[Violation]:
        """Where the books are not the truth, as checkers see it that share no code with what they check."""
        found: list[Violation] = []
        for report in reports:
            if report.plan is not None:
                books = ProfileBooks(
                    profile_id=report.profile_id,
                    account_id=self._account_of(report.profile_id),
                    local=self.books(report.profile_id),
                )
                found += check_converged(self.world.market, books, report.plan, coverage=True)
        return found

    def totals(self) -> list[Totals]:
        return [row for profile_id in self.world.profiles for row in self._totals(profile_id)]

    def quarantined(self) -> list[tuple[str, Trade, str | None]]:
        """Profile id, trade, and what stands in the way of its repair."""
        found = []
        for profile_id in self.world.profiles:
            reasons = {
                one.found.trade_id: one.found.message
                for one in self.ledger.journal.list_breaks(profile_id)
                if one.found.kind is BreakKind.MISSING_EXIT
            }
            trades = self.ledger.books.quarantined_trades(profile_id)
            found += [(profile_id, trade, reasons.get(trade.trade_id)) for trade in trades]
        return found

    def told(self) -> int:
        """How many notifications the bots obeyed."""
        return sum(len(profile.bot.effects) for profile in self.world.profiles.values())

    def price(self, symbol: str) -> Decimal:
        """The market's last price."""
        instrument = self.world.market.instruments[symbol]
        return Decimal(instrument.price_text(self.world.market.prices[symbol]))

    def leave(self) -> Path:
        """Writes what further commands need: the venue's last word and a configuration. Returns the latter's path."""
        lines = [f'[database]\nurl = "{self._url}"\n']
        for account in self._accounts:
            venue = self.world.accounts[account.account_id].venue
            export = Export(
                account_id=account.account_id,
                instruments=venue.read_instruments(),
                open_orders=venue.read_open_orders(),
                history=venue.read_history(None),
                positions=venue.read_positions(),
            )
            write_export(self.folder / f"venue-{account.account_id}.json", export)
            lines.append(
                f'[[accounts]]\naccount_id = "{account.account_id}"\nvenue = "{VENUE}"\n'
                f'options = {{ path = "venue-{account.account_id}.json" }}\n'
            )
            lines += [
                f'[[accounts.profiles]]\nprofile_id = "{one.profile_id}"\n\n'
                f'[accounts.profiles.policy]\nowned_client_order_id_prefixes = ["{one.profile_id}"]\n'
                f"client_order_id_pattern = '{one.policy.client_order_id_pattern}'\n"
                for one in account.profiles
            ]
        path = self.folder / "trueup.toml"
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    def books(self, profile_id: str) -> Local:
        """Every row, however old."""
        return Local(
            orders=self._rows("orders", profile_id, LocalOrder),
            fills=self._rows("fills", profile_id, Fill),
            trades=self._rows("trades", profile_id, Trade),
        )

    # -- what nobody tells the bots --------------------------------------------------------------------------

    def _happenings(self) -> list[str]:
        """A bot's exit is lost, a person closes a position and trades for themselves. What the world has trades for."""
        happened = []
        held = self._held()
        for (profile_id, trade_id, symbol), qty in held[:1]:
            self._sell(profile_id, symbol, qty, f"{profile_id}-{trade_id}-exit-99", by=profile_id)
            happened.append("exit_lost")
        for (profile_id, trade_id, symbol), qty in held[1:2]:
            self._sell(profile_id, symbol, qty, CLOSED_BY_HAND, by=PERSON)
            self.closed_by_hand = (profile_id, trade_id)
            happened.append("position_closed")
        symbol, instrument = next(iter(self.world.market.instruments.items()))
        half = instrument.start_ticks // 2
        far = OrderRequest(client_order_id="web-2", symbol=symbol, side=Side.BUY, qty=100, limit=half)
        self.world.market.submit(next(iter(self.world.accounts)), far, PERSON)
        return [*happened, "person_order"]

    def _held(self) -> list[tuple[tuple[str, str, str], Decimal]]:
        """Profile, trade and symbol of what the venue holds for a trade with no order in motion, with its quantity.

        The largest first; of one symbol on one account the smallest only, so that closing it concerns no other.
        """
        held: dict[tuple[str, str, str], Decimal] = {}
        for profile_id in self.world.profiles:
            for trade in self.books(profile_id).trades:
                qty = self._open_at_venue(profile_id, trade)
                if qty > ZERO:
                    held[profile_id, trade.trade_id, trade.symbol] = qty
        smallest: dict[tuple[str, str], tuple[str, str, str]] = {}
        for key in sorted(held, key=lambda one: -held[one]):
            smallest[self._account_of(key[0]), key[2]] = key
        chosen = [(key, held[key]) for key in smallest.values() if self._is_still(*key[:2])]
        return sorted(chosen, key=lambda one: -one[1])

    def _open_at_venue(self, profile_id: str, trade: Trade) -> Decimal:
        """Zero where fees are taken in the base currency: what is left is then no whole step."""
        if trade.status is not TradeStatus.OPEN or self.world.market.instruments[trade.symbol].base_fee_ppm:
            return ZERO
        prefix = f"{profile_id}-{trade.trade_id}-"
        fills = [
            fill.view()
            for fill in self.world.market.truth_fills(self._account_of(profile_id))
            if (fill.order.client_order_id or "").startswith(prefix)
        ]
        return subtract(*(_sums(fills, trade.symbol, side)[0] for side in (Side.BUY, Side.SELL)))

    def _is_still(self, profile_id: str, trade_id: str) -> bool:
        live = self.world.market.live_orders(self._account_of(profile_id))
        prefix = f"{profile_id}-{trade_id}-"
        return not any((order.client_order_id or "").startswith(prefix) for order in live)

    def _sell(self, profile_id: str, symbol: str, qty: Decimal, client_order_id: str, *, by: str) -> None:
        """At the market, at once; into no book."""
        market = self.world.market
        steps = int(qty.scaleb(market.instruments[symbol].qty_decimals))
        request = OrderRequest(client_order_id=client_order_id, symbol=symbol, side=Side.SELL, qty=steps)
        market.submit(self._account_of(profile_id), request, by)
        market.match(symbol, market.prices[symbol], ENOUGH)

    # -- inside ----------------------------------------------------------------------------------------------

    def _account_of(self, profile_id: str) -> str:
        return self.world.profiles[profile_id].account.account_id

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

    def _totals(self, profile_id: str) -> Iterator[Totals]:
        booked = self.books(profile_id).fills
        traded = [
            fill.view()
            for fill in self.world.market.truth_fills(self._account_of(profile_id))
            if fill.order.placed_by == profile_id
        ]
        for symbol in self.world.market.instruments:
            for side in Side:
                mine, theirs = _sums(booked, symbol, side), _sums(traded, symbol, side)
                if mine != (ZERO, ZERO) or theirs != (ZERO, ZERO):
                    yield Totals(profile_id, symbol, side, mine, theirs)


def _open(file: Path, postgresql: str | None, clock_ns: Callable[[], int]) -> SqlLedger:
    """Books that nothing is in. Raises InputError for a database that somebody's books are in already."""
    if postgresql is None:
        return open_sqlite(file, clock_ns=clock_ns)
    from trueup.ledgers.postgresql import open_postgresql
    from trueup.ledgers.postgresql.connections import Connections
    from trueup.ledgers.postgresql.migrate import migrate

    connections = Connections(postgresql)
    with connections.connect() as connection:
        migrate(connection, connections.address, post=False)
    ledger = open_postgresql(postgresql, clock_ns=clock_ns)
    if ledger.journal.list_profiles():
        ledger.close()
        raise InputError("has books in it; name an empty database", "--postgres")
    return ledger


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


def unproven(report: ProfileReport) -> list[Break]:
    """Breaks that a further run may still prove: not repaired, and not left to people."""
    if report.plan is None or report.snapshot is None:
        return []
    held = {one.trade_id for one in report.snapshot.local.trades if one.status is TradeStatus.QUARANTINED}
    return [
        one
        for one in report.plan.breaks
        if not one.corrected and one.severity is not Severity.INFO and not _is_left(one, held)
    ]


def _is_left(found: Break, held: set[str]) -> bool:
    """A position that stays different is people's business once it is confirmed, or its trade quarantined."""
    if found.kind is BreakKind.POSITION_MISMATCH:
        return found.severity is Severity.ERROR or found.trade_id in held
    return found.kind in (BreakKind.MISSING_EXIT, BreakKind.TRADE_OVERRUN)


def _has_work(report: ProfileReport) -> bool:
    """Something was corrected, is asked, waits, or is not proven yet."""
    plan = report.plan
    return plan is None or bool(plan.corrections or plan.queries or plan.deferred or unproven(report))
