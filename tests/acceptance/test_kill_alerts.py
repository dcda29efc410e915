"""SIGKILL between an alert and its arrival: each is told once, or a second time marked as such, and recovers once.

`TRUEUP_ALERT_KILLS`: how many processes are killed, every second one while a message of its is not answered yet, the
others at a moment of the machine's clock.
"""

import os
import random
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.acceptance.alerts_desk import AlertsDesk, is_signed
from tests.acceptance.receiver import Post, receiving
from tests.acceptance.rig import Nursery, Rig
from tests.patience import PATIENCE_S, wait_until
from trueup.ledgers.sqlite import open_sqlite

KILLS = int(os.environ.get("TRUEUP_ALERT_KILLS", "10"))
ANSWERS_AFTER_S = 0.04  # long enough to be killed in
TIMEOUT_S = 0.4
WAYS = ("/phone", "/hook", "/pager")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_each_is_told_once_or_marked_and_recovers_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    held = threading.Event()  # set: answers come; else they wait for it
    held.set()

    def slow(_: Post) -> int:
        time.sleep(ANSWERS_AFTER_S)
        held.wait(PATIENCE_S)
        return 202

    chance = random.Random(15)
    with receiving() as receiver:
        receiver.answer = slow
        desk = AlertsDesk(tmp_path, receiver, timeout_s=TIMEOUT_S, service="lease_ttl_s = 0.03")
        for name, value in desk.environ.items():
            monkeypatch.setenv(name, value)
        rig = cast(Rig, SimpleNamespace(folder=tmp_path))
        nursery = Nursery(rig, "tests.acceptance.alerts_nursery")
        died_telling = 0
        for number in range(KILLS):
            desk.at_venue(f"v-{number}")
            told_before = len(receiver.posts)
            if number % 2:
                held.clear()
            process_id = nursery.start("run", "--config", str(tmp_path / "trueup.toml"))
            wait_until(partial(more_than, receiver.posts, told_before))
            time.sleep(chance.uniform(0, 2 * ANSWERS_AFTER_S))
            assert os.waitstatus_to_exitcode(nursery.kill(process_id)) == -signal.SIGKILL
            died_telling += any(row["outcome"] is None for row in deliveries(tmp_path))
            held.set()
        desk.at_venue()
        config = tmp_path / "trueup.toml"  # nothing is in a hurry any more
        config.write_text(config.read_text().replace(f"timeout_s = {TIMEOUT_S}", "timeout_s = 60"))

        def all_told() -> bool:
            nursery.start("run", "--once", "--config", str(config))
            nursery.ended()
            return all(row["outcome"] is not None for row in deliveries(tmp_path))

        wait_until(all_told)
        nursery.close()
        committed = deliveries(tmp_path)
        told = {way: [told_by(way, one) for one in receiver.at(way)] for way in WAYS}
    repeats = sum(len(posts) for posts in told.values()) - len(committed)
    with capsys.disabled():
        print(
            f"\n{KILLS} kills, {died_telling} between alert and arrival; {len(committed)} messages, {repeats} twice"
        )
    assert died_telling >= KILLS // 4, "the kills must hit what is being told"
    check(committed, told["/hook"], "hook")
    check_phone(committed, told["/phone"])
    check_pager(committed, told["/pager"])


def more_than(posts: Sequence[Post], before: int) -> bool:
    return len(posts) > before


def deliveries(folder: Path) -> list[dict[str, Any]]:
    if not (folder / "trueup.sqlite").exists():
        return []
    ledger = open_sqlite(folder / "trueup.sqlite")
    try:
        rows = ledger.journal.list_deliveries(open_only=False, limit=100_000)
    finally:
        ledger.close()
    return [
        {
            "notifier": one.notifier, "id": one.message.message_id, "key": one.message.key,
            "kind": one.message.kind.value, "outcome": one.outcome,
        }
        for one in rows
    ]  # fmt: skip


def told_by(way: str, post: Post) -> dict[str, Any]:
    assert way != "/hook" or is_signed(post)
    return dict(post.json)


def check(committed: Iterable[dict[str, Any]], told: list[dict[str, Any]], notifier: str) -> None:
    """By ids: what was committed arrived, once unmarked at most, its end after it."""
    wanted = {row["id"] for row in committed if row["notifier"] == notifier}
    times: dict[str, list[bool]] = defaultdict(list)
    for one in told:
        times[one["message_id"]].append(one["possibly_repeated"])
    assert set(times) == wanted
    assert [one for one, marks in times.items() if False in marks[1:]] == []
    of_key: dict[str, list[str]] = defaultdict(list)
    for one in told:
        of_key[one["key"]].append(one["kind"])
    for key, sequence in of_key.items():
        assert sorted(set(sequence)) == ["raised", "recovered"], key
        assert sequence == sorted(sequence), key  # raised before recovered, alphabetically as it happens
    lives = Counter(row["kind"] for row in committed if row["notifier"] == notifier)
    assert lives["raised"] == lives["recovered"] == len(of_key)


def check_phone(committed: Iterable[dict[str, Any]], told: list[dict[str, Any]]) -> None:
    """By words: an alert that stands in two messages says in the second that it may have been told before."""
    texts = [text for one in told for text in one["message"].split("\n\n")]
    plain = Counter(text for text in texts if "(possibly told before)" not in text)
    marked = [text for text in texts if "(possibly told before)" in text]
    assert [text for text, count in plain.items() if count > 1] == []
    rows = [row for row in committed if row["notifier"] == "phone"]
    assert len(set(plain) | {text.replace("\n(possibly told before)", "") for text in marked}) == len(rows)


def check_pager(committed: Iterable[dict[str, Any]], told: list[dict[str, Any]]) -> None:
    """By keys: the same incident, however often; resolved last."""
    actions: dict[str, list[str]] = defaultdict(list)
    for one in told:
        actions[one["dedup_key"]].append(one["event_action"])
    assert set(actions) == {row["key"] for row in committed if row["notifier"] == "pager"}
    for sequence in actions.values():
        assert set(sequence) == {"trigger", "resolve"}
        assert sequence == sorted(sequence, reverse=True)
