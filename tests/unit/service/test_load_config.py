"""The configuration: where values come from, and what is refused with which words."""

import tomllib
from pathlib import Path

import pytest

from trueup.model.errors import ConfigError
from trueup.service.explain_config import explain_config
from trueup.service.load_config import LoadedConfig, load_config

SMALLEST = """
[[accounts]]
account_id = "acc-1"
venue = "files"
[[accounts.profiles]]
profile_id = "mom-1"
"""

TWO_PROFILES = """
[[accounts]]
account_id = "acc-1"
venue = "files"
[[accounts.profiles]]
profile_id = "mom-1"
policy = {left}
[[accounts.profiles]]
profile_id = "mom-2"
policy = {right}
"""


@pytest.fixture
def load(tmp_path: Path):
    def loaded(text: str, environ=None, flags=None) -> LoadedConfig:
        path = tmp_path / "trueup.toml"
        path.write_text(text)
        return load_config(str(path), environ or {}, flags)

    return loaded


def refusal(load, text: str, environ=None) -> str:
    with pytest.raises(ConfigError) as caught:
        load(text, environ)
    assert caught.value.exit_code == 10
    return str(caught.value)


def test_the_smallest_file_is_dry_and_has_every_default(load):
    config = load(SMALLEST).config
    assert config.service.apply is False
    assert config.service.interval_s == 30
    assert config.database.path == "trueup.sqlite"
    assert config.accounts[0].profiles[0].policy.absence_confirmations == 3


def test_flags_come_before_the_environment_before_the_file_before_defaults(load):
    text = SMALLEST + "[service]\ninterval_s = 5\njitter = 0.2\nlease_ttl_s = 7\n"
    environ = {"TRUEUP_SERVICE_INTERVAL_S": "6", "TRUEUP_SERVICE_JITTER": "0.3", "HOME": "/"}
    loaded = load(text, environ, {"service.interval_s": 8, "service.apply": None})
    service = loaded.config.service
    assert (service.interval_s, service.jitter, service.lease_ttl_s, service.profiles_at_a_time) == (
        8,
        0.3,
        7,
        8,
    )
    sources = {value.key: value.source for value in explain_config(loaded)}
    assert sources["service.interval_s"] == "flag"
    assert sources["service.jitter"] == "environment TRUEUP_SERVICE_JITTER"
    assert sources["service.lease_ttl_s"] == loaded.path
    assert sources["service.profiles_at_a_time"] == "default"
    assert sources["accounts[0].profiles[0].profile_id"] == loaded.path
    assert sources["accounts[0].profiles[0].policy.queries_max"] == "default"


def test_an_environment_variable_turns_applying_on(load):
    assert load(SMALLEST, {"TRUEUP_SERVICE_APPLY": "true"}).config.service.apply is True


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[servce]\napply = true\n", "servce: there is no such key; did you mean service?"),
        ("[service]\naply = true\n", "service.aply: there is no such key; did you mean apply?"),
        ("[service]\napply = 'yes'\n", "service.apply: Expected `bool`, got `str`"),
        ("[service]\ninterval_s = 0\n", "service.interval_s: Expected `float` > 0"),
        ("[service]\njitter = nan\n", "service.jitter: "),
        ("accounts = 3\n", "accounts: Expected `array`, got `int`"),
        ("[service\n", "is not TOML"),
        (
            SMALLEST + "policy = { queriesmax = 3 }\n",
            "profiles[0].policy.queriesmax: there is no such key; did you mean",
        ),
        (SMALLEST + "policy = { notional_max_usd = 100.5 }\n", "put it in quotes"),
        (
            SMALLEST + "policy = { notional_max_usd = 'ten' }\n",
            "accounts[0].profiles[0].policy.notional_max_usd: expected",
        ),
        (
            SMALLEST + "policy = { client_order_id_pattern = '(' }\n",
            "client_order_id_pattern: not a regular expression",
        ),
        (SMALLEST + "policy = { client_order_id_pattern = '^a' }\n", "needs a named group"),
        (SMALLEST + "policy = { owned_sub_tags = [' '] }\n", "would own every order"),
        (SMALLEST + SMALLEST, "account_id 'acc-1' is there twice"),
        (SMALLEST.replace("acc-1", " "), "account_id ' ': is blank"),
        (SMALLEST.replace("mom-1", "m" * 1001), "longer than 1000 characters (1001)"),
        (SMALLEST.replace("mom-1", "m\\u0000"), "holds a NUL character"),
        (SMALLEST + SMALLEST.replace("acc-1", "acc-2"), "profile_id 'mom-1' is there twice"),
        (
            SMALLEST.replace('"files"', '"files"\ncredentials = { key = "s3cret" }'),
            "a secret never stands in the file",
        ),
        (
            SMALLEST.replace('"files"', '"files"\ncredentials = { key = {} }'),
            "give one of env = 'NAME', file = 'PATH'",
        ),
        (
            "[[accounts]]\naccount_id = 'a'\nvenue = 'files'\nprofiles = []\n",
            "accounts[0].profiles: Expected",
        ),
    ],
)
def test_refused_with_the_place_and_what_to_do(load, text, words):
    assert words in refusal(load, text)


@pytest.mark.parametrize("text", ["[servce]\napply = true\n", "[service]\napply = 3\n", SMALLEST + SMALLEST])
def test_a_refusal_begins_with_the_file(tmp_path: Path, text: str):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(str(file), {})
    assert str(caught.value).startswith(f"{file}: ")


def test_a_refused_secret_is_not_repeated(load):
    assert "s3cret" not in refusal(
        load, SMALLEST.replace('"files"', '"files"\ncredentials = { key = "s3cret" }')
    )


def test_a_misspelt_variable_is_refused_and_others_are_not_ours(load):
    assert "did you mean TRUEUP_SERVICE_APPLY?" in refusal(load, SMALLEST, {"TRUEUP_SERVICE_APLY": "1"})
    load(SMALLEST, {"TRUEUP_HOME": "/", "SERVICE_APPLY": "1"})


def test_a_missing_file_says_how_to_make_one(tmp_path: Path):
    with pytest.raises(ConfigError, match="trueup init"):
        load_config(str(tmp_path / "none.toml"), {})


@pytest.mark.parametrize(
    ("left", "right", "words"),
    [
        ("{}", "{}", "'mom-1' shares its account"),
        ('{ owned_sub_tags = ["a"] }', "{}", "'mom-2' shares its account"),
        ('{ owned_sub_tags = ["A "] }', '{ owned_sub_tags = ["a"] }', "both own the sub-tag 'a'"),
        (
            '{ claimed_symbols = ["BTC/USD"] }',
            '{ claimed_symbols = ["btcusd"] }',
            "both own the symbol 'btcusd'",
        ),
        (
            '{ owned_client_order_id_prefixes = ["bot"] }',
            '{ owned_client_order_id_prefixes = ["BOT-2"] }',
            "both own client order ids that begin with 'BOT-2'",
        ),
        (
            '{ owned_client_order_id_prefixes = ["b-"] }',
            '{ owned_client_order_id_prefixes = ["b-c"] }',
            "both own client order ids that begin with 'b-c'",
        ),
    ],
)
def test_profiles_of_one_account_must_not_overlap(load, left, right, words):
    assert words in refusal(load, TWO_PROFILES.format(left=left, right=right))


def test_a_prefix_is_a_whole_token(load):
    rules = {
        "left": '{ owned_client_order_id_prefixes = ["bot"] }',
        "right": '{ owned_client_order_id_prefixes = ["bot2"] }',
    }
    assert load(TWO_PROFILES.format(**rules)).config.profile_ids == ["mom-1", "mom-2"]


def test_secrets_are_shown_by_where_they_are_read(load):
    text = SMALLEST.replace(
        '"files"',
        '"files"\ncredentials = { key_id = { env = "K" }, other = { file = "f" } }\n'
        'options = { api_password = "p4ss", path = "x", urls = ["https://me:p4ss@h/x?k=p4ss"] }',
    )
    environ = {"K": "s3cret"}
    shown = {one.key: one.value for one in explain_config(load(text, environ), environ)}
    assert shown["accounts[0].credentials.key_id"] == "*** from environment K (set)"
    assert shown["accounts[0].credentials.other"] == "*** from file f"
    assert shown["accounts[0].options.api_password"] == "***"
    assert shown["accounts[0].options.path"] == "x"
    assert shown["accounts[0].options.urls"] == ["https://***@h/x?…"]
    assert "s3cret" not in str(shown)
    assert "p4ss" not in str(shown)


def test_every_documented_key_exists_and_every_key_is_documented():
    """docs/reference/configuration.md has one table row a key."""
    page = Path(__file__).parents[3] / "docs/reference/configuration.md"
    rows = [line.split("|")[1].strip() for line in page.read_text().splitlines() if line.startswith("| `")]
    documented = {name.strip().strip("`") for row in rows for name in row.split(",")}
    assert documented == known_keys()


def known_keys() -> set[str]:
    from trueup.model.policy import Policy
    from trueup.service.config import (
        AccountConfig,
        AlertsConfig,
        BooksConfig,
        BudgetConfig,
        DatabaseConfig,
        FleetConfig,
        NotifierConfig,
        ProfileConfig,
        SecretSource,
        ServiceConfig,
        WebConfig,
    )

    tables = (
        *(DatabaseConfig, ServiceConfig, WebConfig, FleetConfig, BooksConfig, BudgetConfig),
        *(AccountConfig, ProfileConfig, SecretSource, AlertsConfig, NotifierConfig),
        Policy,
    )
    return {name for table in tables for name in table.__struct_fields__} - {"policy"}


def test_the_documented_example_is_accepted(load):
    page = (Path(__file__).parents[3] / "docs/reference/configuration.md").read_text()
    example = page.split("```toml\n")[1].split("```")[0]
    assert tomllib.loads(example)
    assert load(example).config.profile_ids == ["mom-1", "mom-2"]


BOOKS = """
[books.mine]
kind = "tables"
database = {database}
[[accounts]]
account_id = "a"
venue = "files"
[[accounts.profiles]]
profile_id = "p"
books = "{name}"
"""


def test_a_profile_names_its_books_and_a_password_never_stands_in_the_file(load):
    good = load(BOOKS.format(database='{ env = "BOT_URL" }', name="mine")).config
    assert good.accounts[0].profiles[0].books == "mine"
    with pytest.raises(ConfigError, match=r"there are no \[books.other\]; there are: mine"):
        load(BOOKS.format(database='"bot.db"', name="other"))
    with pytest.raises(ConfigError, match="a password never stands in the file") as caught:
        load(BOOKS.format(database='"postgresql://u:hunter2@h/d"', name="mine"))
    assert "hunter2" not in str(caught.value)
    with pytest.raises(ConfigError, match="write"):
        load(BOOKS.format(database='"bot.db"\nwrite = "always"', name="mine"))
