"""The public surface is small, explained, and cheap to import."""

import inspect
import subprocess
import sys

import pytest

import backburner

FEWER_THAN = 25
HEAVY = ("alembic", "anthropic", "httpx2", "jinja2", "pyarrow", "sqlalchemy")


def test_there_are_fewer_than_25_public_names() -> None:
    assert 0 < len(set(backburner.__all__)) < FEWER_THAN


def test_the_list_of_public_names_is_sorted_and_without_doubles() -> None:
    assert list(backburner.__all__) == sorted(set(backburner.__all__))


def test_every_public_name_is_offered_by_dir() -> None:
    assert set(backburner.__all__) <= set(dir(backburner))


@pytest.mark.parametrize("name", getattr(backburner, "__all__", []))
def test_a_public_class_or_function_has_a_docstring(name: str) -> None:
    value = getattr(backburner, name)
    generated = f"{name}("

    if inspect.isclass(value) or inspect.isroutine(value):
        text = (vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__) or ""
        assert text.strip()
        assert not text.startswith(generated)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = backburner.no_such_name  # type: ignore[attr-defined]


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_by("import backburner") == []


def test_asking_for_help_does_not_load_the_sdk() -> None:
    code = """
from backburner.cli.main import main
sys.argv = ["backburner", "--help"]
try:
    main()
except SystemExit:
    pass
"""

    assert "anthropic" not in loaded_by(code)


def loaded_by(code: str) -> list[str]:
    """Gives the heavy packages that a new interpreter has loaded after running some code."""
    ending = f'print("\\n" + " ".join(name for name in {HEAVY!r} if name in sys.modules))'
    command = [sys.executable, "-c", f"import sys\n{code}\n{ending}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()
