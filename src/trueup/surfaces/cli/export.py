"""`trueup export`: one table of the books or the journal as CSV or JSON lines."""

import csv
import json
import sys
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, TextIO

import click

from trueup.model.harmless import csv_cell, harmless_json
from trueup.surfaces.cli.configured import check_profile, open_books
from trueup.surfaces.cli.files import writing_whole
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.terminal import counted, say

TABLES = (
    *("orders", "fills", "trades", "order_log"),
    *("breaks", "corrections", "exit_audit", "decisions", "person_corrections", "runs", "outbox"),
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

    TABLE is orders, fills, trades, order_log, breaks, corrections, exit_audit, decisions,
    person_corrections, runs or outbox.
    """
    write = write_json_lines if (form or ("jsonl" if invocation.json else "csv")) == "jsonl" else write_csv
    with open_books(invocation) as books:
        check_profile(books, profile)
        with closing(
            books.stream_export(table, profile)
        ) as rows:  # before the books, also where nobody reads on
            if output is None:
                write(rows, sys.stdout)
                return
            with writing_whole(output) as file:
                count = write(rows, file)
    say(f"wrote {counted(count, 'row')} to {output}")


def write_json_lines(rows: Iterable[Mapping[str, Any]], file: TextIO) -> int:
    """Returns how many rows there were, as `write_csv` does."""
    count = 0
    for row in rows:
        count += 1
        file.write(harmless_json(json.dumps(row, separators=(",", ":"))) + "\n")
    return count


def write_csv(rows: Iterable[Mapping[str, Any]], file: TextIO) -> int:
    """The first row's keys are the columns, as every row has them; no rows are no text.

    Values that are not text or numbers are JSON.
    """
    writer = csv.writer(file, lineterminator="\n")
    count, columns = 0, list[str]()
    for row in rows:
        count += 1
        if count == 1:
            columns = list(row)
            writer.writerow(map(csv_cell, columns))
        writer.writerow([_cell(row.get(column)) for column in columns])
    return count


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return csv_cell(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return csv_cell(json.dumps(value, separators=(",", ":"), ensure_ascii=False))
    return value
