"""Which accounts and profiles there are, and what is remembered of each profile between runs."""

from collections.abc import Sequence
from operator import attrgetter, itemgetter

import msgspec

from trueup.ledgers.sql.database import Database, Value, optional_text, read_document, stamp, text_value
from trueup.ledgers.sql.rows import json_list
from trueup.model.coverage_scope import CoverageScope
from trueup.model.errors import RESTORE, ConfigError, LedgerDamaged
from trueup.model.snapshot import Finding, Profile
from trueup.model.times import NS_PER_S, to_ns
from trueup.ports.records import ProfileState


class _Watermark(msgspec.Struct, frozen=True):
    watermark: str
    scope: CoverageScope | None


_WATERMARK = msgspec.json.Decoder(_Watermark)
_FINDINGS = msgspec.json.Decoder(list[Finding])


def ensure_profiles(database: Database, profiles: Sequence[Profile]) -> None:
    """Make accounts and profiles known. Raises ConfigError where one is recorded at another venue or account.

    Accounts, then leases, then profiles, each by id: as everybody locks them, so that nobody waits for each other.
    """
    known = sorted(profiles, key=attrgetter("profile_id"))
    venues: dict[str, str | None] = {}
    for profile in known:
        if profile.account_id is None:
            raise ConfigError(
                f"profile {profile.profile_id} has no account_id: name the account it trades in"
            )
        venues[profile.account_id] = profile.venue or venues.get(profile.account_id)
    with database.transaction():
        now = database.bound_now()
        database.write_many("add_account", sorted(venues.items(), key=itemgetter(0)))
        database.write_many("add_lease", [(one, now) for one in sorted(venues)])
        database.write_many("add_profile", [(p.profile_id, p.account_id, p.user_id) for p in known])
        rows = database.rows("profile_homes", json_list(one.profile_id for one in known))
        homes = {text_value(profile_id): (account_id, venue) for profile_id, account_id, venue in rows}
        for profile in known:
            if profile.profile_id not in homes:
                raise LedgerDamaged(
                    f"the account of profile {profile.profile_id} is gone: the ledger is {RESTORE}"
                )
            _check_home(profile, *homes[profile.profile_id])


def _check_home(profile: Profile, account_id: Value, venue: Value) -> None:
    if account_id != profile.account_id:
        raise ConfigError(
            f"profile {profile.profile_id} is recorded in account {account_id!r}, not {profile.account_id}: "
            "give the new one another profile id"
        )
    if profile.venue is not None and venue != profile.venue:
        raise ConfigError(
            f"account {account_id!r} is recorded at venue {venue!r}, not {profile.venue}: "
            "give the new one another account id"
        )


def list_profiles(database: Database) -> list[Profile]:
    return [
        Profile(
            profile_id=text_value(profile_id),
            account_id=text_value(account_id),
            user_id=optional_text(user_id),
            venue=optional_text(venue),
        )
        for profile_id, account_id, user_id, venue, _ in database.rows("profiles")
    ]


def profile_states(database: Database, profile_ids: Sequence[str]) -> dict[str, ProfileState]:
    now_ns = database.now_ns()
    rows = database.rows("profile_states", json_list(profile_ids))
    return {
        (owner := text_value(profile_id)): _state_of(database, owner, findings, reason, document, now_ns)
        for profile_id, findings, reason, document in rows
    }


def _state_of(
    database: Database, profile_id: str, findings: Value, pause_reason: Value, document: Value, now_ns: int
) -> ProfileState:
    """With the newest watermark that is not later than now: what a clock ahead stored proves nothing."""
    mark = None if document is None else read_document(_WATERMARK, document)
    is_future = mark is not None and to_ns(mark.watermark) >= now_ns + NS_PER_S  # stored by whole seconds
    if is_future:
        believed = database.rows("watermark_believed", profile_id, stamp(now_ns))
        mark = read_document(_WATERMARK, believed[0][0]) if believed else None
    return ProfileState(
        prior=read_document(_FINDINGS, findings),
        watermark=None if mark is None else mark.watermark,
        scope=None if mark is None else mark.scope,
        is_future=is_future,
        paused=pause_reason is not None,
        pause_reason=optional_text(pause_reason),
    )


def recorded_venue_accounts(database: Database, account_ids: Sequence[str]) -> dict[str, str]:
    rows = database.rows("venue_account_ids", json_list(account_ids))
    return {text_value(account_id): text_value(theirs) for account_id, theirs in rows}


def set_pause(database: Database, profile_id: str, reason: str | None) -> None:
    with database.transaction():
        if not database.write("set_pause", profile_id, reason):
            raise ConfigError(
                f"profile {profile_id!r} is not in this ledger: `trueup status` lists those that are"
            )
