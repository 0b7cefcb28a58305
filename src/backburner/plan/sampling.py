"""A sample of many requests, spread evenly over them and over their sizes."""

from collections.abc import Callable
from typing import Final

import msgspec
from msgspec.structs import replace

from backburner.plan.prompts import Prompt, measure

_MOST: Final = 64
_LEAST: Final = 2
_KEPT_BYTES: Final = 1 << 20
"""Bytes of bodies that a stratum keeps, so that memory does not grow with their size."""

_TURN: Final = 0x9E3779B97F4A7C15
_CIRCLE: Final = 1 << 64
"""Steps of the golden ratio around a circle spread more evenly than chance would, never fall into
step with a pattern of the input, and are the same for the same input."""


class Sampled(msgspec.Struct, frozen=True, gc=False):
    """One request of a sample.

    Attributes:
        size: Bytes of its body.
        body: Its body, to be counted elsewhere; None where it is too large to be kept.
    """

    size: int
    prompt: Prompt
    body: bytes | None = None


class Stratum(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Requests of about the same size, and some of them.

    Attributes:
        requests: How many they are.
        body_bytes: What their bodies have together.
        sample: At least one of them, in their order.
    """

    requests: int
    body_bytes: int
    sample: tuple[Sampled, ...]


def changed(stratum: Stratum, change: Callable[[bytes], bytes]) -> Stratum:
    """A stratum with the prompts that a change of bodies makes; what was not kept stays."""
    sample = (
        replace(one, prompt=measure(change(one.body))) if one.body is not None else one
        for one in stratum.sample
    )
    return replace(stratum, sample=tuple(sample))


class Sampler:
    """Takes requests in, one by one, and keeps some of each size: twice as long, another size."""

    def __init__(self) -> None:
        self._layers: dict[int, _Layer] = {}

    def add(self, body: bytes) -> None:
        """Count a request in, and keep it if its turn is."""
        size = len(body)
        layer = self._layers.get(size.bit_length())
        if layer is None:
            layer = self._layers[size.bit_length()] = _Layer(size.bit_length())
        layer.requests += 1
        layer.body_bytes += size
        place = layer.requests * _TURN % _CIRCLE
        if place < layer.reach:
            layer.keep(place, body)

    def strata(self) -> tuple[Stratum, ...]:
        """What was counted in, by rising size."""
        return tuple(self._layers[size].stratum() for size in sorted(self._layers))


class _Layer:
    __slots__ = ("_kept", "_room", "body_bytes", "reach", "requests")

    def __init__(self, bits: int) -> None:
        self.requests = self.body_bytes = 0
        self.reach = _CIRCLE
        self._room = max(_LEAST, min(_MOST, _KEPT_BYTES >> bits))
        self._kept: list[tuple[int, Sampled]] = []

    def keep(self, place: int, body: bytes) -> None:
        """Keep a request; where there is no room, only half of the circle counts from here on."""
        kept = body if len(body) <= _KEPT_BYTES else None
        self._kept.append((place, Sampled(len(body), measure(body), kept)))
        while len(self._kept) > self._room:
            self.reach //= 2
            inside = [one for one in self._kept if one[0] < self.reach]
            self._kept = inside or self._kept[:1]

    def stratum(self) -> Stratum:
        """What was counted in, with what was kept of it."""
        return Stratum(
            requests=self.requests,
            body_bytes=self.body_bytes,
            sample=tuple(one for _, one in self._kept),
        )
