"""A person's correction, as it was shown: orders, fills, trades, log, decisions and outbox in one transaction.

Every row must stand exactly as it was shown, or nothing is written. Afterwards each trade moved by what its orders
moved (invariant I3). What is to change is the caller's; this compares and writes.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec.structs import replace

from trueup.engine.recorder.late_trade import action_of
from trueup.ledgers.journal.decisions import write_decision, write_revocation
from trueup.ledgers.journal.journal_rows import encode, write_notifications
from trueup.ledgers.journal.order_log import PERSON
from trueup.ledgers.journal.person_corrections import keep_correction
from trueup.ledgers.journal.write_log import SqlOrderLog
from trueup.ledgers.sql.database import Database
from trueup.ledgers.sql.home import Home, home_of
from trueup.ledgers.sql.rows import canonical_fill, canonical_order, canonical_trade, fill_identity
from trueup.model.errors import Conflict, InputError, InvariantError
from trueup.model.ids import known_client_id, known_id, normal_id
from trueup.model.money import ZERO, add, amount, exceeds, subtract
from trueup.model.plan import Correction
from trueup.model.reasons import Reason
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.model.vocabulary import Action, PersonCorrectionKind
from trueup.ports.book_rows import BookRows, FillRow, OrderRow, OrderWrite, TradeRow, TradeWrite, WantedRows
from trueup.ports.books import Books
from trueup.ports.people import UNDOES, OrderChange, PersonCorrection, TradeChange

EVENT = "corrected_by_person"
UNDONE = "undone"
_STALE = "the books have moved since this was shown: nothing was written; look again"

Excess = dict[str, tuple[Decimal, Decimal]]  # by trade: what it says beyond its orders, entered and left


def write_correction(database: Database, books: Books, made: PersonCorrection) -> None:
    """Raises Conflict where anything moved, InputError for books that mirror a bot's own, InvariantError."""
    with database.transaction():
        home = home_of(database, made.profile_id)
        first_seq = home.log_head.seq + 1
        if made.orders or made.trades:
            _refuse_mirror(database, made.profile_id)
            _Writing(database, books, home, made).write()
        for decision in made.decisions:
            write_decision(database, made.profile_id, replace(decision, decided_at=home.place.now))
        for decision_id in made.revokes:
            write_revocation(database, decision_id, home.place.now, made.author, made.reason)
        if made.reread_since is not None:
            database.write("forget_watermarks", made.profile_id, made.reread_since)
        if made.notifications:
            told = encode(made.notifications)
            write_notifications(
                database, made.profile_id, told, home.place.now, f"{PERSON}{made.correction_id}"
            )
        last_seq = home.log_head.seq
        wrote = (first_seq, last_seq) if last_seq >= first_seq else (None, None)
        keep_correction(database, made, home.place.now, *wrote)


def _refuse_mirror(database: Database, profile_id: str) -> None:
    """What the bot's own row says is the truth of a mirror: it would be laid over the correction at once."""
    if database.rows("has_foreign_rows", profile_id)[0][0]:
        raise InputError(
            f"the books of {profile_id} mirror the bot's own tables: correct the bot's row there, and the next"
            " run takes it in",
            "profile",
        )


class _Writing:
    """One correction's rows. The caller holds the transaction."""

    def __init__(self, database: Database, books: Books, home: Home, made: PersonCorrection) -> None:
        self._database = database
        self._books = books
        self._home = home
        self._made = made
        self._rows = books.rows(home.place, _wanted(made))

    def write(self) -> None:
        made, home = self._made, self._home
        orders = [self._order_write(one) for one in made.orders]
        trades = [self._trade_write(one) for one in made.trades]
        named = {_trade_key(one) for one in made.trades}
        before = self._excess(made.trades, of_before=True)
        event = UNDONE if made.kind is PersonCorrectionKind.UNDO else EVENT
        written_by = PERSON + made.author
        log = SqlOrderLog(self._database, home, event=event, written_by=written_by, reason=made.reason)
        self._books.write(home.place, orders, trades, log)
        self._check_named(named)
        self._check_fills(orders)
        after = self._excess(made.trades, of_before=False)
        for key in after.keys() & before.keys():
            if after[key] != before[key]:
                raise InvariantError(
                    f"trade {key} would not be the sum of its orders: nothing was written; report it"
                )
        for key in after.keys() - before.keys():
            if after[key] != (ZERO, ZERO):
                raise InvariantError(
                    f"trade {key} would begin with what no order filled: nothing was written"
                )

    def _order_write(self, change: OrderChange) -> OrderWrite:
        stands = self._standing(change.before) if change.before is not None else None
        logged = [self._logged(change.before or change.after)]
        if change.after is None:
            if stands is None:
                raise Conflict(_STALE)
            gone = replace(stands.order, version=stands.order.version + 1)
            fills = [row for row in self._rows.fills if row.order_key == stands.order_key]
            return OrderWrite(stands, gone, corrections=logged, dropped_fills=fills, removes=True)
        version = 1 if stands is None else stands.order.version + 1
        after = replace(canonical_order(change.after), version=version, last_activity_at=self._home.place.now)
        booked = {} if stands is None else self._booked(stands, change)
        wanted = {normal_id(one.fill_id): canonical_fill(one) for one in change.fills_after}
        return OrderWrite(
            stands,
            after,
            new_fills=[(fill_identity(one, after), one) for key, one in wanted.items() if key not in booked],
            amended_fills=[(booked[key], one) for key, one in wanted.items() if key in booked],
            corrections=logged,
            dropped_fills=[row for key, row in booked.items() if key not in wanted],
        )

    def _standing(self, shown: LocalOrder) -> OrderRow:
        for row in self._rows.orders:
            if row.order == shown and row.profile_id == self._made.profile_id:
                return row
        raise Conflict(_STALE)

    def _booked(self, stands: OrderRow, change: OrderChange) -> dict[str, FillRow]:
        """The rows of the fills that change, as they were shown."""
        own = {one.fill_identity: one for one in self._rows.fills if one.order_key == stands.order_key}
        shown = {normal_id(one.fill_id): one for one in change.fills_before}
        if any(key not in own or own[key].fill != fill for key, fill in shown.items()):
            raise Conflict(_STALE)
        return {key: own[key] for key in shown}

    def _trade_write(self, change: TradeChange) -> TradeWrite:
        stands = None if change.before is None else self._standing_trade(change.before)
        logged = [self._logged(change.before or change.after)]
        if change.after is None:
            if stands is None:
                raise Conflict(_STALE)
            gone = replace(stands.trade, version=stands.trade.version + 1)
            return TradeWrite(stands, gone, logged, removes=True)
        version = 1 if stands is None else stands.trade.version + 1
        if stands is None and _row_of(self._rows, change.after.trade_id) is not None:
            raise Conflict(_STALE)
        return TradeWrite(stands, canonical_trade(replace(change.after, version=version)), logged)

    def _standing_trade(self, shown: Trade) -> TradeRow:
        row = _row_of(self._rows, shown.trade_id)
        if row is None or row.trade != shown:
            raise Conflict(_STALE)
        return row

    def _logged(self, subject: LocalOrder | Trade | None) -> Correction:
        """What the log says of it: a person's word, of its own kind."""
        made = self._made
        order = subject if isinstance(subject, LocalOrder) else None
        return Correction(
            correction_id=made.correction_id,
            break_id="",
            kind=made.kind,  # type: ignore[arg-type]  # a person's kinds are none of a run's
            reason=Reason.DECIDED_BY_PERSON,
            client_order_id=None if order is None else order.client_order_id,
            venue_order_id=None if order is None else order.venue_order_id,
            trade_id=None if subject is None else subject.trade_id,
            expected_version=0 if subject is None else subject.version,
            changes=None if made.undoes is None else {UNDOES: made.undoes},
        )

    def _excess(self, trades: Iterable[TradeChange], *, of_before: bool) -> Excess:
        """What each trade says beyond its orders (legacy quantity), before or after this write."""
        found: Excess = {}
        for change in trades:
            trade = change.before if of_before else change.after
            if trade is None:
                continue
            orders = self._books.orders_of_trade(self._made.profile_id, trade.trade_id)
            found[normal_id(trade.trade_id)] = _beyond(trade, orders)
        return found

    def _check_named(self, named: set[str]) -> None:
        """A recorded trade whose order moves is in the correction, too."""
        for change in self._made.orders:
            filled = {
                (known_id(one.trade_id), one.filled_qty) for one in (change.before, change.after) if one
            }
            keys = {key for key, _ in filled if key is not None and key not in named}
            if len(filled) > 1 and any(_row_of(self._rows, key) is not None for key in keys):
                raise InvariantError(
                    "an order would move, and its trade would not: nothing was written; report it"
                )

    def _check_fills(self, orders: Sequence[OrderWrite]) -> None:
        """The fills of an order name at most what it has filled, or no more beyond it than they did."""
        for write in orders:
            if write.removes:
                continue
            before = write.before
            own = [] if before is None else [r for r in self._rows.fills if r.order_key == before.order_key]
            gone = {row.fill_identity for row in (*write.dropped_fills, *(r for r, _ in write.amended_fills))}
            kept = [row.fill for row in own if row.fill_identity not in gone]
            stands = [*kept, *(fill for _, fill in (*write.new_fills, *write.amended_fills))]
            was_beyond = ZERO if before is None else _named_beyond([r.fill for r in own], before.order)
            if exceeds(_named_beyond(stands, write.after), max(ZERO, was_beyond)):
                name = write.after.client_order_id or write.after.venue_order_id
                raise InvariantError(
                    f"order {name}: its fills would come to more than it filled; nothing was written"
                )


def _wanted(made: PersonCorrection) -> WantedRows:
    orders = [one for change in made.orders for one in (change.before, change.after) if one is not None]
    trades = [one for change in made.trades for one in (change.before, change.after) if one is not None]
    venue_ids = {known_id(one.venue_order_id) for one in orders}
    client_ids = {known_client_id(one.client_order_id) for one in orders}
    named = [*(one.trade_id for one in trades), *(one.trade_id for one in orders)]
    return WantedRows(
        venue_ids=[one for one in venue_ids if one is not None],
        client_ids=[one for one in client_ids if one is not None],
        trade_ids=sorted({normal_id(one) for one in named if one is not None}),
        fill_identities=[],
    )


def _row_of(rows: BookRows, trade_id: str) -> TradeRow | None:
    wanted = normal_id(trade_id)
    return next((row for row in rows.trades if normal_id(row.trade.trade_id) == wanted), None)


def _trade_key(change: TradeChange) -> str:
    trade = change.before or change.after
    return "" if trade is None else normal_id(trade.trade_id)


def _beyond(trade: Trade, orders: Iterable[LocalOrder]) -> tuple[Decimal, Decimal]:
    sums: dict[Action, Decimal] = defaultdict(lambda: ZERO)
    for order in orders:
        action = action_of(order, trade)
        sums[action] = add(sums[action], amount(order.filled_qty))
    return (
        subtract(amount(trade.entry_qty), sums[Action.ENTRY]),
        subtract(amount(trade.exit_qty), sums[Action.EXIT]),
    )


def _named_beyond(fills: Iterable[Fill], order: LocalOrder) -> Decimal:
    """By how much the fills name more than the order filled; negative where they name less (legacy quantity)."""
    named = ZERO
    for fill in fills:
        named = add(named, amount(fill.qty))
    return subtract(named, amount(order.filled_qty))
