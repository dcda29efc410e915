"""Mistakes in what is written, and under which conditions."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from msgspec import structs

from tests.sim.mutations.evidence import Mutation
from trueup.core.draft.facts import Facts
from trueup.core.draft.venue_side import VenueSide
from trueup.core.make_plan import make_plan
from trueup.core.orders import booked_side, compare_fills, judge_fills_of, judge_status, judge_terms
from trueup.core.trades import trade_moves
from trueup.core.trades.move_trade import move_trade
from trueup.engine.recorder import lay_fill, recorder
from trueup.engine.run import plan_profiles
from trueup.ledgers.journal import order_log
from trueup.ledgers.sql import apply_plan, commit_run, plan_index, write_record
from trueup.ledgers.sql.migrations import Migration, load_migrations
from trueup.ledgers.sqlite import migrate
from trueup.model.ids import known_client_id, normal_id, symbol_token
from trueup.model.money import ZERO
from trueup.model.snapshot import Fill, LocalOrder
from trueup.model.vocabulary import Action
from trueup.ports.book_rows import FillIdentity


def no_fence() -> Mutation:
    return mock.patch.object(commit_run, "renew", lambda database, lease: lease)


@contextmanager
def no_unique_fill_key() -> Iterator[None]:
    """Neither the schema nor the fold knows a fill again."""
    key = "  PRIMARY KEY (account_id, instrument, order_identity, fill_identity)\n) STRICT, WITHOUT ROWID"

    def without_key(package: str) -> list[Migration]:
        return [
            structs.replace(one, sql=one.sql.replace(f",\n{key}", "\n) STRICT"))
            if "CREATE TABLE fills" in one.sql
            else one
            for one in load_migrations(package)
        ]

    with (
        mock.patch.object(migrate, "load_migrations", without_key),
        mock.patch.object(apply_plan._FillFinder, "find", return_value=None),
        mock.patch.object(compare_fills, "fill_key", side_effect=lambda fill, order_id: (object(), None)),
    ):
        yield


def inferred_fill_not_superseded() -> Mutation:
    return mock.patch.object(booked_side.BookedSide, "_supersede", return_value=(ZERO, None, ZERO))


def two_ids_are_two_executions() -> Mutation:
    return mock.patch("trueup.core.orders.tell_apart.find_look_alikes", return_value=[])


def one_number_is_one_order() -> Mutation:
    """As it was: a venue order id names one order, whatever the instrument."""
    return mock.patch("trueup.core.make_plan.plain_id", return_value="")


def a_shared_client_id_names_an_order() -> Mutation:
    """As it was: a client order id names the last order that carries it."""

    def index(self: VenueSide) -> dict[str, str | None]:
        named = {known_client_id(one.client_order_id): venue_id for venue_id, one in self.by_id.items()}
        return {client_id: venue_id for client_id, venue_id in named.items() if client_id is not None}

    return mock.patch.object(VenueSide, "_index_by_client_id", index)


def noise_is_a_quantity() -> Mutation:
    return mock.patch.object(Facts, "on_grid", lambda self, symbol, qty: qty)


@contextmanager
def an_estimate_is_believed() -> Iterator[None]:
    """Of an order by notional what the bot expected is what it ordered."""
    with ExitStack() as stack:
        for module in (judge_fills_of, judge_terms, judge_status):
            stack.enter_context(mock.patch.object(module, "is_by_notional", return_value=False))
        yield


@contextmanager
def version_not_compared() -> Iterator[None]:
    def any_version(self: Any, subject: Any) -> Any:
        rows = self._named(subject)
        if subject.after.version == 1:
            return None if rows else []
        return rows if len(rows) == 1 and rows[0].profile_id == self._profile_id else None

    with mock.patch.object(apply_plan._RowFinder, "find", any_version):
        yield


def log_not_chained() -> Mutation:
    chained = order_log.row_hash
    return mock.patch.object(
        order_log, "row_hash", lambda previous, facts, payload: chained("", facts, payload)
    )


def corrections_not_kept() -> Mutation:
    """The books move, and nothing says by which corrections."""
    return mock.patch.object(order_log, "_logged", return_value=[])


def trades_not_moved() -> Mutation:
    plan = make_plan
    return mock.patch.object(
        plan_profiles, "make_plan", lambda snapshot: structs.replace(plan(snapshot), projected_trades=[])
    )


def a_fill_is_known_by_its_id_alone() -> Mutation:
    """The ledger's key leaves out the order, also where every order of the venue counts its own fills."""

    def identity(fill: Fill, order: LocalOrder) -> FillIdentity:
        return (symbol_token(fill.symbol or order.symbol or ""), "", normal_id(fill.fill_id))

    with ExitStack() as patches:
        for module in (plan_index, write_record):
            patches.enter_context(mock.patch.object(module, "fill_identity", identity))
        return patches.pop_all()


def a_trade_opened_late_is_empty() -> Mutation:
    return mock.patch.object(recorder, "take_in", side_effect=lambda trade, *others: trade)


def an_exit_stays_off_its_trade() -> Mutation:
    """As it was: beyond what the trade holds just then, an exit is on its order only, in the bot's own books, too."""

    def moved(trade, action, *, growth_qty, **keys):
        if action is Action.EXIT:
            growth_qty = min(growth_qty, max(trade.open_qty, ZERO))
        return move_trade(trade, action, growth_qty=growth_qty, **keys)

    stack = ExitStack()
    for module in (lay_fill, trade_moves):
        stack.enter_context(mock.patch.object(module, "move_trade", side_effect=moved))
    return stack
