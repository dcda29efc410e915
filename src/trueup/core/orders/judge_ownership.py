"""Whose order it is: by client-id prefix (a whole token), sub-tag or claimed symbol; kin inherit.

With no rule configured everything in scope is owned. Bracket legs inherit the parent's owner, replacements their
predecessor's. Orders that come from one another in a circle have one owner: that of the least id among them.
"""

from enum import Enum

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.derive_action import pattern_group
from trueup.model.ids import known_client_id, known_id, normal_id, plain_id, symbol_token
from trueup.model.snapshot import VenueOrder
from trueup.model.vocabulary import DecisionKind

_KIN_DEPTH_MAX = 1000  # links followed towards the first order of a chain


class Owner(Enum):
    US = "us"
    FOREIGN = "foreign"
    CONTRADICTING = "contradicting"


def judge_ownership(facts: Facts, local: LocalSide, venue: VenueSide, record: VenueOrder) -> Owner:
    """Who owns a venue order that has no local row. A person's decision comes first."""
    if facts.snapshot.local.decisions:
        if facts.decision(DecisionKind.DISOWN_ORDER, record) is not None:
            return Owner.FOREIGN
        if facts.decision(DecisionKind.ADOPT_ORDER, record) is not None:
            return Owner.US
    if record.parent_venue_order_id is None and not venue.predecessor_of:
        return _by_own_marks(facts, record)  # by its own marks alone, without parent or predecessor
    own = known_id(record.venue_order_id)
    followed = {} if own is None else {own: record}
    for _ in range(_KIN_DEPTH_MAX):
        kin = _kin(venue, record)
        if kin is None:
            break
        if kin in local.known_ids or local.local_index(kin) is not None:
            return Owner.US
        if kin in followed:
            ids = list(followed)
            record = followed[min(ids[ids.index(kin) :])]
            break
        if kin not in venue.by_id:
            break
        record = followed[kin] = venue.by_id[kin]
    return _by_own_marks(facts, record)


def _kin(venue: VenueSide, record: VenueOrder) -> str | None:
    own = known_id(record.venue_order_id)
    predecessor = venue.predecessor_of.get(own) if own is not None else None
    return known_id(record.parent_venue_order_id) or predecessor


def _by_own_marks(facts: Facts, record: VenueOrder) -> Owner:
    by_client_id = _names_us_by_client_id(facts, record)
    if not facts.policy.has_ownership_rule:
        return Owner.FOREIGN if by_client_id is False else Owner.US
    tag = known_id(record.sub_tag)
    by_tag = tag in facts.owned_sub_tags if tag is not None and facts.owned_sub_tags else None
    if by_client_id is not None and by_tag is not None and by_client_id != by_tag:
        return Owner.CONTRADICTING
    if by_client_id or by_tag:
        return Owner.US
    claimed = record.symbol is not None and symbol_token(record.symbol) in facts.claimed_tokens
    return Owner.US if claimed and by_client_id is None and by_tag is None else Owner.FOREIGN


def _names_us_by_client_id(facts: Facts, record: VenueOrder) -> bool | None:
    """True: a prefix or the pattern names us; false: the pattern names another profile; null: it says nothing."""
    raw_id = record.client_order_id  # a tag that several orders carry may say whose they are
    client_id = known_client_id(plain_id(raw_id) if facts.has_own_ids and raw_id is not None else raw_id)
    if client_id is None:
        return None
    if facts.pattern is not None:
        named = pattern_group(facts, record.client_order_id, "profile")
        if named is not None and normal_id(named) != normal_id(facts.profile.profile_id):
            return False
    if client_id.startswith(facts.owned_prefixes) and any(
        has_prefix(client_id, one) for one in facts.owned_prefixes
    ):
        return True
    return None


def names_other_profile(facts: Facts, record: VenueOrder) -> bool:
    """Whether the pattern finds another profile's name in the client order id."""
    return _names_us_by_client_id(facts, record) is False


def has_prefix(client_id: str, start: str) -> bool:
    """Whether the id starts with the prefix (both comparable) as a whole token: `bot` does not own `bot2-7`."""
    if not start or not client_id.startswith(start):
        return False
    rest = client_id[len(start) :]
    return not rest or not rest[0].isalnum() or not start[-1].isalnum()
