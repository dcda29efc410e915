"""What a person corrects and undoes: the books by hand, the chain of hashes whole; undo gives the books of before."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from trueup.core.make_plan import make_plan
from trueup.engine.people import correct, decide
from trueup.engine.people.correct import Signature, apply_correction
from trueup.engine.people.quarantine import quarantine_trade
from trueup.engine.people.undo import undo
from trueup.engine.people.undone_decisions import standing_undos
from trueup.engine.run.make_snapshot import with_baselines
from trueup.model.errors import Conflict, InputError, InvariantError
from trueup.model.policy import Policy
from trueup.model.snapshot import Fill, Position, PositionsRead, Trade, VenueOrder
from trueup.model.vocabulary import Action, PositionSide, ReadState, Side, Status, TradeStatus
from trueup.ports.people import PersonCorrection, TradeChange
from trueup.testing.ledgers.bench import ACCOUNT, BOT, OTHER, Bench

BY = Signature(author="ann", reason="seen on the website", notify=True)
VOLATILE = ("version", "last_activity_at")


def write(bench: Bench, made: PersonCorrection) -> PersonCorrection:
    apply_correction(bench.ledger, made)
    return made


def books(bench: Bench) -> dict[str, list[dict[str, Any]]]:
    """All of them, but for versions and the time of the last write."""
    return {
        table: [
            {key: value for key, value in row.items() if key not in VOLATILE}
            for row in bench.ledger.export(table)
        ]
        for table in ("orders", "fills", "trades")
    }


def told(bench: Bench) -> list[tuple[Any, ...]]:
    pending = bench.ledger.journal.pending_notifications(50)
    return [(one.notification.kind, one.notification.cumulative_qty) for one in pending]


def entry_and_exit(bench: Bench, entered: str = "10", left: str = "4") -> None:
    """Trade t-1: `b1-1` entered, `b1-2` left."""
    bench.record_trade()
    bench.record_order()
    bench.bot.record_fill("b1-1", bench.fill("F1", entered))
    bench.record_order("2", side=Side.SELL, action=Action.EXIT, qty="20")
    bench.bot.record_fill("b1-2", bench.fill("F2", left, "1100", name="2"))


def fill(qty: str, price: str | None = "1000", **keys: Any) -> Fill:
    return Fill(fill_id=keys.pop("fill_id", ""), qty=qty, price=price, **keys)


# -- each kind --------------------------------------------------------------------------------------------------------


def test_an_end_is_set_with_the_fills_kept_and_the_bot_is_told(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    bench.bot.record_fill("b1-1", bench.fill("F1", "3"))
    made = correct.set_end(bench.ledger, "B1-1", Status.CANCELED, BY)
    assert bench.order().status is Status.PARTIALLY_FILLED  # shown, not written
    write(bench, made)
    assert (bench.order().status, bench.order().filled_qty) == (Status.CANCELED, "3")
    assert bench.trade()["status"] == "open"
    assert told(bench) == [("cancel", "3")]
    row = bench.ledger.export("order_log")[-1]
    assert (row["event"], row["written_by"], row["payload"]["reason"]) == (
        "corrected_by_person",
        "person:ann",
        "seen on the website",
    )
    assert row["payload"]["corrections"][0]["correction_id"] == made.correction_id
    assert (row["payload"]["corrections"][0]["kind"], row["payload"]["corrections"][0]["reason"]) == (
        "set_end",
        "decided_by_person",
    )
    bench.assert_log_is_true()


def test_the_end_of_the_last_unfilled_entry_closes_its_trade(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    write(bench, correct.set_end(bench.ledger, "b1-1", Status.REJECTED, BY))
    assert bench.trade()["status"] == "closed"
    assert told(bench) == [("cancel", "0"), ("closed", None)]


def test_what_cannot_have_ended_so_is_refused(bench: Bench) -> None:
    bench.record_order(trade_id=None)
    with pytest.raises(InputError, match="10 of it is not booked"):
        correct.set_end(bench.ledger, "b1-1", Status.FILLED, BY)
    with pytest.raises(InputError, match="not suspended"):
        correct.set_end(bench.ledger, "b1-1", Status.SUSPENDED, BY)
    with pytest.raises(InputError, match="no order 'b1-9'"):
        correct.set_end(bench.ledger, "b1-9", Status.CANCELED, BY)
    write(bench, correct.set_end(bench.ledger, "b1-1", Status.CANCELED, BY))
    with pytest.raises(InputError, match="already"):
        correct.set_end(bench.ledger, "b1-1", Status.CANCELED, BY)


def test_a_booked_fill_moves_its_order_and_its_trade(bench: Bench) -> None:
    entry_and_exit(bench)
    write(bench, correct.book_fill(bench.ledger, "v-2", fill("6", "1200"), BY))
    assert (bench.order("2").filled_qty, bench.order("2").filled_avg_price) == ("10", "1160")
    trade = bench.trade()
    assert (trade["entry_qty"], trade["exit_qty"], trade["status"]) == ("10", "10", "closed")
    assert told(bench) == [("exit_fill", "10"), ("closed", None)]
    bench.assert_log_is_true()


def test_an_order_whose_trade_is_not_recorded_yet_is_corrected_alone(bench: Bench) -> None:
    """The bot names a trade before it opens it: there is nothing to move; opened, it begins with what is booked."""
    bench.record_order(trade_id="t-later")
    write(bench, correct.book_fill(bench.ledger, "b1-1", fill("1", "1000", fill_id="F1"), BY))
    assert (bench.order().filled_qty, bench.ledger.export("trades")) == ("1", [])
    write(bench, correct.strike_fill(bench.ledger, "b1-1", "F1", BY))
    assert (bench.order().filled_qty, bench.ledger.export("trades")) == ("0", [])
    write(bench, correct.move_order(bench.ledger, "b1-1", None, BY))
    assert bench.order().trade_id is None
    bench.assert_log_is_true()


def test_a_fill_of_the_venues_own_id_is_not_booked_again_when_the_venue_lists_it(bench: Bench) -> None:
    bench.record_order(trade_id=None)
    write(bench, correct.book_fill(bench.ledger, "b1-1", fill("3", fill_id="F1"), BY))
    bench.settle()
    found = {"status": Status.PARTIALLY_FILLED, "filled_qty": "3", "filled_avg_price": "1000"}
    _, plan = bench.plan([bench.venue_order(**found)], [bench.fill("F1", "3")])
    assert plan.corrections == []


def test_an_order_with_a_quantity_of_zero_takes_any_fill(bench: Bench) -> None:
    bench.record_order(trade_id=None, qty="0")
    write(bench, correct.book_fill(bench.ledger, "b1-1", fill("3"), BY))
    assert (bench.order().filled_qty, bench.order().status) == ("3", Status.PARTIALLY_FILLED)


def test_a_fill_beyond_the_quantity_or_booked_already_is_refused(bench: Bench) -> None:
    entry_and_exit(bench)
    with pytest.raises(InputError, match="11 of 10 would be filled"):
        correct.book_fill(bench.ledger, "b1-1", fill("1"), BY)
    with pytest.raises(InputError, match="booked already: 4 at 1100"):
        correct.book_fill(bench.ledger, "b1-2", fill("1", fill_id=" f2"), BY)
    with pytest.raises(InputError, match="above zero"):
        correct.book_fill(bench.ledger, "b1-2", fill("0"), BY)
    with pytest.raises(InputError, match=r"above zero|decimal|negative"):
        correct.book_fill(bench.ledger, "b1-2", fill("-1"), BY)


def test_a_struck_fill_is_gone_and_its_order_lives_again(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    bench.bot.record_fill("b1-1", bench.fill("F1", "4", "900"))
    bench.bot.record_fill("b1-1", bench.fill("F2", "6", "1000"))
    write(bench, correct.strike_fill(bench.ledger, "b1-1", "F2", BY))
    order = bench.order()
    assert (order.status, order.filled_qty, order.filled_avg_price) == (Status.PARTIALLY_FILLED, "4", "900")
    assert [one[:2] for one in bench.fills()] == [("F1", "4")]
    assert (bench.trade()["entry_qty"], bench.trade()["entry_avg_price"]) == ("4", "900")
    assert told(bench) == [("amended", "4")]
    write(bench, correct.strike_fill(bench.ledger, "b1-1", "F1", BY))
    assert (bench.order().status, bench.order().filled_avg_price) == (Status.PENDING_NEW, None)
    assert (bench.trade()["entry_qty"], bench.trade()["entry_avg_price"]) == ("0", None)
    with pytest.raises(InputError, match="there is none"):
        correct.strike_fill(bench.ledger, "b1-1", "F1", BY)
    bench.assert_log_is_true()


def test_what_the_venue_proves_after_a_strike_wins_once_and_is_told(bench: Bench) -> None:
    bench.record_order(trade_id=None)
    bench.bot.record_fill("b1-1", bench.fill("F1", "3"))
    record = {"status": Status.PARTIALLY_FILLED, "filled_qty": "3", "filled_avg_price": "1000"}
    write(bench, correct.strike_fill(bench.ledger, "b1-1", "F1", BY))
    bench.settle()
    planned = bench.plan([bench.venue_order(**record)], [bench.fill("F1", "3")])
    assert {one.kind for one in planned[1].breaks} == {"fill_drift", "status_drift"}
    bench.commit(planned)
    assert bench.order().filled_qty == "3"
    assert bench.plan([bench.venue_order(**record)], [bench.fill("F1", "3")])[1].corrections == []
    bench.assert_log_is_true()


def test_an_order_moves_to_a_trade_with_what_it_filled_and_its_fees(bench: Bench) -> None:
    bench.record_trade("t-1")
    bench.record_trade("t-2")
    bench.record_order()
    bench.bot.record_fill("b1-1", bench.fill("F1", "10", fee="0.01", fee_currency="ETH"))
    assert bench.trade()["fee_base_qty"] == "0.01"
    write(bench, correct.move_order(bench.ledger, "b1-1", "T-2", BY))
    left, joined = bench.trade("t-1"), bench.trade("t-2")
    assert (left["entry_qty"], left["entry_avg_price"], left["fee_base_qty"]) == ("0", None, "0")
    assert (joined["entry_qty"], joined["entry_avg_price"], joined["fee_base_qty"]) == ("10", "1000", "0.01")
    assert told(bench)[0] == ("amended", "10")
    write(bench, correct.move_order(bench.ledger, "b1-1", None, BY))
    assert (bench.order().trade_id, bench.trade("t-2")["entry_qty"]) == (None, "0")
    bench.assert_log_is_true()


def test_an_order_of_no_trade_joins_one_and_acts_by_its_side(bench: Bench) -> None:
    entry_and_exit(bench)
    bench.record_order("3", trade_id=None, action=None, side=Side.SELL)
    bench.bot.record_fill("b1-3", bench.fill("F3", "6", "1200", name="3"))
    write(bench, correct.move_order(bench.ledger, "b1-3", "t-1", BY))
    assert bench.order("3").action is Action.EXIT
    assert (bench.trade()["exit_qty"], bench.trade()["status"]) == ("10", "closed")
    with pytest.raises(InputError, match="already"):
        correct.move_order(bench.ledger, "b1-3", "t-1", BY)
    bench.record_trade("t-9", "BTC/USD")
    with pytest.raises(InputError, match="is of BTC/USD"):
        correct.move_order(bench.ledger, "b1-3", "t-9", BY)
    bench.assert_log_is_true()


def test_an_action_is_turned(bench: Bench) -> None:
    entry_and_exit(bench)
    write(bench, correct.set_action(bench.ledger, "b1-2", Action.ENTRY, BY))
    assert (bench.trade()["entry_qty"], bench.trade()["exit_qty"]) == ("14", "0")
    bench.assert_log_is_true()


def test_a_trade_is_closed_by_its_status_alone(bench: Bench) -> None:
    entry_and_exit(bench)
    with pytest.raises(Conflict, match="b1-2 of trade 't-1' is live: set its end first"):
        correct.close_trade(bench.ledger, "t-1", BY)
    write(bench, correct.set_end(bench.ledger, "b1-2", Status.CANCELED, BY))
    write(bench, correct.close_trade(bench.ledger, "t-1", BY))
    trade = bench.trade()
    assert (trade["status"], trade["entry_qty"], trade["exit_qty"]) == ("closed", "10", "4")
    bench.settle()
    assert bench.plan()[1].corrections == []
    bench.assert_log_is_true()


def overrun(bench: Bench) -> None:
    """Ten entered; ten and then three left."""
    entry_and_exit(bench, left="10")
    bench.record_order("3", side=Side.SELL, action=Action.EXIT)
    bench.bot.record_fill("b1-3", bench.fill("F3", "3", "1200", name="3"))


def test_an_overrun_of_whole_orders_becomes_a_trade_of_the_other_side(bench: Bench) -> None:
    overrun(bench)
    made = correct.split_trade(bench.ledger, "t-1", "t-1s", BY)
    write(bench, made)
    old, new = bench.trade("t-1"), bench.trade("t-1s")
    assert (old["entry_qty"], old["exit_qty"], old["status"]) == ("10", "10", "closed")
    assert (new["side"], new["entry_qty"], new["exit_qty"], new["entry_avg_price"], new["status"]) == (
        *("short", "3", "0", "1200", "open"),
    )
    assert (bench.order("3").trade_id, bench.order("3").action) == ("t-1s", Action.ENTRY)
    bench.settle()
    _, plan = bench.plan([bench.venue_order("3", side=Side.SELL)])
    assert "trade_overrun" not in {one.kind for one in plan.breaks}
    bench.assert_log_is_true()


def test_an_overrun_that_is_a_part_of_one_order_is_transferred_by_a_pair(bench: Bench) -> None:
    entry_and_exit(bench, left="13")
    write(bench, correct.split_trade(bench.ledger, "t-1", "t-1s", BY))
    old, new = bench.trade("t-1"), bench.trade("t-1s")
    assert (old["entry_qty"], old["exit_qty"], old["status"]) == ("13", "13", "closed")
    assert (new["side"], new["entry_qty"], new["entry_avg_price"]) == ("short", "3", "1100")
    pair = [one for one in bench.ledger.export("orders") if one["order_type"] == "transfer"]
    assert sorted((one["side"], one["filled_qty"], one["trade_id"]) for one in pair) == [
        ("buy", "3", "t-1"),
        ("sell", "3", "t-1s"),
    ]
    bench.settle()
    assert bench.plan([bench.venue_order("2", side=Side.SELL, qty="20", **LEFT)])[1].corrections == []
    bench.assert_log_is_true()


def test_what_only_an_action_makes_an_overrun_is_not_split(bench: Bench) -> None:
    entry_and_exit(bench)
    write(bench, correct.set_action(bench.ledger, "b1-1", Action.EXIT, BY))
    assert (bench.trade()["entry_qty"], bench.trade()["exit_qty"]) == ("0", "14")
    with pytest.raises(InputError, match="b1-1 is called an exit of the long trade 't-1', and is a buy"):
        correct.split_trade(bench.ledger, "t-1", "t-1s", BY)


LEFT: dict[str, Any] = {"status": Status.PARTIALLY_FILLED, "filled_qty": "13", "filled_avg_price": "1100"}


def test_a_trade_without_an_overrun_is_not_split(bench: Bench) -> None:
    entry_and_exit(bench)
    with pytest.raises(InputError, match="nothing to split off"):
        correct.split_trade(bench.ledger, "t-1", "t-2", BY)
    with pytest.raises(InputError, match="a trade 't-1' already"):
        correct.split_trade(bench.ledger, "t-1", "t-1", BY)


# -- nothing but what was shown ---------------------------------------------------------------------------------------


def test_what_moved_since_it_was_shown_is_refused_and_nothing_is_written(bench: Bench) -> None:
    entry_and_exit(bench)
    made = correct.strike_fill(bench.ledger, "b1-2", "F2", BY)
    moved = correct.move_order(bench.ledger, "b1-1", None, BY)
    bench.bot.record_fill("b1-2", bench.fill("F3", "1", "1100", name="2"))
    before = bench.contents()
    for stale in (made, moved):  # the order itself; and the trade alone
        with pytest.raises(Conflict, match="moved since this was shown"):
            apply_correction(bench.ledger, stale)
    assert bench.contents() == before


def test_the_same_correction_twice_is_written_once(bench: Bench) -> None:
    entry_and_exit(bench)
    made = correct.book_fill(bench.ledger, "b1-2", fill("1", "1100"), BY)
    write(bench, made)
    with pytest.raises(Conflict):
        apply_correction(bench.ledger, made)
    assert bench.trade()["exit_qty"] == "5"


def test_a_trade_that_would_not_be_the_sum_of_its_orders_is_never_written(bench: Bench) -> None:
    entry_and_exit(bench)
    made = correct.book_fill(bench.ledger, "b1-2", fill("1", "1100"), BY)
    (trade,) = made.trades
    assert trade.after is not None
    wrong = replace(trade, after=replace(trade.after, exit_qty="6"))
    for false in (replace(made, trades=[wrong]), replace(made, trades=[])):
        with pytest.raises(InvariantError):
            apply_correction(bench.ledger, false)
    invented = TradeChange(
        before=None,
        after=Trade(
            trade_id="t-5", symbol="ETH/USD", side=PositionSide.LONG, status=TradeStatus.OPEN, entry_qty="1"
        ),
    )
    with pytest.raises(InvariantError, match="begin with what no order filled"):
        apply_correction(bench.ledger, replace(made, trades=[trade, invented]))
    (order,) = made.orders
    assert order.after is not None
    short = replace(order, after=replace(order.after, filled_qty="4"))
    with pytest.raises(InvariantError):
        apply_correction(bench.ledger, replace(made, orders=[short], trades=[]))
    assert bench.trade()["exit_qty"] == "4"


def test_a_run_that_judged_before_the_correction_drops_its_own(bench: Bench) -> None:
    bench.record_order(trade_id=None)
    bench.settle()
    found = {"status": Status.PARTIALLY_FILLED, "filled_qty": "3", "filled_avg_price": "1000"}
    planned = bench.plan([bench.venue_order(**found)])
    write(bench, correct.set_end(bench.ledger, "b1-1", Status.CANCELED, BY))
    assert bench.commit(planned).applied == 0
    assert (bench.order().status, bench.order().filled_qty) == (Status.CANCELED, "0")


def test_another_profiles_order_is_not_corrected(bench: Bench) -> None:
    bench.record_order(trade_id=None)
    with pytest.raises(InputError, match="no order"):
        correct.set_end(bench.ledger, "b1-1", Status.CANCELED, replace(BY, profile_id="mean-2"))
    made = correct.set_end(bench.ledger, "b1-1", Status.CANCELED, BY)
    bench.ledger.journal.ensure_profiles([OTHER])
    with pytest.raises(Conflict):
        apply_correction(bench.ledger, replace(made, profile_id="mean-2"))


def test_books_that_mirror_a_bots_own_are_not_corrected_here(bench: Bench) -> None:
    bench.record_order(trade_id=None)
    made = correct.set_end(bench.ledger, "b1-1", Status.CANCELED, BY)
    key = bench.store.execute("SELECT order_key FROM orders")[0][0]
    bench.store.execute(
        "INSERT INTO foreign_rows (account_id, source, row_key, profile_id, order_key, fingerprint)"
        f" VALUES ('{ACCOUNT}', 's', '1', '{BOT.profile_id}', {key}, 'x')"
    )
    with pytest.raises(InputError, match="mirror the bot's own tables"):
        apply_correction(bench.ledger, made)
    assert bench.order().status is Status.PENDING_NEW


# -- undo -------------------------------------------------------------------------------------------------------------

KINDS: dict[str, Callable[[Bench], PersonCorrection]] = {
    "end": lambda b: correct.set_end(b.ledger, "b1-2", Status.EXPIRED, BY),
    "book": lambda b: correct.book_fill(b.ledger, "b1-2", fill("6", "1200"), BY),
    "strike": lambda b: correct.strike_fill(b.ledger, "b1-1", "F1", BY),
    "move": lambda b: correct.move_order(b.ledger, "b1-2", "t-2", BY),
    "leave": lambda b: correct.move_order(b.ledger, "b1-2", None, BY),
    "move unfilled": lambda b: correct.move_order(b.ledger, "b1-60", "t-2", BY),
    "leave unfilled": lambda b: correct.move_order(b.ledger, "b1-60", None, BY),
    "join unfilled": lambda b: correct.move_order(b.ledger, "b1-61", "t-2", BY),
    "action": lambda b: correct.set_action(b.ledger, "b1-2", Action.ENTRY, BY),
    "close": lambda b: correct.close_trade(b.ledger, "t-3", BY),
    "split": lambda b: correct.split_trade(b.ledger, "t-4", "t-4s", BY),
    "transfer": lambda b: correct.split_trade(b.ledger, "t-5", "t-5s", BY),
}


def many_books(bench: Bench) -> None:
    entry_and_exit(bench)
    bench.record_trade("t-2")
    bench.record_trade("t-3")
    bench.record_order("60")
    bench.record_order("61", trade_id=None)
    for number, trade in ((4, "t-4"), (5, "t-5")):
        bench.record_trade(trade)
        bench.record_order(f"{number}0", trade_id=trade)
        bench.bot.record_fill(f"b1-{number}0", bench.fill("E", "10", name=f"{number}0"))
        for part, qty in (("1", "10"), ("2", "3")) if number == 4 else (("1", "13"),):
            name = f"{number}{part}"
            bench.record_order(name, trade_id=trade, side=Side.SELL, action=Action.EXIT, qty="20")
            bench.bot.record_fill(f"b1-{name}", bench.fill("X", qty, name=name))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_undo_of_each_kind_gives_the_books_of_before_and_undo_of_that_those_of_after(
    bench: Bench, kind: str
) -> None:
    many_books(bench)
    before = books(bench)
    made = write(bench, KINDS[kind](bench))
    after = books(bench)
    assert after != before
    undone = write(bench, undo(bench.ledger, made.correction_id, BY))
    assert books(bench) == before
    bench.assert_log_is_true()
    with pytest.raises(InputError, match=f"was undone by {undone.correction_id}"):
        undo(bench.ledger, made.correction_id, BY)
    write(bench, undo(bench.ledger, undone.correction_id, BY))
    assert books(bench) == after
    bench.assert_log_is_true()
    rows = [one["event"] for one in bench.ledger.export("order_log")]
    assert rows.count("undone") >= 2


def test_what_was_corrected_twice_is_undone_twice_the_newest_first(bench: Bench) -> None:
    many_books(bench)
    stands = [books(bench)]
    made = []
    for kind in ("book", "move", "end"):  # of one order, whose trades they move
        made.append(write(bench, KINDS[kind](bench)))
        stands.append(books(bench))
    with pytest.raises(Conflict, match=r"order b1-2 was written since: row \d+ of the order log"):
        undo(bench.ledger, made[0].correction_id, BY)
    undone = made[-1]
    for one, before in zip(reversed(made), reversed(stands[:-1]), strict=True):
        undone = write(bench, undo(bench.ledger, one.correction_id, BY))
        assert books(bench) == before
        bench.assert_log_is_true()
    with pytest.raises(InputError, match="was undone by"):
        undo(bench.ledger, made[0].correction_id, BY)
    again = write(bench, undo(bench.ledger, undone.correction_id, BY))
    assert books(bench) == stands[1]
    write(bench, undo(bench.ledger, again.correction_id, BY))
    assert books(bench) == stands[0]
    bench.assert_log_is_true()


def test_a_run_is_undone_after_what_a_person_wrote_on_it_was(bench: Bench) -> None:
    run_id = repaired(bench)
    made = write(bench, correct.set_end(bench.ledger, "b1-1", Status.EXPIRED, BY))
    with pytest.raises(Conflict, match="b1-1 was written since"):
        undo(bench.ledger, run_id, BY)
    write(bench, undo(bench.ledger, made.correction_id, BY))
    undone = write(bench, undo(bench.ledger, run_id, BY))
    assert len(books(bench)["orders"]) == 2
    with pytest.raises(Conflict, match=r"was written since: row \d+ of the order log \(undone by person"):
        undo(bench.ledger, run_id, BY)
    write(bench, undo(bench.ledger, undone.correction_id, BY))
    assert len(books(bench)["orders"]) == 3
    bench.assert_log_is_true()


def repaired(bench: Bench) -> str:
    """A run that books a fill, ends an order, and inserts one; returns its id."""
    bench.record_trade()
    bench.record_order()
    bench.record_order("2", trade_id=None)
    bench.settle()
    found = {"status": Status.PARTIALLY_FILLED, "filled_qty": "3", "filled_avg_price": "1000"}
    orders = [
        bench.venue_order(**found),
        bench.venue_order("2", status=Status.CANCELED),
        bench.venue_order("9", **found),
    ]
    return bench.commit(bench.plan(orders)).run_id


def test_undo_of_a_run_gives_the_books_of_before(bench: Bench) -> None:
    bench.record_trade("t-0")
    before = None
    run_id = ""

    def keep() -> None:
        nonlocal before
        before = books(bench)

    bench.record_trade()
    bench.record_order()
    bench.record_order("2", trade_id=None)
    keep()
    bench.settle()
    found = {"status": Status.PARTIALLY_FILLED, "filled_qty": "3", "filled_avg_price": "1000"}
    orders = [
        bench.venue_order(**found),
        bench.venue_order("2", status=Status.CANCELED),
        bench.venue_order("9", **found),
    ]
    run_id = bench.commit(bench.plan(orders)).run_id
    assert len(books(bench)["orders"]) == 3
    made = write(bench, undo(bench.ledger, run_id, BY))
    assert books(bench) == before
    assert (made.kind, made.undoes) == ("undo", run_id)
    bench.assert_log_is_true()
    write(bench, undo(bench.ledger, made.correction_id, BY))
    assert len(books(bench)["orders"]) == 3
    bench.assert_log_is_true()


def test_what_builds_on_a_run_is_named(bench: Bench) -> None:
    run_id = repaired(bench)
    bench.bot.record_fill("b1-1", bench.fill("F9", "1"), cumulative_qty="4")
    before = bench.contents()
    with pytest.raises(
        Conflict, match=r"order b1-1 was written since: row \d+ of the order log \(filled by bot"
    ):
        undo(bench.ledger, run_id, BY)
    assert bench.contents() == before


def test_a_write_past_the_log_builds_on_a_run_too(bench: Bench) -> None:
    run_id = repaired(bench)
    bench.store.execute("UPDATE orders SET sub_tag = 'x' WHERE client_order_id = 'b1-2'")
    with pytest.raises(Conflict, match="order b1-2 was written since: by a statement past the order log"):
        undo(bench.ledger, run_id, BY)


def test_one_of_a_runs_corrections_is_undone_with_its_kin(bench: Bench) -> None:
    repaired(bench)
    (booked, *_) = [
        one
        for one in bench.ledger.export("corrections")
        if one["kind"] == "book_fill" and one["client_order_id"] == "b1-1"
    ]
    write(bench, undo(bench.ledger, booked["correction_id"], BY))
    assert (bench.order().filled_qty, bench.trade()["entry_qty"]) == ("0", "0")
    assert (bench.order("2").status, bench.order("9").filled_qty) == (Status.CANCELED, "3")
    bench.assert_log_is_true()


def test_nothing_named_so_and_nothing_written_are_two_errors(bench: Bench) -> None:
    with pytest.raises(InputError, match="no run and no correction is 'x'"):
        undo(bench.ledger, "x", BY)
    bench.record_order(trade_id=None)
    bench.settle()
    run_id = bench.commit(bench.plan([bench.venue_order(status=Status.CANCELED)]), state="dry").run_id
    with pytest.raises(InputError, match="wrote nothing"):
        undo(bench.ledger, run_id, BY)


def test_an_order_taken_away_leaves_its_key_to_nobody_else(bench: Bench) -> None:
    """Its log stays its own: a new order is another one."""
    run_id = repaired(bench)
    write(bench, undo(bench.ledger, run_id, BY))
    bench.record_order("7", trade_id=None)
    keys = {row["order_key"]: row["event"] for row in bench.ledger.export("order_log") if row["order_key"]}
    assert len(keys) == 4
    bench.assert_log_is_true()


# -- what was undone is held ------------------------------------------------------------------------------------------

PARTLY: dict[str, Any] = {
    "status": Status.PARTIALLY_FILLED,
    "filled_qty": "3",
    "filled_avg_price": "1000",
}


def kinds(bench: Bench, *orders: VenueOrder, **policy: Any) -> tuple[list[str], list[str]]:
    """Kinds of breaks and corrections of the next run, which is committed."""
    bench.settle()
    planned = bench.plan(orders, **policy)
    bench.commit(planned)
    return [one.kind for one in planned[1].breaks], [one.kind for one in planned[1].corrections]


def undone_fill(bench: Bench) -> VenueOrder:
    """Three filled at the venue, which a run booked and a person undid."""
    bench.record_trade()
    bench.record_order()
    bench.settle()
    record = bench.venue_order(**PARTLY)
    run_id = bench.commit(bench.plan([record])).run_id
    write(bench, undo(bench.ledger, run_id, BY))
    return record


def stands(bench: Bench) -> list[tuple[str, str | None]]:
    return [
        (one.decision.kind, one.revoked_by)
        for one in bench.ledger.journal.list_decisions()
        if one.decision.kind == "hold_repair"
    ]


def test_an_undone_repair_is_not_made_again_and_every_run_says_so(bench: Bench) -> None:
    record = undone_fill(bench)
    for _ in range(3):
        breaks, corrections = kinds(bench, record)
        assert "repair_undone" in breaks
        assert corrections == []
    again = [one for one in bench.ledger.journal.list_breaks() if one.found.kind == "repair_undone"]
    assert [(one.occurrences, one.found.severity, one.found.reason) for one in again] == [
        (3, "warn", "undone_by_person")
    ]
    assert "ann undid the repair (seen on the website)" in again[0].found.message
    assert bench.order().filled_qty == "0"
    assert stands(bench) == [("hold_repair", None)]
    moved = replace(record, updated_at="2026-11-23T13:00:00Z")  # the venue touched it, and says nothing new
    assert kinds(bench, moved)[1] == []


def test_when_the_evidence_changes_the_repair_is_made_and_the_hold_is_over(bench: Bench) -> None:
    undone_fill(bench)
    more = bench.venue_order(**{**PARTLY, "filled_qty": "4"})
    breaks, corrections = kinds(bench, more)
    assert corrections == ["book_fill", "set_status"]
    assert "repair_undone" not in breaks
    assert bench.order().filled_qty == "4"
    ((kind, by),) = stands(bench)
    assert (kind, (by or "")[:7]) == ("hold_repair", "trueup:")
    assert kinds(bench, more) == ([], [])


def test_a_person_lets_it_be_made_again(bench: Bench) -> None:
    record = undone_fill(bench)
    assert kinds(bench, record)[1] == []
    with pytest.raises(InputError, match="no undone repair of 'b1-9' is held"):
        decide.allow_again(bench.ledger, "b1-9", author="bob", reason="right after all")
    decide.allow_again(bench.ledger, "B1-1", author="bob", reason="right after all")
    assert kinds(bench, record)[1] == ["book_fill", "set_status"]
    assert stands(bench) == [("hold_repair", "bob")]


def test_a_hold_is_over_when_the_bot_has_it_too(bench: Bench) -> None:
    record = undone_fill(bench)
    bench.bot.record_fill("b1-1", bench.fill("F1", "3"))
    bench.settle()
    assert kinds(bench, record) == ([], [])
    assert [by is not None for _, by in stands(bench)] == [True]
    assert kinds(bench, record) == ([], [])


def test_an_undo_that_is_undone_holds_nothing(bench: Bench) -> None:
    record = undone_fill(bench)
    (made,) = bench.ledger.journal.list_corrections()
    write(bench, undo(bench.ledger, made.correction.correction_id, BY))
    assert stands(bench) == [("hold_repair", "ann")]
    assert (bench.order().filled_qty, kinds(bench, record)) == ("3", ([], []))


def test_an_inserted_order_that_was_taken_away_is_not_inserted_again(bench: Bench) -> None:
    bench.settle()
    record = bench.venue_order("9", **PARTLY)
    run_id = bench.commit(bench.plan([record])).run_id
    write(bench, undo(bench.ledger, run_id, BY))
    for _ in range(2):
        assert kinds(bench, record) == (["repair_undone"], [])
    assert kinds(bench) == (["repair_undone"], [])  # the venue does not show it any more: it is still said
    assert bench.ledger.export("orders") == []
    more = bench.venue_order("9", **{**PARTLY, "filled_qty": "5"})
    assert kinds(bench, more)[1][0] == "insert_order"
    assert kinds(bench, more) == ([], [])
    assert bench.order("9").filled_qty == "5"


def test_a_plan_that_was_made_before_an_undo_does_not_insert_again_what_was_taken_away(bench: Bench) -> None:
    bench.settle()
    record = bench.venue_order("9", **PARTLY)
    planned = bench.plan([record])
    run_id = bench.commit(planned).run_id
    write(bench, undo(bench.ledger, run_id, BY))
    assert bench.commit(planned).applied == 0
    assert bench.ledger.export("orders") == []


def test_what_is_repaired_again_after_an_undo_is_told_again(bench: Bench) -> None:
    bench.settle()
    record = bench.venue_order("9", **PARTLY)
    run_id = bench.commit(bench.plan([record])).run_id
    write(bench, undo(bench.ledger, run_id, BY))
    decide.allow_again(bench.ledger, "v-9", author="bob", reason="right after all")
    assert kinds(bench, record)[1] == ["insert_order", "book_fill"]
    assert told(bench) == [
        *(("discovered", "3"), ("entry_fill", "3"), ("amended", "0")),
        *(("discovered", "3"), ("entry_fill", "3")),
    ]


def test_what_is_struck_or_may_be_made_again_has_its_history_read_again(bench: Bench) -> None:
    """Coverage had come to 12:30; the order was submitted at noon, the fill was executed at 12:01."""
    bench.record_order(trade_id=None)
    bench.settle()
    bench.bot.record_fill("b1-1", bench.fill("F1", "3"))
    bench.settle(1800)
    later = "2026-11-23T12:30:00Z"

    def watermark() -> str | None:
        return bench.ledger.journal.profile_states(["mom-1"])["mom-1"].watermark

    bench.commit(bench.plan([bench.venue_order(**PARTLY)], [bench.fill("F1", "3")]), watermark=later)
    assert watermark() == later
    write(bench, correct.strike_fill(bench.ledger, "b1-1", "F1", BY))
    assert watermark() is None
    bench.settle()
    run_id = bench.commit(bench.plan([bench.venue_order(**PARTLY)], [bench.fill("F1", "3")])).run_id
    write(bench, undo(bench.ledger, run_id, BY))
    bench.settle()
    bench.commit(bench.plan([bench.venue_order(**PARTLY)], [bench.fill("F1", "3")]), watermark=later)
    assert watermark() == later
    decide.allow_again(bench.ledger, "v-1", author="bob", reason="right after all")
    assert watermark() is None


def test_an_end_that_was_undone_is_not_set_again(bench: Bench) -> None:
    bench.record_order(trade_id=None)
    bench.settle()
    record = bench.venue_order(status=Status.CANCELED)
    run_id = bench.commit(bench.plan([record])).run_id
    write(bench, undo(bench.ledger, run_id, BY))
    assert kinds(bench, record)[1] == []
    assert bench.order().status is Status.PENDING_NEW
    expired = bench.venue_order(status=Status.EXPIRED)
    assert kinds(bench, expired)[1] == ["set_status"]
    assert bench.order().status is Status.EXPIRED


def test_a_quarantine_that_was_undone_is_not_made_again_until_the_position_is_right(bench: Bench) -> None:
    entry_and_exit(bench, left="10")
    bench.record_trade("t-2")
    bench.record_order("3", trade_id="t-2")
    bench.bot.record_fill("b1-3", bench.fill("F3", "10", name="3"))
    policy: dict[str, Any] = {"parity_confirmations": 1, "parity_min_age_s": 0}

    def run(held: str) -> str:
        bench.settle()
        snapshot = bench.snapshot([bench.venue_order("2", side=Side.SELL, qty="20", **LEFT_TEN)], **policy)
        row = Position(symbol="ETH/USD", qty=held, mark_price="1000")
        positions = PositionsRead(state=ReadState.COMPLETE, read_at=snapshot.taken_at, rows=[row])
        snapshot = replace(snapshot, venue=replace(snapshot.venue, positions=positions))
        return bench.commit((snapshot, make_plan(snapshot))).run_id

    run_id = run("0")
    assert bench.trade("t-2")["status"] == "quarantined"
    write(bench, undo(bench.ledger, run_id, BY))
    assert bench.trade("t-2")["status"] == "open"
    run("0")
    assert bench.trade("t-2")["status"] == "open"
    assert "repair_undone" in {one.found.kind for one in bench.ledger.journal.list_breaks()}
    run("10")
    assert [by is not None for _, by in stands(bench)] == [True]
    run("0")
    assert bench.trade("t-2")["status"] == "quarantined"
    released = run("10")
    assert bench.trade("t-2")["status"] == "open"
    write(bench, undo(bench.ledger, released, BY))
    run("10")
    assert bench.trade("t-2")["status"] == "quarantined"  # released, undone, and not released again


LEFT_TEN: dict[str, Any] = {
    "status": Status.PARTIALLY_FILLED,
    "filled_qty": "10",
    "filled_avg_price": "1100",
}


def test_a_baseline_said_by_a_person_takes_the_place_of_the_configured_one(bench: Bench) -> None:
    made = write(bench, correct.set_baseline(bench.ledger, "ethusd", "-2.50", BY))
    (decision,) = bench.ledger.journal.standing_decisions(["mom-1"])["mom-1"]
    assert (decision.kind, decision.symbol, decision.qty) == ("set_baseline", "ethusd", "-2.5")
    policy = Policy(position_baseline={"ETH/USD": "1", "BTC/USD": "3"})
    assert with_baselines(policy, [decision]).position_baseline == {"ethusd": "-2.5", "BTC/USD": "3"}
    write(bench, undo(bench.ledger, made.correction_id, BY))
    assert bench.ledger.journal.standing_decisions(["mom-1"]) == {}
    with pytest.raises(InputError, match="x"):
        correct.set_baseline(bench.ledger, "ethusd", "x", BY)


def test_what_an_undo_let_go_of_is_held_again_when_that_is_undone(bench: Bench) -> None:
    """Repaired, undone, undone again, and that undone: the books are those before the run, and stay so."""
    run_id = repaired(bench)
    first = write(bench, undo(bench.ledger, run_id, BY))
    before = books(bench)
    second = write(bench, undo(bench.ledger, first.correction_id, BY))
    third = write(bench, undo(bench.ledger, second.correction_id, BY))
    assert books(bench) == before
    assert [one.kind for one in third.decisions] == ["hold_repair"] * len(first.decisions)
    assert [one.evidence for one in third.decisions] == [one.evidence for one in first.decisions]
    fourth = write(bench, undo(bench.ledger, third.correction_id, BY))
    assert len(fourth.revokes) == len(first.decisions)
    assert bench.ledger.journal.standing_decisions(["mom-1"]) == {}


def baseline_of(bench: Bench) -> dict[str, str]:
    standing = bench.ledger.journal.standing_decisions(["mom-1"]).get("mom-1", [])
    return dict(with_baselines(Policy(position_baseline={"ETH/USD": "1"}), standing).position_baseline)


def test_a_baseline_that_was_undone_is_said_anew(bench: Bench) -> None:
    """To take back its undo would write nothing."""
    made = write(bench, correct.set_baseline(bench.ledger, "ETH/USD", "5", BY))
    first = write(bench, undo(bench.ledger, made.correction_id, BY))
    assert baseline_of(bench) == {"ETH/USD": "1"}
    with pytest.raises(InputError, match="trueup correct baseline ETH/USD 5 --profile mom-1 --why"):
        undo(bench.ledger, first.correction_id, BY)
    with pytest.raises(InputError, match=f"was undone by {first.correction_id}"):
        undo(bench.ledger, made.correction_id, BY)
    bench.settle()
    write(bench, correct.set_baseline(bench.ledger, "ETH/USD", "5", BY))
    assert baseline_of(bench) == {"ETH/USD": "5"}


def test_what_stands_undone_is_what_no_undo_of_its_undo_took_back(bench: Bench) -> None:
    many_books(bench)
    made = write(bench, KINDS["end"](bench))
    first = write(bench, undo(bench.ledger, made.correction_id, BY))
    assert standing_undos(bench.ledger.journal.list_corrections()) == {
        made.correction_id: first.correction_id
    }
    second = write(bench, undo(bench.ledger, first.correction_id, BY))
    assert standing_undos(bench.ledger.journal.list_corrections()) == {
        first.correction_id: second.correction_id
    }
    third = write(bench, undo(bench.ledger, made.correction_id, BY))
    records = bench.ledger.journal.list_corrections()
    assert standing_undos(records)[made.correction_id] == third.correction_id
    with pytest.raises(InputError, match=f"was undone by {third.correction_id}"):
        undo(bench.ledger, made.correction_id, BY)


def test_a_baseline_whose_decision_was_taken_back_is_not_undone_in_vain(bench: Bench) -> None:
    made = write(bench, correct.set_baseline(bench.ledger, "ETH/USD", "5", BY))
    bench.ledger.journal.revoke_decision(made.decisions[0].decision_id, "bob", "sold it")
    with pytest.raises(InputError, match="trueup decide list"):
        undo(bench.ledger, made.correction_id, BY)


LONG = "x" * 1001
WORDS: dict[str, tuple[Callable[[Bench], object], str]] = {
    "reason": (
        lambda b: correct.set_end(b.ledger, "b1-2", Status.EXPIRED, replace(BY, reason=LONG)),
        "reason",
    ),
    "author": (lambda b: correct.set_baseline(b.ledger, "ETH/USD", "1", replace(BY, author=LONG)), "author"),
    "nul": (
        lambda b: correct.set_end(b.ledger, "b1-2", Status.EXPIRED, replace(BY, reason="a\0b")),
        "reason",
    ),
    "not utf-8": (lambda b: correct.set_baseline(b.ledger, "\udcff", "1", BY), "symbol"),
    "symbol": (lambda b: correct.set_baseline(b.ledger, " ", "1", BY), "symbol"),
    "new trade": (lambda b: correct.split_trade(b.ledger, "t-4", "", BY), "new"),
    "long trade": (lambda b: correct.split_trade(b.ledger, "t-5", LONG, BY), "new"),
    "fill id": (lambda b: correct.book_fill(b.ledger, "b1-2", fill("1", fill_id=" "), BY), "id"),
    "to come": (
        lambda b: correct.book_fill(b.ledger, "b1-2", fill("1", filled_at="2099-01-01T00:00:00Z"), BY),
        "--at",
    ),
    "quarantine": (
        lambda b: quarantine_trade(b.ledger, "mom-1", "t-2", author="ann", reason=LONG, notify=False),
        "reason",
    ),
    "again": (lambda b: decide.allow_again(b.ledger, "b1-2", author="ann", reason=LONG), "reason"),
}


@pytest.mark.parametrize("case", sorted(WORDS))
def test_words_that_no_snapshot_may_hold_are_not_kept(bench: Bench, case: str) -> None:
    many_books(bench)
    before = bench.contents()
    call, name = WORDS[case]
    with pytest.raises(InputError, match=f"^{name}: "):
        call(bench)
    assert bench.contents() == before


def test_a_reason_that_is_too_long_does_not_end_the_profiles_runs(bench: Bench) -> None:
    """A decision is in every snapshot of its profile, which refuses a longer one."""
    many_books(bench)
    bench.settle()
    bench.commit(bench.plan())
    found = bench.ledger.journal.list_breaks("mom-1")[0]
    until, keys = "2027-01-01T00:00:00Z", {"author": "ann", "reason": LONG}
    with pytest.raises(InputError, match=r"reason: longer than 1000 characters \(1001\)"):
        decide.ignore_break(bench.ledger, found.found.break_id, until, **keys)
    decide.ignore_break(bench.ledger, found.found.break_id, until, **keys | {"reason": LONG[:1000]})
    bench.plan()
