"""Accounts for the roster from files: each form says the same, and what is wrong is named with its place."""

import json
from pathlib import Path

import pytest

from trueup.model.errors import InputError
from trueup.service.config import AccountConfig
from trueup.service.fleet.account_files import read_accounts

TREE = {
    "account_id": "acc-1",
    "venue": "alpaca",
    "credentials": {"key_id": {"env": "KEY"}},
    "options": {"live": "x"},
    "budgets": [],
    "profiles": [
        {"profile_id": "m-1", "policy": {"owned_client_order_id_prefixes": ["m1", "n1"], "queries_max": 3}},
        {"profile_id": "m-2", "policy": {"owned_client_order_id_prefixes": ["m2"]}},
    ],
}
TOML = """
[[accounts]]
account_id = "acc-1"
venue = "alpaca"
credentials = { key_id = { env = "KEY" } }
options = { live = "x" }
[[accounts.profiles]]
profile_id = "m-1"
policy = { owned_client_order_id_prefixes = ["m1", "n1"], queries_max = 3 }
[[accounts.profiles]]
profile_id = "m-2"
policy = { owned_client_order_id_prefixes = ["m2"] }
"""
HEAD = (
    "account_id,venue,credentials.key_id.env,options.live,profile_id,"
    "policy.owned_client_order_id_prefixes,policy.queries_max"
)
CSV = f"{HEAD}\nacc-1,alpaca,KEY,x,m-1,m1;n1,3\nacc-1,alpaca,KEY,x,m-2,m2,\n"


def read(folder: Path, name: str, text: str) -> list[AccountConfig]:
    (folder / name).write_text(text)
    return read_accounts(folder / name)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("deep.jsonl", "[" * 100_000, "line 1: it is not JSON"),
        ("deep.json", "[" * 100_000, "it is not JSON"),
        ("deep.toml", "a = " + "[" * 100_000, "it is not TOML"),
        ("a.csv", "account_id,venue,options,options.path,profile_id\na,files,x,y,p\n",
         "line 2: column 'options.path' is a part of 'options', which has a column of its own"),
        ("b.csv", "account_id,venue,options.path,options,profile_id\na,files,x,y,p\n",
         "line 2: column 'options' has parts in columns of their own"),
    ],
)  # fmt: skip
def test_a_file_that_leads_astray_is_refused_with_its_place(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        read(tmp_path, name, text)


def test_a_line_ends_where_json_lines_do(tmp_path: Path) -> None:
    """A separator of lines may stand in a text of JSON as it is."""
    tree = TREE | {"options": {"note": "a\u2028b\x85c"}}
    (account,) = read(tmp_path, "a.jsonl", json.dumps(tree, ensure_ascii=False) + "\r\n")
    assert account.options == {"note": "a\u2028b\x85c"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", json.dumps(TREE) + "\n\n"),
        ("a.json", json.dumps([TREE])),
        ("b.json", json.dumps({"accounts": [TREE]})),
        ("a.toml", TOML),
        ("a.csv", CSV),
        ("b.csv", "\ufeff" + CSV),
    ],
)
def test_every_form_says_the_same(tmp_path: Path, name: str, text: str) -> None:
    (account,) = read(tmp_path, name, text)
    assert (account.account_id, account.venue, account.options) == ("acc-1", "alpaca", {"live": "x"})
    assert account.credentials["key_id"].env == "KEY"
    first, second = account.profiles
    assert first.policy.owned_client_order_id_prefixes == ("m1", "n1")
    assert (first.policy.queries_max, second.policy.queries_max) == (3, 10)
    assert second.profile_id == "m-2"


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("a.xlsx", "", "expected a file that ends in"),
        ("a.jsonl", '{"account_id": "a"}\n', "line 1: .*venue"),
        ("a.jsonl", json.dumps(TREE) + "\n{\n", "line 2: it is not JSON"),
        ("a.jsonl", json.dumps(TREE | {"vnue": "x"}), "line 1: .*vnue"),
        ("a.json", '{"account": []}', "expected a list of accounts"),
        ("a.toml", "[service]\n", "only .* can stand here, not service"),
        ("a.toml", "[[accounts]\n", "it is not TOML"),
        ("a.csv", f"{HEAD}\nacc-1,alpaca,KEY,x,m-1,m1,\nacc-1,files,KEY,x,m-2,m2,\n", "line 3: .* in line 2"),
        ("a.csv", "account_id,venue\nacc-1,alpaca,more\n", "line 2: it has more values"),
        ("a.csv", HEAD + "\n", "it names no account"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, name: str, text: str, where: str) -> None:
    with pytest.raises(InputError, match=where):
        read(tmp_path, name, text)
