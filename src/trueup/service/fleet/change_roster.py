"""Puts accounts into the roster, and takes them out: what workers run, without a file that lists them all.

Rules: an account is checked as one of a file is; it keeps its shard while it is known; new ones go where there is room.
Books and journal of an account that is taken out stay.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from trueup.fleet.shards import assign
from trueup.model.errors import InputError
from trueup.ports.ledger import Ledger
from trueup.ports.roster import FleetAccount
from trueup.service.config import AccountConfig, Config, check_config
from trueup.service.open_accounts import managed_profiles

AT_ONCE = 1_000  # accounts of one transaction


class Added(Struct, frozen=True, kw_only=True):
    """What became of accounts that were put into the roster."""

    added: int
    known: int  # were there already; their settings are now these
    profiles: int
    shards: int  # that hold the added ones


def put_accounts(ledger: Ledger, config: Config, accounts: Sequence[AccountConfig]) -> Added:
    """Adds accounts, or gives them other settings. Raises ConfigError, LedgerError; those of earlier batches stay.

    `config`: what the accounts may refer to, such as books.
    """
    check_config(replace(config, accounts=[*accounts]))
    sizes = {one.account_id: len(one.profiles) for one in accounts}
    known = ledger.roster.sizes()
    homes = {one.account_id: one.shard for one in known if one.account_id in sizes}
    new = {account_id: size for account_id, size in sizes.items() if account_id not in homes}
    placed = assign(known, new, config.fleet.profiles_per_shard)
    shards = homes | placed
    for start in range(0, len(accounts), AT_ONCE):
        batch = accounts[start : start + AT_ONCE]
        ledger.journal.ensure_profiles([one.profile for each in batch for one in managed_profiles(each)])
        rows = [
            FleetAccount(
                account_id=one.account_id,
                shard=shards[one.account_id],
                settings=msgspec.json.encode(one).decode(),
            )
            for one in batch
        ]
        ledger.roster.put_accounts(rows, sizes)
    return Added(
        added=len(placed),
        known=len(homes),
        profiles=sum(sizes.values()),
        shards=len(set(placed.values())),
    )


def remove_accounts(ledger: Ledger, account_ids: Sequence[str]) -> int:
    """Raises InputError where one is not in the roster; then none is taken out."""
    known = {one.account_id for one in ledger.roster.sizes()}
    missing = [one for one in account_ids if one not in known]
    if missing:
        raise InputError(f"no account {missing[0]!r} is in the roster: trueup account list")
    return ledger.roster.remove_accounts(account_ids)
