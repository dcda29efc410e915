"""The commented `trueup.toml` that `trueup init` writes."""

import json

from msgspec import Struct

from trueup.model.policy import Policy
from trueup.service.config import DatabaseConfig, ServiceConfig


class Answers(Struct, frozen=True, kw_only=True):
    """What `init` asked. `credentials`: the venue's name of a secret → the environment variable that holds it.

    `owned_prefixes`: what this bot's client order ids begin with; empty = every order of the account is its own.
    """

    venue: str
    account_id: str
    profile_id: str
    user_id: str | None = None
    database_path: str = DatabaseConfig().path
    interval_s: float = ServiceConfig().interval_s
    owned_prefixes: tuple[str, ...] = ()
    credentials: dict[str, str] = {}
    options: dict[str, str] = {}


def write_default_config(answers: Answers) -> str:
    """The text of a configuration that changes nothing yet: dry until `apply = true`."""
    policy, service = Policy(), ServiceConfig()
    return f"""\
# trueup: what to compare, and what may be repaired. `trueup doctor` checks this file,
# `trueup config show` says where each value comes from; every key: docs/reference/configuration.md

[database]
# Books and journal; relative to this file.
path = {_quoted(answers.database_path)}

[service]
# Seconds between two runs of an account, moved by up to this share so that accounts do not march in step.
interval_s = {answers.interval_s:g}
jitter = {service.jitter:g}
# false: report only. true: repair what evidence proves.
apply = false
# Who is told of repairs, an object with the methods of trueup.ports.Executor:
# executor = "my_bot.hooks:executor"

[[accounts]]
account_id = {_quoted(answers.account_id)}
venue = {_quoted(answers.venue)}
{_inline_table("options", answers.options)}{_credentials(answers.credentials)}
[[accounts.profiles]]
profile_id = {_quoted(answers.profile_id)}
{_user(answers.user_id)}
[accounts.profiles.policy]
# What this bot's client order ids begin with. Empty: every order of the account is its own.
owned_client_order_id_prefixes = {_list(answers.owned_prefixes)}
# What the bot touched so recently (seconds) is not judged yet:
# recent_activity_window_s = {policy.recent_activity_window_s:g}
# An order that the venue does not know is canceled here ("hold": only reported) when the venue
# has said so this often, over at least so many seconds:
# on_confirmed_absence = "{policy.on_confirmed_absence}"
# absence_confirmations = {policy.absence_confirmations}
# absence_min_age_s = {policy.absence_min_age_s:g}
# A plan with more corrections, or that books more than this in USD, waits for a person:
# corrections_max = {policy.corrections_max}
# notional_max_usd = "10000"
"""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(texts: tuple[str, ...]) -> str:
    return f"[{', '.join(_quoted(text) for text in texts)}]"


def _inline_table(name: str, values: dict[str, str]) -> str:
    if not values:
        return ""
    return (
        f"{name} = {{ {', '.join(f'{_quoted(key)} = {_quoted(value)}' for key, value in values.items())} }}\n"
    )


def _credentials(variables: dict[str, str]) -> str:
    if not variables:
        return ""
    lines = "".join(
        f"{_quoted(name)} = {{ env = {_quoted(variable)} }}\n" for name, variable in variables.items()
    )
    where = "# Names of environment variables (or { file = 'PATH' }), never the secrets."
    return f"\n[accounts.credentials]\n{where}\n{lines}"


def _user(user_id: str | None) -> str:
    return "" if user_id is None else f"user_id = {_quoted(user_id)}\n"
