"""What to type for a file that is an export where a snapshot was expected. Reads the beginning only; never raises."""

from trueup.exports.check_kind import are_fills
from trueup.exports.forms import Form, Kind, recognise
from trueup.exports.meanings import Source
from trueup.exports.read_rows import read_rows, said_of_no_table
from trueup.exports.unpack import is_parquet
from trueup.model.errors import InputError

HEAD_BYTES = 1 << 16
_GZIP = b"\x1f\x8b"
_KEYS_OF_SNAPSHOTS = (b'"format"', b'"taken_at"', b'"profile"', b'"local"', b'"venue"')
_KEYS_OF_ROWS = (
    b'"id"',
    b'"orderId"',
    b'"order_id"',
    b'"clientOrderId"',
    b'"client_order_id"',
    b'"symbol"',
    b'"pair"',
)


def advise(head: bytes, name: str) -> str | None:
    """How to make a snapshot of it; null where it may be a snapshot."""
    if not _is_export(head):
        return None
    no_table = None if head.startswith(_GZIP) else said_of_no_table(head)
    if no_table is not None:
        return f"this is {no_table}"
    form, columns = None, []
    try:
        columns = read_rows(head, name).columns
        form = recognise(columns)
    except InputError:  # the beginning of a file is seldom whole: then it is called by no name
        form = _by_first_line(head)
    what = "an export" if form is None else form.name
    source = Source.FILLS if form is None and are_fills(columns) else _source(form)
    given = {"--local": "BOT.csv", "--venue": "VENUE.csv"} | {f"--{source}": name}
    options = " ".join(f"{option} {file}" for option, file in given.items())
    return f"this is {what}, not a snapshot; type: trueup snapshot {options} | trueup plan --snapshot -"


def _source(form: Form | None) -> Source:
    """What the file is to be given as: rows of nobody's form, and freqtrade's orders, are the bot's."""
    if form is None or form.kind is Kind.TRADES:
        return Source.LOCAL if form is None else Source.TRADES
    if form.kind is Kind.FILLS:
        return Source.LOCAL_FILLS if form.is_bots else Source.FILLS
    return Source.LOCAL if form.is_bots else Source.VENUE


def _is_export(head: bytes) -> bool:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if is_parquet(text) or text.startswith(_GZIP) or said_of_no_table(head) is not None:
        return True
    if text.startswith((b"{", b"[")):
        return not any(key in text for key in _KEYS_OF_SNAPSHOTS) and any(
            key in text for key in _KEYS_OF_ROWS
        )
    return any(delimiter in text.split(b"\n", 1)[0] for delimiter in (b",", b";", b"\t", b"|"))


def _by_first_line(head: bytes) -> Form | None:
    line = head.split(b"\n", 1)[0].decode("utf-8-sig", "replace")
    delimiter = max(",;\t|", key=line.count)
    return recognise([one.strip().strip('"') for one in line.split(delimiter)])
