"""The dead-man's switch: a ping says that everybody was looked at in time, and nothing less."""

import asyncio
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tests.unit.engine.run.desk import Desk, open_desk, own_policy, profile
from trueup.engine.run.account import AccountReport, ManagedProfile
from trueup.engine.run.run_account import reconcile_account
from trueup.model.snapshot import OrdersRead
from trueup.model.times import NS_PER_S
from trueup.model.vocabulary import ReadState
from trueup.ports.roster import FleetAccount
from trueup.service.alerts.heartbeat import Heartbeat
from trueup.service.health import read_fleet_health, read_health


class Poster:
    def __init__(self) -> None:
        self.sent: list[str] = []

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> None:
        self.sent.append(f"{url.removeprefix('https://hc.example')} {body.decode()}".strip())

    async def aclose(self) -> None: ...


@pytest.fixture
def desk(tmp_path: Path):
    desk = open_desk(tmp_path)
    yield desk
    desk.ledger.close()


def heartbeat(desk: Desk, account: Any, every_s: float = 0) -> tuple[Heartbeat, Poster]:
    poster = Poster()
    url = "https://hc.example/uuid?x=1"
    health = partial(read_health, [account], 90)
    return Heartbeat(url, health, every_s, desk.clock, poster), poster  # type: ignore[arg-type]


def run(beat: Heartbeat, account: Any) -> AccountReport:
    async def go() -> AccountReport:
        report = await reconcile_account(account)
        beat.note(report)
        await beat.beat()
        return report

    return asyncio.run(go())


def test_a_complete_run_pings_and_a_partial_one_does_not(desk: Desk) -> None:
    account = desk.account("p")
    beat, poster = heartbeat(desk, account)
    desk.venue.opened = OrdersRead(state=ReadState.PARTIAL, error="page 2 is missing")
    run(beat, account)
    assert poster.sent == []
    desk.venue.opened = []
    run(beat, account)
    assert poster.sent == ["/uuid?x=1"]


def test_one_profile_that_is_late_silences_it(desk: Desk) -> None:
    account = desk.account("p")
    beat, poster = heartbeat(desk, account)
    run(beat, account)
    desk.venue.opened = OrdersRead(state=ReadState.PARTIAL, error="page 2 is missing")
    desk.clock.advance(91 * NS_PER_S)
    run(beat, account)
    assert poster.sent == ["/uuid?x=1"]


def test_where_all_are_paused_nobody_looks_and_nothing_pings(desk: Desk) -> None:
    account = desk.account("p")
    beat, poster = heartbeat(desk, account)
    asyncio.run(reconcile_account(account))
    desk.ledger.journal.pause_profile("p", "by hand")
    run(beat, account)
    assert poster.sent == []


def test_a_failure_is_told_once_while_it_lasts(desk: Desk) -> None:
    account = desk.account("p")
    beat, poster = heartbeat(desk, account)
    lost: list[Any] = [ConnectionError("no route")]
    for venue in (*lost, *lost, [], *lost):
        desk.venue.opened = venue
        run(beat, account)
    assert [one.partition(" ")[0] for one in poster.sent] == ["/uuid/fail?x=1", "/uuid?x=1", "/uuid/fail?x=1"]
    assert "acc-1: " in poster.sent[0]


def test_it_is_not_sent_more_often_than_it_should(desk: Desk) -> None:
    account = desk.account("p")
    beat, poster = heartbeat(desk, account, every_s=30)
    for _ in range(4):
        run(beat, account)
        desk.clock.advance(10 * NS_PER_S)
    assert len(poster.sent) == 2


def enrol(desk: Desk, *accounts: Any) -> None:
    """Into the fleet's roster, as `trueup fleet add` does."""
    settings = {
        one.account_id: {
            "account_id": one.account_id,
            "venue": "file",
            "profiles": [{"profile_id": each} for each in one.profile_ids],
        }
        for one in accounts
    }
    rows = [
        FleetAccount(account_id=name, shard=0, settings=json.dumps(text)) for name, text in settings.items()
    ]
    desk.ledger.roster.put_accounts(rows, {one.account_id: len(one.profile_ids) for one in accounts})


def test_a_worker_pings_for_the_whole_roster_and_only_when_all_of_it_was_looked_at(desk: Desk) -> None:
    mine = desk.account("p")
    elsewhere = structs.replace(profile("q"), account_id="acc-2")
    desk.ledger.journal.ensure_profiles([elsewhere])
    others = replace(
        mine,
        account_id="acc-2",
        profiles=[ManagedProfile(profile=elsewhere, policy=own_policy("q", alone=True))],
    )
    enrol(desk, mine, others)
    poster = Poster()
    health = partial(read_fleet_health, desk.ledger, 90)
    beat = Heartbeat("https://hc.example/uuid", health, 0, desk.clock, poster, alone=False)  # type: ignore[arg-type]
    run(beat, mine)
    assert poster.sent == []  # nobody has run the other account
    asyncio.run(reconcile_account(others))  # another worker does
    run(beat, mine)
    assert poster.sent == ["/uuid"]
