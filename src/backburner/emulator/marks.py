"""Cache marks: where a body has them, and which of them the API refuses.

Source: platform.claude.com/docs/en/build-with-claude/prompt-caching (2026-08-22); the wording is
the emulator's own where nothing is recorded.
"""

from typing import Any

from msgspec import Struct

from backburner.emulator import parameters, prompts
from backburner.emulator.catalogue import Model
from backburner.emulator.parameters import Params
from backburner.emulator.prompts import Place

BREAKPOINTS = 4
LIFETIMES = {"5m": 300.0, "1h": 3_600.0}


class CacheMarkError(Exception):
    """Cache marks that the API refuses."""


class Breakpoint(Struct, frozen=True, gc=False):
    """A mark: the place it stands at, by number, and for how long it writes."""

    index: int
    ttl: str


class Prompt(Struct, frozen=True, gc=False):
    """A prompt with marks.

    Attributes:
        places: The ends of its blocks.
        breakpoints: Its marks, in order.
    """

    places: list[Place]
    breakpoints: list[Breakpoint]

    @property
    def tokens(self) -> int:
        """Tokens of the whole."""
        return self.places[-1].end if self.places else 0


def is_marked(raw: bytes) -> bool:
    """Whether a body may hold a cache mark; most do not, and need no look at their blocks."""
    return b'"cache_control"' in raw


def prompt_of(params: Params, model: Model) -> Prompt:
    """A body's prompt and its marks.

    Raises:
        CacheMarkError: Too many marks, a short one before a long one, one where none may stand, or
            no proper mark.
    """
    places = prompts.places(params, model)
    marks = [_explicit(number, place) for number, place in enumerate(places) if place.mark]
    automatic = params.cache_control
    if isinstance(automatic, parameters.CacheControl):
        marks = _with_automatic(marks, places, automatic)
    if len(marks) > BREAKPOINTS:
        raise CacheMarkError(
            f"A maximum of {BREAKPOINTS} blocks with cache_control may be provided. "
            f"Found {len(marks)}."
        )
    lives = [mark.ttl for mark in marks]
    if "5m" in lives and "1h" in lives[lives.index("5m") :]:
        raise CacheMarkError("a ttl='1h' cache_control block must not come after a ttl='5m' one")
    return Prompt(places, marks)


def _explicit(number: int, place: Place) -> Breakpoint:
    mark = place.mark
    if not isinstance(mark, dict) or mark.get("type") != "ephemeral":
        raise CacheMarkError("cache_control: Input should be a valid dictionary")
    if not place.cacheable:
        raise CacheMarkError("cache_control cannot be set for empty text or thinking blocks")
    return Breakpoint(number, _lifetime(mark.get("ttl") or "5m"))


def _lifetime(ttl: Any) -> str:
    if ttl not in ("5m", "1h"):
        raise CacheMarkError("cache_control.ttl: Input should be '5m' or '1h'")
    return str(ttl)


def _with_automatic(
    marks: list[Breakpoint], places: list[Place], automatic: parameters.CacheControl
) -> list[Breakpoint]:
    """The marks with the one that a top-level `cache_control` puts on the last cacheable block."""
    ttl = _lifetime(automatic.ttl)
    last = next((n for n in reversed(range(len(places))) if places[n].cacheable), None)
    if last is None:
        return marks
    if not marks or marks[-1].index != last:
        return [*marks, Breakpoint(last, ttl)]
    if marks[-1].ttl != ttl:
        raise CacheMarkError("cache_control: the last block is marked with another ttl")
    return marks
