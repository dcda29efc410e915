"""A bot of the chaos run, in a process of its own: `python -m tests.chaos.bot FOLDER PROFILE URL`.

It records each order before it sends it, hears half of its fills, and keeps a list of its trades in a file of its own,
so that it opens them again where the ledger lost them. Everything else it forgets when it is killed. Any error of the
ledger or the venue costs it the step; a ledger that was replaced ends it, and whoever watches it starts it again.
"""

import http.client
import json
import random
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trueup import Recorder
from trueup.ledgers.sqlite import open_sqlite
from trueup.model.errors import RestartNeeded, TrueupError
from trueup.model.snapshot import Fill, LocalOrder, Profile
from trueup.model.vocabulary import Action, PositionSide, Side, Status
from trueup.sim.paper.venue import KEY_ID, SECRET

STEP_S = (0.05, 0.35)
TIMEOUT_S = 2.0
HEARS = 0.5  # of its fills
PRICES = {"ETH/USD": 2500.0, "SPY": 600.0}
TRADES_MAX = 4  # open at a time


class Bot:
    """One life of it."""

    def __init__(self, folder: Path, profile_id: str, url: str) -> None:
        self._url = url
        self._name = profile_id
        self._trades_file = folder.parent / f"{profile_id}.trades"  # on another disk than the ledger
        self._recorder = Recorder(
            open_sqlite(folder / "trueup.sqlite"),
            Profile(profile_id=profile_id, user_id="u1", venue="alpaca", account_id="paper"),
        )
        self._opened_file = folder.parent / f"{profile_id}.opened"  # whether the ledger knows all of them
        self._opened_file.unlink(missing_ok=True)
        known = self._trades_file.read_text() if self._trades_file.exists() else ""
        self._to_open = known.splitlines()
        self._mine: dict[str, tuple[str, str]] = {}  # acknowledged orders: the venue's id → ours, symbol
        self._live: dict[str, str] = {}  # ours → the venue's id
        self._held: dict[str, list[Any]] = {}  # trade → symbol, quantity heard of
        self._entered: dict[str, str] = {}  # entry → trade
        self._heard: set[str] = set()

    def live(self) -> None:
        """Until it is killed."""
        self._attempt(self._cancel_all)
        pause = threading.Event()  # never set; `time.sleep` cannot be used: libfaketime 0.9.10 breaks it
        while True:
            pause.wait(random.uniform(*STEP_S))
            if self._to_open:
                self._attempt(self._open_again)
                continue  # what the ledger may have lost comes first
            self._opened_file.touch()
            step = random.choice(
                (self._enter, self._leave, self._cancel, self._replace, self._listen, self._listen)
            )
            self._attempt(step)

    def _attempt(self, step: Any) -> None:
        try:
            step()
        except RestartNeeded:
            raise
        except (TrueupError, OSError, TypeError, http.client.HTTPException, ValueError) as error:
            print(
                f"{time.time():.3f} {self._name} {step.__name__}: {type(error).__name__}: {error}", flush=True
            )

    # -- what it does --------------------------------------------------------------------------------------------------

    def _enter(self) -> None:
        if len(self._held) >= TRADES_MAX:
            return
        trade_id, symbol = f"t{uuid.uuid4().hex[:10]}", random.choice(list(PRICES))
        with self._trades_file.open("a") as file:
            file.write(f"{trade_id} {symbol}\n")
        self._recorder.open_trade(trade_id, symbol, PositionSide.LONG)
        self._held[trade_id] = [symbol, 0.0]
        self._place(f"{self._name}-{trade_id}-entry-1", trade_id, symbol, Side.BUY, str(random.randint(1, 9)))

    def _leave(self) -> None:
        full = [trade for trade, (_, qty) in self._held.items() if qty > 0]
        if full:
            trade_id = random.choice(full)
            symbol, qty = self._held.pop(trade_id)
            self._place(f"{self._name}-{trade_id}-exit-1", trade_id, symbol, Side.SELL, f"{qty:g}")

    def _cancel(self) -> None:
        if self._live:
            client_id = random.choice(list(self._live))
            venue_id = self._live.pop(client_id)
            self._recorder.record_cancel_requested(client_id)
            self._ask("DELETE", f"/v2/orders/{venue_id}")

    def _replace(self) -> None:
        """Only orders that are not filled are worth it; what became of the old one is left to others to find out."""
        if not self._live or random.random() < 0.5:
            return
        client_id = random.choice(list(self._live))
        venue_id, successor_id = self._live.pop(client_id), client_id[:-1] + str(int(client_id[-1]) + 1)
        if successor_id.endswith("0"):
            return
        symbol = self._mine[venue_id][1]
        body = {"limit_price": self._price(symbol), "client_order_id": successor_id}
        answer = self._mine_of(self._ask("PATCH", f"/v2/orders/{venue_id}", body), successor_id)
        self._mine[answer["id"]] = (successor_id, symbol)
        self._live[successor_id] = answer["id"]
        if client_id in self._entered:
            self._entered[successor_id] = self._entered[client_id]

    def _listen(self) -> None:
        for row in self._ask("GET", "/v2/account/activities/FILL?page_size=100&direction=desc") or []:
            if row["order_id"] not in self._mine or row["id"] in self._heard or "client_order_id" in row:
                continue  # the last one: the fault `other_order`, which says another's id in each row
            self._heard.add(row["id"])
            client_id, symbol = self._mine[row["order_id"]]
            trade_id = self._entered.get(client_id)
            if trade_id in self._held:
                self._held[trade_id][1] += float(row["qty"])
            if random.random() < HEARS:
                self._recorder.record_fill(client_id, _fill(row, symbol), cumulative_qty=row["cum_qty"])

    def _open_again(self) -> None:
        """A ledger that was restored or made anew does not know the bot's trades."""
        while self._to_open:
            trade_id, _, symbol = self._to_open[-1].partition(" ")
            if symbol in PRICES:  # a kill may have cut the last line
                self._recorder.open_trade(trade_id, symbol, PositionSide.LONG)
            self._to_open.pop()

    def _cancel_all(self) -> None:
        """What an earlier life left open."""
        for row in self._own_open():
            self._ask("DELETE", f"/v2/orders/{row['id']}")

    def _own_open(self) -> Iterator[dict[str, Any]]:
        rows = (
            self._ask("GET", "/v2/orders?status=open&limit=500") or []
        )  # an empty answer is one of the faults
        return (row for row in rows if row["client_order_id"].startswith(f"{self._name}-"))

    # -- inside --------------------------------------------------------------------------------------------------------

    def _place(self, client_id: str, trade_id: str, symbol: str, side: Side, qty: str) -> None:
        limit = self._price(symbol) if random.random() < 0.6 else None
        kind = "market" if limit is None else "limit"
        action = Action.ENTRY if side is Side.BUY else Action.EXIT
        self._recorder.record_order(
            LocalOrder(
                client_order_id=client_id, trade_id=trade_id, symbol=symbol, side=side, action=action,
                order_type=kind, qty=qty, limit_price=limit, status=Status.PENDING_NEW,
            )
        )  # fmt: skip
        if action is Action.ENTRY:
            self._entered[client_id] = trade_id
        body = {"symbol": symbol, "side": side.value, "type": kind, "qty": qty, "client_order_id": client_id}
        order = body | ({} if limit is None else {"limit_price": limit})
        answer = self._mine_of(self._ask("POST", "/v2/orders", order), client_id)
        self._mine[answer["id"]] = (client_id, symbol)
        self._live[client_id] = answer["id"]
        self._recorder.record_acknowledgement(client_id, answer["id"], answer["updated_at"])

    def _mine_of(self, answer: Any, client_id: str) -> Any:
        """Raises ValueError where it is the answer to another request."""
        if answer is None or answer.get("client_order_id") != client_id:
            raise ValueError(f"the answer is not about {client_id}")
        return answer

    def _price(self, symbol: str) -> str:
        return f"{PRICES[symbol] * random.uniform(0.995, 1.005):.2f}"

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(self._url + path, method=method)  # noqa: S310 - this machine's own server
        request.add_header("APCA-API-KEY-ID", KEY_ID)
        request.add_header("APCA-API-SECRET-KEY", SECRET)
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, data, TIMEOUT_S) as answer:  # noqa: S310
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise ValueError(f"{method} {path}: {error.code} {error.read()[:200]!r}") from error


def _fill(row: dict[str, Any], symbol: str) -> Fill:
    return Fill(
        fill_id=random.choice((row["id"], row["id"].rpartition("::")[2])),  # the listing's, or the stream's
        venue_order_id=row["order_id"], symbol=symbol, side=Side(row["side"]),
        qty=row["qty"], price=row["price"], filled_at=row["transaction_time"],
    )  # fmt: skip


if __name__ == "__main__":
    try:
        Bot(Path(sys.argv[1]), sys.argv[2], sys.argv[3]).live()
    except TrueupError as end:
        sys.exit(f"{type(end).__name__}: {end}")
