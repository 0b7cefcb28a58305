"""Adding cache marks to a body: spliced into its bytes, so that all else stays token for token."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from backburner.plan.caching.terms import MOST_MARKS, Ttl
from backburner.runs.blocks import Block, Prompt


def added_marks(prompt: Prompt, wanted: Mapping[int, Ttl]) -> dict[int, Ttl]:
    """Those of the wanted marks that the API takes beside the caller's own.

    Args:
        prompt: The body's prompt.
        wanted: How long each mark lives, `5m` or `1h`, by the number of its block.

    A body holds four marks, its own and the automatic one among them, and those of an hour come
    first.
    """
    own = own_marks(prompt)
    room = MOST_MARKS - len(own)
    shortest_from = min(
        (at for at, ttl in own.items() if ttl is not Ttl.ONE_HOUR), default=len(prompt.blocks)
    )
    longest_to = max((at for at, ttl in own.items() if ttl is Ttl.ONE_HOUR), default=-1)
    added: dict[int, Ttl] = {}
    for at in sorted(wanted):
        ttl = wanted[at]
        if ttl is Ttl.ONE_HOUR:
            fits = at < shortest_from and Ttl.FIVE_MINUTES not in added.values()
        else:
            fits = at > longest_to
        if fits and at not in own and prompt.blocks[at].takes_mark and len(added) < room:
            added[at] = ttl
    return added


def own_marks(prompt: Prompt) -> dict[int, Ttl]:
    """The caller's own marks by the number of their block, the automatic one among them.

    Source: platform.claude.com/docs/en/build-with-claude/prompt-caching (automatic caching), read
        2026-08-22: it stands on the last block that takes a mark.
    """
    own = {at: block.own for at, block in enumerate(prompt.blocks) if block.own is not None}
    if prompt.automatic is not None:
        able = [at for at, block in enumerate(prompt.blocks) if block.takes_mark or block.own]
        if able:
            own.setdefault(able[-1], prompt.automatic)
    return own


def marked(
    prompt: Prompt, marks: Mapping[int, Ttl], start: int = 0, end: int | None = None
) -> bytes:
    """The body, or a part of it, with marks at the end of these blocks; every other byte stays.

    A string becomes a list of one block of text, which holds the same string: that is what the API
    takes it for.
    """
    pieces: list[bytes] = []
    done, stop = start, len(prompt.body) if end is None else end
    places = ((prompt.blocks[at], ttl) for at, ttl in marks.items())
    for block, ttl in sorted(places, key=lambda place: place[0].start):
        if start <= block.start and block.end <= stop:
            pieces.append(prompt.body[done : block.start])
            pieces.extend(_with_mark(prompt.body, block, ttl))
            done = block.end
    pieces.append(prompt.body[done:stop])
    return b"".join(pieces)


def _with_mark(body: bytes, block: Block, ttl: Ttl) -> Iterable[bytes]:
    mark = b',"cache_control":{"type":"ephemeral","ttl":"%b"}}' % ttl.encode()
    if block.is_string:
        return (b'[{"type":"text","text":', body[block.start : block.end], mark, b"]")
    return (body[block.start : block.end - 1], mark)


_MARK: Final = rb',"cache_control":\{"type":"ephemeral","ttl":"(?:5m|1h)"\}'
_MARKS: Final = re.compile(_MARK)
_BLOCKS: Final = re.compile(
    rb'\[\{"type":"text","text":("[^"\\]*(?:\\.[^"\\]*)*")' + _MARK + rb"\}\]", re.DOTALL
)


def unmarked(body: bytes) -> bytes:
    """The body as it was before `marked`, but for what a caller wrote just like that himself.

    Where a caller did, it is no body that he sent: such a request is found nowhere, and asked anew.
    """
    return _MARKS.sub(b"", _BLOCKS.sub(rb"\1", body))
