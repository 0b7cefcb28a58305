"""Looking through the upstream's list, newest first, as far back as is asked."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from backburner.nouns.batch import name_of
from backburner.nouns.fault import Fault, FaultKind
from backburner.upstream import Answer, Page, RemoteBatch, Upstream
from backburner.worker.times import posix

_PAGE: Final = 1000
_PEEK: Final = 16
"""Lines that are looked at for a name: the very first may be spoiled or blank."""


class _Line(msgspec.Struct):
    custom_id: str


_decode = msgspec.json.Decoder(_Line).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Until:
    """Where a walk through the list ends; at its end if nothing is named.

    Attributes:
        fence: A batch's id, which is not looked at any more.
        before: POSIX seconds by the upstream's clock; whatever was created before is not looked at.
    """

    fence: str = ""
    before: float | None = None


def walk(
    upstream: Upstream, until: Until, turned: Callable[[Answer[Page]], None]
) -> Iterator[RemoteBatch | Fault]:
    """Each listed batch once, newest first; a Fault ends the walk.

    Args:
        turned: Told of each page before it is used.
    """
    seen: set[str] = set()
    after: str | None = None
    while True:
        answer = upstream.page(limit=_PAGE, after=after)
        if isinstance(answer, Fault):
            yield answer
            return
        turned(answer)
        for remote in answer.value.data:
            if remote.id == until.fence or _is_before(remote, until.before):
                return
            if remote.id not in seen:
                seen.add(remote.id)
                yield remote
        after = answer.value.last_id
        if not answer.value.has_more or after is None:
            return


def _is_before(remote: RemoteBatch, before: float | None) -> bool:
    created_at = posix(remote.created_at)
    return before is not None and created_at is not None and created_at < before


def names_in(upstream: Upstream, upstream_id: str) -> list[tuple[str, str] | None] | Fault:
    """Nonce and try of each readable line at the head of an ended batch's results.

    None stands for a custom_id that is not of our making. Results without any readable line prove
    nothing, and are a Fault.
    """
    lines = upstream.peek(upstream_id, _PEEK)
    if isinstance(lines, Fault):
        return lines
    names = [name_of(custom_id) for custom_id in map(_custom_id, lines) if custom_id is not None]
    return names or Fault(kind=FaultKind.UNREACHED, what="no line of the results can be read")


def _custom_id(line: bytes) -> str | None:
    try:
        return _decode(line).custom_id
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
