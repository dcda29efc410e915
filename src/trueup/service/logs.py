"""How log records are written: one JSON object a line. Used by trueup's own processes, never by the library.

Text from a venue is untrusted: JSON escapes control characters, and what a terminal could take for a command with them.
"""

import logging
import sys
from typing import TextIO

import msgspec

from trueup.engine.events import LOGGER
from trueup.model.errors import InputError, LedgerDamaged
from trueup.model.harmless import harmless_json
from trueup.model.times import from_ns

_ENCODER = msgspec.json.Encoder(enc_hook=str)
_NS_PER_S = 1_000_000_000
_OF_DATA = (LedgerDamaged, InputError)  # they name the place and what to do: no line of code is at fault


class JsonFormatter(logging.Formatter):
    """`{"at": …, "level": …, "event": …, fields …}`; an exception is added as `error`, and as `traceback` where
    code may be at fault."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": from_ns(int(record.created * _NS_PER_S)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= getattr(record, "trueup", {})
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
            if not isinstance(record.exc_info[1], _OF_DATA):
                line["traceback"] = self.formatException(record.exc_info)
        return harmless_json(_ENCODER.encode(line).decode())


def set_up_logs(level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Sends trueup's events to `stream` (standard error) as JSON lines, and nowhere else."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    LOGGER.handlers[:] = [handler]
    LOGGER.setLevel(level)
    LOGGER.propagate = False
