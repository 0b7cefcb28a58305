"""The body of a create call: spooled as it comes, a batch once it is complete."""

from collections.abc import Callable

from backburner.emulator.intake import Intake
from backburner.emulator.replies import RefusedError, Reply
from backburner.emulator.spool import SpoolWriter

Witness = Callable[[str, int], object]
"""Told the first custom_id and the number of requests of each complete body of a create."""


class Creation:
    """A create call that waits for its body.

    Args:
        intake: Reads the body.
        spool: Where the requests go.
        accept: Makes a batch of them.
        witness: Told of a complete body before anything is made of it.
    """

    def __init__(
        self,
        intake: Intake,
        spool: SpoolWriter,
        accept: Callable[[], Reply],
        witness: Witness | None,
    ) -> None:
        self._intake = intake
        self._spool = spool
        self._accept = accept
        self._witness = witness
        self._defect: str | None = None

    def feed(self, chunk: bytes) -> None:
        """Takes the next piece."""
        self._intake.feed(chunk)

    def complete(self) -> None:
        """Reads the body to its end, and tells the witness."""
        self._defect = self._intake.verdict()
        if self._witness is not None and self._intake.first is not None:
            self._witness(self._intake.first, self._intake.count)

    def finish(self) -> Reply:
        """Accepts or refuses the whole."""
        if self._defect is not None:
            self._spool.discard()
            raise RefusedError("invalid_request_error", self._defect)
        try:
            return self._accept()
        except RefusedError:
            self._spool.discard()
            raise

    def abort(self) -> None:
        """Forgets what came."""
        self._spool.discard()
