"""What a row gains: its answer, how it came about, and what it cost."""

import msgspec

OUR_COLUMNS = (
    "answer",
    "outcome",
    "stop_reason",
    "input_tokens",
    "output_tokens",
    "cache_write_tokens",
    "cache_read_tokens",
    "cost_usd",
    "request_id",
)
"""The columns that an output adds, in this order."""

DONE = "ok"
"""The outcome of a row that needs no review."""


class Answer(msgspec.Struct, frozen=True, gc=False):
    """The answer to one row.

    Attributes:
        answer: The text; empty where there is none.
        outcome: The outcome's name, `ok` or another.
        stop_reason: As the API gave it; empty where there is none.
        cost_usd: A decimal number in text, exact; 0 on rows that share an earlier row's request.
        request_id: Ours: the nonce of its first batch and its position.
        reason: Why the row is not `ok`, for the review.
    """

    answer: str
    outcome: str
    stop_reason: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cache_write_tokens: int = 0
    cache_read_tokens: int = 0
    cost_usd: str = "0"
    request_id: str = ""
    reason: str = ""


def our_columns(prefix: str = "") -> tuple[str, ...]:
    """Gives the names of our columns behind a prefix."""
    return tuple(prefix + name for name in OUR_COLUMNS)
