"""The prompt cache: which tokens of a prompt are read, written or fresh.

Entries are written at marks alone, and read up to 20 blocks before a mark. A lifetime counts from
the start of the request that writes or reads; a read renews what it used. An entry keeps the
lifetime that it was written with.

Batches meet the cache in the order in which they end, each with the times at which its requests
started: of two that run at once, the one that ends last reads what the other wrote.

Source: platform.claude.com/docs/en/build-with-claude/prompt-caching (2026-08-22).
"""

from dataclasses import dataclass

from msgspec import Struct

from backburner.emulator.cacheplan import HitDeck
from backburner.emulator.marks import LIFETIMES, Breakpoint, Prompt
from backburner.emulator.prompts import Place

LOOK_BACK = 20
_ENTRIES = 200_000
_LIVES = 8


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
class _Life:
    """From when to when an entry can be read without a gap."""

    since: float
    until: float
    lifetime: float

    def renew(self, at: float) -> None:
        self.until = max(self.until, at + self.lifetime)


class _Entry:
    """The lives of one prefix, of which the newest few are known.

    There may be several because a batch meets the cache when it ends: one that runs for a day comes
    after those that began later and were done sooner.
    """

    __slots__ = ("lives",)

    def __init__(self) -> None:
        self.lives: list[_Life] = []

    def alive(self, at: float) -> _Life | None:
        """The life that an entry leads at a moment."""
        return next((life for life in self.lives if life.since <= at < life.until), None)

    def write(self, visit: Visit, lifetime: float) -> None:
        """Writes it, or writes it again before it can be read or although it could be."""
        until = visit.start + lifetime
        for life in self.lives:
            if life.since <= until and visit.start < life.until:
                life.since = min(life.since, visit.begun)
                life.until = max(life.until, until)
                life.lifetime = max(life.lifetime, lifetime)
                return
        self.lives.append(_Life(visit.begun, until, lifetime))
        del self.lives[:-_LIVES]


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
            place = places[mark.index]
            if place.end > read:
                self._write(visit, place, LIFETIMES[mark.ttl])
            else:
                self._renewed(visit, place)
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
                if self._renewed(visit, place):
                    return place.end
        return 0

    def _renewed(self, visit: Visit, place: Place) -> bool:
        """Whether there is an entry at a place, which this use of it renews."""
        entry = self._entries.get((visit.scope, place.digest))
        life = None if entry is None else entry.alive(visit.start)
        if life is not None:
            life.renew(visit.start)
        return life is not None

    def _dealt(self, prompt: Prompt, marks: list[Breakpoint], scope: str, deck: HitDeck) -> int:
        """Tokens read by a request for which a deck decides.

        It reads the longest prefix that anybody has ever written, or all that is marked.
        """
        marked = [prompt.places[mark.index] for mark in marks]
        ends = [place.end for place in marked if (scope, place.digest) in self._entries]
        if not deck.deal(new=not ends):
            return 0
        return max(ends, default=marked[-1].end)

    def _write(self, visit: Visit, place: Place, lifetime: float) -> None:
        key = visit.scope, place.digest
        entry = self._entries.get(key)
        if entry is None:
            if len(self._entries) >= _ENTRIES:
                # Flat memory matters more than the oldest entries, which come first.
                self._entries.pop(next(iter(self._entries)))
            entry = self._entries[key] = _Entry()
        entry.write(visit, lifetime)
