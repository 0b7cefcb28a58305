"""The columns of a schema: one for each property of the answer, typed as the schema says."""

from collections.abc import Mapping
from enum import StrEnum
from math import isfinite
from typing import Any, Final

import msgspec

from backburner.plan.schemas import resolved
from backburner.runs.answer import DONE, Answer, our_columns
from backburner.runs.faults import one_fault

_NULL: Final = msgspec.Raw(b"null")
_INT64: Final = 1 << 63
_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_text = msgspec.json.Decoder(str).decode


class Kind(StrEnum):
    """The type of a column."""

    TEXT = "text"
    WHOLE = "whole"
    NUMBER = "number"
    TRUTH = "truth"
    JSON = "json"


_KINDS: Final = {
    "string": Kind.TEXT,
    "integer": Kind.WHOLE,
    "number": Kind.NUMBER,
    "boolean": Kind.TRUTH,
}


class Property(msgspec.Struct, frozen=True, gc=False):
    """A property of the answer, which has a column."""

    name: str
    kind: Kind


def properties_of(schema: msgspec.Raw | None) -> tuple[Property, ...]:
    """The properties that a schema's answers have, in its order; none if they are no objects."""
    root = None if schema is None else msgspec.json.decode(schema)
    top = resolved(root, root)
    if not isinstance(top, dict) or top.get("type") != "object":
        return ()
    named = top.get("properties", {})
    return tuple(Property(name, _kind(root, inner)) for name, inner in named.items())


def property_columns(properties: tuple[Property, ...], prefix: str) -> tuple[str, ...]:
    """The names of their columns behind a prefix."""
    return tuple(prefix + one.name for one in properties)


def check_properties(schema: msgspec.Raw, source: str) -> tuple[str, ...]:
    """Gives the names of a schema's properties, none of which is that of a column of ours.

    Raises:
        InputFaults: `column_collision`: one is.
    """
    columns = property_columns(properties_of(schema), "")
    taken = set(columns).intersection(our_columns())
    if taken:
        names = " and ".join(repr(name) for name in sorted(taken))
        what = f"names {names}, as a column that every output has"
        raise one_fault(source, "column_collision", what, "rename it in the schema")
    return columns


def values_of(answer: Answer, properties: tuple[Property, ...]) -> list[msgspec.Raw]:
    """The JSON of each property on one line; null where a row is not ok or does not have it."""
    found = _found(answer)
    return [found.get(one.name, _NULL) for one in properties]


def cell_of(value: msgspec.Raw) -> str:
    """A value as a cell: text as it is, nothing for null, JSON for all else."""
    raw = bytes(value)
    if raw.startswith(b'"'):
        return _text(raw)
    return "" if raw == b"null" else _one_line(raw).decode()


def native_of(value: msgspec.Raw) -> msgspec.Raw:
    """A value as it stands in a line of JSON."""
    return msgspec.Raw(_one_line(bytes(value)))


def typed_of(value: msgspec.Raw, kind: Kind) -> Any:
    """A value for a typed column; None where it does not fit in."""
    raw = bytes(value)
    if raw == b"null":
        return None
    match kind:
        case Kind.TEXT:
            return _text(raw) if raw.startswith(b'"') else None
        case Kind.TRUTH:
            return {b"true": True, b"false": False}.get(raw)
        case Kind.WHOLE:
            return _whole(raw)
        case Kind.NUMBER:
            return _number(raw)
        case Kind.JSON:
            return _one_line(raw).decode()


def _found(answer: Answer) -> Mapping[str, msgspec.Raw]:
    if answer.outcome != DONE:
        return {}
    try:
        return _decode(answer.answer)
    except ValueError:
        return {}


def _one_line(raw: bytes) -> bytes:
    # Inside of strings, JSON has no line ends.
    return msgspec.json.format(raw, indent=-1) if b"\n" in raw or b"\r" in raw else raw


def _whole(raw: bytes) -> int | None:
    number = _number(raw)
    if number is None or not number.is_integer():
        return None
    whole = int(raw) if raw.lstrip(b"-").isdigit() else int(number)
    return whole if -_INT64 <= whole < _INT64 else None


def _number(raw: bytes) -> float | None:
    try:
        number = float(raw)
    except ValueError:
        return None
    return number if isfinite(number) else None


def _kind(root: Any, schema: Any) -> Kind:
    """The kind of a property; JSON where its values are of several types, or nested."""
    kinds = set(_types(root, schema)) - {"null"}
    if kinds == {"integer", "number"}:
        return Kind.NUMBER
    return _KINDS.get(kinds.pop(), Kind.JSON) if len(kinds) == 1 else Kind.JSON


def _types(root: Any, schema: Any) -> list[str]:
    """The JSON types that a value may have."""
    found = resolved(root, schema)
    if not isinstance(found, dict):
        return [""]
    if "enum" in found or "const" in found:
        values = found["enum"] if "enum" in found else [found["const"]]
        return [_type_of(value) for value in values]
    if "type" in found:
        kinds = found["type"]
        return list(kinds) if isinstance(kinds, list) else [kinds]
    branches: list[Any] = next(
        (found[key] for key in ("anyOf", "oneOf", "allOf") if key in found), [{}]
    )
    return [kind for branch in branches for kind in _types(root, branch)]


def _type_of(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case _:
            return ""
