"""The schema that travels: what the API holds an answer to; the rest is told it in words.

Limits such as `minimum` or `maxLength` are not enforced by the API. As the SDK does it, they go
into the description, where the model reads them; answers are judged by the whole schema.

Source: anthropic 2.12.0, lib/_parse/_transform.py.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from backburner.plan.schemas import FORMATS, Named, subschemas

_KEPT: Final = ("title", "description", "default", "type", "enum", "const", "$ref", "required")
_TOLD: Final = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
)
_FEWEST_ITEMS: Final = (0, 1)


def native(schema: Any) -> Any:
    """The schema that travels, for one that is fit and closed."""
    if isinstance(schema, list):
        return [native(one) for one in schema]
    if "$ref" in schema:
        whole = {"$ref": schema["$ref"]}
    elif isinstance(schema.get("type"), list) and "enum" not in schema and "const" not in schema:
        return _by_type(schema)
    else:
        whole = _plain(schema)
    return whole | {key: _under(inner) for key, inner in subschemas(schema) if key in _NAMES}


def told(schema: Any, place: str = "$") -> Iterator[str]:
    """The places of limits that the API does not enforce, such as `$.properties.score.minimum`."""
    if isinstance(schema, list):
        for number, one in enumerate(schema):
            yield from told(one, f"{place}[{number}]")
        return
    yield from (f"{place}.{key}" for key in _limits(schema))
    for key, inner in subschemas(schema):
        if isinstance(inner, Named):
            for name, one in inner.items.items():
                yield from told(one, f"{place}.{key}.{name}")
        else:
            yield from told(inner, f"{place}.{key}")


_NAMES: Final = ("$defs", "definitions")


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    whole = {key: schema[key] for key in _KEPT if key in schema}
    if "enum" in schema or "const" in schema:
        whole.pop("type", None)
    if schema.get("format") in FORMATS:
        whole["format"] = schema["format"]
    if schema.get("minItems") in _FEWEST_ITEMS:
        whole["minItems"] = schema["minItems"]
    if "additionalProperties" in schema:
        whole["additionalProperties"] = False
    for key, inner in subschemas(schema):
        if key not in _NAMES:
            # The API knows no oneOf; that exactly one branch fits is checked when judging.
            whole["anyOf" if key == "oneOf" else key] = _under(inner)
    if limits := _limits(schema):
        words = [whole["description"]] if "description" in whole else []
        limited = ", ".join(f"{key}: {json.dumps(value)}" for key, value in limits.items())
        whole["description"] = "\n\n".join([*words, f"{{{limited}}}"])
    return whole


def _under(inner: Any) -> Any:
    if isinstance(inner, Named):
        return {name: native(one) for name, one in inner.items.items()}
    return native(inner)


def _limits(schema: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return {}
    limits = {key: schema[key] for key in _TOLD if key in schema}
    if schema.get("minItems", 0) not in _FEWEST_ITEMS:
        limits["minItems"] = schema["minItems"]
    if "format" in schema and schema["format"] not in FORMATS:
        limits["format"] = schema["format"]
    return limits


def _by_type(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema with a list of types as one alternative for each of them."""
    around = ("title", "description", "default")
    rest = {key: value for key, value in schema.items() if key not in (*around, *_NAMES)}
    branches = [native(_of_type(rest, kind)) for kind in schema["type"]]
    named = {key: _under(inner) for key, inner in subschemas(schema) if key in _NAMES}
    return {key: schema[key] for key in around if key in schema} | {"anyOf": branches} | named


def _of_type(schema: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """What of a schema concerns one type."""
    foreign = {key for other, keys in _OF_TYPE.items() if other != kind for key in keys}
    own = set(_OF_TYPE.get(kind, ()))
    return {key: schema[key] for key in schema if key not in foreign or key in own} | {"type": kind}


_OF_NUMBERS: Final = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
)
_OF_TYPE: Final = {
    "object": (
        "properties",
        "required",
        "additionalProperties",
        "minProperties",
        "maxProperties",
    ),
    "array": ("items", "minItems", "maxItems", "uniqueItems"),
    "string": ("minLength", "maxLength", "pattern", "format"),
    "integer": _OF_NUMBERS,
    "number": _OF_NUMBERS,
}
