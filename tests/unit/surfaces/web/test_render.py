"""How what a plan has is shown: every correction alike, as it is made and as it is stored."""

from pathlib import Path

import msgspec
import pytest

from trueup.core.make_plan import make_plan
from trueup.model.decode import decode_plan, decode_snapshot
from trueup.model.plan import Plan
from trueup.surfaces.web.render import make_environment

DECISIONS = Path(__file__).parents[3] / "data" / "decisions"
TABLES = make_environment().get_template("parts.html").module


def planned(name: str) -> Plan:
    return make_plan(decode_snapshot((DECISIONS / f"{name}.json").read_bytes()))


def shown(plan: Plan) -> str:
    return str(TABLES.plan_tables(plan, str, str))  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", sorted(one.stem for one in DECISIONS.glob("*.json")))
def test_a_plan_is_shown_alike_as_it_is_made_and_as_it_is_stored(name: str) -> None:
    plan = planned(name)
    assert shown(plan) == shown(decode_plan(msgspec.json.encode(plan)))


def test_an_order_that_is_inserted_is_shown_by_what_tells_it_from_others() -> None:
    """Two orders that nobody here knows, open at the venue: each is a whole row, not a change of one."""
    text = shown(planned("38f-same-venue-id-both-unknown-open"))
    assert text.count("<td>insert_order</td>") == 2
    assert text.count("<i>side</i> → ") == 2
    assert "recorded_at" not in text


def test_the_next_page_asks_for_the_same() -> None:
    pager = str(TABLES.pager(2, 3, 500, "breaks", "profile=p1"))  # type: ignore[attr-defined]
    assert 'href="?profile=p1&amp;page=1"' in pager.replace("&page", "&amp;page")
    assert 'href="?page=3"' in str(TABLES.pager(2, 3, 500, "breaks", ""))  # type: ignore[attr-defined]
