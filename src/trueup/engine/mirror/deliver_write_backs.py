"""Sets in the bots' own rows what was committed for them, by compare-and-set: each order is a transaction there.

Rules: the lease is renewed before the bot's database is touched, so that whoever lost it sets nothing; what became of
each is kept behind the fence. What was not tried, for the bot's database let nothing through, is due again. A crash in
between repeats the write, which then finds it done. Must not know how a value is stored there.
"""

from collections import Counter

from msgspec import Struct

from trueup.engine.run.account import ManagedAccount
from trueup.ports.foreign_books import ForeignBooks, WriteMode, WriteOutcome
from trueup.ports.records import Lease

BATCH = 1000  # orders at a time: some seconds of a bot's database at the most
BATCHES_MAX = 100  # of one run; the rest waits for the next


class WriteBackReport(Struct, frozen=True, kw_only=True):
    """How many rows were set, had moved, refused (now for good or again) or failed.

    `left`: of those that were set, how many whose trade's own row was left alone; `example`: why, of one of them.
    """

    delivered: int = 0
    moved: int = 0
    refused: int = 0
    failed: int = 0
    left: int = 0
    example: str | None = None


def deliver_write_backs(account: ManagedAccount, lease: Lease) -> WriteBackReport:
    """Sync, for a thread. Raises FenceLost, LedgerError; what was not settled is due again."""
    counts: Counter[str] = Counter()
    left: list[str] = []
    for books in account.foreign:
        if books.traits.write is WriteMode.TABLES:
            left += _deliver(account, lease, books, counts)
    return WriteBackReport(**counts, left=len(left), example=left[0] if left else None)


def _deliver(account: ManagedAccount, lease: Lease, books: ForeignBooks, counts: Counter[str]) -> list[str]:
    """What was left alone of those that were set."""
    journal, left = account.ledger.journal, list[str]()
    for _ in range(BATCHES_MAX):
        writes = journal.waiting_write_backs(account.account_id, books.traits.source, BATCH)
        if not writes:
            break
        journal.renew_lease(lease, account.lease_ttl_s)
        results = books.write_back(writes)
        account.ledger.settle_write_backs(lease, results)
        counts.update(one.outcome.value for one in results)
        left += [one.error for one in results if one.outcome is WriteOutcome.DELIVERED and one.error]
        untried = len(writes) - len(results)
        counts.update({WriteOutcome.FAILED.value: untried})
        if untried or len(writes) < BATCH:
            break
    return left
