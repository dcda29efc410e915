"""Independent checkers of the invariants; they share no code with what they check."""

from trueup.sim.checkers.check_books import check_books, check_progress
from trueup.sim.checkers.check_converged import check_converged
from trueup.sim.checkers.check_parity import check_parity
from trueup.sim.checkers.check_plan import check_plan, check_replan, check_replay
from trueup.sim.checkers.check_runs import check_calls, check_reports
from trueup.sim.checkers.check_trades import check_trades
from trueup.sim.checkers.facts import ProfileBooks, Violation

__all__ = [
    "ProfileBooks",
    "Violation",
    "check_books",
    "check_calls",
    "check_converged",
    "check_parity",
    "check_plan",
    "check_progress",
    "check_replan",
    "check_replay",
    "check_reports",
    "check_trades",
]
