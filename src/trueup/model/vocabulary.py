"""Closed vocabularies. Stored and printed by value; a value is never renamed."""

from enum import StrEnum


class Side(StrEnum):
    """Side of an order or fill. `short` is read as `sell` (a sale that opens)."""

    BUY = "buy"
    SELL = "sell"

    @classmethod
    def _missing_(cls, value: object) -> "Side | None":
        return cls.SELL if value == "short" else None


class PositionSide(StrEnum):
    """Which way a trade or a hedged position holds."""

    LONG = "long"
    SHORT = "short"


class Action(StrEnum):
    """What an order does to its trade."""

    ENTRY = "entry"
    EXIT = "exit"


class Intent(StrEnum):
    """What the venue says that an order does to the position."""

    OPEN = "open"
    CLOSE = "close"


class Status(StrEnum):
    """Canonical order status. `new`, `accepted`, `open` and `held` are read as `pending_new`."""

    PENDING_NEW = "pending_new"
    PARTIALLY_FILLED = "partially_filled"
    PENDING_CANCEL = "pending_cancel"
    PENDING_REPLACE = "pending_replace"
    SUSPENDED = "suspended"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    REPLACED = "replaced"

    @classmethod
    def _missing_(cls, value: object) -> "Status | None":
        return cls.PENDING_NEW if value in ("new", "accepted", "open", "held") else None


TERMINAL = frozenset({Status.FILLED, Status.CANCELED, Status.EXPIRED, Status.REJECTED, Status.REPLACED})
TRANSITIONAL = frozenset({Status.PENDING_CANCEL, Status.PENDING_REPLACE})
LIVE = frozenset(Status) - TERMINAL
# Ended with less than its quantity, and no other order goes on in its place: the executor is told it as a cancel.
CUT_SHORT = frozenset({Status.CANCELED, Status.EXPIRED, Status.REJECTED})


class TradeStatus(StrEnum):
    """`quarantined`: its quantities are in doubt, and nothing closes it until it is released."""

    OPEN = "open"
    CLOSED = "closed"
    QUARANTINED = "quarantined"


class QuarantinedBy(StrEnum):
    """Who did it; only what parity quarantined is released without a person."""

    PARITY = "parity"
    PERSON = "person"


class ReadState(StrEnum):
    """A failed read proves nothing; a partial one proves nothing by what it lacks."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"


class Extent(StrEnum):
    """How much of the ledger the snapshot's local side holds."""

    ALL = "all"
    OPEN_AND_RECENT = "open_and_recent"


class LedgerFeature(StrEnum):
    """What not every ledger's tables can hold."""

    SUB_TAG = "sub_tag"
    EXIT_AUDIT = "exit_audit"


class LocalFaultKind(StrEnum):
    """Why a row of the bot's own books is not judged."""

    ROW_REMOVED = "row_removed"  # it was live, and is gone
    ROW_UNCLEAR = "row_unclear"  # it says nothing certain
    WRITE_REFUSED = "write_refused"  # a correction could not be written to it, for good
    TRADE_ROW_DIFFERS = "trade_row_differs"  # a trade's own row says something else than its orders come to


class DecisionKind(StrEnum):
    """What a person decided; the plan takes it as evidence."""

    MAP_TRADE = "map_trade"
    IGNORE_BREAK = "ignore_break"
    ADOPT_ORDER = "adopt_order"
    DISOWN_ORDER = "disown_order"
    HOLD_REPAIR = "hold_repair"
    SET_BASELINE = "set_baseline"
    ASSIGN_BREAK = "assign_break"


class PersonCorrectionKind(StrEnum):
    """What a person corrects of the books; none of them is a run's."""

    SET_END = "set_end"
    MOVE_ORDER = "move_order"
    SET_ACTION = "set_action"
    BOOK_FILL = "book_fill"
    STRIKE_FILL = "strike_fill"
    CLOSE_TRADE = "close_trade"
    SPLIT_TRADE = "split_trade"
    SET_BASELINE = "set_baseline"
    UNDO = "undo"


class QueryBy(StrEnum):
    """What a question names: one order by either id, or a stretch of the history."""

    VENUE_ORDER_ID = "venue_order_id"
    CLIENT_ORDER_ID = "client_order_id"
    HISTORY = "history"


class QuerySide(StrEnum):
    """Whom a question is for: the venue, or our own ledger beyond what the snapshot holds."""

    VENUE = "venue"
    LOCAL = "local"


class Outcome(StrEnum):
    """Answer to a query. `absent`: said with authority; anything else that is not `found` is `unknown`."""

    FOUND = "found"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Lists(StrEnum):
    """What a complete list of positions names: everything tradable, or only what is held."""

    ALL = "all"
    HELD = "held"


class OnConfirmedAbsence(StrEnum):
    """What becomes of a live local order that the venue was proven not to have; `hold`: it is told only."""

    CANCEL = "cancel"
    HOLD = "hold"


class ParityAction(StrEnum):
    """What is done where the venue holds less than the open trades, once that is confirmed."""

    REPORT = "report"
    QUARANTINE = "quarantine"
    AUTO_CLOSE = "auto_close"


class Severity(StrEnum):
    """How loud: `error` is for a person, now; `warn` for a person, some time; `info` is for the record."""

    INFO = "info"
    WARN = "warn"
    ERROR = "error"


class AlertCause(StrEnum):
    """What decides something beyond being told."""

    CIRCUIT_BREAKER = "circuit_breaker"  # nothing of the plan is applied unseen
    WATCHDOG = "watchdog"  # throttled by itself
    OTHER = "other"


class ReadFault(StrEnum):
    """Why a venue's read failed, as far as it says what a person can do."""

    CREDENTIALS = "credentials"
    UNREACHABLE = "unreachable"
    NOT_GIVEN = "not_given"  # an audit of files was given none: nothing failed, and nothing is proven


class BreakKind(StrEnum):
    """What two sides disagree about; docs/reference/reasons.md says what each means and what mends it."""

    STATUS_DRIFT = "status_drift"
    FILL_DRIFT = "fill_drift"
    TERMS_DRIFT = "terms_drift"
    MISSING_AT_VENUE = "missing_at_venue"
    MISSING_LOCALLY = "missing_locally"
    REOPENED = "reopened"
    RESURRECTED = "resurrected"
    VENUE_BEHIND = "venue_behind"
    OVERFILL = "overfill"
    IDENTITY_CONFLICT = "identity_conflict"
    FOREIGN_ORDER = "foreign_order"
    UNMAPPED_INSTRUMENT = "unmapped_instrument"
    PRICE_MISSING = "price_missing"
    UNCOVERED_ORDER = "uncovered_order"
    MISSING_EXIT = "missing_exit"
    POSITION_MISMATCH = "position_mismatch"
    SUB_TAG_MISSING = "sub_tag_missing"
    TRADE_OVERRUN = "trade_overrun"
    TRADE_DRIFT = "trade_drift"
    POSITION_UNKNOWN = "position_unknown"
    IDS_INCOMPLETE = "ids_incomplete"
    AVERAGE_DRIFT = "average_drift"
    FILLS_CONTRADICT = "fills_contradict"
    ROW_REMOVED = "row_removed"
    ROW_UNCLEAR = "row_unclear"
    WRITE_REFUSED = "write_refused"
    TRADE_ROW_DIFFERS = "trade_row_differs"
    MAPPING_DOUBTFUL = "mapping_doubtful"
    END_UNKNOWN = "end_unknown"
    REPAIR_UNDONE = "repair_undone"


class DeferralReason(StrEnum):
    """Why an order is judged in a later run."""

    RECENT_ACTIVITY = "recent_activity"
    RECENTLY_SUBMITTED = "recently_submitted"
    OPEN_ORDERS_INCOMPLETE = "open_orders_incomplete"
    QUERY_BUDGET = "query_budget"
    QUERY_OPEN = "query_open"
    MASS_ABSENCE = "mass_absence"
    ACCOUNT_CHANGED = "account_changed"
    NOT_SETTLED = "not_settled"


class CorrectionKind(StrEnum):
    """What a correction does to the books."""

    AMEND_ORDER = "amend_order"
    BOOK_FILL = "book_fill"
    SUPERSEDE_FILL = "supersede_fill"
    SET_STATUS = "set_status"
    INSERT_ORDER = "insert_order"
    INSERT_EXIT = "insert_exit"
    BIND_IDS = "bind_ids"
    SET_SUB_TAG = "set_sub_tag"
    QUARANTINE_TRADE = "quarantine_trade"
    CLOSE_TRADE = "close_trade"
    RELEASE_TRADE = "release_trade"
    AMEND_FILL = "amend_fill"


class NotificationKind(StrEnum):
    """What the executor is told of."""

    ENTRY_FILL = "entry_fill"
    EXIT_FILL = "exit_fill"
    CANCEL = "cancel"
    DISCOVERED = "discovered"
    AMENDED = "amended"
    QUARANTINED = "quarantined"
    RELEASED = "released"
    CLOSED = "closed"
