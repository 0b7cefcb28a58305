"""Where a command writes: a terminal, plain lines, or one JSON object."""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import RichCast

Facts = Sequence[tuple[str, str]]

_GAP = "  "
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What moves a terminal's cursor, changes its colours or its direction, or cannot be encoded."""


def visible(text: str, keeps: str = "") -> str:
    """A text with its control characters written out: a name of somebody else's may hold some.

    Args:
        text: The text.
        keeps: Those that are meant.
    """
    return _CONTROL.sub(
        lambda found: found[0] if found[0] in keeps else ascii(found[0])[1:-1], text
    )


class Page:
    """What a command says on standard output.

    On a terminal with colour and a live part; under a pipe in plain lines; with `--json` nothing
    but one JSON object at the end.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        from rich.console import Console  # noqa: PLC0415  # not needed for --help

        self.as_json = as_json
        self._console = Console(
            file=sys.stdout, highlight=False, markup=False, emoji=False, quiet=as_json
        )

    @property
    def is_live(self) -> bool:
        """Whether a part of the screen can be drawn again and again."""
        console = self._console
        return console.is_terminal and not console.is_dumb_terminal and not self.as_json

    def line(self, text: str = "", style: str = "") -> None:
        """One line; a terminal wraps it."""
        self._print(visible(text), style)

    def text(self, text: str) -> None:
        """A text of any length, as it is; a terminal is told nothing by it but its words."""
        self._print(visible(text, keeps="\n\t") if self._console.is_terminal else text)

    def _print(self, text: str, style: str = "") -> None:
        self._console.print(text, style=style or None, soft_wrap=not self.is_live)

    def facts(self, pairs: Facts) -> None:
        """Labels and values, one pair a line."""
        pairs = [(visible(label), visible(value)) for label, value in pairs]
        if not self.is_live:
            width = max((len(label) for label, _ in pairs), default=0)
            for label, value in pairs:
                self.line(f"{label:<{width}}{_GAP}{value}")
            return
        from rich.table import Table  # noqa: PLC0415  # not needed for --help

        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        for label, value in pairs:
            grid.add_row(label, value)
        self._console.print(grid)

    def table(
        self, headings: Sequence[str], rows: Iterable[Sequence[str]], right: str = ""
    ) -> None:
        """A table. `right` has an `r` at the place of each column that is aligned right."""
        kept = [list(map(visible, row)) for row in rows]
        sides = right.ljust(len(headings))
        if not self.is_live:
            self._plain_table([list(headings), *kept], sides)
            return
        from rich.table import Table  # noqa: PLC0415  # not needed for --help

        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        for heading, side in zip(headings, sides, strict=False):
            table.add_column(
                heading, justify="right" if side == "r" else "left", overflow="ellipsis"
            )
        for row in kept:
            table.add_row(*row)
        self._console.print(table)

    def _plain_table(self, rows: list[list[str]], sides: str) -> None:
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = [
                cell.rjust(width) if side == "r" else cell.ljust(width)
                for cell, width, side in zip(row, widths, sides, strict=False)
            ]
            self.line(_GAP.join(cells).rstrip())

    def flush(self) -> None:
        """Let what was written be seen at once."""
        self._console.file.flush()

    def ask(self, question: str) -> str:
        """A person's answer, without the blanks around it.

        Raises:
            KeyboardInterrupt: The person wants to stop: Ctrl-C, or Ctrl-D.
        """
        try:
            return self._console.input(question).strip()
        except EOFError:
            raise KeyboardInterrupt from None

    @contextmanager
    def live(self, picture: "RichCast") -> Iterator[None]:
        """Draw something again every second while other lines appear above it."""
        if not self.is_live:
            yield
            return
        from rich.live import Live  # noqa: PLC0415  # not needed for --help

        with Live(picture, console=self._console, refresh_per_second=2, transient=True):
            yield

    def finish(self, value: Mapping[str, Any]) -> None:
        """The one JSON object, where it was asked for."""
        if self.as_json:
            print_json(value)


def print_json(value: Mapping[str, Any], *, to_errors: bool = False) -> None:
    """One JSON object on a line of its own."""
    file = sys.stderr if to_errors else sys.stdout
    print(json.dumps(value, ensure_ascii=False), file=file, flush=True)


def print_error(words: Sequence[tuple[str, str]]) -> None:
    """Lines with a label on standard error, the first of them in red."""
    from rich.console import Console  # noqa: PLC0415  # not needed for --help
    from rich.text import Text  # noqa: PLC0415  # as above

    console = Console(file=sys.stderr, highlight=False, markup=False, emoji=False)
    for label, text in words:
        line = Text(f"{label}: " if label else "", style="bold red" if label == "error" else "bold")
        line.append(visible(text, keeps="\n"), style="not bold default")
        console.print(line, soft_wrap=True)
