"""Values that satisfy a JSON Schema, for answers with a required form.

The same schema and text always give the same value. A text (what a rule says) is used wherever a
string may be free, and chosen wherever it is one of the values allowed.

Source: platform.claude.com/docs/en/build-with-claude/structured-outputs (August 2026) for the
keywords; those that the API does not know are followed where that is easy.
"""

import zlib
from collections.abc import Callable
from typing import Any

_DEPTH = 12
_OPTIONAL_DEPTH = 4
_REFUSED = (
    "pattern",
    "not",
    "if",
    "patternProperties",
    "contains",
    "dependentSchemas",
    "prefixItems",
)
_FORMATS = {
    "date": "2026-11-22",
    "date-time": "2026-11-22T09:30:00Z",
    "time": "09:30:00Z",
    "duration": "PT30M",
    "email": "someone@example.com",
    "hostname": "example.com",
    "uri": "https://example.com/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "3f2b9c1e-5d4a-4b8e-9c0f-7a6b5c4d3e2f",
}


class UnsupportedSchemaError(Exception):
    """A schema uses a keyword for which the emulator cannot find a value."""

    def __init__(self, keyword: str) -> None:
        super().__init__(keyword)
        self.keyword = keyword


def generate(schema: Any, hint: str = "") -> Any:
    """A value that satisfies `schema`.

    Raises:
        UnsupportedSchemaError: The schema needs something that the emulator does not know.
    """
    return _Maker(schema, hint).make(schema, 0)


class _Maker:
    def __init__(self, root: Any, hint: str) -> None:
        self._root = root
        self._hint = hint
        self._steps = zlib.crc32(hint.encode("utf-8", "surrogatepass"))

    def make(self, schema: Any, depth: int) -> Any:
        if depth > _DEPTH:
            raise UnsupportedSchemaError("$ref without end")
        if schema is True or schema == {}:
            return self._hint
        if not isinstance(schema, dict):
            raise UnsupportedSchemaError(f"{schema!r} as a schema")
        for keyword in _REFUSED:
            if keyword in schema:
                raise UnsupportedSchemaError(keyword)
        makers: dict[str, Callable[[], Any]] = {
            "$ref": lambda: self.make(self._referred(schema["$ref"]), depth + 1),
            "const": lambda: schema["const"],
            "enum": lambda: self._one_of(schema["enum"]),
            "allOf": lambda: self.make(self._merged(schema), depth + 1),
            "anyOf": lambda: self._branch(schema, "anyOf", depth),
            "oneOf": lambda: self._branch(schema, "oneOf", depth),
        }
        for keyword, maker in makers.items():
            if keyword in schema:
                return maker()
        return self._typed(schema, depth)

    def _referred(self, reference: str) -> Any:
        found = self._root
        if not reference.startswith("#"):
            raise UnsupportedSchemaError(f"$ref to {reference}")
        for step in reference.removeprefix("#").split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or key not in found:
                raise UnsupportedSchemaError(f"$ref to {reference}")
            found = found[key]
        return found

    def _one_of(self, values: list[Any]) -> Any:
        if not values:
            raise UnsupportedSchemaError("enum without values")
        for value in values:
            if isinstance(value, str) and value == self._hint:
                return value
        self._steps = self._steps * 1_103_515_245 + 12_345 & 0xFFFFFFFF
        return values[(self._steps >> 8) % len(values)]

    def _merged(self, schema: dict[str, Any]) -> dict[str, Any]:
        whole = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            resolved = self._referred(part["$ref"]) if "$ref" in part else part
            for key, value in resolved.items():
                if key == "properties":
                    whole[key] = {**whole.get(key, {}), **value}
                elif key == "required":
                    whole[key] = [*whole.get(key, []), *value]
                else:
                    whole[key] = value
        return whole

    def _branch(self, schema: dict[str, Any], keyword: str, depth: int) -> Any:
        """The first branch that can be made; a recursive type ends in its simplest branch."""
        base = {key: value for key, value in schema.items() if key != keyword}
        reason = UnsupportedSchemaError(f"{keyword} without branches")
        branches = schema[keyword]
        ordered = branches if depth <= _OPTIONAL_DEPTH else sorted(branches, key=_weight)
        for branch in ordered:
            try:
                whole = self._merged({**base, "allOf": [branch]}) if base else branch
                return self.make(whole, depth + 1)
            except UnsupportedSchemaError as error:
                reason = error
        raise reason

    def _typed(self, schema: dict[str, Any], depth: int) -> Any:
        kind = schema.get("type") or _guessed(schema)
        if isinstance(kind, list):
            kind = kind[0]
        makers: dict[str, Callable[[dict[str, Any], int], Any]] = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "integer": self._number,
            "number": self._number,
            "boolean": self._boolean,
            "null": lambda _schema, _depth: None,
        }
        if kind not in makers:
            raise UnsupportedSchemaError(f"type {kind}")
        return makers[kind](schema, depth)

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        made: dict[str, Any] = {}
        for key, inner in properties.items():
            if key in required or depth < _OPTIONAL_DEPTH:
                made[key] = self.make(inner, depth + 1)
        for key in required:
            if key not in made:
                extra = schema.get("additionalProperties", True)
                if extra is False:
                    raise UnsupportedSchemaError(f"required {key}, which may not exist")
                made[key] = self.make(extra, depth + 1)
        if len(made) < schema.get("minProperties", 0):
            raise UnsupportedSchemaError("minProperties")
        return made

    def _array(self, schema: dict[str, Any], depth: int) -> list[Any]:
        least = schema.get("minItems", 0)
        if schema.get("uniqueItems") and least > 1:
            raise UnsupportedSchemaError("uniqueItems")
        count = least or int(depth < _OPTIONAL_DEPTH and schema.get("maxItems", 1) > 0)
        return [self.make(schema.get("items", True), depth + 1) for _ in range(count)]

    def _string(self, schema: dict[str, Any], _depth: int) -> str:
        form = schema.get("format")
        if form is not None:
            if form not in _FORMATS:
                raise UnsupportedSchemaError(f"format {form}")
            return _FORMATS[form]
        text = self._hint or "text"
        text = text[: schema.get("maxLength", len(text))]
        return text.ljust(schema.get("minLength", 0), ".")

    def _number(self, schema: dict[str, Any], _depth: int) -> int | float:
        whole = schema.get("type") != "number"
        step = schema.get("multipleOf", 1)
        low, high = _bounds(schema, step)
        first = -(-low // step) if low is not None else None
        last = high // step if high is not None else None
        if first is None:
            first = 0 if last is None else min(last, 0)
        if last is not None and first > last:
            if whole or "multipleOf" in schema:
                raise UnsupportedSchemaError("minimum above maximum")
            return float(low + high) / 2
        span = int(min(last - first + 1, 100)) if last is not None else 100
        value = (first + self._steps % span) * step
        return int(value) if whole else float(value)

    def _boolean(self, _schema: dict[str, Any], _depth: int) -> bool:
        return bool(self._one_of([True, False]))


def _bounds(schema: dict[str, Any], step: float) -> tuple[Any, Any]:
    """The least and the greatest number allowed, exclusive limits moved by one step."""
    low, high = schema.get("minimum"), schema.get("maximum")
    under, over = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if under is not None:
        inner = under + (step if float(under / step).is_integer() else 0)
        low = inner if low is None else max(low, inner)
    if over is not None:
        inner = over - (step if float(over / step).is_integer() else 0)
        high = inner if high is None else min(high, inner)
    return low, high


def _guessed(schema: dict[str, Any]) -> str:
    if "properties" in schema or "required" in schema:
        return "object"
    return "array" if "items" in schema else "string"


def _weight(branch: Any) -> int:
    """How far a branch is from ending a recursion."""
    text = str(branch)
    return text.count("$ref") * 1_000 + len(text)
