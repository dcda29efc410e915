"""What the exchanges' own status words mean, and what follows where ccxt's word says something else.

ccxt keeps the exchange's record (`info`) beside its own status, which it sometimes derives, flattens or gets wrong.
Where both are known and contradict each other, neither is believed (null): the order is asked about again, or named.
Where the exchange's word only says more (expired, for ccxt's canceled), it counts. The table holds every word of the
status tables of ccxt 4.5.90 that means one thing wherever it is used; `done`, `triggered`, `suspended` and the like
mean different things and say nothing but where one exchange's meaning is known. Must not know of quantities.
"""

import re
from enum import StrEnum

from trueup.model.vocabulary import TERMINAL, Status


class Own(StrEnum):
    """What an exchange's own word says."""

    LIVE = "live"
    PARTLY = "partly"  # live, with fills
    CANCELING = "canceling"
    REPLACING = "replacing"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    REPLACED = "replaced"


_WORDS = {
    Own.LIVE: "new open active live placed orderplaced accepted working pending pendingnew pendingcreate submitted "
    "booked unfilled wait queued inqueue enteredbook held nottriggered nottrigger awaitingtrigger untriggered "
    "untouched ordernew orderinserted orderstatusplaced incomplete unfinished executing running triggerpending "
    "doneforday acceptedforbidding childpending statusactive progress watch notactivation init",
    Own.PARTLY: "partiallyfilled partialfilled partialfill partiallyfill partial part pfilled partiallymatched "
    "partiallycompleted partiallyexecuted orderpartiallytransacted partiallyeffective",
    Own.CANCELING: "canceling cancelling pendingcancel cancelpending besteffortcanceled cancelsent cancelallsent",
    Own.REPLACING: "pendingreplace",
    Own.FILLED: "filled fullyfilled fullfill filledfully fullyexecuted fullymatched orderfullytransacted",
    Own.CANCELED: "canceled cancelled ordercanceled ordercancelled orderstatuscancelled cancel autocancelled "
    "partialcanceled partialcancelled partiallycanceled partiallycancelled partiallyfilledcanceled "
    "partiallyfilledcancelled partfilledcancelled partiallyfilledandcancelled canceledunfilled "
    "canceledpartiallyfilled filledclosed userrevocation mmpcanceled margincanceled fillorkillcanceled "
    "ioccanceled postonlycanceled parentcancelled stpcancelled canceledioc canceledfok canceledpostonly "
    "canceledauction canceledselftradeprevention canceledmarketprotection canceledselftrade canceledreduceonly "
    "canceledoco canceledchild canceledliquidation cancelednotenoughliquidity canceledtoomuchslippage scheduledcancel",
    Own.EXPIRED: "expired orderexpired expiredinmatch canceledexpired partiallyfilledandexpired",
    Own.REJECTED: "rejected filledrejected failexecute failtrigger triggerfailed insufficientfunds "
    "insufficientliquidity failed canceledmarginnotallowed canceledpositionnotallowed platformrevocation "
    "delegationfailed",
    Own.REPLACED: "replaced",
}
# Words, and numbers, that mean "all of it filled" at these: their documentation has others for what was canceled.
_FILLED_AT = {
    "bitflyer": "completed", "bitget": "executed", "bithumb": "completed done", "bitso": "completed",
    "bitstamp": "finished", "bitteam": "executed", "btcturk": "closed", "btse": "4", "bydfi": "2",
    "cryptomus": "completed", "delta": "closed", "digifinex": "2", "htx": "6", "kraken": "closed",
    "latoken": "orderstatusclosed", "lbank": "2", "mexc": "3", "modetrade": "completed", "mudrex": "completed",
    "tokocrypto": "2", "upbit": "done", "woo": "completed", "woofipro": "completed",
}  # fmt: skip
_FILLED_WORDS = {venue: frozenset(tokens.split()) for venue, tokens in _FILLED_AT.items()}
# Numbers that mean "live" at these, where ccxt calls a market order closed whatever its state (BTSE: inserted, trigger
# inserted, trigger activated, amended; not "partly transacted", which dust leaves behind).
_LIVE_NUMBERS = {"btse": frozenset({"2", "9", "10", "123"})}
# Words that say only that an order ended, all of it filled or not, and that ccxt passes on as they are.
ENDED_WORDS = frozenset({("luno", "complete")})
OWN_WORDS: dict[str, Own] = {token: own for own, tokens in _WORDS.items() for token in tokens.split()}

_NEGATIVE = re.compile(r"-\d+")  # a code of its own, not the positive one in another spelling
_LIVE = frozenset({Own.LIVE, Own.PARTLY, Own.CANCELING, Own.REPLACING})
# A live order whose word says more than ccxt's "open"; what an ended one's says more than ccxt's "canceled".
_REFINED = {
    Own.CANCELING: Status.PENDING_CANCEL,
    Own.REPLACING: Status.PENDING_REPLACE,
    Own.CANCELED: Status.CANCELED,
    Own.EXPIRED: Status.EXPIRED,
    Own.REJECTED: Status.REJECTED,
    Own.REPLACED: Status.REPLACED,
}

# An exchange's word that its documentation defines, where ccxt reads it as something else: null = it says nothing.
DEFINED: dict[tuple[str, str], Status | None] = {
    ("coinone", "partiallycanceled"): Status.CANCELED,  # "canceled after part of it was executed"
    ("foxbit", "partiallycanceled"): Status.CANCELED,
    ("bybit", "partiallyfilledcanceled"): Status.CANCELED,  # of spot: "partially filled and cancelled"
    (
        "alpaca",
        "calculated",
    ): None,  # "completed for the day, settlement calculations are pending": filled or not
    ("alpaca", "suspended"): Status.SUSPENDED,
    ("mexc", "5"): Status.REJECTED,  # of contracts: "invalid"
}

# The same of a conditional order's own numbers, which mean something else than an ordinary order's, where ccxt reads
# all as the latter's (HTX's history of triggers, of stops and targets). Replaced: it triggered, and placed an order.
CONDITIONAL_ENDS: dict[tuple[str, str], Status] = {
    ("htx", "4"): Status.REPLACED,
    ("htx", "5"): Status.REJECTED,
    ("htx", "6"): Status.CANCELED,
}


def own_word(said: str | None, venue: str = "") -> Own | None:
    """What the word of this exchange's family says; null where it is none, or not one of a single meaning."""
    token = word_token(said)
    if token in _LIVE_NUMBERS.get(venue, ()):
        return Own.LIVE
    return Own.FILLED if token in _FILLED_WORDS.get(venue, ()) else OWN_WORDS.get(token)


def word_token(said: str | None) -> str:
    """`Partially-Filled` as `partiallyfilled`."""
    text = (said or "").strip().lower()
    return text if _NEGATIVE.fullmatch(text) else re.sub(r"[^a-z0-9]+", "", text)


def end_of(own: Own | None) -> Status | None:
    """The end that the exchange's word names, where ccxt's is none of its own (hitbtc's `failed` for an expired order).

    Not `filled`, which only quantities prove.
    """
    return None if own is None or own in _LIVE else _REFINED.get(own)


def settle(theirs: Status | None, own: Own | None) -> Status | None:
    """ccxt's status (null: it says nothing), settled with the exchange's own word; null where they contradict."""
    if theirs is None or own is None:
        return theirs
    if (own in _LIVE) is (theirs in TERMINAL):
        return None
    if own in _LIVE:
        refined = _REFINED.get(own)
        return refined if refined is not None else theirs
    if own is Own.FILLED:
        return theirs if theirs is Status.FILLED else None
    if theirs is Status.FILLED:
        return None
    finer = _REFINED[own]  # ccxt takes the early ends for one another
    return theirs if finer is Status.CANCELED else finer
