"""`trueup snapshot`: a snapshot from exports. What was taken for what goes to standard error."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trueup.model.errors import InputError
from trueup.surfaces.cli.files import open_input, write_whole
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.terminal import counted, say

if TYPE_CHECKING:
    from trueup.exports.columns import Columns, Source
    from trueup.exports.make_snapshot import Export, Imported, Settings

EXPORT_BYTES_MAX = 1 << 30
_IGNORED_SHOWN_MAX = 12
_FILE = click.Path(path_type=Path)


@click.command()
@click.option("--local", type=_FILE, required=True, help="The bot's orders.")
@click.option("--venue", type=_FILE, required=True, help="The venue's orders: open ones, or all.")
@click.option("--fills", type=_FILE, help="The venue's fills.")
@click.option("--local-fills", type=_FILE, help="The bot's fills.")
@click.option("--positions", type=_FILE, help="The venue's positions.")
@click.option("--trades", type=_FILE, help="The bot's trades (round trips).")
@click.option("--map", "maps", multiple=True, metavar="FILE.MEANING=COLUMN",
              help="Say what a column means, e.g. local.venue_order_id=order_id; empty: none does.")  # fmt: skip
@click.option("--assume-utc", is_flag=True, help="Times without a zone are UTC.")
@click.option("--local-extent", type=click.Choice(["all", "open_and_recent"]), default="all", show_default=True,
              help="Whether the bot recorded orders that --local does not hold.")  # fmt: skip
@click.option("--open-orders", type=click.Choice(["complete", "partial", "failed"]),
              help="Whether --venue holds every open order (default: judged by its size).")  # fmt: skip
@click.option(
    "--history-since", metavar="TIME", help="Since when the venue's orders and fills are all there."
)
@click.option(
    "--taken-at", metavar="TIME", help="The time of the audit (default: when the last file was written)."
)
@click.option(
    "--local-read-at", metavar="TIME", help="When the bot's files were exported (default: file time)."
)
@click.option(
    "--venue-read-at", metavar="TIME", help="When the venue's files were exported (default: file time)."
)
@click.option("--profile", "profile_id", default="audit", show_default=True, metavar="ID")
@click.option("--account", "account_id", metavar="ID")
@click.option("--policy", type=_FILE, help="Policy keys, as TOML or JSON.")
@click.option("--instruments", type=_FILE, help="Quantity steps and price ticks, as in the snapshot, JSON.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write here instead.")
@common
def command(invocation: Invocation, output: Path | None, **options: Any) -> int:
    """Make a snapshot from exports of the bot and the venue, for `trueup plan --snapshot`.

    CSV, JSON or JSON lines; rows of any bot, Alpaca's order JSON, ccxt's unified orders. Columns are found by their
    names; what is not certain is refused with the file, the row and the option that settles it.
    """
    from trueup.exports.make_snapshot import make_snapshot

    imported = make_snapshot(_exports(options), _settings(options))
    _report(imported)
    _write(invocation, imported, output)
    return 0


def _exports(options: Mapping[str, Any]) -> "dict[Source, Export]":
    from trueup.exports.columns import Source
    from trueup.exports.make_snapshot import Export
    from trueup.model.times import from_ns

    exports = {}
    for source in Source:
        path: Path | None = options[source.value.replace("-", "_")]
        if path is None:
            continue
        with open_input(str(path)) as file:
            data = file.read(EXPORT_BYTES_MAX + 1)
        if len(data) > EXPORT_BYTES_MAX:
            raise InputError(f"larger than {EXPORT_BYTES_MAX >> 20} MB; split it", str(path))
        local = source in (Source.LOCAL, Source.LOCAL_FILLS, Source.TRADES)
        said = _time(options, "local_read_at" if local else "venue_read_at")
        exports[source] = Export(data, str(path), said or from_ns(int(path.stat().st_mtime) * 1_000_000_000))
    return exports


def _settings(options: Mapping[str, Any]) -> "Settings":
    from trueup.exports.columns import read_overrides
    from trueup.exports.make_snapshot import Settings
    from trueup.model.policy import Policy
    from trueup.model.snapshot import Instrument, Profile
    from trueup.model.vocabulary import Extent, ReadState

    return Settings(
        profile=Profile(profile_id=options["profile_id"], account_id=options["account_id"]),
        taken_at=_time(options, "taken_at"),
        policy=_converted(options["policy"], Policy) if options["policy"] else Policy(),
        instruments=_converted(options["instruments"], list[Instrument]) if options["instruments"] else [],
        overrides=read_overrides(options["maps"]),
        assume_utc=options["assume_utc"],
        extent=Extent(options["local_extent"]),
        open_orders_state=ReadState(options["open_orders"]) if options["open_orders"] else None,
        history_since=_time(options, "history_since"),
    )


def _time(options: Mapping[str, Any], name: str) -> str | None:
    from trueup.exports.read_texts import read_time

    if options[name] is None:
        return None
    try:
        return read_time(options[name], assume_utc=options["assume_utc"])
    except ValueError as fault:
        raise InputError(str(fault), "--" + name.replace("_", "-")) from fault


def _converted(path: Path, kind: Any) -> Any:
    """A TOML or JSON file as values of ours."""
    import msgspec

    with open_input(str(path)) as file:
        data = file.read()
    try:
        return (msgspec.toml if path.suffix == ".toml" else msgspec.json).decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise InputError(str(fault), str(path)) from fault


def _report(imported: "Imported") -> None:
    for columns in imported.columns:
        say(
            f"{columns.source} {columns.rows.name}: {counted(len(columns.rows.rows), 'row')}; {_taken(columns)}"
        )
        if columns.ignored:
            more = len(columns.ignored) - _IGNORED_SHOWN_MAX
            shown = ", ".join(columns.ignored[:_IGNORED_SHOWN_MAX]) + (
                f" and {more} more" if more > 0 else ""
            )
            say(f"  ignored: {shown}")
    for note in imported.notes:
        say(f"note: {note}")


def _taken(columns: "Columns") -> str:
    return ", ".join(
        meaning if [meaning] == names else f"{meaning} from {' and '.join(names)}"
        for meaning, names in columns.taken.items()
    )


def _write(invocation: Invocation, imported: "Imported", output: Path | None) -> None:
    import msgspec

    if output is None:
        invocation.data(imported.snapshot)
        return
    write_whole(output, msgspec.json.format(msgspec.json.encode(imported.snapshot)) + b"\n")
    if invocation.json:
        invocation.data(
            {
                "output": str(output),
                "columns": {columns.source: columns.taken for columns in imported.columns},
                "ignored": {columns.source: columns.ignored for columns in imported.columns},
                "notes": imported.notes,
            }
        )
    else:
        say(f"wrote {output}; next: trueup plan --snapshot {output}")
