"""The zone of local times: as the file says, or as the machine has it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from backburner.config.table import ConfigTable, Origin
from backburner.errors import ConfigError

LOCALTIME: Final = Path("/etc/localtime")

_IN_CONTAINER: Final = (Path("/.dockerenv"), Path("/run/.containerenv"))
_UTC: Final = frozenset({"UTC", "Etc/UTC", "Etc/UCT", "UCT", "Zulu", "Etc/Zulu", "Universal"})


def zone_of(root: ConfigTable, localtime: Path = LOCALTIME) -> str | None:
    """The zone of all lanes that name none: `zone` in the file, else the machine's.

    Raises:
        ConfigError: There is no such zone.
    """
    named = root.text("zone")
    if named:
        return checked_zone(root, "zone", named)
    found = local_zone(root.environment, localtime)
    is_named = bool(root.environment.get("TZ"))
    detail = "TZ" if is_named else "of the machine" if found else ""
    root.note("zone", found, Origin.ENVIRONMENT if is_named else Origin.DEFAULT, detail)
    return found


def checked_zone(table: ConfigTable, key: str, name: str) -> str:
    """A zone's name, found to be one.

    Raises:
        ConfigError: There is no such zone.
    """
    if not is_zone(name):
        raise table.wrong(key, name, "a zone, such as Europe/Berlin")
    return name


def local_zone(environment: Mapping[str, str], localtime: Path = LOCALTIME) -> str | None:
    """The zone of the machine, by its IANA name; None where nothing says it.

    A container's own clock is set to UTC by whoever made the image, and says nothing of the user:
    there `TZ` is needed.

    Raises:
        ConfigError: `TZ` is set, and is no zone.
    """
    named = environment.get("TZ", "").removeprefix(":")
    if named:
        if is_zone(named):
            return named
        raise ConfigError(
            f"TZ={named!r} is no zone by name",
            hint='give one such as TZ=Europe/Berlin, or zone = "Europe/Berlin" in the file',
        )
    _, found, name = str(localtime.resolve()).rpartition("/zoneinfo/")
    if not found or not is_zone(name):
        return None
    return None if name in _UTC and _is_container(environment) else name


def _is_container(environment: Mapping[str, str]) -> bool:
    is_marked = any(path.exists() for path in _IN_CONTAINER)
    return is_marked or "KUBERNETES_SERVICE_HOST" in environment


def is_zone(name: str) -> bool:
    """Whether there is a zone of that IANA name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
