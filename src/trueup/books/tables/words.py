"""What a bot's words mean, and which of its words says what we mean: the two directions of one table.

Read: a word that the mapping names means what it says there; any other is looked up among the words that many bots and
venues use (`exports.read_texts`). Written: only a word that the mapping names; a bot never meets a word of ours.
"""

from collections.abc import Mapping

from trueup.exports.read_texts import (
    read_action,
    read_position_side,
    read_side,
    read_status,
    read_trade_status,
    word,
)
from trueup.model.vocabulary import LIVE, Action, PositionSide, Side, Status, TradeStatus

WORDS_KEPT = 1024
OPEN, CLOSED = "open", "closed"  # words that say a status only together with the quantities
WORD_MEANINGS: Mapping[str, tuple[str, ...]] = {
    "status": (*Status, OPEN, CLOSED),
    "side": tuple(Side),
    "action": tuple(Action),
    "position_side": tuple(PositionSide),
    "order_type": (),
    "symbol": (),
    "profile": (),
}
_TRADE_WORDS: Mapping[str, tuple[str, ...]] = {"status": tuple(TradeStatus), "side": tuple(PositionSide)}
_SPELLINGS = (str, str.upper, str.capitalize, str.title)  # how programs write their words
_LIVE_WORDS = (
    *LIVE, OPEN, "new", "accepted", "held", "pending", "active", "working", "submitted", "live", "untriggered",
    "created", "accepted_for_bidding", "pending_review", "done_for_day", "stopped", "partial", "partial_fill",
    "partially_fill", "filled_partially", "canceling", "cancelling", "calculated", "placed",
)  # fmt: skip


def check_word(table: str, meaning: str, ours: str) -> str | None:
    """What is wrong with mapping a word to `ours`; null where nothing is."""
    known = (_TRADE_WORDS if table == "trades" else WORD_MEANINGS).get(meaning)
    if known is None:
        known = WORD_MEANINGS.get(meaning)
    if known is None:
        return f"{meaning} has no words"
    if known and ours not in known:
        return f"expected one of {', '.join(known)}"
    return None


class Words:
    """The words of one column. `said` is what the mapping says of them."""

    def __init__(self, said: Mapping[str, str]) -> None:
        self.said = said
        self._known = {word(one): ours for one, ours in said.items()}
        self._mapped: dict[str, str] = {}  # columns of words hold few, each in many rows

    def mapped(self, text: str) -> str:
        """The mapping's meaning of a word, else the word."""
        found = self._mapped.get(text)
        if found is None:
            found = self._known.get(word(text), text)
            if len(self._mapped) < WORDS_KEPT:
                self._mapped[text] = found
        return found

    def status(self, text: str, qty: str | None, filled_qty: str | None) -> Status | None:
        """Null where the word means nothing certain."""
        try:
            return read_status(self.mapped(text), qty, filled_qty)
        except KeyError:
            return None

    def side(self, text: str) -> Side:
        """Raises ValueError."""
        return read_side(self.mapped(text))

    def action(self, text: str) -> Action | None:
        return read_action(self.mapped(text))

    def position_side(self, text: str) -> PositionSide | None:
        """Raises ValueError."""
        return read_position_side(self.mapped(text))

    def trade_status(self, text: str) -> TradeStatus:
        """Raises ValueError."""
        return read_trade_status(self.mapped(text))

    def to_write(self, ours: str) -> str | None:
        """The bot's word for one of ours; null where the mapping names none. The first that is named is taken."""
        for meaning in _fallbacks(ours):
            for said, mapped in self.said.items():
                if mapped == meaning:
                    return said
        return None

    def raw_of(self, ours: str) -> list[str]:
        """Every word that means `ours`: what a column is searched for."""
        return [said for said, mapped in self.said.items() if mapped == ours] or [ours]

    def live(self) -> list[str]:
        """Every word that may say of an order that it is live: what the live rows are found by."""
        mapped = [said for said, ours in self.said.items() if ours in (*LIVE, OPEN)]
        known = [one for one in _LIVE_WORDS if one not in self._known]
        spelled = [spell(form) for one in known for form in _forms(one) for spell in _SPELLINGS]
        humps = [form for one in known if "_" in one for form in _humps(one)]
        said = [spell(one) for one in mapped for spell in (*_SPELLINGS, str.lower)]  # case says nothing
        return list(dict.fromkeys([*mapped, *said, *spelled, *humps]))


def _forms(one: str) -> tuple[str, ...]:
    return (one, one.replace("_", "-"), one.replace("_", " ")) if "_" in one else (one,)


def _humps(one: str) -> tuple[str, str]:
    """As read by `exports.read_texts`: `PartiallyFilled`, `partiallyFilled`."""
    joined = one.title().replace("_", "")
    return joined, joined[0].lower() + joined[1:]


def _fallbacks(ours: str) -> tuple[str, ...]:
    """What says the same of an order, best first: a bot may have one word for all that is live, or ended."""
    if ours == Status.PARTIALLY_FILLED:
        return (ours, Status.PENDING_NEW, OPEN)
    if ours == Status.PENDING_NEW:
        return (ours, OPEN)
    if ours in (Status.FILLED, Status.CANCELED):
        return (ours, CLOSED)
    if ours in (Status.EXPIRED, Status.REJECTED):
        return (ours, Status.CANCELED, CLOSED)
    return (ours,)


def word_meaning(meaning: str, said: str) -> str | None:
    """What everybody means by a word, as a mapping says it; null where nothing is certain."""
    words = Words({})
    if meaning == "status":
        known = word(said)
        if known in (OPEN, CLOSED):
            return known
        found = words.status(said, "1", "0")
        return None if found is None else str(found)
    try:
        if meaning == "side":
            return str(words.side(said))
        if meaning == "position_side":
            return str(words.position_side(said) or "") or None
    except ValueError:
        return None
    action = words.action(said)
    return None if action is None else str(action)
