"""From a break to a person: through apprise, a signed webhook and PagerDuty's events, to a server on this machine."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.alerts_desk import ROUTING_KEY, SECRET, AlertsDesk, is_signed, kinds
from tests.acceptance.receiver import Post, Receiver, receiving
from tests.patience import PATIENCE_S, wait_until

pytestmark = pytest.mark.usefixtures("database")
SEVERITIES = ("info", "warn", "error")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def desk(tmp_path: Path, receiver: Receiver) -> AlertsDesk:
    return AlertsDesk(tmp_path, receiver)


def test_one_of_each_severity_reaches_each(desk: AlertsDesk, receiver: Receiver) -> None:
    answers = desk.json("alerts", "test")
    assert len(answers) == 18
    assert all(one["taken"] for one in answers)
    hook = receiver.at("/hook")
    assert [one.json["severity"] for one in hook if one.json["kind"] == "test"] == list(SEVERITIES)
    assert all(is_signed(one) for one in hook)
    assert not is_signed(hook[0], "another-secret-altogether")
    pager = [one.json for one in receiver.at("/pager")]
    assert [one["event_action"] for one in pager] == ["trigger", "resolve"] * 3
    assert [one["payload"]["severity"] for one in pager[::2]] == ["info", "warning", "error"]
    assert {one["routing_key"] for one in pager} == {ROUTING_KEY}
    assert [one["dedup_key"] for one in pager[::2]] == [one["dedup_key"] for one in pager[1::2]]
    phone = [one.json for one in receiver.at("/phone")]
    assert [one["type"] for one in phone] == ["info", "success", "warning", "success", "failure", "success"]
    assert phone[4]["title"] == "ERROR a try of trueup's alerts (error)"
    assert "at stake: 123.45" in phone[4]["message"]
    assert "next: trueup status" in phone[4]["message"]


def test_a_break_is_told_once_and_its_end_once(desk: AlertsDesk, receiver: Receiver) -> None:
    desk.at_venue("v-1")
    for _ in range(3):
        desk.call("run", "--once")
    (told,) = receiver.at("/hook")
    break_id = told.json["key"]
    assert told.json["format"] == "trueup.alert/1"
    assert told.json["about"]["kind"] == "unmapped_instrument"
    assert told.json["about"]["symbol"] == "DOGE/USD"
    assert "is not in the instruments list" in told.json["reason"]
    assert told.json["link"] == f"https://books.example/explain/{break_id}"
    explained = desk.call(*told.json["next_step"].split()[1:])
    assert explained.returncode == 0, explained.stderr
    assert "unmapped_instrument" in explained.stdout
    desk.at_venue()
    for _ in range(3):
        desk.call("run", "--once")
    assert kinds(receiver.at("/hook")) == [("raised", break_id), ("recovered", break_id)]
    pager = [(one.json["event_action"], one.json["dedup_key"]) for one in receiver.at("/pager")]
    assert pager == [("trigger", break_id), ("resolve", break_id)]
    assert [one.json["type"] for one in receiver.at("/phone")] == ["failure", "success"]
    assert desk.json("alerts", "list") == []
    assert len(desk.json("alerts", "list", "--all")) == 6


def test_a_refusal_is_tried_again_under_the_same_id_and_another_way_is_not_held_up(
    desk: AlertsDesk, receiver: Receiver
) -> None:
    receiver.answer = lambda post: 503 if post.path == "/hook" and len(receiver.at("/hook")) == 1 else 202
    desk.at_venue("v-1")
    desk.call("run", "--once")
    assert len(receiver.at("/pager")) == 1
    (waits,) = desk.json("alerts", "list")
    assert (waits["notifier"], waits["outcome"], waits["error"]) == ("hook", None, "answered 503")

    def told_twice() -> bool:
        desk.call("run", "--once")
        return len(receiver.at("/hook")) == 2

    wait_until(told_twice)
    first, second = receiver.at("/hook")
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert (first.json["possibly_repeated"], second.json["possibly_repeated"]) == (False, True)


def test_no_secret_is_printed_whatever_fails(desk: AlertsDesk, receiver: Receiver) -> None:
    receiver.answer = lambda _: 400
    secrets = (SECRET, ROUTING_KEY, "/phone")
    for arguments in (("alerts", "test"), ("run", "--once"), ("alerts", "list"), ("doctor",)):
        desk.at_venue("v-1")
        done = desk.call(*arguments)
        assert not [one for one in secrets if one in done.stdout + done.stderr], arguments
    assert desk.call("alerts", "test").returncode == 1
    desk.environ["PHONE_URL"] = "nonsense://user:very-secret@host"
    refused = desk.call("doctor")
    assert refused.returncode == 1
    assert "of a service that apprise knows" in refused.stdout
    assert "very-secret" not in refused.stdout + refused.stderr


def test_text_of_a_venue_calls_nobody(desk: AlertsDesk, receiver: Receiver) -> None:
    desk.at_venue("v-1", symbol="<!channel> @everyone\u202e")
    desk.call("run", "--once")
    (told,) = receiver.at("/phone")
    text = told.json["title"] + told.json["message"]
    assert "everyone" in text
    assert "@everyone" not in text
    assert "<!" not in text
    assert "\u202e" not in text


def test_the_dead_man_s_switch_hears_of_complete_runs_only(tmp_path: Path, receiver: Receiver) -> None:
    desk = AlertsDesk(tmp_path, receiver, alerts='ping = { env = "PING_URL" }')
    desk.at_venue(state="partial")
    desk.call("run", "--once")
    assert [one.path for one in receiver.posts if "ping" in one.path] == []
    desk.at_venue()
    desk.call("run", "--once")
    assert [one.path for one in receiver.posts if "ping" in one.path] == ["/ping"]
    (tmp_path / "venue.json").unlink()
    desk.call("run", "--once")
    pings = [one for one in receiver.posts if "ping" in one.path]
    assert [one.path for one in pings] == ["/ping", "/ping/fail"]
    assert b"acc-1: " in pings[1].body


def test_a_day_s_digest_is_one_message_however_often_it_is_made(tmp_path: Path, receiver: Receiver) -> None:
    now = time.strftime("%H:%M", time.gmtime())
    desk = AlertsDesk(tmp_path, receiver, alerts=f'digest_at = "{now}"')
    desk.at_venue("v-1")
    desk.call("run", "--once")
    desk.call("run", "--once")
    digests = [one for one in receiver.at("/phone") if "the last day" in one.json["message"]]
    assert len(digests) == 1
    assert receiver.at("/hook")[0].json["kind"] == "raised"  # it takes no digest
    assert "profiles: " in digests[0].json["message"]


def test_doctor_says_who_is_told(desk: AlertsDesk) -> None:
    (check,) = [one for one in desk.json("doctor") if one["name"] == "alerts"]
    assert check["state"] == "ok"
    assert check["message"] == "told to phone, hook, pager, without a dead-man's switch"
    desk.environ["HOOK_SECRET"] = "short"
    (check,) = [one for one in desk.json("doctor") if one["name"] == "alerts"]
    assert check["state"] == "fail"
    assert "alerts.to.hook.secret: shorter than 16" in check["message"]


def test_nobody_to_tell_says_where_to_read(tmp_path: Path, receiver: Receiver) -> None:
    desk = AlertsDesk(tmp_path, receiver)
    text = (tmp_path / "trueup.toml").read_text()
    (tmp_path / "trueup.toml").write_text(
        text[: text.index("[alerts.to.phone]")] + text[text.index("[[acc") :]
    )
    refused = desk.call("alerts", "test")
    assert refused.returncode == 10
    assert "docs/how-to/alerts.md" in refused.stderr


def test_a_sender_that_hangs_holds_no_run_up(tmp_path: Path, receiver: Receiver) -> None:
    over = threading.Event()

    def never(post: Post) -> int:
        if post.path == "/hook":
            over.wait(PATIENCE_S)
        return 202

    receiver.answer = never
    desk = AlertsDesk(tmp_path, receiver, timeout_s=0.5)
    desk.at_venue("v-1")
    done = desk.call("run", "--once")  # it ends, though the hook has not answered
    waiting = [one["notifier"] for one in desk.json("alerts", "list")]
    over.set()
    assert done.returncode == 2
    assert "hook" in waiting
    assert receiver.at("/phone")
