"""When freqtrade is asked to reload a trade; its server is a real one on this machine."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from trueup.books.freqtrade.api import FreqtradeApi
from trueup.books.freqtrade.ask_reload import AskReload, difference
from trueup.books.freqtrade.freqtrade_books import FreqtradeOptions
from trueup.core.make_plan import make_plan
from trueup.model.decode import decode_snapshot
from trueup.model.errors import AuthError, VenueUnavailable
from trueup.model.plan import Plan
from trueup.model.snapshot import LocalOrder, Snapshot
from trueup.model.vocabulary import Action, Side, Status
from trueup.ports.foreign_books import ForeignRead, ForeignRow

LIVE = {"dry_run": False, "exchange": "binance", "trading_mode": "spot", "state": "running"}


class Server:
    def __init__(self) -> None:
        self.config: dict[str, Any] = dict(LIVE)
        self.calls: list[str] = []
        self.filled = "3"
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(outer.config)

            def do_POST(self) -> None:
                outer.filled = "7"
                self._answer({})

            def _answer(self, body: dict[str, Any]) -> None:
                outer.calls.append(f"{self.command} {self.path} {self.headers['Authorization']}")
                data = json.dumps(body).encode()
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @property
    def reloads(self) -> list[str]:
        return [one.split(" ")[1] for one in self.calls if one.startswith("POST")]

    def fresh(self, trade_id: str) -> ForeignRead:
        order = LocalOrder(
            venue_order_id="v-1", trade_id=trade_id, side=Side.BUY, action=Action.ENTRY, status=Status.PARTIALLY_FILLED,
            filled_qty=self.filled, filled_avg_price="100",
        )  # fmt: skip
        return ForeignRead(
            rows=[ForeignRow(key="ETH/USDT v-1", fingerprint="f", profile_id="p", order=order)]
        )


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def asker(server: Server, **credentials: str) -> AskReload:
    api = FreqtradeApi(server.url, {"username": "u", "password": "p"} | credentials)
    return AskReload(api, FreqtradeOptions(exchange="binance"), server.fresh)


AT_VENUE = {
    "venue_order_id": "v-1", "symbol": "ETH/USDT", "side": "buy", "order_type": "limit", "qty": "10",
    "limit_price": "100", "status": "partially_filled", "filled_qty": "7", "filled_avg_price": "100",
    "submitted_at": "2026-11-20T11:00:00Z", "updated_at": "2026-11-20T11:30:00Z",
}  # fmt: skip


def drift(stands_s: int, *others: dict[str, Any]) -> tuple[Snapshot, Plan]:
    """The venue filled 7 of 10 where the bot has 3, for `stands_s` seconds; `others`: more orders of the venue."""
    tree: dict[str, Any] = {
        "format": "trueup.snapshot/1",
        "taken_at": "2026-11-20T12:00:00Z",
        "profile": {"profile_id": "p"},
        "policy": {"parity_enabled": False, "exit_backfill_enabled": False, "owned_sub_tags": ["none"],
                   "claimed_symbols": ["ETH/USDT"]},
        "local": {"orders": [
            {"venue_order_id": "v-1", "trade_id": "5-ETH/USDT", "symbol": "ETH/USDT", "side": "buy", "action": "entry",
             "order_type": "limit", "qty": "10", "limit_price": "100", "status": "partially_filled", "filled_qty": "3",
             "filled_avg_price": "100", "submitted_at": "2026-11-20T11:00:00Z"}]},
        "venue": {"open_orders": {"state": "complete", "rows": [AT_VENUE, *others]}},
    }  # fmt: skip
    snapshot = decode_snapshot(json.dumps(tree).encode())
    (found,) = [one for one in make_plan(snapshot).breaks if one.venue_order_id == "v-1"]
    seen = f"2026-11-20T11:{59 - stands_s // 60:02d}:{59 - stands_s % 60:02d}Z"
    tree["prior"] = [
        {
            "break_id": found.break_id,
            "kind": found.kind,
            "first_seen_at": seen,
            "last_seen_at": "2026-11-20T11:59:30Z",
        }
    ]
    snapshot = decode_snapshot(json.dumps(tree).encode())
    return snapshot, make_plan(snapshot)


def test_a_drift_that_stands_is_reloaded_read_again_and_told(server):
    (asked,) = asker(server).ask(*drift(90))
    assert server.reloads == ["/api/v1/trades/5/reload"]
    assert (asked.what, asked.changed) == ("reload of trade 5", True)
    assert asked.outcome == "ETH/USDT v-1: partially_filled 3 at 100 → partially_filled 7 at 100"
    assert all(one.endswith("Basic dTpw") for one in server.calls)  # u:p


def test_a_fresh_drift_waits(server):
    (asked,) = asker(server).ask(*drift(20))
    assert server.calls == []
    assert "stands for 21 s of 60" in asked.outcome


def test_an_order_that_freqtrade_does_not_know_is_in_the_way(server):
    person = AT_VENUE | {"venue_order_id": "v-9", "client_order_id": "person"}
    (asked,) = asker(server).ask(*drift(90, person))
    assert server.reloads == []
    assert "v-9" in asked.outcome


def test_an_order_that_no_break_names_is_in_the_way_too(server):
    """Recently submitted, so not judged yet: a reload would adopt it all the same."""
    person = AT_VENUE | {"venue_order_id": "v-9", "submitted_at": "2026-11-20T11:59:59Z"}
    snapshot, plan = drift(90, person)
    assert [one.venue_order_id for one in plan.breaks] == ["v-1"]
    (asked,) = asker(server).ask(snapshot, plan)
    assert server.reloads == []
    assert (
        asked.outcome
        == "the venue has v-9 of ETH/USDT, which freqtrade does not know: a reload would adopt it"
    )


def test_another_pairs_order_is_not(server):
    other = AT_VENUE | {"venue_order_id": "v-9", "symbol": "BTC/USDT"}
    assert asker(server).ask(*drift(90, other))[0].changed


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"dry_run": True}, "dry run"),
        ({"exchange": "kraken"}, "trades kraken spot"),
        ({"trading_mode": "futures"}, "trades binance futures"),
        ({"state": "stopped"}, "freqtrade is stopped"),
    ],
)
def test_a_bot_that_is_not_the_one_of_the_books_is_not_asked(server, config, why):
    server.config |= config
    (asked,) = asker(server).ask(*drift(90))
    assert server.reloads == []
    assert why in asked.outcome
    assert not asked.changed


def test_nothing_is_asked_where_nothing_drifts(server):
    server.filled = "7"
    snapshot, _ = drift(90)
    plan = Plan(
        format="trueup.plan/1",
        plan_id="",
        profile_id="p",
        taken_at=snapshot.taken_at,
        result=make_plan(snapshot).result,
    )
    assert asker(server).ask(snapshot, plan) == []
    assert server.calls == []


def test_a_reload_whose_answer_is_lost_is_unknown_and_read_again(server):
    server.config = dict(LIVE)
    ask = asker(server)
    original = server.fresh

    def fresh_then_broken(trade_id: str) -> ForeignRead:
        server.status = 500
        return original(trade_id)

    ask._fresh = fresh_then_broken
    (asked,) = ask.ask(*drift(90))
    assert asked.changed
    assert asked.outcome.startswith("not known: freqtrade's API answered 500")


def test_errors_hold_no_password(server):
    server.status = 401
    with pytest.raises(AuthError, match="refused the user name or password") as caught:
        FreqtradeApi(server.url, {"username": "u", "password": "hunter2"}).show_config()
    assert "hunter2" not in str(caught.value)
    with pytest.raises(VenueUnavailable):
        FreqtradeApi("http://127.0.0.1:1", {"username": "u", "password": "p"}).show_config()
    with pytest.raises(AuthError, match="needs the credential password"):
        FreqtradeApi(server.url, {"username": "u"})


def test_what_a_reload_changed_in_words():
    before = {"a": ("canceled", "0", None), "b": ("filled", "1", "5")}
    after = {"b": ("filled", "1", "5"), "c": ("filled", "2", "6")}
    assert difference(before, after) == "a: canceled 0 → not there; c: not there → filled 2 at 6"
