"""The schema that a person names for answers: a JSON Schema file, or `module:PydanticModel`."""

import importlib
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import msgspec
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from backburner.errors import InputError
from backburner.plan.native_schemas import native, told
from backburner.plan.schemas import closed, unfit
from backburner.runs.faults import Faults, one_fault
from backburner.runs.properties import check_properties

_MODEL = re.compile(r"(?P<module>[A-Za-z_][\w.]*):(?P<name>[A-Za-z_][\w.]*)")
_CONFIG = "output_config"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSchema:
    """A schema that answers have to meet.

    Attributes:
        source: As the person named it.
        whole: The schema that answers are judged by.
        closed: How many of its objects did not say `additionalProperties: false`, and do now.
        told: Places of limits that the API does not enforce: told to the model in words.
        columns: The properties of its answers, each of which is a column of the output.
    """

    source: str
    whole: msgspec.Raw
    closed: int
    told: tuple[str, ...]
    columns: tuple[str, ...]


def read_schema(source: str, folder: Path) -> OutputSchema:
    """Reads and checks a schema.

    Args:
        source: A file, or `module:PydanticModel`.
        folder: Where the module is looked for first.

    Raises:
        InputError: There is no such file or model.
        InputFaults: `schema_broken` or `schema_unsupported`: it is no schema, or none that the API
            can hold an answer to.
    """
    model = _MODEL.fullmatch(source)
    if model and not Path(source).exists():
        schema = _of_model(source, model["module"], model["name"], folder)
    else:
        schema = _of_file(source)
    _check(schema, source)
    value, count = closed(schema)
    whole = msgspec.Raw(msgspec.json.encode(value))
    return OutputSchema(
        source=source,
        whole=whole,
        closed=count,
        told=tuple(told(value)),
        columns=check_properties(whole, source),
    )


def with_format(
    params: Mapping[str, msgspec.Raw], schema: msgspec.Raw | None
) -> Mapping[str, msgspec.Raw]:
    """Parameters that ask for answers in the form of a schema, whatever else they ask.

    Raises:
        InputFaults: `parameter_invalid`: they ask for a form already, or cannot take one.
    """
    if schema is None:
        return params
    config = msgspec.json.decode(params.get(_CONFIG, b"{}"))
    place, hint = f"--param {_CONFIG}", "give the form of answers with --schema alone"
    if not isinstance(config, dict):
        raise one_fault(place, "parameter_invalid", "is no JSON object", "write {…}")
    if "format" in config:
        raise one_fault(place, "parameter_invalid", "has a format, and so has --schema", hint)
    form = {"type": "json_schema", "schema": native(msgspec.json.decode(schema))}
    return {**params, _CONFIG: msgspec.Raw(msgspec.json.encode(config | {"format": form}))}


def _of_file(source: str) -> Any:
    try:
        text = Path(source).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(
            f"the schema {source} cannot be read: {error.strerror}",
            hint="name a JSON Schema file, or module:Model for a Pydantic model",
        ) from error
    except UnicodeDecodeError as error:
        what = f"is not UTF-8: byte 0x{error.object[error.start]:02X} at offset {error.start}"
        raise one_fault(source, "schema_broken", what, "save it as UTF-8") from error
    try:
        return json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        what = f"line {error.lineno}, column {error.colno}: no JSON: {error.msg}"
        raise one_fault(source, "schema_broken", what, "write it as JSON") from error
    except (ValueError, RecursionError) as error:
        raise one_fault(source, "schema_broken", f"no JSON: {error}", "write it as JSON") from error


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number in JSON")


def _of_model(source: str, module: str, name: str, folder: Path) -> Any:
    found = _imported(source, module, folder)
    for part in name.split("."):
        found = getattr(found, part, None)
    schema_of = getattr(found, "model_json_schema", None)
    if schema_of is None:
        what = "is no Pydantic model" if found is not None else "is not there"
        raise InputError(
            f"{name} {what} in the module {module}",
            hint="name a subclass of pydantic.BaseModel, such as labels:Review",
        )
    try:
        return schema_of()
    except Exception as error:
        # Pydantic, and what the model itself adds to its schema, may raise anything.
        raise InputError(
            f"{source} gives no JSON Schema: {error}", hint="use types that JSON has"
        ) from error


def _imported(source: str, module: str, folder: Path) -> Any:
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(module)
    except Exception as error:
        # It is the person's own code, which may raise anything while it is imported.
        raise InputError(
            f"{source}: the module {module} cannot be imported: {type(error).__name__}: {error}",
            hint="modules are looked for in the current folder first, then where Python does",
        ) from error
    finally:
        sys.path.remove(str(folder))


def _check(schema: Any, source: str) -> None:
    try:
        Draft202012Validator.check_schema(schema)
    except (SchemaError, RecursionError) as error:
        what = "it never ends" if isinstance(error, RecursionError) else _in_words(error)
        hint = "mend it there; keywords are those of JSON Schema 2020-12"
        raise one_fault(source, "schema_broken", f"no JSON Schema: {what}", hint) from error
    faults = Faults()
    for one in unfit(schema):
        faults.add("schema_unsupported", f"{one.place}: {one.what}", hint=one.hint)
    faults.raise_if_any(source)


def _in_words(error: SchemaError) -> str:
    return f"{error.json_path}: {error.message}"
