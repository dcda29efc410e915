"""Checks what a person writes before it is kept for good: names, reasons, ids that they give.

Rules: not blank, no longer than a snapshot's texts may be, text that every ledger can store. A decision is part of each
snapshot of its profile, so that a text which no snapshot may hold would end that profile's runs. Decides no wording.
"""

from trueup.model.check_texts import text_fault
from trueup.model.errors import InputError

NUL = "\0"  # PostgreSQL's texts cannot hold it


def check_words(**words: str | None) -> None:
    """By what each is; null is not given. Raises InputError that names the one which does not fit."""
    for name, word in words.items():
        if word is not None and (fault := _fault(word)) is not None:
            raise InputError(fault, name)


def _fault(word: str) -> str | None:
    if not word.strip():
        return "is empty: say it in a word or a few"
    if NUL in word or not _is_utf_8(word):
        return "holds a character that cannot be stored: write it as plain text"
    return text_fault(word)


def _is_utf_8(word: str) -> bool:
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True
