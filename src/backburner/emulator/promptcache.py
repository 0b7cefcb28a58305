"""The prompt cache: which tokens of a prompt are read, written or fresh.

Entries are written at marks alone, and read up to 20 blocks before a mark. A lifetime counts from
the start of the request that writes or reads; a read renews what it used. An entry keeps the
lifetime that it was written with.

Source: platform.claude.com/docs/en/build-with-claude/prompt-caching (2026-08-22).
"""

from dataclasses import dataclass

from msgspec import Struct

from backburner.emulator.cacheplan import HitDeck
from backburner.emulator.marks import LIFETIMES, Breakpoint, Prompt

LOOK_BACK = 20
_ENTRIES = 200_000


class Split(Struct, frozen=True, gc=False):
    """The tokens of a prompt by what the cache did for them."""

    fresh: int
    read: int = 0
    write_5m: int = 0
    write_1h: int = 0


class Visit(Struct, frozen=True, gc=False):
    """The circumstances under which a request meets the cache.

    Args:
        scope: Who shares entries.
        start: When the request starts, in POSIX seconds.
        begun: When its answer begins, and others can read what it wrote.
        lucky: Whether a possible read happens.
    """

    scope: str
    start: float
    begun: float
    lucky: bool = True


@dataclass(slots=True)
class _Entry:
    since: float
    until: float
    lifetime: float

    def alive(self, at: float) -> bool:
        return self.since <= at < self.until

    def renew(self, at: float) -> None:
        self.until = max(self.until, at + self.lifetime)


class PromptCache:
    """The entries of all who share a cache or do not, on the world's clock."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, bytes], _Entry] = {}

    def split(
        self, prompt: Prompt, minimum: int, visit: Visit, deck: HitDeck | None = None
    ) -> Split:
        """What the cache does for a marked prompt, and remembers for later ones.

        Args:
            prompt: The prompt.
            minimum: Tokens of the shortest prefix that is cached.
            visit: When, and among whom.
            deck: What says instead of chance and time whether it is read.
        """
        places = prompt.places
        marks = [mark for mark in prompt.breakpoints if places[mark.index].end >= minimum]
        if not marks:
            return Split(prompt.tokens)
        if deck is not None:
            read = self._dealt(prompt, marks, visit.scope, deck)
        else:
            read = self._longest(prompt, marks, visit) if visit.lucky else 0
        for mark in marks:
            self._keep(prompt, mark, visit, read=read)
        long = max((places[mark.index].end for mark in marks if mark.ttl == "1h"), default=0)
        last = places[marks[-1].index].end
        return Split(
            fresh=prompt.tokens - last,
            read=read,
            write_1h=max(0, long - read),
            write_5m=last - max(read, long),
        )

    def _longest(self, prompt: Prompt, marks: list[Breakpoint], visit: Visit) -> int:
        """Tokens of the longest prefix with an entry, which is thereby renewed."""
        for mark in reversed(marks):
            first = max(0, mark.index - LOOK_BACK + 1)
            for place in reversed(prompt.places[first : mark.index + 1]):
                entry = self._entries.get((visit.scope, place.digest))
                if entry is not None and entry.alive(visit.start):
                    entry.renew(visit.start)
                    return place.end
        return 0

    def _dealt(self, prompt: Prompt, marks: list[Breakpoint], scope: str, deck: HitDeck) -> int:
        """Tokens read by a request for which a deck decides.

        It reads the longest prefix that anybody has ever written, or all that is marked.
        """
        marked = [prompt.places[mark.index] for mark in marks]
        ends = [place.end for place in marked if (scope, place.digest) in self._entries]
        if not deck.deal(new=not ends):
            return 0
        return max(ends, default=marked[-1].end)

    def _keep(self, prompt: Prompt, mark: Breakpoint, visit: Visit, *, read: int) -> None:
        """Writes the entry of a mark, or renews it as a part of what was read."""
        place, lifetime = prompt.places[mark.index], LIFETIMES[mark.ttl]
        key = visit.scope, place.digest
        entry = self._entries.get(key)
        if entry is not None and visit.start < entry.until:
            # A part of what was read, or written again by a request that could not read it yet.
            if place.end > read:
                entry.since = min(entry.since, visit.begun)
                entry.lifetime = max(entry.lifetime, lifetime)
            entry.renew(visit.start)
        elif place.end > read:
            if len(self._entries) >= _ENTRIES:
                # Flat memory matters more than the oldest entries, which come first.
                self._entries.pop(next(iter(self._entries)))
            self._entries[key] = _Entry(visit.begun, visit.start + lifetime, lifetime)
