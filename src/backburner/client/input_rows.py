"""Which rows of an input the rows of a run are, where a condition chose them."""

from collections.abc import Mapping

import msgspec

from backburner.nouns.run import Run, RunSpec
from backburner.runs.faults import Faults
from backburner.runs.input_copy import open_input, open_table
from backburner.worker import Tools


def rows_of_input(tools: Tools, run: Run, rows: Mapping[int, int]) -> dict[int, int]:
    """The row of the input for each row of a run, both counted from 1."""
    with tools.vault.stream(run.spec) as stream:
        spec = msgspec.json.decode(stream.read(), type=RunSpec)
    if spec.where is None or not rows:
        return dict(rows)
    wanted = set(rows.values())
    found: dict[int, int] = {}
    with open_input(tools.vault, spec, run.source) as stream:
        for row, record in enumerate(open_table(stream, spec, Faults()).records(), 1):
            if row in wanted:
                found[row] = record.number
            if len(found) == len(wanted):
                break
    return {number: found[row] for number, row in rows.items()}
