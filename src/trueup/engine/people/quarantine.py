"""A person takes a trade out of the bot's hands, or gives it back: one logged write with author and reason.

What parity quarantined it releases by itself; what a person quarantined only a person releases. Either way the bot is
told, and `Recorder.may_trade` answers from the same row. Must not know how a bot obeys.
"""

from collections.abc import Callable

from msgspec.structs import replace

from trueup.engine.people.words import check_words
from trueup.engine.recorder.late_trade import has_unfilled_entry, level, settled_by
from trueup.model.errors import Conflict, InputError
from trueup.model.ids import digest, known_id, trade_notification_id_of
from trueup.model.plan import Notification
from trueup.model.snapshot import Trade
from trueup.model.vocabulary import NotificationKind, QuarantinedBy, TradeStatus
from trueup.ports.books import LocalRecord
from trueup.ports.ledger import Ledger

Change = Callable[[LocalRecord, str], LocalRecord]


def quarantine_trade(
    ledger: Ledger, profile_id: str, trade_id: str, *, author: str, reason: str, notify: bool
) -> Trade:
    """Until a person releases it. `notify`: the bot has an executor, so it is told. Raises InputError, Conflict."""

    def change(record: LocalRecord, now: str) -> LocalRecord:
        trade = _trade_of(record, trade_id)
        if trade.status is TradeStatus.CLOSED:
            raise Conflict(f"trade {trade_id} is closed: there is nothing to keep the bot away from")
        if trade.quarantined_by is QuarantinedBy.PERSON:
            raise Conflict(f"trade {trade_id} is quarantined already: `trueup quarantine list`")
        held = replace(trade, status=TradeStatus.QUARANTINED, quarantined_by=QuarantinedBy.PERSON)
        told = _told(profile_id, trade, NotificationKind.QUARANTINED, reason) if notify else []
        return replace(record, trade=held, notifications=told)

    return _write(ledger, profile_id, "quarantined", change, trade_id, author, reason)


def release_trade(
    ledger: Ledger, profile_id: str, trade_id: str, *, author: str, reason: str, notify: bool
) -> Trade:
    """Whoever quarantined it. Where the position is still wrong, parity counts from the beginning again."""

    def change(record: LocalRecord, now: str) -> LocalRecord:
        trade = _trade_of(record, trade_id)
        if trade.status is not TradeStatus.QUARANTINED:
            raise Conflict(f"trade {trade_id} is {trade.status}, not quarantined: nothing was changed")
        freed = replace(trade, status=TradeStatus.OPEN, quarantined_by=None)
        told = _told(profile_id, trade, NotificationKind.RELEASED, reason) if notify else []
        settled = settled_by(
            level(freed, record.siblings),
            record.siblings,
            entry_ended=has_unfilled_entry(trade, record.siblings),
        )
        return replace(record, trade=settled, notifications=told)

    released = _write(ledger, profile_id, "released", change, trade_id, author, reason)
    ledger.journal.restart_confirmations(
        profile_id, trade_id
    )  # not before: a refusal leaves parity's findings alone
    return released


def find_one_trade(ledger: Ledger, trade_id: str, profile_id: str | None) -> tuple[str, Trade]:
    """Profile id and trade. Raises InputError where none, or more than one, has this id."""
    found = ledger.books.find_trade(trade_id, profile_id)
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputError(f"no trade {trade_id!r} is recorded: `trueup export trades` lists them", "trade")
    owners = ", ".join(sorted(owner for owner, _ in found))
    raise InputError(f"several profiles have a trade {trade_id!r} ({owners}): say --profile", "trade")


def _write(
    ledger: Ledger,
    profile_id: str,
    event: str,
    change: Change,
    trade_id: str,
    author: str,
    reason: str,
) -> Trade:
    check_words(author=author, reason=reason)
    record = ledger.write_record(profile_id, event, change, trade_id=trade_id, author=author, reason=reason)
    return _trade_of(record, trade_id)


def _trade_of(record: LocalRecord, trade_id: str) -> Trade:
    if record.trade is None:
        raise InputError(f"no trade {trade_id!r} is recorded: `trueup export trades` lists them", "trade")
    return record.trade


def _told(profile_id: str, trade: Trade, kind: NotificationKind, reason: str) -> list[Notification]:
    """Named like a run's: by the trade and the version it was changed on."""
    own = digest(profile_id, "trade", known_id(trade.trade_id))
    return [
        Notification(
            notification_id=trade_notification_id_of(own, trade.version, kind),
            kind=kind,
            client_order_id=None,
            venue_order_id=None,
            trade_id=trade.trade_id,
            reason=reason,
        )
    ]
