"""Rate limits per minute, as token buckets.

Source: platform.claude.com/docs/en/api/rate-limits (2026-08-22).
"""

import math

from backburner.emulator.batchbook import timestamp
from backburner.emulator.calls import BATCH_ROUTES
from backburner.emulator.replies import RefusedError
from backburner.emulator.settings import Limits

_MINUTE = 60.0


class CallLimits:
    """The limits of all routes; the batch routes share one."""

    def __init__(self, limits: Limits) -> None:
        batches = CallLimit(limits.batch_calls_per_minute)
        self._of = {
            **dict.fromkeys(BATCH_ROUTES, batches),
            "messages": CallLimit(limits.message_calls_per_minute),
            "count_tokens": CallLimit(limits.count_calls_per_minute),
        }

    def take(self, route: str, now: float) -> dict[str, str]:
        """Counts one call of a route and gives the headers that tell about it.

        Raises:
            RefusedError: 429, with the seconds to wait.
        """
        limit = self._of.get(route)
        return {} if limit is None else limit.take(now)


class CallLimit:
    """So many calls a minute; None is no limit."""

    def __init__(self, per_minute: int | None) -> None:
        self._per_minute = per_minute
        self._tokens = float(per_minute or 0)
        self._since = -math.inf

    def take(self, now: float) -> dict[str, str]:
        """Counts one call and gives the headers that tell about it.

        Raises:
            RefusedError: 429, with the seconds to wait.
        """
        if self._per_minute is None:
            return {}
        gained = max(0.0, now - self._since) * self._per_minute / _MINUTE
        self._tokens = min(float(self._per_minute), self._tokens + gained)
        self._since = max(now, self._since)
        if self._tokens < 1:
            wait = math.ceil((1 - self._tokens) * _MINUTE / self._per_minute)
            raise RefusedError(
                "rate_limit_error",
                f"This request would exceed the rate limit of {self._per_minute} requests per "
                "minute.",
                headers={**self._headers(now), "retry-after": str(wait)},
            )
        self._tokens -= 1
        return self._headers(now)

    def _headers(self, now: float) -> dict[str, str]:
        limit = self._per_minute or 0
        full_in = (limit - self._tokens) * _MINUTE / limit if limit else 0.0
        return {
            "anthropic-ratelimit-requests-limit": str(limit),
            "anthropic-ratelimit-requests-remaining": str(int(self._tokens)),
            "anthropic-ratelimit-requests-reset": timestamp(math.ceil(now + full_in)),
        }
