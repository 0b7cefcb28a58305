"""Batches of another producer in the same workspace, made without any body and at little cost.

Their requests and results are put together when somebody asks for them. They take no room in the
queue, are not counted among the accepted and are never billed.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path

import msgspec

from backburner.emulator.shapes import Canceled, Message, ResultLine, Succeeded, TextBlock, Usage
from backburner.emulator.spool import Spool

_MODEL = "claude-haiku-4-5-20251001"
_PARAMS = (
    b'{"model":"claude-haiku-4-5","max_tokens":16,'
    b'"messages":[{"role":"user","content":"Somebody else asks this."}]}'
)
_CANCELED = Canceled()
_BLOCK = 1_024


class ForeignSpool(Spool):
    """Requests that nobody sent, and results that are written once somebody reads them.

    Attributes:
        reached: How many of its requests succeeded, once it has ended; the others were canceled.
    """

    def __init__(self, folder: Path, count: int, prefix: str) -> None:
        super().__init__(folder)
        self.reached = 0
        self._count = count
        self._prefix = prefix
        self._forgotten = False

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """Each request: its custom_id and parameters that are always the same."""
        return ((f"{self._prefix}-{index:06d}", _PARAMS) for index in range(self._count))

    @property
    def results(self) -> Path:
        """Where the results are."""
        path = super().results
        if not self._forgotten and not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                lines = self._lines()
                while block := b"".join(itertools.islice(lines, _BLOCK)):
                    file.write(block)
        return path

    def forget_results(self) -> None:
        """Removes the results for good."""
        self._forgotten = True
        super().forget_results()

    def outcomes(self) -> bytes:
        """How each request ended, one letter each."""
        return b"s" * self.reached + b"c" * (self._count - self.reached)

    def _lines(self) -> Iterator[bytes]:
        message = Message(
            model=_MODEL,
            id="msg_01ForeignForeignForeign",
            content=[TextBlock("This is not yours.")],
            stop_reason="end_turn",
            usage=Usage(input_tokens=10, output_tokens=5, service_tier="batch"),
        )
        succeeded = Succeeded(message)
        for index, (custom_id, _) in enumerate(self):
            result = succeeded if index < self.reached else _CANCELED
            yield msgspec.json.encode(ResultLine(custom_id, result)) + b"\n"
