"""The container's image: not root, nothing secret, and what it starts is a command of ours."""

import json
import re
from pathlib import Path

import pytest

from backburner.cli.units import CONTAINER_HOME

Instructions = list[tuple[str, str]]


@pytest.fixture(scope="module")
def instructions(root: Path) -> Instructions:
    """Each instruction of the Dockerfile, on one line."""
    text = (root / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", text)).splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines) if word]


@pytest.fixture(scope="module")
def last_stage(instructions: Instructions) -> Instructions:
    starts = [n for n, (word, _) in enumerate(instructions) if word == "FROM"]
    return instructions[starts[-1] :]


def values(instructions: Instructions, word: str) -> list[str]:
    return [rest for found, rest in instructions if found == word]


def test_it_is_built_in_one_stage_and_runs_in_another(instructions: Instructions) -> None:
    images = [rest.split(" AS ")[0] for rest in values(instructions, "FROM")]

    assert len(images) == 2
    assert all(re.fullmatch(r"python:3\.\d+-slim", image) for image in images)


def test_it_does_not_run_as_root(last_stage: Instructions) -> None:
    users = values(last_stage, "USER")

    assert users == ["10001:10001"]
    assert [word for word, _ in last_stage].index("USER") < [w for w, _ in last_stage].index("CMD")


def test_it_keeps_its_home_on_a_volume_that_the_units_name(last_stage: Instructions) -> None:
    assert values(last_stage, "VOLUME") == [str(CONTAINER_HOME)]
    assert f"BACKBURNER_HOME={CONTAINER_HOME}" in values(last_stage, "ENV")[0]


def test_it_starts_a_worker(last_stage: Instructions) -> None:
    (entry,), (command,) = values(last_stage, "ENTRYPOINT"), values(last_stage, "CMD")

    assert json.loads(entry) == ["backburner"]
    assert json.loads(command)[0] == "worker"


def test_no_secret_is_in_it(instructions: Instructions, root: Path) -> None:
    text = "\n".join(rest for _, rest in instructions)
    taken = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert not re.search(r"(?i)key|token|secret|password", text)
    assert not values(instructions, "ARG")
    assert taken[1] == "*"
    assert "**/*.env" in taken


def test_all_that_it_copies_is_taken_along(root: Path) -> None:
    kept = [
        line[1:]
        for line in (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    ]

    assert [name for name in kept if not (root / name).exists()] == []
    assert {"src", "pyproject.toml", "constraints.txt", "examples"} <= set(kept)
