"""Single-line mistakes in product code, and the tests that must notice them: `python -m tests.mutants`.

Each is made in a copy of the source, where the named tests run until one fails. What survives is printed, and so is
what says nothing: a line that is no longer there, tests that fail without the mistake. `TRUEUP_MUTANT=20` begins with
that one. Not a part of the suite: it runs for minutes. The simulator has its own, made at run time, in
`tests/sim/mutations`.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parent.parent
TIMEOUT_S = 600
PLAN = "tests/acceptance/plan/"
CORE, ORDERS, STAGES, TRADES = "core/", "core/orders/", "core/stages/", "core/trades/"


class Mutant(Struct, frozen=True):
    """`right` stands in the file once, and becomes `wrong`; `tests` are those that should notice."""

    file: str
    right: str
    wrong: str
    tests: str


MUTANTS = (
    # named by testers
    Mutant(
        STAGES + "check_parity.py",
        "comparison.is_flat\n        and abs",
        "True\n        and abs",
        PLAN + "test_stages_parity.py",
    ),
    Mutant(
        TRADES + "explain_position.py",
        "comparison.side is None and _holds",
        "False and _holds",
        PLAN + "test_stages_parity.py",
    ),
    Mutant(
        ORDERS + "judge_terms.py",
        "return record.updated_at is None or is_before",
        "return record.updated_at is not None and is_before",
        PLAN + "test_matched_pair.py",
    ),
    Mutant(
        TRADES + "positions.py",
        "owned = {LONG: max(baseline, ZERO)",
        "owned = {LONG: baseline",
        PLAN + "test_stages_parity.py",
    ),
    Mutant(
        "engine/run/observe_venue.py",
        "to_ns(right) < to_ns(left) else left",
        "to_ns(right) > to_ns(left) else left",
        "tests/unit/engine/run",
    ),
    Mutant(
        "ledgers/sql/check_invariants.py",
        "if named > after and",
        "if named > after + 1 and",
        "tests/unit/ledgers/sql/test_check_invariants.py",
    ),
    Mutant(
        "venues/ccxt/order_end.py",
        'filled_qty=None if status is None else "0"',
        "filled_qty=filled",
        "tests/unit/venues/ccxt",
    ),
    Mutant(
        ORDERS + "class_of_history.py",
        "to_ns(record.submitted_at) < to_ns(baseline)",
        "to_ns(record.submitted_at) <= to_ns(baseline)",
        PLAN + "test_stages_coverage.py",
    ),
    Mutant(
        ORDERS + "infer_fill.py",
        "            before,\n            after,",
        '            "0",\n            after,',
        "tests/unit/core/orders/test_infer_fill.py",
    ),
    # the core
    Mutant(
        ORDERS + "tell_apart.py",
        "if not known.is_fresh:\n            return Told(is_ahead=True)",
        "if known.is_fresh:\n            return Told(is_ahead=True)",
        "tests/unit/core/orders/test_fold_strays.py " + PLAN + "test_one_execution.py",
    ),
    Mutant(
        ORDERS + "tell_apart.py",
        "if strays else Told(alikes=alikes",
        "if False else Told(alikes=alikes",
        "tests/unit/core/orders/test_fold_strays.py",
    ),
    Mutant(
        ORDERS + "tell_apart.py",
        "if id(fill) not in doubles]",
        "]",
        "tests/unit/core/orders/test_fold_strays.py",
    ),
    Mutant(
        ORDERS + "tell_apart.py",
        "if alikes or straddles:",
        "if alikes:",
        "tests/unit/core/orders/test_fold_strays.py " + PLAN + "test_one_execution.py",
    ),
    Mutant(
        ORDERS + "claims_a_local_order.py", "and order.status not in TERMINAL", "", PLAN + "test_identity.py"
    ),
    Mutant(
        ORDERS + "find_ids_of_several.py",
        "if _is_of_another(facts, local, venue, before_id, record):",
        "if False:",
        PLAN + "test_identity.py",
    ),
    Mutant(
        ORDERS + "judge_status.py",
        "if step is Step.WAITS and _is_believed(judgement):",
        "if step is Step.WAITS:",
        PLAN + "test_matched_pair.py",
    ),
    Mutant(
        ORDERS + "judge_status.py",
        "step in (Step.ENDS, Step.ENDS_OTHERWISE) and not",
        "step is Step.ENDS_OTHERWISE and not",
        PLAN,
    ),
    Mutant(
        ORDERS + "judge_status.py",
        "return local_at is None or not is_before",
        "return not local_at or is_before",
        PLAN + "test_matched_pair.py",
    ),
    Mutant(
        STAGES + "resolve_missing.py",
        "2 * gone > known",
        "2 * gone >= known",
        PLAN + "test_local_live_absent.py",
    ),
    Mutant(
        STAGES + "resolve_missing.py",
        "known >= MASS_ABSENCE_LIVE_MIN",
        "known > MASS_ABSENCE_LIVE_MIN",
        PLAN + "test_local_live_absent.py",
    ),
    Mutant(
        ORDERS + "count_absence.py",
        "never_acknowledged = known_id(order.venue_order_id) is None and",
        "never_acknowledged = known_id(order.venue_order_id) is None or",
        PLAN + "test_local_live_absent.py",
    ),
    Mutant(
        STAGES + "match_orders.py",
        "client_id != known_client_id(record.client_order_id)",
        "False",
        PLAN + "test_matching.py",
    ),
    Mutant(
        ORDERS + "hand_out_fills.py",
        "return index == other, facts_of(fill)",
        "return True, facts_of(fill)",
        PLAN + "test_matching.py",
    ),
    Mutant(
        TRADES + "awaited_entries.py",
        "if nobodys[_way(record)] != 1:",
        "if False:",
        PLAN + "test_stages_coverage.py",
    ),
    Mutant(
        STAGES + "raise_alerts.py",
        'read.fault is ReadFault.NOT_GIVEN and skipped != "disabled"',
        "read.fault is ReadFault.NOT_GIVEN",
        PLAN + "test_stages_exit_backfill.py",
    ),
    Mutant(
        TRADES + "order_of_facts.py",
        "max(known) if self.leaves(index) else min(known)",
        "min(known)",
        PLAN + "test_actions_and_trades.py",
    ),
    Mutant(
        TRADES + "order_of_facts.py", "own = min(own, filled)", "pass", PLAN + "test_actions_and_trades.py"
    ),
    Mutant(
        TRADES + "sum_orders.py", "exceeds(sums.exit_qty, exit_qty)", "exceeds(exit_qty, sums.exit_qty)", PLAN
    ),
    Mutant(
        CORE + "check_limits.py",
        "len(corrections) > policy.corrections_max",
        "len(corrections) >= policy.corrections_max",
        PLAN + "test_stages_watchdog_and_sub_tags.py",
    ),
    Mutant(
        CORE + "check_limits.py",
        "amount(one.fill.qty) - amount(one.fill.superseded_qty)",
        "amount(one.fill.qty)",
        PLAN + "test_stages_watchdog_and_sub_tags.py",
    ),
    # engine, ledgers, venues, exports
    Mutant("engine/run/answer_queries.py", "if answer.by is not by or", "if", "tests/unit/engine/run"),
    Mutant(
        "engine/run/answer_queries.py",
        "right is not None and (left is None or to_ns(left)",
        "right is not None and (left is not None and to_ns(left)",
        "tests/unit/engine/run",
    ),
    Mutant(
        "engine/run/answer_queries.py",
        "state=ReadState.PARTIAL if late else read.state",
        "state=read.state",
        "tests/unit/engine/run",
    ),
    Mutant(
        "engine/recorder/recorder.py",
        "if order.status in TERMINAL or not _is_bound",
        "if not _is_bound",
        "src/trueup/testing/ledgers/test_recorder.py",
    ),
    Mutant(
        "engine/recorder/recorder.py",
        "to_ns(known) >= to_ns(time)",
        "to_ns(known) < to_ns(time)",
        "src/trueup/testing/ledgers/test_recorder.py",
    ),
    Mutant("engine/people/explain.py", "(?<![\\w-])", "", "src/trueup/testing/ledgers/test_people.py"),
    Mutant(
        "ledgers/sql/write_record.py",
        "own_id not in (None, client_id) and",
        "own_id is None and",
        "src/trueup/testing/ledgers/test_recorder.py",
    ),
    Mutant(
        "ledgers/sql/check_invariants.py",
        "if growth < 0:",
        "if growth < -1:",
        "tests/unit/ledgers/sql/test_check_invariants.py",
    ),
    Mutant(
        "venues/ccxt/words.py",
        "if (own in _LIVE) is (theirs in TERMINAL):",
        "if False:",
        "tests/unit/venues/ccxt",
    ),
    Mutant(
        "venues/ccxt/words.py",
        "return theirs if finer is Status.CANCELED else finer",
        "return finer",
        "tests/unit/venues/ccxt",
    ),
    Mutant(
        "exports/read_csv.py",
        "line = above + reader.line_num",
        "line = reader.line_num",
        "tests/unit/exports",
    ),
    Mutant(
        "exports/okx.py",
        "if len(base) != len(quote):",
        "if not base:",
        "tests/unit/exports",
    ),
    Mutant(
        "exports/read_orders.py",
        'return limit, average or (None if filled == "0" else price)',
        "return limit, average or price",
        "tests/unit/exports",
    ),
    Mutant(
        "exports/tidy_rows.py",
        "clock = century + clock if _SHORT_YEAR.match(clock) else clock",
        "clock = century + clock",
        "tests/unit/exports",
    ),
    Mutant(
        "venues/ccxt/words.py",
        "return None if own is None or own in _LIVE else _REFINED.get(own)",
        "return None if own is None else _REFINED.get(own)",
        "tests/unit/venues/ccxt",
    ),
    Mutant(
        "core/orders/fold_fills.py",
        "_ATTEMPTS = ((True, True), (False, True), (False, False))",
        "_ATTEMPTS = ((True, True), (False, True))",
        "tests/acceptance/plan",
    ),
    Mutant(
        "exports/make_snapshot.py",
        "since is not None and open_state is ReadState.COMPLETE",
        "since is not None",
        "tests/unit/exports",
    ),
    # what was reckoned before
    Mutant(
        "model/last_results.py",
        "last[0] == rows:",
        "len(last[0][0]) == len(rows[0]):",
        "tests/unit/model/test_last_results.py",
    ),
    Mutant(
        "model/last_results.py",
        "tuple(one.copy() for one in rows)",
        "rows",
        "tests/unit/model/test_last_results.py",
    ),
    Mutant(
        "model/last_results.py",
        "min(len(known[0]), len(lists[0])) - start",
        "len(lists[0])",
        "tests/unit/model/test_last_results.py",
    ),
    Mutant(
        "model/last_results.py",
        "*known[len(known) - (count - between.stop) :]]",
        "*known[between.stop :]]",
        "tests/unit/model/test_checked_rows.py",
    ),
    Mutant(
        "model/check_snapshot.py",
        '_check_texts("", [order], range(1))',
        "pass",
        PLAN + "test_long_texts.py",
    ),
    Mutant(
        STAGES + "match_orders.py",
        "by_id.copy() if ids else {}",
        "by_id if ids else {}",
        PLAN + "test_matching.py",
    ),
    Mutant(
        STAGES + "diff_orders.py",
        "            or _averages_differ(facts, order, record)\n        ):",
        "        ):",
        PLAN + " tests/property/test_average.py",
    ),
    Mutant(
        TRADES + "trade_moves.py",
        "entry_ended=key in trades_with_unfilled_entry(facts, local, ended),\n        )\n        if settled",
        "entry_ended=False,\n        )\n        if settled",
        PLAN + "test_stages_coverage.py",
    ),
    Mutant(
        "ledgers/sql/known_rows.py",
        "self.look_up(rows[new.start : new.stop]), new, len(rows))",
        "self.look_up(rows[new.start : new.stop]), new, new.stop)",
        "tests/unit/ledgers/sql/test_known_rows.py",
    ),
    Mutant(
        "books/tables/read_tables.py",
        "if not all(one[-1] in by_text for one in new):",
        "if False:",
        "tests/unit/books/tables/test_read_tables.py",
    ),
    Mutant(
        "books/tables/last_read.py",
        "one[1] if one is not None and one[0] == cells else None",
        "one[1] if one is not None else None",
        "tests/unit/books/tables/test_read_tables.py",
    ),
    # rules that meet in one order or trade
    Mutant(
        ORDERS + "judgement.py",
        "self.notices.setdefault(kind, reason)",
        "self.notices[kind] = reason",
        PLAN + "test_average.py",
    ),
    Mutant(
        ORDERS + "record_figures.py",
        "if record.status in TERMINAL and filled is not None:",
        "if False:",
        PLAN + "test_stages_coverage.py " + PLAN + "test_stages_exit_backfill.py",
    ),
    Mutant(
        "model/notional.py",
        "return None if row.qty is None or is_zero(row.qty) else row.qty",
        "return row.qty",
        PLAN + "test_notional_and_fees.py",
    ),
    Mutant(
        TRADES + "gather_exits.py",
        "if action is Action.ENTRY:",
        "if False:",
        PLAN + "test_stages_exit_backfill.py",
    ),
    Mutant(
        TRADES + "gather_exits.py",
        "if len(fitting) == 1 and not (says_nothing and _may_enter(facts, local, record)):",
        "if len(fitting) == 1:",
        PLAN + "test_stages_exit_backfill.py",
    ),
    Mutant(
        TRADES + "gather_exits.py",
        "fitting = [one for one in fitting if known_id(one.trade.trade_id) == named]",
        "fitting = fitting",
        PLAN + "test_stages_exit_backfill.py",
    ),
    Mutant(
        TRADES + "change_trade.py",
        "entry_ended=key in trades_with_unfilled_entry(facts, local, local.orders),",
        "entry_ended=False,",
        PLAN + "test_stages_parity.py",
    ),
    Mutant(
        TRADES + "trade_moves.py",
        "if _only_fees_moved(trade, moved):",
        "if False:",
        PLAN + "test_stages_exit_backfill.py",
    ),
    Mutant(
        TRADES + "trade_moves.py",
        "if not _only_fees_moved(before, moved):",
        "if True:",
        PLAN + "test_actions_and_trades.py",
    ),
    Mutant(
        ORDERS + "is_by_notional.py",
        "if off <= 1 + COST_OFF_MAX:",
        "if False:",
        PLAN + "test_rules_that_meet.py",
    ),
    Mutant(
        ORDERS + "find_look_alikes.py",
        "found = _singles(left, right, _prices_equal) + ",
        "found = ",
        PLAN + "test_one_execution.py " + PLAN + "test_rules_that_meet.py",
    ),
    Mutant(
        ORDERS + "find_ids_of_several.py",
        "for venue_id in (parent_id, known_id(record.replaced_by)):",
        "for venue_id in (parent_id,):",
        PLAN + "test_replaced_orders.py",
    ),
    Mutant(
        ORDERS + "booked_side.py",
        "<= max(tolerance, ROUNDED_AVERAGE * average) * self.qty",
        "<= tolerance * self.qty",
        PLAN + "test_average.py",
    ),
    Mutant(
        ORDERS + "booked_side.py",
        "if is_same(now, average):\n            self._settled = average",
        "if True:\n            self._settled = average",
        PLAN + "test_average.py",
    ),
    Mutant(
        ORDERS + "booked_side.py",
        "return self.booked_qty if is_same(real_qty, self.booked_qty) else real_qty",
        "return real_qty",
        PLAN + "test_noise.py",
    ),
    Mutant(
        ORDERS + "booked_side.py",
        "if len({known_id(fill.fee_currency) for fill in known}) != 1:",
        "if known:",
        PLAN + "test_rules_that_meet.py",
    ),
    Mutant(
        ORDERS + "compare_fills.py",
        "return with_fee_of(one, other) if gives_fee(one, other) else one",
        "return one",
        PLAN + "test_rules_that_meet.py",
    ),
    Mutant(
        "core/draft/merge_readings.py",
        "filled = most if is_same(filled, most) else filled",
        "filled = filled",
        PLAN + "test_rules_that_meet.py " + PLAN + "test_noise.py",
    ),
    Mutant(
        ORDERS + "allot_fills.py",
        "if not plan.lays or not ZERO < plan.inferred_qty < noise:",
        "if True:",
        PLAN + "test_rules_that_meet.py " + PLAN + "test_noise.py",
    ),
    Mutant(
        ORDERS + "has_told_price.py",
        "return filled > 0 and not exceeds(filled, sum(mine, ZERO))",
        "return False",
        PLAN + "test_stages_exit_backfill.py",
    ),
    Mutant(
        "engine/people/quarantine.py",
        "entry_ended=has_unfilled_entry(trade, record.siblings),",
        "entry_ended=False,",
        "src/trueup/testing/ledgers/test_people.py -k sqlite",
    ),
    Mutant(
        "venues/ccxt/order_end.py",
        "if status in CUT_SHORT and _is_only_not_left(row, info, qty, filled):",
        "if False:",
        "tests/unit/venues/ccxt",
    ),
    Mutant(
        "venues/ccxt/order_end.py",
        "return missing > amount(qty) * COST_OFF_MAX and costs_about(qty, filled, None, average)",
        "return False",
        "tests/unit/venues/ccxt",
    ),
)


def main() -> int:
    survived = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("src", "tests", "docs"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "CHANGELOG.md", "CONTRIBUTING.md", "README.md"):
            shutil.copy(ROOT / name, copy / name)
        well: dict[str, bool] = {}  # by tests: whether they pass without any mistake
        for mutant in MUTANTS[int(os.environ.get("TRUEUP_MUTANT", "0")) :]:
            if mutant.tests not in well:
                well[mutant.tests] = _passes(copy, mutant.tests)
            told = _try(copy, mutant) if well[mutant.tests] else "not well"
            survived += told != "killed"
            sys.stdout.write(f"{told:9} {mutant.file}: {mutant.right.splitlines()[0][:70]}\n")
            sys.stdout.flush()
    return 1 if survived else 0


def _try(copy: Path, mutant: Mutant) -> str:
    path = copy / "src" / "trueup" / mutant.file
    right = path.read_text()
    if right.count(mutant.right) != 1:
        return "gone"
    path.write_text(right.replace(mutant.right, mutant.wrong))
    try:
        return "survived" if _passes(copy, mutant.tests) else "killed"
    finally:
        path.write_text(right)


def _passes(copy: Path, tests: str) -> bool:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        *tests.split(),
    ]
    environment = os.environ | {"PYTHONPATH": f"{copy / 'src'}:{copy}", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, timeout=TIMEOUT_S)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
