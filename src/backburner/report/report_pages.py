"""Pages of the Admin API's usage and cost reports, as their JSON has them.

Source: platform.claude.com api/admin/usage_report and api/admin/cost_report, read 2026-11-22.
"""

from datetime import UTC, datetime

import msgspec

from backburner.errors import InputError
from backburner.nouns.usage import Usage


class _Creation(msgspec.Struct, frozen=True, gc=False):
    ephemeral_5m_input_tokens: int = 0
    ephemeral_1h_input_tokens: int = 0


class ReportRow(msgspec.Struct, frozen=True, gc=False):
    """A row of either report; what the other one has is at its default.

    Attributes:
        amount: Cents, as a decimal string; None in the usage report.
        workspace_id: None for the default workspace.
    """

    amount: str | None = None
    cost_type: str | None = None
    uncached_input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation: _Creation = _Creation()
    model: str | None = None
    service_tier: str | None = None
    api_key_id: str | None = None
    workspace_id: str | None = None

    @property
    def is_batched(self) -> bool:
        """Whether it is of batches."""
        return self.service_tier == "batch"

    @property
    def usage(self) -> Usage:
        """Its tokens, in our five kinds."""
        return Usage(
            input_tokens=self.uncached_input_tokens,
            output_tokens=self.output_tokens,
            cache_write_5m_tokens=self.cache_creation.ephemeral_5m_input_tokens,
            cache_write_1h_tokens=self.cache_creation.ephemeral_1h_input_tokens,
            cache_read_tokens=self.cache_read_input_tokens,
        )


class Bucket(msgspec.Struct, frozen=True, gc=False):
    """A stretch of time, a day in what we ask for, with its rows."""

    starting_at: datetime
    results: tuple[ReportRow, ...] = ()

    @property
    def day(self) -> str:
        """The day of UTC in which it begins, as YYYY-MM-DD."""
        return self.starting_at.astimezone(UTC).date().isoformat()


class _Page(msgspec.Struct, frozen=True, gc=False):
    data: list[Bucket]


def read_page(name: str, content: bytes) -> list[Bucket]:
    """The buckets of one page.

    Args:
        name: What the page is called in messages.

    Raises:
        InputError: It is no page of a report.
    """
    try:
        return msgspec.json.decode(content, type=_Page).data
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(
            f"{name} is no page of a usage or cost report: {error}",
            hint="give the JSON of /v1/organizations/usage_report/messages or …/cost_report",
        ) from error
