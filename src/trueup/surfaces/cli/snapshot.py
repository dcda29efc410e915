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
    from trueup.exports.columns import Columns
    from trueup.exports.make_snapshot import Export, Imported, Settings
    from trueup.exports.mapping import Mapping as Mapped
    from trueup.exports.meanings import Source

EXPORT_BYTES_MAX = 1 << 30
INDENTED_BYTES_MAX = (
    64 << 20
)  # of a larger snapshot nobody reads the lines, and indented `plan` may find it too large
_IGNORED_SHOWN_MAX = 12
_FILE = click.Path(path_type=Path)


@click.command()
@click.option("--local", type=_FILE, required=True, help="The bot's orders.")
@click.option("--venue", type=_FILE, help="The venue's orders: open ones, or all.")
@click.option("--fills", type=_FILE, help="The venue's fills.")
@click.option("--local-fills", type=_FILE, help="The bot's fills.")
@click.option("--positions", type=_FILE, help="The venue's positions.")
@click.option("--trades", type=_FILE, help="The bot's trades (round trips).")
@click.option("--map", "maps", multiple=True, metavar="FILE.MEANING=COLUMN",
              help="Say what a column means, e.g. local.venue_order_id=order_id; empty: none does.")  # fmt: skip
@click.option("--value", "values", multiple=True, metavar="FILE.MEANING.WORD=MEANT",
              help="Say what a word in a column means, e.g. local.status.done=filled.")  # fmt: skip
@click.option("--symbol", "symbols", multiple=True, metavar="SAID=SYMBOL",
              help="Say what a symbol is called here, e.g. XXBTZUSD=BTC/USD.")  # fmt: skip
@click.option("--save", type=_FILE, metavar="FILE",
              help="Keep --map, --value, --symbol and --assume-utc here, on top of what it keeps already.")  # fmt: skip
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

    CSV, JSON, JSON lines or Parquet, packed by gzip or not; rows of any bot, Alpaca's order JSON, ccxt's unified
    orders, and the downloads of Binance, Kraken, Coinbase, Alpaca, Bybit, OKX, KuCoin and freqtrade. Columns are found
    by their names; what is not certain is refused with the file, the row and the option that settles it.
    """
    from trueup.exports.make_snapshot import make_snapshot

    if options["venue"] is None and options["fills"] is None:
        raise click.UsageError("Missing option '--venue': the venue's orders; or give its fills with --fills")
    _refuse_one_file_for_both(options)
    mapping = _mapping(options)
    imported = make_snapshot(_exports(options), _settings(options, mapping))
    _report(imported)
    _write(invocation, imported, output)
    _save(options["save"], mapping)
    return 0


def _refuse_one_file_for_both(options: Mapping[str, Any]) -> None:
    """The bot's word beside itself is always in sync."""
    for own in ("local", "local_fills", "trades"):
        for venues in ("venue", "fills", "positions"):
            if options[own] is not None and options[own] == options[venues]:
                names = f"--{own.replace('_', '-')} and --{venues}"
                raise click.UsageError(f"{names} are one file: the bot's word must stand beside the venue's")


def _mapping(options: Mapping[str, Any]) -> "Mapped":
    from trueup.exports.mapping import load_mapping, read_mapping

    path: Path | None = options["save"]
    kept = None
    if path is not None and path.exists():
        with open_input(str(path)) as file:
            kept = load_mapping(file.read(), str(path))
    return read_mapping(
        options["maps"], options["values"], options["symbols"], assume_utc=options["assume_utc"], kept=kept
    )


def _save(path: Path | None, mapping: "Mapped") -> None:
    """Only after it worked: a mapping that was refused is not kept."""
    import msgspec

    if path is not None:
        write_whole(path, msgspec.json.format(msgspec.json.encode(mapping)) + b"\n")
        say(f"kept in {path}: the same --save takes it next time")


def _exports(options: Mapping[str, Any]) -> "dict[Source, Export]":
    from trueup.exports.make_snapshot import Export
    from trueup.exports.meanings import Source
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


def _settings(options: Mapping[str, Any], mapping: "Mapped") -> "Settings":
    from trueup.exports.make_snapshot import Settings
    from trueup.model.policy import Policy
    from trueup.model.snapshot import Instrument, Profile
    from trueup.model.vocabulary import Extent, ReadState

    return Settings(
        profile=Profile(profile_id=options["profile_id"], account_id=options["account_id"]),
        taken_at=_time(options, "taken_at"),
        policy=_converted(options["policy"], Policy) if options["policy"] else Policy(),
        instruments=_converted(options["instruments"], list[Instrument]) if options["instruments"] else [],
        mapping=mapping,
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
        what = "" if columns.form is None else f"{columns.form.name}, "
        say(
            f"{columns.source} {columns.rows.name}: {what}{counted(len(columns.rows.rows), 'row')}; {_taken(columns)}"
        )
        telling = columns.ignored_but_telling
        for column, meaning in telling.items():
            advice = _advice(columns, meaning, column)
            say(f"  ignored, though its name means {_WITH_ARTICLE[meaning]}: {column}; {advice}")
        ignored = [column for column in columns.ignored if column not in telling]
        if ignored:
            more = len(ignored) - _IGNORED_SHOWN_MAX
            shown = ", ".join(ignored[:_IGNORED_SHOWN_MAX]) + (f" and {more} more" if more > 0 else "")
            say(f"  ignored: {shown}")
    for note in imported.notes:
        say(f"note: {note}")


_WITH_ARTICLE = {"quantity": "a quantity", "price": "a price", "fee": "a fee", "id": "an id"}


def _advice(columns: "Columns", meaning: str, column: str) -> str:
    """The meanings of that kind that no column was taken for."""
    from trueup.exports.meanings import MEANINGS

    kinds = {
        "quantity": ("qty", "filled_qty", "entry_qty", "exit_qty"),
        "price": ("limit_price", "filled_avg_price", "price", "entry_avg_price"),
        "fee": ("fee",),
        "id": ("venue_order_id", "client_order_id", "trade_id", "fill_id"),
    }[meaning]
    free = [one for one in kinds if one in MEANINGS[columns.source] and one not in columns.taken]
    if not free:
        return "nothing is taken from it"
    return f"say --map {columns.source}.{free[0]}={column} if it is that"


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
    encoded = msgspec.json.encode(imported.snapshot)
    readable = msgspec.json.format(encoded) if len(encoded) <= INDENTED_BYTES_MAX else encoded
    write_whole(output, readable + b"\n")
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
