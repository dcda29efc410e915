"""What a person changes of the books, on its way through one transaction, and what was before it. Values only."""

from msgspec import Struct

from trueup.model.plan import Notification
from trueup.model.snapshot import Decision, Fill, LocalOrder, Trade
from trueup.model.vocabulary import PersonCorrectionKind

CORRECTION_FORMAT = "trueup.correction/1"
UNDOES = "undoes"  # in the changes of a logged correction: the run or the correction that it takes back


class OrderChange(Struct, frozen=True, kw_only=True):
    """One order. `before` null: it is added; `after` null: it is taken away with its fills.

    Fills are those that change: in both lists with other figures, in one of them booked or struck. `evidence`: of an
    order that a run had repaired, what its repair did, as digests (`model.repairs`).
    """

    before: LocalOrder | None
    after: LocalOrder | None
    fills_before: list[Fill] = []
    fills_after: list[Fill] = []
    evidence: tuple[str, ...] = ()


class TradeChange(Struct, frozen=True, kw_only=True):
    """The same of a trade."""

    before: Trade | None
    after: Trade | None
    evidence: tuple[str, ...] = ()


class PersonCorrection(Struct, frozen=True, kw_only=True):
    """What is shown first, and then written exactly so or not at all. `undoes`: the run or correction taken back.

    `about`: what a person called it. `decisions` are added, `revokes` (their ids) no longer stand. `reread_since`: from
    when on the venue's history is read again, for what is struck may stand there; null: as far as it was read.
    """

    format: str = CORRECTION_FORMAT
    correction_id: str
    profile_id: str
    kind: PersonCorrectionKind
    about: str
    author: str
    reason: str
    orders: list[OrderChange] = []
    trades: list[TradeChange] = []
    notifications: list[Notification] = []
    decisions: list[Decision] = []
    revokes: list[str] = []
    undoes: str | None = None
    reread_since: str | None = None


class PersonRecord(Struct, frozen=True, kw_only=True):
    """A correction that was written. `first_seq`, `last_seq`: its rows of the order log; null where it wrote none."""

    correction: PersonCorrection
    corrected_at: str
    first_seq: int | None
    last_seq: int | None


class LaterRow(Struct, frozen=True, kw_only=True):
    """A row of the order log that builds on one before it. `seq` null: the row was written past the log."""

    seq: int | None
    at: str | None = None
    event: str
    written_by: str


class Former(Struct, frozen=True, kw_only=True):
    """What one run or person wrote of one order or trade: as it was before, and as it stands. `later`: what was
    written of it since; null: nothing.
    """

    order: OrderChange | None = None  # `before`: as it stands; `after`: as it was
    trade: TradeChange | None = None
    later: LaterRow | None = None
