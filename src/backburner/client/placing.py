"""Where answers go: whether a path can take them, and whether what is there may be replaced."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from backburner.client.finishing import read_spec
from backburner.errors import OutputBlocked
from backburner.nouns.output_file import FileState
from backburner.nouns.run import Run, RunSpec
from backburner.plan.output_files import state_together
from backburner.runs.atomic import check_writable
from backburner.runs.faults import Faults, one_fault
from backburner.runs.file_per_row import files_review
from backburner.runs.input_copy import open_input, open_table
from backburner.runs.output_files import Objection, look, objecting
from backburner.runs.path_template import PathTemplate, check_paths, whole_path
from backburner.runs.review import review_path
from backburner.runs.tables import Format, output_format
from backburner.store import Store
from backburner.store.runs import run_by_output, run_get, run_update
from backburner.worker import Tools


def output_path(output: str, spec: RunSpec) -> str:
    """Where an output goes, as a whole path.

    Raises:
        InputError: Nothing can be written there.
    """
    absolute = whole_path(output)
    if PathTemplate.is_one(absolute):
        _check_has_rows(output, spec)
        return absolute
    output_format(Format(spec.format) if spec.kind == "table" else Format.JSONL, absolute)
    check_writable(Path(absolute))
    return absolute


def path_for(tools: Tools, run: Run, output: str, *, force: bool) -> str:
    """The whole path of an output that a finished run's answers may be written to.

    Raises:
        InputError: Its answers cannot be written there.
        OutputBlocked: It is not ours to write.
    """
    spec = read_spec(tools, run)
    path = output_path(output, spec)
    objection = objection_to(tools.store, force=force)
    check_output(tools.store, path, spec, run, objection)
    check_rows(path, spec, lambda: open_input(tools.vault, spec, run.source), run.name, objection)
    return path


def objection_to(store: Store, *, force: bool) -> Objection:
    """What says why a file may not be replaced; it never does so for a person who forces it."""
    return (lambda _path: None) if force else objecting(store)


def check_output(
    store: Store, output: str, spec: RunSpec, same: Run | None, objection: Objection
) -> None:
    """Make sure that an output is ours to write; files of rows are looked at with their paths.

    Raises:
        OutputBlocked: Another run that is not finished owns it, or a file may not be replaced.
    """
    with store.read() as tx:
        owner = run_by_output(tx, output)
    if owner is not None and owner.id != (same and same.id) and _is_unwritten(owner):
        raise OutputBlocked(
            f"{output} belongs to the run {owner.id}, which is not finished",
            hint=f"name another -o, or `backburner cancel {owner.id}` first",
        )
    for path in _fixed_files(output, spec):
        if what := objection(path):
            raise OutputBlocked(
                f"{path} {what}", hint="name another -o, or replace it with --force"
            )


def name_output(tools: Tools, run: Run, output: str | None) -> Run:
    """Give a run that is there, and that nobody named an output for, the one that is named now."""
    if output is None or run.output is not None or run.pruned_at is not None:
        return run
    with tools.store.write() as tx:
        run_update(tx, run.id, output=output, written_at=None)
        return run_get(tx, run.id)


def check_rows(
    output: str,
    spec: RunSpec,
    read: Callable[[], AbstractContextManager[BinaryIO]],
    title: str,
    objection: Objection,
) -> None:
    """Make sure that each row of a run that is there has a path of its own, before any is written.

    Args:
        output: Where its answers go.
        spec: What it asks.
        read: Opens its input.
        title: What to call that.
        objection: Says why a path may not be written to.

    Raises:
        InputFaults: The paths of its rows cannot be made, leave their folder, are shared or taken.
    """
    if not PathTemplate.is_one(output):
        return
    faults, template = Faults(), PathTemplate(output)
    with read() as stream:
        table = open_table(stream, spec, faults)
        check_paths(table, spec.limit, template, faults, objection)
    faults.raise_if_any(title)


def output_state(tools: Tools, run: Run, output: str) -> FileState:
    """What a path holds where a run wrote its answers before.

    Files of rows count together; those of rows without an answer were never written.
    """
    if not PathTemplate.is_one(output):
        return look(tools.store, Path(output), run.id)[0]
    if run.pruned_at is not None:
        # Which paths its rows had is forgotten, and nothing can be written again.
        return FileState.OWN
    seen = (look(tools.store, path, run.id) for path in _row_files(tools, run, output))
    return state_together(state for state, wrote in seen if wrote is not None)


def check_unchanged(tools: Tools, run: Run) -> None:
    """Make sure that a run's output may be written again, as it is when more answers have come.

    Raises:
        OutputBlocked: Somebody worked in it.
    """
    if run.output is None or run.written_at is None:
        return
    objection = objecting(tools.store)
    rows = _row_files(tools, run, run.output) if PathTemplate.is_one(run.output) else ()
    for path in chain(_fixed_files(run.output, read_spec(tools, run)), rows):
        if what := objection(path):
            hint = "move it to another place first: what is sent again is written there"
            raise OutputBlocked(f"{path} {what}", hint=hint)


def _check_has_rows(output: str, spec: RunSpec) -> None:
    if spec.kind != "table":
        what = "the results of a list of requests are one file of JSON lines, and not one per row"
        raise one_fault(output, "output_format_mismatch", what, "name one file, such as out.jsonl")


def _is_unwritten(run: Run) -> bool:
    return run.written_at is None and run.cancel_asked_at is None


def _fixed_files(output: str, spec: RunSpec) -> Iterator[Path]:
    """The files of an output whose paths do not depend on its rows."""
    if PathTemplate.is_one(output):
        yield files_review(PathTemplate(output))
        return
    yield Path(output)
    if spec.kind == "table":
        yield review_path(Path(output))


def _row_files(tools: Tools, run: Run, output: str) -> Iterator[Path]:
    spec, template = read_spec(tools, run), PathTemplate(output)
    with open_input(tools.vault, spec, run.source) as stream:
        for record in islice(open_table(stream, spec, Faults()).records(), spec.limit):
            yield template.path_of(record.values)
