"""The sections of the file: whoever adds one adds a line here."""

from collections.abc import Callable, Mapping
from typing import Final

from backburner.config.calls import concurrency
from backburner.config.doubts import worker_terms
from backburner.config.lanes import lane_book
from backburner.config.notify import channels_of
from backburner.config.prices import price_terms
from backburner.config.retention import retention_of
from backburner.config.retries import retry_policy
from backburner.config.routes import route_rules
from backburner.config.table import ConfigTable
from backburner.config.zone import zone_of

SECTIONS: Final[Mapping[str, Callable[[ConfigTable], object]]] = {
    "zone": zone_of,
    "lanes": lane_book,
    "routes": route_rules,
    "retention": retention_of,
    "retry": retry_policy,
    "prices": price_terms,
    "notify": channels_of,
    "worker": lambda root: (worker_terms(root), concurrency(root)),
}
"""Each key at the top of the file, and what reads all that is under it.

A reader takes the whole file, whether the section is there or not: `root.table("retry")`, or
`root.rows("routes")` for a list of tables. Whoever needs what a section says calls its reader with
`Settings.config`.
"""


def check_sections(root: ConfigTable) -> None:
    """Read everything once, so that a mistake is told whatever is done with it.

    Raises:
        ConfigError: The file says something that there is not, or that cannot be.
    """
    root.only(SECTIONS)
    for read in SECTIONS.values():
        read(root)
