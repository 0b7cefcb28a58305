"""The Makefile keeps keys out, and the pins and pages follow pyproject.toml."""

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

Rows = Callable[[str], list[dict[str, str]]]
SHOW = "show:\n\t@env\n"


@pytest.fixture(scope="module")
def requirements(root: Path) -> list[Requirement]:
    """Everything that pyproject.toml asks for: core, extras and development."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"].values()
    groups = project["dependency-groups"].values()
    lines = project["project"]["dependencies"] + [
        line for part in [*extras, *groups] for line in part
    ]
    return [Requirement(line) for line in lines]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("given", ["environment", "command line"])
def test_no_recipe_sees_a_key_an_address_or_a_home(root: Path, given: str) -> None:
    secret = {
        "ANTHROPIC_API_KEY": "hidden-one",
        "ANTHROPIC_BASE_URL": "hidden-two",
        "ANTHROPIC_SOMETHING_NEW": "hidden-three",
        "BACKBURNER_HOME": "hidden-four",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environment = kept | secret if given == "environment" else kept
    words = [] if given == "environment" else [f"{k}={v}" for k, v in secret.items()]

    done = subprocess.run(
        ["make", "-f", "Makefile", "-f", "-", "show", *words],
        cwd=root,
        env=environment | {"KEPT": "yes"},
        input=SHOW,
        capture_output=True,
        text=True,
        check=True,
    )

    seen = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert [name for name in seen if name.startswith(("ANTHROPIC_", "BACKBURNER_"))] == []
    assert seen["KEPT"] == "yes"


def test_every_requirement_is_pinned_to_a_version_it_allows(
    requirements: list[Requirement], root: Path
) -> None:
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    pinned = {canonicalize_name(name): version for name, version in pins.items()}

    wrong = [
        str(requirement)
        for requirement in requirements
        if not requirement.specifier.contains(pinned.get(canonicalize_name(requirement.name), "0"))
    ]

    assert wrong == []


def test_every_requirement_has_a_reason(
    requirements: list[Requirement], root: Path, table_rows: Rows
) -> None:
    page = (root / "docs" / "decisions" / "011-dependencies.md").read_text(encoding="utf-8")

    explained = {row["package"].strip("`") for row in table_rows(page)}

    assert explained == {requirement.name for requirement in requirements}


def test_every_target_is_explained(root: Path) -> None:
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony is not None

    explained = re.findall(r"^([a-z-]+):.*## \S", makefile, re.MULTILINE)

    assert sorted(explained) == sorted(phony.group(1).split())
