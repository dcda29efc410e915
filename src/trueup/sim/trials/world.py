"""A whole world from one seed: accounts at a market, bots, people, faults.

Decides who exists and in which order things happen in a step. The same seed gives the same trace, byte for byte, in
any process: every part draws from its own stream of the seed. Must not judge anything.
"""

from collections.abc import Callable
from random import Random
from typing import TypeVar

from msgspec import Struct

from trueup.model.policy import Policy
from trueup.model.snapshot import (
    Profile,
)
from trueup.model.times import NS_PER_S
from trueup.model.vocabulary import ParityAction
from trueup.sim.bots.books import Books
from trueup.sim.bots.bot import Bot
from trueup.sim.bots.orders import CLIENT_ORDER_ID_PATTERN, Style
from trueup.sim.bots.people import Person
from trueup.sim.bots.trading import TradingClient
from trueup.sim.clock import SimClock
from trueup.sim.faults import FaultDice, Faults
from trueup.sim.market.instruments import MarketInstrument
from trueup.sim.market.market import Market
from trueup.sim.market.venue import SimVenue
from trueup.sim.market.walk import MarketWalk

INSTRUMENTS = (
    MarketInstrument(symbol="ETH/USD", start_ticks=250_000, quote_fee_ppm=500),
    MarketInstrument(symbol="BTC/USD", qty_decimals=5, start_ticks=6_000_000, base_fee_ppm=1_500),
    MarketInstrument(symbol="SPY", qty_decimals=0, start_ticks=60_000),
)


class Shape(Struct, frozen=True, kw_only=True):
    """What kind of world it is, faults aside."""

    accounts: int = 1
    profiles: int = 1  # of each account
    sub_tags: bool = False
    tags_unrecorded: bool = False  # bots leave them out of their books
    shorts: bool = False
    stages: bool = False  # the stages over trades and positions are on, too
    auto_close: bool = False  # parity closes trades that the venue does not hold; else it quarantines them
    coverage: bool = False  # so is coverage: without it, exit backfill has more to do
    hedged: bool = False  # the venue keeps long and short positions apart
    notional: bool = False  # market entries are ordered by an amount of money
    brackets: bool = False  # some entries carry a limit and a stop that the venue activates
    venue_skew_s: int = 0
    fills_by_client_id: bool = False
    fill_ids_repeat: bool = False  # every order counts its own
    order_ids_repeat: bool = False  # [37] every instrument counts its own
    trades_max: int = 3  # that a bot has open at a time


STEP_S = 1
REST_STEP_S = 6  # of a world at rest
ANY_NOTIONAL_USD = "100000000"
T = TypeVar("T")


class SimAccount(Struct, eq=False, kw_only=True):
    """One account: the venue as trueup sees it, the person on it, its profiles."""

    account_id: str
    venue: SimVenue
    person: Person
    profile_ids: list[str] = []


class SimProfile(Struct, eq=False, kw_only=True):
    """One profile and its bot."""

    profile: Profile
    policy: Policy
    account: SimAccount
    bot: Bot


class World:
    """Accounts with profiles, of one shape. `make_books`: where a profile's bot records."""

    def __init__(
        self,
        seed: int,
        *,
        make_books: Callable[[Profile], Books],
        shape: Shape | None = None,
        faults: Faults | None = None,
        instruments: tuple[MarketInstrument, ...] = INSTRUMENTS,
        clock: SimClock | None = None,
    ) -> None:
        self.seed = seed
        self.shape = shape or Shape()
        self.clock = clock or SimClock()
        self.market = Market(
            self.clock,
            list(instruments),
            self.shape.venue_skew_s * NS_PER_S,
            fill_ids_repeat=self.shape.fill_ids_repeat,
            order_ids_repeat=self.shape.order_ids_repeat,
        )
        self.dice = FaultDice(f"{seed}/faults", faults or Faults())
        self.trading = True
        self.accounts: dict[str, SimAccount] = {}
        self.profiles: dict[str, SimProfile] = {}
        self._make_books = make_books
        for number in range(1, self.shape.accounts + 1):
            self._add_account(f"acc{number}")
        self._walk = MarketWalk(
            self.market, self.accounts, self.dice, self._stream("walk"), self._stream("revisions")
        )

    # Time

    def step(self) -> None:
        """One second passes, and then something happens."""
        self.clock.advance(STEP_S * NS_PER_S)
        self.act()

    async def live_for(self, seconds: int) -> None:
        """`run_for` beside other tasks under `run_simulated`: the clock is moved by those who wait."""
        for _ in range(seconds // STEP_S):
            await self.clock.sleep(STEP_S)
            self.act()

    async def rest_for(self, seconds: int) -> None:
        """`live_for` of a world at rest, in which only what is late still arrives."""
        for start in range(0, seconds, REST_STEP_S):
            await self.clock.sleep(min(REST_STEP_S, seconds - start))
            self.act()

    def act(self) -> None:
        """What happens in a second: what is due at the venue, prices, people, then bots."""
        self.market.settle()
        if self.trading:
            self._walk.step()
        for account in self.accounts.values():
            account.person.step()
        for profile in self.profiles.values():
            profile.bot.step(trading=self.trading)

    def run_for(self, seconds: int) -> None:
        for _ in range(seconds // STEP_S):
            self.step()

    def heal(self) -> None:
        """End all faults; what is late arrives within `LAG_S_MAX` seconds."""
        self.dice.heal()

    def rest(self) -> None:
        """End all trading: nothing is matched any more, bots only listen."""
        self.trading = False

    def close_by_hand(self) -> None:
        """Each account's person closes whatever the account holds."""
        for account in self.accounts.values():
            account.person.close_positions()
        self._walk.fill_all()

    def reopen_by_hand(self) -> None:
        """And takes it back."""
        for account in self.accounts.values():
            account.person.reopen_positions()
        self._walk.fill_all()

    def trace(self) -> bytes:
        """Everything that happened at the market, and the faults: equal for equal seeds."""
        lines = [event.line() for event in self.market.events]
        lines += [f"{name} {count}" for name, count in sorted(self.dice.hits.items())]
        return "\n".join([*lines, ""]).encode()

    # Inside

    def _stream(self, name: str) -> Random:
        return Random(f"{self.seed}/{name}")

    def _add_account(self, account_id: str) -> None:
        shape, rng = self.shape, self._stream(f"{account_id}/person")
        person = Person(self.market, account_id, self.dice, rng, hedged=shape.hedged)
        venue = SimVenue(
            self.market,
            account_id,
            self.dice,
            fills_by_client_id=shape.fills_by_client_id,
            hedged=shape.hedged,
        )
        account = SimAccount(account_id=account_id, venue=venue, person=person)
        self.accounts[account_id] = account
        for _ in range(self.shape.profiles):
            self._add_profile(account, f"p{len(self.profiles) + 1}")

    def _add_profile(self, account: SimAccount, profile_id: str) -> None:
        profile = Profile(
            profile_id=profile_id, user_id="u1", venue=account.venue.name, account_id=account.account_id
        )
        bot = Bot(
            profile_id,
            TradingClient(self.market, account.account_id, profile_id, self.dice),
            self._make_books(profile),
            self.dice,
            self._stream(profile_id),
            Style(
                sub_tag=profile_id if self.shape.sub_tags else None,
                records_tag=not self.shape.tags_unrecorded,
                shorts=self.shape.shorts,
                brackets=self.shape.brackets,
                hedged=self.shape.hedged,
                notional=self.shape.notional,
                trades_max=self.shape.trades_max,
            ),
        )
        policy = Policy(
            owned_client_order_id_prefixes=(profile_id,),
            owned_sub_tags=(profile_id,) if self.shape.sub_tags else (),
            client_order_id_pattern=CLIENT_ORDER_ID_PATTERN,
            coverage_enabled=self.shape.coverage,
            exit_backfill_enabled=self.shape.stages,
            sub_tag_repair_enabled=self.shape.stages,
            parity_enabled=self.shape.stages,
            parity_action=ParityAction.AUTO_CLOSE if self.shape.auto_close else ParityAction.QUARANTINE,
            parity_auto_close_notional_max_usd=ANY_NOTIONAL_USD,
            watchdog_enabled=self.shape.stages,
        )
        account.profile_ids.append(profile_id)
        self.profiles[profile_id] = SimProfile(profile=profile, policy=policy, account=account, bot=bot)
