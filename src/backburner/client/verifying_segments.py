"""Verifying a segment: its requests, its length on the wire, and the names they travel under."""

from collections.abc import Callable, Iterator

from backburner.errors import StoreError
from backburner.nouns.batch import Batch, custom_id
from backburner.worker import Tools


def segment_differences(tools: Tools, batch: Batch) -> Iterator[str]:
    """What differs between a batch and the bytes that it travels as."""
    requests = params_bytes = 0
    try:
        for text in tools.vault.frames(batch.segment):
            requests += text.count(b"\n")
            params_bytes += len(text)
        keys = sum(1 for _ in tools.vault.lines(batch.keys)) if batch.keys else batch.requests
    except StoreError as error:
        yield f"its segment cannot be read: {error}"
        return
    if requests != batch.requests:
        yield f"its segment has {requests:,} lines for {batch.requests:,} requests"
    if keys != batch.requests:
        yield f"it has {keys:,} custom_ids for {batch.requests:,} requests"
    length = _body_length(requests, params_bytes - requests)
    if length != batch.body_bytes:
        yield f"its body is announced as {batch.body_bytes:,} bytes and has {length:,}"


def names_of(tools: Tools, batch: Batch) -> Callable[[int], str]:
    """The custom_id of each request of a batch: of our making, or its caller's.

    Raises:
        StoreError: The caller's cannot be read.
    """
    if batch.keys is None:
        return own_names(batch.prefix)
    keys = [key.decode(errors="replace") for key in tools.vault.lines(batch.keys)]
    return lambda position: keys[position] if position < len(keys) else ""


def own_names(prefix: str) -> Callable[[int], str]:
    """The custom_ids of our making that begin so."""
    return lambda position: custom_id(prefix, position)


def _body_length(requests: int, params_bytes: int) -> int:
    """The length of a create body, counted from its parts."""
    item = len('{"custom_id":"abcdefghijkl0-00000","params":}')
    commas = max(requests - 1, 0)
    return len('{"requests":[]}') + requests * item + params_bytes + commas
