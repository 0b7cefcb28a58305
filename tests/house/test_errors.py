"""Every error has a code, and a row that says what to do."""

import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import backburner
from backburner.errors import BackburnerError

# Exit codes that no error carries: all is well, and a run with anything but `ok`.
WITHOUT_ERROR = {0, 3}

Rows = Callable[[str], list[dict[str, str]]]


def subclasses(cls: type[BackburnerError]) -> Iterator[type[BackburnerError]]:
    for child in cls.__subclasses__():
        yield child
        yield from subclasses(child)


@pytest.fixture(scope="module")
def errors() -> list[type[BackburnerError]]:
    """The whole tree, once every module that could add to it is imported."""
    for module in pkgutil.walk_packages(backburner.__path__, "backburner."):
        if ".migrations." not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return [BackburnerError, *dict.fromkeys(subclasses(BackburnerError))]


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "errors.md").read_text(encoding="utf-8")


def test_every_error_has_a_code_of_its_own(errors: list[type[BackburnerError]]) -> None:
    without = [error.__name__ for error in errors if "code" not in vars(error)]
    shared = [code for code, uses in Counter(error.code for error in errors).items() if uses > 1]

    assert without == []
    assert shared == []


def test_every_code_is_in_snake_case(errors: list[type[BackburnerError]]) -> None:
    odd = [e.code for e in errors if not re.fullmatch(r"[a-z]+(_[a-z]+)*", e.code)]

    assert odd == []


def test_every_error_says_in_a_sentence_what_it_is(errors: list[type[BackburnerError]]) -> None:
    silent = [e.__name__ for e in errors if not (vars(e).get("__doc__") or "").strip()]

    assert silent == []


def test_an_error_carries_its_message_and_its_hint() -> None:
    error = BackburnerError("row 7 has no column text", hint="name one of: id, body")

    assert str(error) == "row 7 has no column text"
    assert error.hint == "name one of: id, body"


def test_every_error_is_documented_with_its_exit_code(
    errors: list[type[BackburnerError]], page: str, table_rows: Rows
) -> None:
    documented = {row["code"].strip("`"): row["exit"] for row in table_rows(page) if "code" in row}

    assert documented == {error.code: str(error.exit_code) for error in errors}


def test_every_exit_code_is_documented(
    errors: list[type[BackburnerError]], page: str, table_rows: Rows
) -> None:
    rows = [row for row in table_rows(page) if "code" not in row and "exit" in row]
    documented = {int(row["exit"]) for row in rows}

    assert documented >= WITHOUT_ERROR | {error.exit_code for error in errors}
