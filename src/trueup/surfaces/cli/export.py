"""`trueup export`: one table of the books or the journal as CSV or JSON lines."""

import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

import click

from trueup.model.harmless import csv_cell, harmless_json
from trueup.surfaces.cli.configured import check_profile, open_books
from trueup.surfaces.cli.files import write_whole
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.terminal import counted, say

TABLES = (
    *("orders", "fills", "trades", "order_log"),
    *("breaks", "corrections", "exit_audit", "decisions", "runs", "outbox"),
)


@click.command()
@click.argument("table", metavar="TABLE", type=click.Choice(TABLES))
@click.option("--profile", metavar="ID", help="Only this profile.")
@click.option(
    "--format", "form", type=click.Choice(["csv", "jsonl"]), help="Default: csv, or jsonl with --json."
)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write here instead.")
@common
def command(
    invocation: Invocation, table: str, profile: str | None, form: str | None, output: Path | None
) -> None:
    """Write TABLE as CSV or JSON lines.

    TABLE is orders, fills, trades, order_log, breaks, corrections, exit_audit, decisions, runs or outbox.
    """
    with open_books(invocation) as books:
        check_profile(books, profile)
        rows = books.export(table, profile)
    write = write_json_lines if (form or ("jsonl" if invocation.json else "csv")) == "jsonl" else write_csv
    if output is None:
        write(rows, sys.stdout)
        return
    text = io.StringIO(newline="")
    write(rows, text)
    write_whole(output, text.getvalue().encode())
    say(f"wrote {counted(len(rows), 'row')} to {output}")


def write_json_lines(rows: Iterable[Mapping[str, Any]], file: TextIO) -> None:
    for row in rows:
        file.write(harmless_json(json.dumps(row, separators=(",", ":"))) + "\n")


def write_csv(rows: list[dict[str, Any]], file: TextIO) -> None:
    """Every key is a column, so no rows are no text; values that are not text or numbers are JSON."""
    if not rows:
        return
    columns = list(dict.fromkeys(key for row in rows for key in row))
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(map(csv_cell, columns))
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list | bool):
        return csv_cell(json.dumps(value, separators=(",", ":"), ensure_ascii=False))
    return csv_cell(value) if isinstance(value, str) else value
