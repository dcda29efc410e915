"""Files of the user: opened with an error that names them, written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

from trueup.model.errors import InputError


def open_input(source: str) -> BinaryIO:
    """An existing file, for reading. Raises InputError."""
    path = Path(source)
    if path.is_dir():
        raise InputError("is a folder; name a file in it", source)
    try:
        return path.open("rb")
    except FileNotFoundError as fault:
        raise InputError("no such file", source) from fault
    except OSError as fault:
        raise InputError(
            f"cannot be read ({(fault.strerror or 'unknown reason').lower()})", source
        ) from fault


def write_whole(path: Path, data: bytes) -> None:
    """Replaces the file in one step, so that nobody sees half of it, and a full disk leaves the old one."""
    with writing_whole(path) as file:
        file.buffer.write(data)


@contextmanager
def writing_whole(path: Path) -> Iterator[TextIOWrapper]:
    """The same, a part at a time: what is written takes the file's place at the end, where nothing failed."""
    if path.exists() and not path.is_file():  # /dev/stdout, a pipe
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
        return
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with fresh.open("w", encoding="utf-8", newline="") as file:
            yield file
        fresh.replace(path)
    except OSError as fault:
        fresh.unlink(missing_ok=True)
        raise OSError(fault.errno, fault.strerror, str(path)) from fault
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
