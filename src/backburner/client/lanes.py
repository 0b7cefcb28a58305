"""The lanes that a worker goes round."""

from collections.abc import Sequence

from backburner.store.lanes import lane_pin, lanes_all
from backburner.worker import Tools


def pin_lanes(tools: Tools, names: Sequence[str], base_url: str) -> None:
    """Make sure that each of these lanes is there, and belongs to an upstream.

    Raises:
        LanePinned: One belongs to another.
    """
    with tools.store.write() as tx:
        for name in names:
            lane_pin(tx, name, base_url, tools.clock.now())


def lanes_of(tools: Tools, base_url: str) -> tuple[str, ...]:
    """Every lane that belongs to an upstream; those of another one are not ours to touch."""
    with tools.store.read() as tx:
        return tuple(lane.name for lane in lanes_all(tx) if lane.base_url == base_url)
