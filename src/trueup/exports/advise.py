"""What to type for a file that is an export where a snapshot was expected. Reads the beginning only; never raises."""

from trueup.exports.forms import Form, Kind, recognise
from trueup.exports.meanings import Source
from trueup.exports.read_rows import read_rows
from trueup.exports.unpack import is_parquet
from trueup.model.errors import InputError

HEAD_BYTES = 1 << 16
_GZIP, _ARCHIVE = b"\x1f\x8b", b"PK\x03\x04"
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
    form = None
    try:
        form = recognise(read_rows(head, name).columns)
    except InputError:  # the beginning of a file is seldom whole: then it is called by no name
        form = _by_first_line(head)
    what = "an export" if form is None else form.name
    given = {"--local": "BOT.csv", "--venue": "VENUE.csv"} | {f"--{_source(form)}": name}
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
    if is_parquet(text) or text.startswith((_GZIP, _ARCHIVE)):
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
