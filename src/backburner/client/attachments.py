"""Where the prompts of a run may take files from, by what a person asks."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from backburner.nouns.given import several
from backburner.nouns.run import RunSpec
from backburner.runs.attached import AttachedFiles, Reach
from backburner.runs.attaching import attaches
from backburner.runs.folder import folder_of, is_folder

if TYPE_CHECKING:
    from backburner.client.preparing import RunOptions

_STDIN: Final = "-"


def reach_of(options: "RunOptions", spec: RunSpec) -> Reach | None:
    """Where files may lie; None where the prompt attaches none.

    A path in a file begins where that file lies. The `path` of a folder's row begins where the
    folder's own name does.
    """
    if not attaches(spec):
        return None
    if options.source == _STDIN:
        base = root = Path.cwd()
    elif is_folder(options.source):
        base, root = Path.cwd(), folder_of(options.source)
    else:
        base = root = Path(options.source).parent
    return Reach(base=base, roots=(root, *map(Path, several("allow_paths", options.allow_paths))))


def files_of(options: "RunOptions", spec: RunSpec) -> AttachedFiles | None:
    """What reads the files of a run's prompts; None where they attach none."""
    reach = reach_of(options, spec)
    return None if reach is None else AttachedFiles(reach)
