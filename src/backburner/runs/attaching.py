"""Whether a run's prompts attach files, and the hash of these: it is part of its identity."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import islice
from typing import BinaryIO

from backburner.nouns.run import RunSpec
from backburner.runs.attached import AttachedFiles, Reach, RowFiles
from backburner.runs.faults import Faults
from backburner.runs.input_copy import open_table
from backburner.runs.template import ATTACH, PromptTemplate


def attaches(spec: RunSpec) -> bool:
    """Whether the prompt of a run attaches files.

    Raises:
        InputFaults: Its syntax is broken.
    """
    if spec.kind != "table" or ATTACH not in spec.template:
        return False
    return PromptTemplate.compile(spec.template, "the prompt").attaches


def hash_attached(
    spec: RunSpec, opened: Callable[[], AbstractContextManager[BinaryIO]], reach: Reach
) -> str:
    """Reads every file that a run's rows attach, once; gives the hash of all.

    What is wrong with a row or a file is told when it is staged.

    Args:
        opened: Gives the bytes of the input, from its beginning.
        reach: Where files may lie.
    """
    template = PromptTemplate.compile(spec.template, "the prompt")
    files, faults = AttachedFiles(reach), Faults()
    with opened() as stream:
        records = open_table(stream, spec, faults).records()
        for record in islice(records, spec.limit):
            attach = RowFiles(files).attach
            template.render_or_note(record.values, record.line, faults, "", attach)
    return files.digest
