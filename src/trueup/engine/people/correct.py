"""What a person puts right where evidence cannot: an order's end, trade or action, a fill, a trade, the baseline.

Each function reads the books and returns the correction as it is shown: before and after, and what the bot is told.
`apply_correction` writes exactly that or nothing. Rules: a trade stays the sum of its orders; an order fills what its
fills say, within its quantity; a fill has one identity, so that the venue's own record of it is not booked again.
What the venue's evidence says against it later wins by the ordinary rules, and is told. Decides no wording.
"""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from trueup.core.orders.derive_action import reduces
from trueup.engine.people.hand import Hand, average_after, name_of, same_instrument
from trueup.engine.people.quarantine import find_one_trade
from trueup.engine.people.words import check_words
from trueup.engine.recorder.check_recorded import checked, checked_amount, checked_time
from trueup.engine.recorder.late_trade import action_of
from trueup.model.errors import Conflict, InputError
from trueup.model.ids import digest, known_client_id, normal_id
from trueup.model.money import ZERO, add, amount, exceeds, is_same, subtract, text
from trueup.model.notional import whole_qty
from trueup.model.snapshot import Decision, Fill, LocalOrder, Trade
from trueup.model.times import to_ns
from trueup.model.vocabulary import (
    LIVE,
    TERMINAL,
    Action,
    DecisionKind,
    PersonCorrectionKind,
    PositionSide,
    Side,
    Status,
    TradeStatus,
)
from trueup.ports.ledger import Ledger
from trueup.ports.people import PersonCorrection

TRANSFER = "transfer"  # the order type of what moves a part of an order to a trade of its own
ENDS = tuple(status for status in Status if status in TERMINAL)


class Signature(Struct, frozen=True, kw_only=True):
    """Who corrects, and why. `notify`: the bot has an executor, so it is told."""

    author: str
    reason: str
    notify: bool = False
    profile_id: str | None = None


def apply_correction(ledger: Ledger, made: PersonCorrection) -> None:
    """Raises Conflict where the books are not as they were shown."""
    ledger.correct(made)


# -- an order ---------------------------------------------------------------------------------------------------------


def set_end(ledger: Ledger, order_id: str, end: Status, by: Signature) -> PersonCorrection:
    """The order ended so, with the fills that are booked. Raises InputError."""
    hand, order = _hand_with(ledger, order_id, by)
    if end not in TERMINAL:
        raise InputError(f"an order ends as {', '.join(ENDS)}, not {end}", "--end")
    if order.status is end:
        raise InputError(f"order {order_id!r} has ended as {end} already", "--end")
    whole, filled = whole_qty(order), amount(order.filled_qty)
    if end is Status.FILLED and whole is not None:
        missing = subtract(whole, filled)
        if missing > 0 and not is_same(whole, filled):
            raise InputError(f"{text(missing)} of it is not booked: book the fill, and it is filled", "--end")
    hand.change(order, replace(order, status=end))
    return _made(hand, PersonCorrectionKind.SET_END, order_id, by)


def move_order(ledger: Ledger, order_id: str, trade_id: str | None, by: Signature) -> PersonCorrection:
    """The order belongs to this trade (null: to none), with all that it filled. Raises InputError."""
    hand, order = _hand_with(ledger, order_id, by)
    if trade_id is None:
        if order.trade_id is None:
            raise InputError(f"order {order_id!r} belongs to no trade already", "--no-trade")
        hand.change(order, replace(order, trade_id=None))
        return _made(hand, PersonCorrectionKind.MOVE_ORDER, order_id, by)
    trade = hand.trade(trade_id)
    if order.trade_id is not None and normal_id(order.trade_id) == normal_id(trade.trade_id):
        raise InputError(f"order {order_id!r} belongs to trade {trade.trade_id!r} already", "--trade")
    if not same_instrument(order, trade):
        raise InputError(
            f"trade {trade.trade_id!r} is of {trade.symbol}, the order of {order.symbol}", "--trade"
        )
    hand.change(order, _in_trade(order, trade))
    return _made(hand, PersonCorrectionKind.MOVE_ORDER, order_id, by)


def set_action(ledger: Ledger, order_id: str, action: Action, by: Signature) -> PersonCorrection:
    """What the order does to its trade. Raises InputError."""
    hand, order = _hand_with(ledger, order_id, by)
    if order.action is action:
        raise InputError(f"order {order_id!r} is an {action} already", "--action")
    hand.change(order, replace(order, action=action))
    return _made(hand, PersonCorrectionKind.SET_ACTION, order_id, by)


# -- fills ------------------------------------------------------------------------------------------------------------


def book_fill(ledger: Ledger, order_id: str, fill: Fill, by: Signature) -> PersonCorrection:
    """An execution that the books lack; `fill.fill_id` empty: the venue's own id is not known. Raises InputError."""
    hand, order = _hand_with(ledger, order_id, by)
    qty = amount(checked_amount(fill.qty, "--book"))
    if qty <= 0:
        raise InputError("a fill has a quantity above zero", "--book")
    check_words(id=fill.fill_id or None, fee_currency=fill.fee_currency)
    if fill.filled_at is not None and to_ns(checked_time(fill.filled_at, "--at")) > to_ns(ledger.now()):
        raise InputError(f"{fill.filled_at} is yet to come: say when it was executed, in UTC", "--at")
    filled = add(amount(order.filled_qty), qty)
    whole = whole_qty(order)
    if whole is not None and exceeds(filled, whole):
        raise InputError(
            f"{text(filled)} of {order.qty} would be filled: an order fills no more than its quantity",
            "--book",
        )
    fill_id = fill.fill_id or f"person-{digest(hand.profile_id, order_id, str(order.version), fill.qty)[:16]}"
    named = checked(
        replace(
            fill,
            fill_id=fill_id,
            venue_order_id=order.venue_order_id,
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            side=order.side,
            filled_at=fill.filled_at or ledger.now(),
        )
    )
    known = {normal_id(one.fill_id): one for one in hand.fills_of(order)}
    stands = known.get(normal_id(fill_id))
    if stands is not None and amount(stands.qty) > 0:
        raise InputError(f"fill {fill_id!r} is booked already: {stands.qty} at {stands.price}", "--id")
    after = replace(
        order,
        filled_qty=text(filled),
        filled_avg_price=average_after(order, fill.qty, fill.price, booked=True),
        status=_status_with(order, filled),
    )
    hand.change(order, after, [] if stands is None else [stands], [named])
    return _made(hand, PersonCorrectionKind.BOOK_FILL, order_id, by)


def strike_fill(ledger: Ledger, order_id: str, fill_id: str, by: Signature) -> PersonCorrection:
    """An execution that never was, or was another order's. Raises InputError."""
    hand, order = _hand_with(ledger, order_id, by)
    booked = {normal_id(one.fill_id): one for one in hand.fills_of(order) if amount(one.qty) > 0}
    fill = booked.get(normal_id(fill_id))
    if fill is None:
        listed = ", ".join(one.fill_id for one in booked.values()) or "none"
        raise InputError(f"order {order_id!r} has no booked fill {fill_id!r}: there is {listed}", "--strike")
    rest = subtract(amount(order.filled_qty), amount(fill.qty))
    if rest < 0:
        raise InputError(f"the order says that it filled {order.filled_qty}, less than that fill", "--strike")
    after = replace(
        order,
        filled_qty=text(rest),
        filled_avg_price=average_after(order, fill.qty, fill.price, booked=False),
        status=_status_without(order, rest),
    )
    hand.change(order, after, [fill], [])
    return _made(hand, PersonCorrectionKind.STRIKE_FILL, order_id, by)


def _status_with(order: LocalOrder, filled: Decimal) -> Status:
    """An end stays an end, unless all of it filled."""
    whole = whole_qty(order)
    if whole is not None and not exceeds(whole, filled):
        return Status.FILLED
    return Status.PARTIALLY_FILLED if order.status is Status.PENDING_NEW else order.status


def _status_without(order: LocalOrder, rest: Decimal) -> Status:
    """An order that was filled has not ended any more: the next run asks the venue how it did."""
    if order.status not in (Status.FILLED, Status.PARTIALLY_FILLED):
        return order.status
    return Status.PARTIALLY_FILLED if rest > 0 else Status.PENDING_NEW


# -- trades -----------------------------------------------------------------------------------------------------------


def close_trade(ledger: Ledger, trade_id: str, by: Signature) -> PersonCorrection:
    """Its status only: what it holds is not held. Raises InputError, Conflict while an order of it is live."""
    hand, trade = _hand_with_trade(ledger, trade_id, by)
    if trade.status is TradeStatus.CLOSED:
        raise InputError(f"trade {trade_id!r} is closed already", "trade")
    live = [one for one in hand.orders_of(trade.trade_id) if one.status in LIVE]
    if live:
        raise Conflict(f"order {name_of(live[0])} of trade {trade_id!r} is live: set its end first")
    hand.set_trade(trade, replace(trade, status=TradeStatus.CLOSED, quarantined_by=None))
    return _made(hand, PersonCorrectionKind.CLOSE_TRADE, trade_id, by)


def split_trade(ledger: Ledger, trade_id: str, new_trade_id: str, by: Signature) -> PersonCorrection:
    """What left the trade beyond its entry becomes a trade of its own, on the other side. Raises InputError.

    The newest exits that are exactly the overrun move there. Where no whole orders are, a pair of orders that cancel
    each other transfers the part: an entry that fills up the trade, and the entry of the new one.
    """
    check_words(new=new_trade_id)
    hand, trade = _hand_with_trade(ledger, trade_id, by)
    if ledger.books.find_trade(new_trade_id, hand.profile_id):
        raise InputError(f"there is a trade {new_trade_id!r} already", "--split")
    beyond = subtract(amount(trade.exit_qty), amount(trade.entry_qty))
    if beyond <= 0:
        raise InputError(
            f"no more left trade {trade_id!r} than entered it: there is nothing to split off", "trade"
        )
    exits = _exits(hand, trade)
    moving = _that_make(beyond, exits)
    opened_at = next((one.submitted_at for one in moving or exits if one.submitted_at), ledger.now())
    other = PositionSide.SHORT if trade.side is PositionSide.LONG else PositionSide.LONG
    new = Trade(
        trade_id=new_trade_id, symbol=trade.symbol, side=other, status=TradeStatus.OPEN, opened_at=opened_at
    )
    hand.open_trade(new)
    for order in moving:
        hand.change(order, _in_trade(order, new))
    if not moving:
        price = exits[0].filled_avg_price if exits else None
        for into in (trade, new):
            order, fill = _transfer(hand, trade, into, text(beyond), price, ledger.now())
            hand.change(None, order, [], [fill])
    return _made(hand, PersonCorrectionKind.SPLIT_TRADE, trade_id, by)


def _exits(hand: Hand, trade: Trade) -> list[LocalOrder]:
    """Newest first. Raises InputError where one is called an exit and adds to the trade: there is no overrun then."""
    orders = [one for one in hand.orders_of(trade.trade_id) if amount(one.filled_qty) > 0]
    exits = [one for one in orders if action_of(one, trade) is Action.EXIT]
    for one in exits:
        if not reduces(one.side, trade):
            raise InputError(
                f"order {name_of(one)} is called an exit of the {trade.side} trade {trade.trade_id!r}, and is a"
                f" {one.side}: set its action first (--action entry)",
                "--split",
            )
    return sorted(exits, key=lambda one: 0 if one.submitted_at is None else to_ns(one.submitted_at))[::-1]


def _that_make(beyond: Decimal, exits: Sequence[LocalOrder]) -> list[LocalOrder]:
    """The newest whole orders that are exactly the overrun; else one that is; else none."""
    total = ZERO
    for count, order in enumerate(exits, start=1):
        total = add(total, amount(order.filled_qty))
        if is_same(total, beyond):
            return list(exits[:count])
    return next(([one] for one in exits if is_same(amount(one.filled_qty), beyond)), [])


def _transfer(
    hand: Hand, trade: Trade, into: Trade, qty: str, price: str | None, now: str
) -> tuple[LocalOrder, Fill]:
    """One of the two orders that cancel each other: nothing was sent to the venue."""
    own = digest(hand.profile_id, TRANSFER, trade.trade_id, str(trade.version), into.trade_id)[:16]
    side = Side.BUY if into.side is PositionSide.LONG else Side.SELL
    order = LocalOrder(
        client_order_id=f"{TRANSFER}-{own}",
        trade_id=into.trade_id,
        symbol=into.symbol,
        side=side,
        action=Action.ENTRY,
        order_type=TRANSFER,
        qty=qty,
        status=Status.FILLED,
        filled_qty=qty,
        filled_avg_price=price,
        submitted_at=now,
    )
    fill = Fill(
        fill_id=f"person-{own}",
        client_order_id=order.client_order_id,
        symbol=into.symbol,
        side=side,
        qty=qty,
        price=price,
        filled_at=now,
    )
    return order, fill


def _in_trade(order: LocalOrder, trade: Trade) -> LocalOrder:
    """What it does to the trade follows from the sides."""
    action = Action.EXIT if reduces(order.side, trade) else Action.ENTRY
    return replace(order, trade_id=trade.trade_id, action=action)


# -- the baseline -----------------------------------------------------------------------------------------------------


def set_baseline(ledger: Ledger, symbol: str, qty: str, by: Signature) -> PersonCorrection:
    """What the owner holds of the symbol besides the bots, signed: in the place of the configuration's.

    Raises InputError.
    """
    checked_amount(qty, "QTY", signed=True)
    check_words(symbol=symbol)
    known = ledger.journal.list_profiles()
    owners = [one.profile_id for one in known if by.profile_id in (None, one.profile_id)]
    if len(owners) != 1:
        raise InputError("say whose: --profile", "--profile")
    hand = Hand(ledger, owners[0], "")
    decision = Decision(
        decision_id="",
        kind=DecisionKind.SET_BASELINE,
        symbol=symbol,
        qty=text(amount(qty)),
        author=by.author,
        reason=by.reason,
        decided_at=ledger.now(),
    )
    return _made(hand, PersonCorrectionKind.SET_BASELINE, symbol, by, decisions=[decision])


# -- both -------------------------------------------------------------------------------------------------------------


def _hand_with(ledger: Ledger, order_id: str, by: Signature) -> tuple[Hand, LocalOrder]:
    """The one recorded order that has this id now. Raises InputError."""
    found = ledger.books.find_order(order_id, by.profile_id)
    wanted = normal_id(order_id)
    now = [
        one
        for one in found
        if wanted in {normal_id(one[1].venue_order_id or ""), known_client_id(one[1].client_order_id)}
    ]
    named = now or found
    if not named:
        raise InputError(
            f"no order {order_id!r} is recorded: `trueup export orders` lists them, and where it had that id before,"
            f" `trueup explain {order_id}` says what it is called now",
            "order",
        )
    owners = sorted({owner for owner, _ in named})
    if len(owners) > 1:
        raise InputError(f"several profiles know {order_id!r} ({', '.join(owners)}): say --profile", "order")
    if len(named) > 1:
        symbols = ", ".join(sorted(one.symbol or "?" for _, one in named))
        raise InputError(f"orders of {symbols} have the id {order_id!r}: name the client order id", "order")
    return _hand(ledger, owners[0]), named[0][1]


def _hand_with_trade(ledger: Ledger, trade_id: str, by: Signature) -> tuple[Hand, Trade]:
    owner, trade = find_one_trade(ledger, trade_id, by.profile_id)
    return _hand(ledger, owner), trade


def _hand(ledger: Ledger, profile_id: str) -> Hand:
    accounts = {one.profile_id: one.account_id for one in ledger.journal.list_profiles()}
    return Hand(ledger, profile_id, accounts.get(profile_id) or "")


def _made(
    hand: Hand,
    kind: PersonCorrectionKind,
    about: str,
    by: Signature,
    decisions: Sequence[Decision] = (),
) -> PersonCorrection:
    return hand.correction(
        kind, about, author=by.author, reason=by.reason, notify=by.notify, decisions=decisions
    )
