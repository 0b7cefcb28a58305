"""The organisation's credit: when it had run out."""

import math

from backburner.emulator.replies import RefusedError

_SENTENCE = "Your credit balance is too low to access the API."


class Credit:
    """Times without credit; with nothing said, there is always enough."""

    def __init__(self) -> None:
        self._gaps: list[tuple[float, float, int]] = []

    def exhaust(self, at: float, code: int) -> None:
        """Lets the credit run out at a time, until it is refilled."""
        self._gaps.append((at, math.inf, code))

    def refill(self, at: float) -> None:
        """Ends every lack of credit at a time."""
        self._gaps = [(start, min(stop, at), code) for start, stop, code in self._gaps]

    @property
    def always_enough(self) -> bool:
        """Whether it never ran out."""
        return not self._gaps

    def is_out(self, moment: float) -> bool:
        """Whether there is none at a moment."""
        return any(start <= moment < stop for start, stop, _ in self._gaps)

    def check(self, now: float) -> None:
        """Checks that there is credit for a call.

        Raises:
            RefusedError: 402 or 400, as was said when it ran out.
        """
        for start, stop, code in self._gaps:
            if start <= now < stop:
                kind = "billing_error" if code == 402 else "invalid_request_error"  # noqa: PLR2004
                raise RefusedError(kind, _SENTENCE, status=code)
