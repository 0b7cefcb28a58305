"""What a schema of answers must be: JSON Schema as far as the API can hold an answer to it.

Source: anthropic 2.12.0, lib/_parse/_transform.py, which makes schemas fit for the API, and
platform.claude.com/docs/en/build-with-claude/structured-outputs (August 2026).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

FORMATS: Final = frozenset(
    {
        "date-time",
        "time",
        "date",
        "duration",
        "email",
        "hostname",
        "uri",
        "ipv4",
        "ipv6",
        "uuid",
    }
)
"""Formats of text that the API holds an answer to."""

_BEYOND: Final = (
    "$anchor",
    "$dynamicAnchor",
    "$dynamicRef",
    "contains",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "not",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
)
"""Keywords that change which answers are allowed, and that the API does not know."""

_MEANING: Final = ("type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref")
_DEFINITIONS: Final = ("$defs", "definitions")
_BRANCHES: Final = ("anyOf", "oneOf", "allOf")


@dataclass(frozen=True, slots=True)
class Unfit:
    """A place in a schema that the API cannot hold an answer to.

    Attributes:
        place: A path from the root, such as `$.properties.tags.items`.
        what: What stands there.
        hint: What to do next.
    """

    place: str
    what: str
    hint: str


def unfit(schema: Any) -> tuple[Unfit, ...]:
    """Every place of a valid JSON Schema that the API cannot hold an answer to."""
    found = tuple(_Walk(schema).faults(schema, "$"))
    return found or tuple(_endless(schema))


def closed(schema: Any) -> tuple[Any, int]:
    """A schema whose objects all have `additionalProperties: false`, and how many lacked it."""
    added = 0
    if isinstance(schema, list):
        pairs = [closed(item) for item in schema]
        return [item for item, _ in pairs], sum(count for _, count in pairs)
    if not isinstance(schema, dict):
        return schema, 0
    whole = dict(schema)
    for key, inner in subschemas(schema):
        whole[key], count = _closed_under(inner)
        added += count
    if _is_object(schema) and "additionalProperties" not in schema:
        whole["additionalProperties"] = False
        added += 1
    return whole, added


def _closed_under(inner: Any) -> tuple[Any, int]:
    """What stands under a key of subschemas: one schema, a list of them, or a mapping to them."""
    if isinstance(inner, Named):
        pairs = {name: closed(one) for name, one in inner.items.items()}
        return {name: one for name, (one, _) in pairs.items()}, sum(c for _, c in pairs.values())
    return closed(inner)


@dataclass(frozen=True, slots=True)
class Named:
    """Schemas by name, as under `properties`, where no name is a keyword."""

    items: Mapping[str, Any]


def subschemas(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The keys of a schema that hold schemas, each with a schema, a list of them, or `Named`."""
    for key in ("properties", *_DEFINITIONS):
        if isinstance(schema.get(key), dict):
            yield key, Named(schema[key])
    for key in ("items", *_BRANCHES):
        if key in schema:
            yield key, schema[key]


def resolved(root: Any, schema: Any) -> Any:
    """What a schema refers to; itself where it refers to nothing, None where that is not there."""
    while isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
        found = root
        if not schema["$ref"].startswith("#"):
            return None
        for step in schema["$ref"].removeprefix("#").split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, dict) else None
        if found is schema:
            return None
        schema = found
    return schema


def _is_object(schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind)


class _Walk:
    """Goes through a schema and tells what is wrong at each place."""

    def __init__(self, root: Any) -> None:
        self._root = root

    def faults(self, schema: Any, place: str) -> Iterator[Unfit]:
        if not isinstance(schema, dict) or not any(key in schema for key in _MEANING):
            hint = 'give it a type, such as {"type": "string"}'
            yield Unfit(place, "says nothing of what is allowed here", hint)
            return
        for key in _BEYOND:
            if key in schema:
                hint = "say it without that keyword, or in the prompt"
                yield Unfit(f"{place}.{key}", "the API does not know this keyword", hint)
        yield from self._reference(schema, place)
        yield from self._branches(schema, place)
        yield from _object(schema, place)
        yield from _enum(schema, place)
        for key, inner in subschemas(schema):
            yield from self._under(inner, f"{place}.{key}")

    def _under(self, inner: Any, place: str) -> Iterator[Unfit]:
        if isinstance(inner, Named):
            for name, one in inner.items.items():
                yield from self.faults(one, f"{place}.{name}")
        elif isinstance(inner, list):
            for number, one in enumerate(inner):
                yield from self.faults(one, f"{place}[{number}]")
        else:
            yield from self.faults(inner, place)

    def _reference(self, schema: Mapping[str, Any], place: str) -> Iterator[Unfit]:
        if "$ref" in schema and resolved(self._root, schema) is None:
            what = f"refers to {schema['$ref']}, which is not in this schema"
            yield Unfit(f"{place}.$ref", what, "put what it refers to under $defs")

    def _branches(self, schema: Mapping[str, Any], place: str) -> Iterator[Unfit]:
        hint = "write each alternative out whole"
        for key in _BRANCHES:
            if key in schema and "properties" in schema:
                yield Unfit(place, f"has properties beside {key}", hint)
        if len(schema.get("allOf", ())) > 1:
            yield Unfit(f"{place}.allOf", "joins several schemas", "merge them into one")
        if "anyOf" in schema and "oneOf" in schema:
            yield Unfit(place, "has anyOf beside oneOf", hint)


def _object(schema: Mapping[str, Any], place: str) -> Iterator[Unfit]:
    if not _is_object(schema):
        return
    if schema.get("additionalProperties", False) is not False:
        hint = "name each property under properties; the API allows no others"
        yield Unfit(f"{place}.additionalProperties", "is not false", hint)
    elif not schema.get("properties"):
        yield Unfit(place, "is an object without properties", "name each under properties")


def _enum(schema: Mapping[str, Any], place: str) -> Iterator[Unfit]:
    values = [*schema.get("enum", ()), schema.get("const")]
    if any(isinstance(value, dict | list) for value in values):
        key = "enum" if "enum" in schema else "const"
        hint = "the API takes text, numbers, true, false and null here"
        yield Unfit(f"{place}.{key}", "holds an object or a list", hint)


def _endless(root: Any) -> Iterator[Unfit]:
    """The first reference that leads back to where it stands."""
    stack: list[tuple[Any, str, frozenset[str]]] = [(root, "$", frozenset())]
    seen: set[str] = set()
    while stack:
        schema, place, path = stack.pop()
        reference = schema.get("$ref") if isinstance(schema, dict) else None
        if reference in path or reference == "#":
            hint = "the API takes no recursion: write the levels that you need"
            yield Unfit(f"{place}.$ref", f"{reference} contains itself", hint)
            return
        if reference is not None:
            if reference not in seen:
                seen.add(reference)
                stack.append((resolved(root, schema), reference, path | {reference}))
            continue
        stack.extend((one, where, path) for one, where in _children(schema, place))


def _children(schema: Any, place: str) -> Iterator[tuple[Any, str]]:
    for key, inner in subschemas(schema):
        if key in _DEFINITIONS:
            continue
        if isinstance(inner, Named):
            yield from ((one, f"{place}.{key}.{name}") for name, one in inner.items.items())
        elif isinstance(inner, list):
            yield from ((one, f"{place}.{key}[{n}]") for n, one in enumerate(inner))
        else:
            yield inner, f"{place}.{key}"
