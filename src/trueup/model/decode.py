"""Bytes to a checked snapshot, or an `InputError` that names the place. Nothing half-read is ever returned.

The fast path lets msgspec decode straight into the values and checks the texts in bulk. A document that does not fit
is read again by the slow path, which accepts what the public document also allows (amounts as JSON numbers, by their
exact text; nulls for optional keys; exponents) and otherwise says where the fault is.
"""

import re
from typing import Any

import msgspec

from trueup.model.check_snapshot import check_snapshot
from trueup.model.check_texts import text_fault
from trueup.model.errors import InputError
from trueup.model.plan import PLAN_FORMAT, Plan
from trueup.model.snapshot import Snapshot
from trueup.model.tree import normalize_tree, parse_tree

_SNAPSHOTS = msgspec.json.Decoder(Snapshot)
_PLANS = msgspec.json.Decoder(Plan)
_PATH_IN_MESSAGE = re.compile(r"^(?P<message>.*?) - at `(?P<path>.*)`$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_LENGTH = "of length <="  # in msgspec's words of a text that is too long
_FIELD_IN_MESSAGE = re.compile(r"(?:unknown field|required field) `([^`]+)`")


def decode_snapshot(data: bytes | str) -> Snapshot:
    """One `trueup.snapshot/1` document. Raises InputError with the JSON path of the first fault found."""
    raw = data.encode() if isinstance(data, str) else data
    try:
        return check_snapshot(_SNAPSHOTS.decode(raw), is_decoded=True)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InputError):
        return check_snapshot(_decode_slowly(raw), is_decoded=True)


def decode_plan(data: bytes) -> Plan:
    """One `trueup.plan/1` document, such as `trueup plan -o FILE` wrote."""
    try:
        plan = _PLANS.decode(data)
    except msgspec.ValidationError as fault:
        raise _input_error(fault) from fault
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise InputError(f"not a JSON plan: {fault}") from fault
    if plan.format != PLAN_FORMAT:
        raise InputError(f"expected {PLAN_FORMAT!r}, got {plan.format[:60]!r}", "$.format")
    return plan


def _decode_slowly(raw: bytes) -> Snapshot:
    tree = parse_tree(raw)
    if not isinstance(tree, dict):
        raise InputError("expected one snapshot object")
    tree = normalize_tree(tree)
    try:
        return msgspec.convert(tree, Snapshot)
    except msgspec.ValidationError as fault:
        refused = _input_error(fault)
        too_long = text_fault(str(_value_at(tree, refused.path))) if _LENGTH in refused.message else None
        raise InputError(too_long or refused.message, refused.path) from fault


def _value_at(tree: Any, path: str) -> Any:
    """What stands at a JSON path."""
    for key, index in _STEP.findall(path):
        tree = tree[int(index)] if index else tree[key]
    return tree


def _input_error(fault: msgspec.ValidationError) -> InputError:
    match = _PATH_IN_MESSAGE.match(str(fault))
    message, path = (match["message"], match["path"]) if match is not None else (str(fault), "$")
    named = _FIELD_IN_MESSAGE.search(message)
    return InputError(message, path + (f".{named[1]}" if named else ""))
