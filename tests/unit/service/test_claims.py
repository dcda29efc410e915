"""Claims: what comes due together is one statement, and nobody keeps a lease that nobody waits for."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from trueup.ports.records import Lease, Turn
from trueup.service.claims import Claims


class CountedJournal:
    """Every account is free."""

    def __init__(self) -> None:
        self.claims: list[list[str]] = []
        self.hasty: list[list[str]] = []
        self.freed: list[str] = []

    def claim_leases(
        self,
        account_ids: Sequence[str],
        holder: str,
        ttl_s: float,
        *,
        due_within_s: float,
        hasty: Sequence[str],
    ) -> list[Turn]:
        self.claims.append(list(account_ids))
        self.hasty.append(list(hasty))
        return [
            Turn(account_id=one, lease=Lease(account_id=one, epoch=1, holder=holder, expires_ns=0))
            for one in account_ids
        ]

    def release_lease(self, lease: Lease, completed: Mapping[str, str]) -> None:
        self.freed.append(lease.account_id)


def test_what_comes_due_together_is_claimed_together() -> None:
    journal: Any = CountedJournal()

    async def main() -> list[Turn]:
        claims = Claims(journal, 30, 600)
        return await asyncio.gather(*(claims.turn(f"a{n}", hasty=n == 7) for n in range(50)))

    turns = asyncio.run(main())
    assert journal.claims == [[f"a{n}" for n in range(50)]]
    assert journal.hasty == [["a7"]]
    assert [one.account_id for one in turns] == [f"a{n}" for n in range(50)]


def test_a_lease_that_nobody_waits_for_is_freed() -> None:
    journal: Any = CountedJournal()

    async def main() -> None:
        claims = Claims(journal, 30, 600)
        task = asyncio.create_task(claims.turn("a"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await claims.turn("b")

    asyncio.run(main())
    assert journal.freed == ["a"]
