"""A call that some program made, as its log tells it."""

import msgspec

from backburner.nouns.usage import Usage


class Call(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One Messages call of the past, without any of its text.

    Attributes:
        at: When it began, in POSIX seconds.
        caller: Who made it: a key's name, a user, a service; empty where the log does not say.
        route: What it was made for: a path, a job, a tag; empty where the log does not say.
        seconds: How long it took; 0 where the log does not say.
        is_batched: Whether it travelled in a batch.
        is_sum: Whether it stands for many calls, as a row of a usage report does.
        body: A hash of its whole body; empty where the log does not say.
        prefix: A hash of what its prompt begins with; empty where the log does not say.
        prefix_tokens: The tokens of that beginning; 0 where the log does not say.
    """

    at: float
    model: str
    usage: Usage
    caller: str = ""
    route: str = ""
    seconds: float = 0.0
    is_streamed: bool = False
    is_batched: bool = False
    is_sum: bool = False
    body: bytes = b""
    prefix: bytes = b""
    prefix_tokens: int = 0
