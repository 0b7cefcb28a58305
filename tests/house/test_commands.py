"""Every command and option explains itself, and has its place in the documentation."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from backburner.cli.main import app


def walk(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Gives each command that is shown, groups too, with its full name."""
    yield name, command
    for word, child in getattr(command, "commands", {}).items():
        if not child.hidden:
            yield from walk(child, f"{name} {word}")


COMMANDS = dict(walk(typer.main.get_command(app), "backburner"))
LEAVES = [name for name, command in COMMANDS.items() if not getattr(command, "commands", None)]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_does(name: str) -> None:
    assert (COMMANDS[name].help or "").strip()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_and_argument_of_a_command_says_what_it_does(name: str) -> None:
    silent = [
        parameter.name
        for parameter in COMMANDS[name].params
        if not getattr(parameter, "hidden", False)
        and not (getattr(parameter, "help", None) or "").strip()
    ]

    assert silent == []


@pytest.mark.parametrize("name", LEAVES)
def test_a_command_is_named_in_the_documentation(name: str, root: Path) -> None:
    page = (root / "docs" / "cli.md").read_text(encoding="utf-8")

    assert re.search(rf"\b{re.escape(name)}\b", page)


@pytest.mark.parametrize("name", LEAVES)
def test_every_option_of_a_command_is_named_in_the_documentation(name: str, root: Path) -> None:
    page = (root / "docs" / "cli.md").read_text(encoding="utf-8")
    options = [
        option
        for parameter in COMMANDS[name].params
        if not getattr(parameter, "hidden", False)
        for option in parameter.opts
        if option.startswith("--") and option != "--help"
    ]

    assert [o for o in options if not re.search(rf"(?<![\w-]){o}(?![\w-])", page)] == []


def test_the_documentation_names_no_command_that_is_not_there(root: Path) -> None:
    page = (root / "docs" / "cli.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^#+ `(backburner [a-z -]+?)`", page, re.MULTILINE))

    assert sorted(named - set(COMMANDS)) == []
