# ruff: noqa: E501 - rows of files stand as they are written
"""Exports as people have them, through `trueup snapshot … | trueup plan --snapshot -`. Expected values by hand."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from trueup.surfaces.cli.main import commands

AT = (
    "--taken-at",
    "2026-11-23T12:00:00Z",
    "--local-read-at",
    "2026-11-23T11:59:00Z",
    "--venue-read-at",
    "2026-11-23T11:59:30Z",
)


def audit(folder: Path, *options: str, **files: Any) -> tuple[int, dict[str, Any]]:
    """The exit code of the plan, and the plan."""
    args = []
    for name, content in files.items():
        path = folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        args += [f"--{name.replace('_', '-')}", str(path)]
    made = CliRunner().invoke(commands, ["snapshot", *args, *AT, *options])
    assert made.exit_code == 0, made.stderr
    plan = CliRunner().invoke(commands, ["plan", "--json", "--snapshot", "-"], input=made.stdout)
    return plan.exit_code, json.loads(plan.stdout)


def fills(plan: dict[str, Any]) -> list[tuple[str, str, str]]:
    booked = [one for one in plan["corrections"] if one["kind"] == "book_fill"]
    return sorted((one["venue_order_id"], one["fill"]["qty"], one["fill"]["price"]) for one in booked)


def changes(plan: dict[str, Any], kind: str) -> dict[str, Any]:
    return {one["venue_order_id"]: one["changes"] for one in plan["corrections"] if one["kind"] == kind}


BINANCE = (
    "Date(UTC),OrderNo,Pair,Type,Side,Order Price,Order Amount,Time,Executed,Average Price,Trading total,Status\n"
    "2026-11-20 10:01:45,12,ETHUSDT,LIMIT,SELL,2600.00,1.5000000000ETH,2026-11-20 10:05:00,0.7000000000ETH,2600.00,1820.00000000USDT,CANCELED\n"
    "2026-11-21 11:00:00,13,SOLUSDT,MARKET,BUY,0.00,20.0000000000SOL,2026-11-21 11:00:00,20.0000000000SOL,140.50,2810.00000000USDT,FILLED\n"
)


def test_binances_order_history_with_nothing_to_map(tmp_path: Path) -> None:
    local = (
        "venue_order_id,symbol,side,type,qty,status,filled_qty,submitted_at\n"
        "13,SOL/USDT,buy,market,25,new,0,2026-11-21T11:00:00Z\n"
        "12,ETH/USDT,sell,limit,1.5,new,0,2026-11-20T10:01:45Z\n"
    )
    code, plan = audit(tmp_path, local=local, venue=BINANCE)
    assert code == 2
    assert fills(plan) == [("12", "0.7", "2600"), ("13", "20", "140.5")]
    assert changes(plan, "amend_order") == {"13": {"qty": "20"}}
    assert changes(plan, "set_status") == {"12": {"status": "canceled"}, "13": {"status": "filled"}}


def test_krakens_trades_alone(tmp_path: Path) -> None:
    local = (
        "order_id,symbol,side,type,qty,limit_price,status,filled_qty,submitted_at\n"
        "O-1,BTC/USD,buy,limit,0.03,60020,open,0,2026-11-20T13:14:00Z\n"
    )
    trades = (
        '"txid","ordertxid","pair","time","type","ordertype","price","cost","fee","vol","margin","misc","ledgers"\n'
        '"T-1","O-1","XXBTZUSD","2026-11-20 13:14:15.1234","buy","limit","60010.1","600.101","0.96","0.01","0","","L"\n'
        '"T-2","O-1","XXBTZUSD","2026-11-20 13:15:15.1234","buy","limit","60000","1200","1.92","0.02","0","","L"\n'
    )
    code, plan = audit(tmp_path, local=local, fills=trades)
    assert code == 2
    assert fills(plan) == [("O-1", "0.01", "60010.1"), ("O-1", "0.02", "60000")]


def test_a_bot_that_does_not_say_what_filled_is_not_told_that_nothing_did(tmp_path: Path) -> None:
    local = "venue_order_id,symbol,side,type,qty,status\nv1,ETH/USD,buy,limit,10,canceled\nv3,ETH/USD,buy,limit,10,filled\n"
    venue = (
        "venue_order_id,symbol,side,type,qty,status,filled_qty,filled_avg_price\n"
        "v1,ETH/USD,buy,limit,10,canceled,7,1000\nv3,ETH/USD,buy,limit,10,filled,10,1000\n"
    )
    code, plan = audit(tmp_path, local=local, venue=venue)
    assert (code, plan["breaks"], plan["corrections"]) == (0, [], [])


def order(**more: Any) -> dict[str, Any]:
    """One of ccxt's unified orders, as a bot dumps it."""
    return {
        "id": "v1", "clientOrderId": "c1", "timestamp": 1795431600000, "lastTradeTimestamp": 1795431660000,
        "symbol": "XRP/USDT", "type": "limit", "side": "buy", "price": 100, "amount": 10, "filled": 0,
        "average": None, "cost": None, "status": "open", "fee": None, "trades": [], "fees": [], "info": {},
    } | more  # fmt: skip


def local_order(**more: Any) -> dict[str, Any]:
    return {
        "client_order_id": "c1", "venue_order_id": "v1", "symbol": "XRP/USDT", "side": "buy", "type": "limit", "qty": "10",
        "action": "entry", "trade_id": "t-1", "limit_price": "100", "status": "open", "filled_qty": "0",
        "submitted_at": "2026-11-23T11:00:00Z",
    } | more  # fmt: skip


def test_an_unknown_word_is_neither_open_nor_ended(tmp_path: Path) -> None:
    code, plan = audit(tmp_path, local=[local_order()], venue=[order(status="marginCanceled")])
    assert code == 3
    assert [one["kind"] for one in plan["breaks"]] == ["end_unknown"]
    assert plan["corrections"] == []


def test_a_market_buy_whose_amount_is_its_cost(tmp_path: Path) -> None:
    bought = order(
        type="market", price=0.4247, amount=9.99, filled=23.52, average=0.4247, cost=9.988944, status="closed"
    )
    mine = local_order(type="market", qty="23.5", limit_price="")
    _, plan = audit(tmp_path, local=[mine], venue=[bought])
    assert fills(plan) == [("v1", "23.52", "0.4247")]
    assert plan["projected_orders"][0]["status"] == "filled"


def test_noise_of_floats_is_in_sync(tmp_path: Path) -> None:
    local = "order_id,symbol,side,type,qty,price,status,filled,order_date\nv1,ETH/USDT,sell,limit,0.3,2600,closed,0.3,2026-11-20T10:01:45Z\n"
    venue = [
        order(
            symbol="ETH/USDT",
            side="sell",
            price=2600,
            amount=0.3,
            filled=0.30000000000000004,
            average=2600,
            status="closed",
            clientOrderId=None,
        )
    ]
    code, plan = audit(tmp_path, local=local, venue=venue)
    assert (code, plan["corrections"]) == (0, [])


def test_what_was_not_given_is_no_alarm(tmp_path: Path) -> None:
    """Two files that agree, and no positions: nothing failed, so nobody is alarmed; that it was skipped is told."""
    local = "order_id,symbol,side,type,qty,price,status,filled,order_date,trade_id\nv1,ETH/USDT,sell,limit,0.3,2600,open,0,2026-11-20T10:01:45Z,t1\n"
    venue = [
        order(
            symbol="ETH/USDT",
            side="sell",
            price=2600,
            amount=0.3,
            filled=0,
            status="open",
            clientOrderId=None,
        )
    ]
    trades = [
        {
            "trade_id": "t1",
            "symbol": "ETH/USDT",
            "side": "short",
            "status": "open",
            "entry_qty": "0",
            "exit_qty": "0",
        }
    ]
    code, plan = audit(tmp_path, local=local, venue=venue, trades=trades)
    assert (code, plan["alerts"]) == (0, [])
    assert plan["result"]["exit_backfill"]["skipped_reason"] == "positions_not_read"


def test_a_fee_of_a_list_reaches_the_fill(tmp_path: Path) -> None:
    filled = {"status": "filled", "filled_qty": "10", "filled_avg_price": "100"}
    fill = {"id": "f1", "order": "v1", "timestamp": 1795431660000, "symbol": "XRP/USDT", "side": "buy", "price": 100, "amount": 10,
            "fee": None, "fees": [{"cost": 0.01, "currency": "XRP"}]}  # fmt: skip
    _, plan = audit(
        tmp_path,
        local=[local_order(**filled)],
        venue=[order(status="closed", filled=10, average=100, cost=1000)],
        fills=[fill],
    )
    [projected] = plan["projected_fills"]
    assert (projected["fill_id"], projected["fee"], projected["fee_currency"]) == ("f1", "0.01", "XRP")


def test_what_a_person_says_is_kept_and_taken_again(tmp_path: Path) -> None:
    local = "ref,way,state,lots,done_lots,coin\nv1,long,WORKING_ON_IT,10,0,XBTXRP\n"
    kept = str(tmp_path / "mapping.json")
    said = (
        "--map", "local.venue_order_id=ref", "--map", "local.side=way", "--map", "local.filled_qty=done_lots", "--map",
        "local.symbol=coin", "--value", "local.side.long=buy", "--value", "local.status.working_on_it=open", "--symbol",
        "XBTXRP=XRP/USDT", "--save", kept,
    )  # fmt: skip
    first = audit(tmp_path, *said, local=local, venue=[order(filled=4, average=99, clientOrderId=None)])
    again = audit(
        tmp_path, "--save", kept, local=local, venue=[order(filled=4, average=99, clientOrderId=None)]
    )
    assert fills(first[1]) == [("v1", "4", "99")]
    assert first == again


def test_plan_says_what_to_type_for_an_export(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(BINANCE)
    result = CliRunner().invoke(commands, ["plan", "--snapshot", str(tmp_path / "orders.csv")])
    assert (result.exit_code, result.stdout) == (64, "")
    assert (
        "this is Binance's order history, not a snapshot; type: trueup snapshot --local BOT.csv --venue "
        in result.stderr
    )


def test_columns_that_should_not_be_ignored_are_named(tmp_path: Path) -> None:
    (tmp_path / "local.csv").write_text(
        "id,symbol,side,status,qty,filled,taker_fee,note\nv1,XRP/USDT,buy,open,10,0,0.1,x\n"
    )
    (tmp_path / "venue.json").write_text(json.dumps([order()]))
    args = ["snapshot", "--local", str(tmp_path / "local.csv"), "--venue", str(tmp_path / "venue.json")]
    said = CliRunner().invoke(commands, args).stderr
    assert "ignored, though its name means a fee: taker_fee; nothing is taken from it" in said
    assert "ignored: note" in said
