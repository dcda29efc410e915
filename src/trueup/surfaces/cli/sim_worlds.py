"""`trueup sim run` and `trueup sim replay`: whole simulated worlds, thousands from their seeds, or one to read."""

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trueup.model.errors import InputError
from trueup.surfaces.cli.exit_codes import FAILURE, IN_SYNC
from trueup.surfaces.cli.invocation import Invocation, common

if TYPE_CHECKING:
    from trueup.sim.trials.campaign import Tally


@click.command(short_help="Run simulated worlds until one fails.")
@click.option("--seeds", default="1-300", show_default=True, metavar="A-B", help="Each seed is one world.")
@click.option("--minutes", type=float, help="Stop after so long, wherever it stands.")
@click.option("--jobs", default=1, show_default=True, help="Processes.")
@click.option(
    "--covers-all", is_flag=True, help="Fail where a fault, a break or a reason that can occur did not."
)
@click.option(
    "--fleet",
    "by_broker",
    is_flag=True,
    help="A broker that loses, doubles and delays dispatches the workers.",
)
@common
def run(
    invocation: Invocation,
    seeds: str,
    minutes: float | None,
    jobs: int,
    covers_all: bool,
    by_broker: bool,
) -> int:
    """Run simulated worlds until one violates an invariant.

    A world is venues, bots, people, workers, a network and a database that fail in every way, then heal; its books
    must never be wrong in an unsafe way, and soon be right.
    """
    from time import monotonic

    from trueup.sim.trials.campaign import run_campaign

    first, last = _range(seeds)
    logging.disable(logging.CRITICAL)  # the engine tells of every simulated fault
    started = monotonic()

    def show(tally: "Tally") -> None:
        if sys.stderr.isatty():
            print(f"\r{_progress(tally, monotonic() - started)} ", end="", file=sys.stderr, flush=True)

    def is_over() -> bool:
        return minutes is not None and monotonic() - started > minutes * 60

    tally = run_campaign(first, last, jobs=jobs, is_over=is_over, on_progress=show, by_broker=by_broker)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    missing = tally.missing() if covers_all else []
    if invocation.json:
        invocation.data(_document(tally, monotonic() - started, missing))
    else:
        _tell(invocation, tally, monotonic() - started)
        for one in missing:
            invocation.line(f"never occurred: {one}", "red")
        again = "trueup sim replay --fleet" if by_broker else "trueup sim replay"
        for one, seed in sorted(tally.excluded.items()):
            invocation.line(f"occurred, and is listed as impossible: {one} ({again} {seed})", "red")
    if tally.failed and not invocation.json:
        _tell_failure(invocation, min(tally.failed), by_broker=by_broker)
    return FAILURE if tally.failed or missing or tally.excluded else IN_SYNC


@click.command(short_help="Run the world of SEED again.")
@click.argument("seed", type=int)
@click.option("--shrink", "wants_smaller", is_flag=True, help="Leave out what the violation does not need.")
@click.option(
    "--snapshot", type=click.Path(path_type=Path), help="Write the snapshot that led there to this file."
)
@click.option("--fleet", "by_broker", is_flag=True, help="As `sim run --fleet` ran it.")
@common
def replay(
    invocation: Invocation, seed: int, wants_smaller: bool, snapshot: Path | None, by_broker: bool
) -> int:
    """Run the world of SEED again and print its trace, byte for byte the same each time."""
    import msgspec

    from trueup.sim.trials.shrink import shrink
    from trueup.sim.trials.trial import dispatched, draw_plot, run_trial

    logging.disable(logging.CRITICAL)
    plot = dispatched(draw_plot(seed)) if by_broker else draw_plot(seed)
    trial = run_trial(plot, traced=True)
    if wants_smaller and trial.violations:
        plot, trial = shrink(plot)
        click.echo(f"shrunk to {msgspec.json.encode(plot, order='deterministic').decode()}", err=True)
    if snapshot is not None and trial.snapshot is not None:
        snapshot.write_bytes(msgspec.json.encode(trial.snapshot))
    if invocation.json:
        invocation.data({"seed": seed, "runs": trial.runs, "violations": trial.violations})
    else:
        sys.stdout.buffer.write(trial.trace)
        sys.stdout.buffer.flush()
    return FAILURE if trial.violations else IN_SYNC


def _range(seeds: str) -> tuple[int, int]:
    low, _, high = seeds.partition("-")
    try:
        first, last = int(low), int(high or low)
    except ValueError:
        raise InputError(f"expected A-B such as 1-300, got {seeds!r}", "--seeds") from None
    if last < first:
        raise InputError(f"the last seed comes before the first: {seeds}", "--seeds")
    return first, last


def _progress(tally: "Tally", elapsed_s: float) -> str:
    hours = tally.simulated_s / 3600
    pace = f"{tally.runs / elapsed_s:.0f} runs/s" if elapsed_s else ""
    core = f", {tally.runs / tally.cpu_s:.0f} a CPU second" if tally.cpu_s else ""
    return f"{tally.worlds} worlds, {tally.runs} runs, {hours:.1f} simulated hours, {pace}{core}"


def _tell(invocation: Invocation, tally: "Tally", elapsed_s: float) -> None:
    invocation.line(f"{_progress(tally, elapsed_s)}, {elapsed_s:.0f} s")
    invocation.line(f"healed worlds converged within {tally.rounds_max} rounds")
    for what in ("faults", "breaks", "reasons", "corrections", "deferrals"):
        counts = getattr(tally, what)
        told = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
        invocation.line(f"{what} ({sum(counts.values())}): {told}")


def _tell_failure(invocation: Invocation, seed: int, *, by_broker: bool) -> None:
    """The seed, the commit, the first violated invariant, and the shrunk trace."""
    from trueup.sim.trials.shrink import shrink
    from trueup.sim.trials.trial import dispatched, draw_plot

    plot, trial = shrink(dispatched(draw_plot(seed)) if by_broker else draw_plot(seed))
    invocation.line(f"seed {seed} at commit {_commit()} violates:", "red")
    for one in trial.violations:
        invocation.line(f"  {one.invariant} {one.subject}: {one.message}", "red")
    invocation.line(f"its world, shrunk ({len(plot.storms_s)} storms, {sum(plot.storms_s)} s):")
    sys.stdout.buffer.write(trial.trace)
    sys.stdout.buffer.flush()
    invocation.line(f"to see it whole: trueup sim replay {seed}{' --fleet' if by_broker else ''}")


def _commit() -> str:
    """Of the working copy, where this is one."""
    import subprocess

    folder = Path(__file__).parent
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "unknown"


def _document(tally: "Tally", elapsed_s: float, missing: list[str]) -> dict[str, object]:
    return {
        "worlds": tally.worlds,
        "runs": tally.runs,
        "simulated_s": round(tally.simulated_s),
        "cpu_s": round(tally.cpu_s, 1),
        "elapsed_s": round(elapsed_s, 1),
        "rounds_max": tally.rounds_max,
        "faults": tally.faults,
        "breaks": tally.breaks,
        "reasons": tally.reasons,
        "corrections": tally.corrections,
        "deferrals": tally.deferrals,
        "failed": {str(seed): violations for seed, violations in tally.failed.items()},
        "missing": missing,
        "wrongly_excluded": sorted(tally.excluded),
        "excluded_seeds": tally.excluded,
    }
