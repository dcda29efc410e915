"""`trueup.snapshot/1`: everything that one plan is made from. Amounts and times are text here (ADR 0001).

A snapshot is only ever made by `model.decode` (from bytes, checked) or by code that keeps the same rules;
the core trusts its texts. `gc=False` is sound because these values hold no cycles.
"""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct

from trueup.model.check_texts import TEXT_CHARS_MAX
from trueup.model.money import NOISE, ZERO, amount, multiply, subtract
from trueup.model.policy import Policy
from trueup.model.vocabulary import (
    Action,
    BreakKind,
    DecisionKind,
    Extent,
    Intent,
    LedgerFeature,
    Lists,
    LocalFaultKind,
    Outcome,
    PositionSide,
    QuarantinedBy,
    QueryBy,
    ReadFault,
    ReadState,
    Side,
    Status,
    TradeStatus,
)

SNAPSHOT_FORMAT = "trueup.snapshot/1"
NOT_READ = "not read"
Text = Annotated[
    str, Meta(max_length=TEXT_CHARS_MAX)
]  # an id, a symbol, a word, a reason: decoding bounds it


class Profile(Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """One bot of one account, whose orders are judged together."""

    profile_id: str
    user_id: str | None = None
    venue: str | None = None
    account_id: str | None = None


class Instrument(Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """One symbol's smallest quantity and price steps (text) and its quote currency; null: not known."""

    symbol: Text
    qty_step: str | None = None
    price_tick: str | None = None
    quote: Text | None = None


class LocalOrder(Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """One order as the bot recorded it. `last_activity_at`: the ledger's clock; `version` rises with every write.

    `by_notional`: ordered by an amount of money; its `qty` is an estimate until it ended.
    """

    client_order_id: Text | None = None
    venue_order_id: Text | None = None
    trade_id: Text | None = None
    sub_tag: Text | None = None
    symbol: Text | None = None
    side: Side
    action: Action | None = None
    order_type: Text | None = None
    qty: str | None = None
    limit_price: str | None = None
    stop_price: str | None = None
    status: Status
    filled_qty: str = "0"
    filled_avg_price: str | None = None
    submitted_at: str | None = None
    last_activity_at: str | None = None
    venue_updated_at: str | None = None
    previous_venue_order_ids: tuple[str, ...] = ()
    position_side: PositionSide | None = None
    by_notional: bool = False
    version: int = 1


class Fill(Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """One execution. Identity: (account, instrument, venue order id, fill id); `fee` may be negative (a rebate).

    `price_estimated`: the venue told none; the real one takes its place.
    """

    fill_id: Text
    venue_order_id: Text | None = None
    client_order_id: Text | None = None
    symbol: Text | None = None
    side: Side | None = None
    qty: str
    price: str | None = None
    fee: str | None = None
    fee_currency: Text | None = None
    filled_at: str | None = None
    inferred: bool = False
    price_estimated: bool = False


class Trade(Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """The bot's round trip."""

    trade_id: Text
    symbol: Text
    side: PositionSide
    status: TradeStatus
    entry_qty: str = "0"
    exit_qty: str = "0"
    entry_avg_price: str | None = None
    fee_base_qty: str = "0"
    quarantined_by: QuarantinedBy | None = None
    opened_at: str | None = None
    version: int = 1

    @property
    def open_qty(self) -> Decimal:
        """What it still holds: entry − exit − fees taken in the base currency. What floats leave is nothing."""
        entered, left = amount(self.entry_qty), amount(self.exit_qty)
        held = subtract(subtract(entered, left), amount(self.fee_base_qty))
        return held if abs(held) >= multiply(NOISE, max(entered, left)) else ZERO


class OtherOpenQty(Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """What the other profiles of the account hold of one symbol; `settled`: none of their orders there is in motion."""

    long: str = "0"
    short: str = "0"
    settled: bool = True


class OtherTrades(Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """Of which trades that is made: the open quantity of each, negative where more left it than entered."""

    long: tuple[str, ...] = ()
    short: tuple[str, ...] = ()


class VenueOrder(Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """One order as the venue reports it. `status` null = a word that is not known (see `raw_status`).

    `by_notional`: ordered by an amount of money; `qty` is then null, or the venue's figure once it ended.
    `end_derived`: the status is an end that the adapter concluded, not one that the venue named.
    """

    venue_order_id: Text | None
    client_order_id: Text | None = None
    symbol: Text | None = None
    side: Side | None = None
    order_type: Text | None = None
    qty: str | None = None
    limit_price: str | None = None
    stop_price: str | None = None
    status: Status | None = None
    raw_status: Text | None = None
    status_reason: Text | None = None
    intent: Intent | None = None
    position_side: PositionSide | None = None
    filled_qty: str | None = None
    filled_avg_price: str | None = None
    sub_tag: Text | None = None
    replaces: Text | None = None
    replaced_by: Text | None = None
    parent_venue_order_id: Text | None = None
    by_notional: bool = False
    end_derived: bool = False
    submitted_at: str | None = None
    updated_at: str | None = None


class LocalAnswer(Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """Answer to a local query. Found with `order` null: another profile of the account has it.

    `symbol`: its instrument, where there is no order to say it.
    """

    by: QueryBy
    id: str
    outcome: Outcome
    read_at: str | None = None
    order: LocalOrder | None = None
    error: str | None = None
    symbol: str | None = None


class VenueAnswer(Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """Answer to a query. `symbol`: the instrument that was asked about; null: the id alone was asked for."""

    by: QueryBy
    id: Text
    outcome: Outcome
    read_at: str | None = None
    order: VenueOrder | None = None
    error: Text | None = None
    symbol: str | None = None


class OrdersRead(Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """`error` is for people; `fault` says what kind of failure it was."""

    state: ReadState = ReadState.FAILED
    read_at: str | None = None
    rows: list[VenueOrder] = []
    error: str | None = None
    fault: ReadFault | None = None


class HistoryRead(Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """Orders by submission, fills by execution time, both from `since` on (null: from the beginning)."""

    state: ReadState = ReadState.FAILED
    read_at: str | None = None
    since: str | None = None
    orders: list[VenueOrder] = []
    fills: list[Fill] = []
    error: str | None = None
    fault: ReadFault | None = None


class Position(Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """Net quantity at the venue, signed (short < 0); `position_side` where the venue hedges."""

    symbol: Text
    qty: str
    avg_entry_price: str | None = None
    mark_price: str | None = None
    position_side: PositionSide | None = None


class PositionsRead(Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """`lists`: what a complete list names; where only what is held, a missing row is flat."""

    state: ReadState = ReadState.FAILED
    read_at: str | None = None
    rows: list[Position] = []
    error: str | None = None
    fault: ReadFault | None = None
    lists: Lists = Lists.ALL


class Decision(Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """What a person decided, with author, time and reason (ADR 0002). Orders are named by either id, `symbol` tells
    apart orders of several instruments that have one venue order id.

    `map_trade`: the order belongs to `trade_id`; `ignore_break`: `break_id` is no more than info before `until` (null:
    for good); `adopt_order`, `disown_order`: the venue order is, or is not, this profile's; `hold_repair`: a repair of
    the order (or trade) was undone, and is not made again while it would do only what `evidence` holds (digests);
    `set_baseline`: the owner holds `qty` (signed) of `symbol` besides the bots; `assign_break`: `owner` looks after
    the break.
    """

    decision_id: Text
    kind: DecisionKind
    venue_order_id: str | None = None
    client_order_id: str | None = None
    symbol: str | None = None
    trade_id: str | None = None
    break_id: str | None = None
    until: str | None = None
    evidence: tuple[str, ...] = ()
    qty: str | None = None
    owner: str | None = None
    author: Text
    reason: Text
    decided_at: str


class LocalFault(Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """A row of the bot's own books that is not judged, and why; told in every run while it stands."""

    kind: LocalFaultKind
    message: str
    row_key: str | None = None
    client_order_id: str | None = None
    venue_order_id: str | None = None
    trade_id: str | None = None
    symbol: str | None = None
    since: str | None = None


class Local(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The bot's side. `shared_client_order_ids` are those that several orders carry, so that they name none of them:
    worked out whenever a snapshot is read, whatever the document says.
    """

    read_at: str | None = None
    extent: Extent = Extent.ALL
    answers: list[LocalAnswer] = []
    orders: list[LocalOrder] = []
    fills: list[Fill] = []
    trades: list[Trade] = []
    other_profiles_open_qty: dict[str, OtherOpenQty] = {}
    other_profiles_trades: dict[str, OtherTrades] | None = None  # null: only the sums are known
    decisions: list[Decision] = []
    faults: list[LocalFault] = []  # of the bot's own books
    decimals: int | None = None  # after which the bot's own books cut amounts off; null: they keep them
    stops_keep_id: bool = (
        False  # the own books keep a stop and what it placed as one row, under the stop's id
    )
    mapped: bool = False  # a person said what their columns and words mean, and may be wrong
    unsupported: tuple[LedgerFeature, ...] = ()  # what the ledger's tables cannot hold (ADR 0002)
    shared_client_order_ids: tuple[str, ...] = ()


_UNREAD_ORDERS = OrdersRead(error=NOT_READ)
_UNREAD_HISTORY = HistoryRead(error=NOT_READ)
_UNREAD_POSITIONS = PositionsRead(error=NOT_READ)


class Venue(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The venue's side. `account_id`: whose account answered, in the venue's own words (null: it does not say);
    `recorded_account_id`: as recorded when the account was first read. Differing, nothing counts."""

    account_id: str | None = None
    recorded_account_id: str | None = None
    open_orders: OrdersRead = _UNREAD_ORDERS
    history: HistoryRead = _UNREAD_HISTORY
    positions: PositionsRead = _UNREAD_POSITIONS
    answers: list[VenueAnswer] = []


class Finding(Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """An open break as the next run sees it. `confirmations`: how often it was confirmed for this `version`."""

    break_id: str | None = None
    kind: BreakKind
    venue_order_id: str | None = None
    client_order_id: str | None = None
    trade_id: str | None = None
    first_seen_at: str
    last_seen_at: str
    confirmations: int = 0
    version: int | None = None


class Snapshot(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Both sides, what earlier runs found, the rules, and "now" (`taken_at`): all that `make_plan` looks at."""

    format: str
    taken_at: str
    profile: Profile
    policy: Policy = Policy()
    instruments: list[Instrument] = []
    local: Local
    venue: Venue = Venue()
    prior: list[Finding] = []
