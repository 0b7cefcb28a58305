"""Where answers go: whether a path can take them, and whether what is there may be replaced."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from backburner.client.finishing import read_spec
from backburner.errors import OutputBlocked
from backburner.nouns.run import Run, RunSpec
from backburner.runs.atomic import check_writable
from backburner.runs.faults import Faults
from backburner.runs.input_copy import open_input, open_table
from backburner.runs.path_template import PathTemplate, check_paths
from backburner.runs.tables import Format, output_format
from backburner.store import Transaction
from backburner.store.runs import run_by_output
from backburner.worker import Tools


def output_path(output: str, spec: RunSpec) -> str:
    """Where an output goes, as a whole path.

    Raises:
        InputError: Nothing can be written there.
    """
    absolute = os.path.abspath(output)  # noqa: PTH100  # a template is no Path
    if PathTemplate.is_one(absolute):
        return absolute
    if spec.kind == "table":
        output_format(Format(spec.format), absolute)
    check_writable(Path(absolute))
    return absolute


def check_output(tx: Transaction, output: str, same: Run | None, *, force: bool) -> None:
    """Make sure that an output is ours to write.

    Raises:
        OutputBlocked: An unfinished run owns it, or no run of ours wrote what is there.
    """
    owner = run_by_output(tx, output)
    if owner is not None and same is not None and owner.id == same.id:
        return
    if owner is not None and owner.written_at is None and owner.cancel_asked_at is None:
        raise OutputBlocked(
            f"{output} belongs to the run {owner.id}, which is not finished",
            hint=f"name another -o, or `backburner cancel {owner.id}` first",
        )
    if owner is None and not force and _holds_something(output):
        raise OutputBlocked(
            f"{output} is there already, and no run of ours wrote it",
            hint="name another -o, or replace it with --force",
        )


def path_for(tools: Tools, run: Run, output: str, *, force: bool) -> str:
    """The whole path of an output that a finished run's answers may be written to.

    Raises:
        InputError: Its answers cannot be written there.
        OutputBlocked: It is not ours to write.
    """
    spec = read_spec(tools, run)
    path = output_path(output, spec)
    with tools.store.read() as tx:
        check_output(tx, path, run, force=force)
    check_rows(path, spec, lambda: open_input(tools.vault, spec, run.source), run.name)
    return path


def check_rows(
    output: str, spec: RunSpec, read: Callable[[], AbstractContextManager[BinaryIO]], title: str
) -> None:
    """Make sure that each row of a run that is there has a path of its own, before any is written.

    Args:
        output: Where its answers go.
        spec: What it asks.
        read: Opens its input.
        title: What to call that.

    Raises:
        InputFaults: The paths of its rows cannot be made, leave their folder, or are shared.
    """
    if not PathTemplate.is_one(output):
        return
    faults = Faults()
    with read() as stream:
        check_paths(open_table(stream, spec, faults), spec.limit, PathTemplate(output), faults)
    faults.raise_if_any(title)


def _holds_something(output: str) -> bool:
    if not PathTemplate.is_one(output):
        return Path(output).exists()
    folder = PathTemplate(output).folder
    return folder.is_dir() and any(folder.iterdir())
