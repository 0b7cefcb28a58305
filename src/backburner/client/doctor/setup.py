"""Whether this installation can work: looked at without a call, and without a change."""

import os
import platform
import shutil
import sqlite3
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from backburner.client.doctor.channels import channel_problems
from backburner.client.doctor.record import Record, read_record
from backburner.config import (
    Settings,
    home_from,
    lane_book,
    price_terms,
    read_config,
    settings_from,
)
from backburner.config.notify import channels_of
from backburner.errors import BackburnerError
from backburner.nouns.lane import LaneTerms
from backburner.store.engine import file_system_of, is_network
from backburner.store.lanes import OPEN
from backburner.store.looking import StoreLook, look_into
from backburner.upstream.credentials import names_credential, what_lacks

_LEAST_FREE: Final = 1_000_000_000
"""Bytes. A full disk stops a run; a batch's body and results are often some hundred megabytes."""

_EXTRAS: Final[Mapping[str, tuple[str, ...]]] = {
    "notify": ("apprise", "standardwebhooks"),
    "server": ("uvicorn", "httptools"),
    "tables": ("pyarrow", "fastexcel"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        next_step: What to do about it; a problem always has one.
    """

    name: str
    ok: bool
    found: str
    next_step: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What the checks are about.

    Attributes:
        has_client: Whether there is an SDK client already, so that no key is needed.
        base_url: Where calls would go.
    """

    environment: Mapping[str, str]
    home: Path | None
    lane: str
    now: float
    base_url: str
    has_client: bool = False

    @property
    def folder(self) -> Path:
        """The home, named or from the environment."""
        return self.home or home_from(self.environment)


def checks(asked: Subject) -> Iterator[Check]:
    """Look at everything that can be looked at offline, the most basic first."""
    yield Check(
        "python", ok=True, found=f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )
    yield Check(
        "version", ok=True, found=f"{version('backburner')}, with SDK {version('anthropic')}"
    )
    yield _settings(asked)
    yield _home(asked.folder)
    yield _space(asked.folder)
    look = look_into(asked.folder)
    yield _store(look)
    yield _lane(look, asked.lane, asked.base_url)
    yield _key(asked)
    yield _prices(asked)
    yield from _notices(asked, look)
    yield from (_extra(name, parts) for name, parts in _EXTRAS.items())
    yield from _live(asked.folder)


def _settings(asked: Subject) -> Check:
    try:
        settings: Settings = settings_from(asked.environment, asked.home, asked.base_url)
    except BackburnerError as error:
        return Check("settings", ok=False, found=str(error), next_step=error.hint)
    doubts = settings.doubts
    found = f"quiet {doubts.quiet:g} s, gap {doubts.gap:g} s, on doubt {doubts.on_doubt}"
    return Check("settings", ok=True, found=found)


def _home(home: Path) -> Check:
    another = "choose another with --home or BACKBURNER_HOME"
    kind = file_system_of(home)
    on = f", on {kind}" if kind else ""
    if is_network(kind):
        found = f"{home} is on a network file system ({kind}), where commits can be lost"
        return Check("home", ok=False, found=found, next_step=another)
    if not _is_seen(home):
        if os.access(_nearest(home), os.W_OK):
            return Check("home", ok=True, found=f"{home}{on}; made at the first use")
        found = f"{home} cannot be seen or made"
        return Check("home", ok=False, found=found, next_step=another)
    if not home.is_dir() or not os.access(home, os.W_OK | os.X_OK):
        found = f"{home} cannot be written"
        return Check("home", ok=False, found=found, next_step=f"mend it, or {another}")
    if stat.S_IMODE(home.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        found = f"{home}{on} is open to other users, and holds prompts and answers"
        return Check("home", ok=False, found=found, next_step=f"chmod 700 {home}")
    return Check("home", ok=True, found=f"{home}{on}")


def _space(home: Path) -> Check:
    free = shutil.disk_usage(_nearest(home)).free
    found = f"{free / 1e9:,.1f} GB free"
    if free < _LEAST_FREE:
        return Check("space", ok=False, found=found, next_step="free some, or choose another home")
    return Check("space", ok=True, found=found)


def _nearest(path: Path) -> Path:
    return next(one for one in (path, *path.absolute().parents) if _is_seen(one))


def _is_seen(path: Path) -> bool:
    """Whether something is there; what we have no right to look at is not."""
    return os.access(path, os.F_OK)


def _store(look: StoreLook | None) -> Check:
    if look is None:
        return Check("store", ok=True, found="none yet; made at the first use")
    if look.fault:
        found = f"it cannot be used: {look.fault}"
        return Check("store", ok=False, found=found, next_step=look.advice)
    if look.is_newer:
        found = f"schema {look.version}, made by a newer Backburner"
        return Check("store", ok=False, found=found, next_step="upgrade this installation")
    if look.is_older:
        found = f"schema {look.version or 'none'}, brought up to date at the next use"
        return Check("store", ok=True, found=found)
    return Check("store", ok=True, found=f"schema {look.version}, sound")


def _lane(look: StoreLook | None, lane: str, base_url: str) -> Check:
    if look is not None and look.fault:
        found = f"{lane}, of which nothing is known while the store cannot be used"
        return Check("lane", ok=False, found=found, next_step="look again when the store is usable")
    row = next((one for one in look.lanes if one.name == lane), None) if look else None
    if row is None:
        found = f"{lane}, without work yet; the first pins it to {base_url}"
        return Check("lane", ok=True, found=found)
    if row.base_url != base_url:
        found = f"{lane} is pinned to {row.base_url}, not to {base_url}"
        step = "--lane NAME for another upstream, or ANTHROPIC_BASE_URL as it was"
        return Check("lane", ok=False, found=found, next_step=step)
    at = f"{lane}, pinned to {base_url}" + (f", {row.workspace}" if row.workspace else "")
    if row.state != OPEN:
        step = f"clear the cause, then `backburner resume {lane}`"
        return Check("lane", ok=False, found=f"{at}; stopped: {row.reason}", next_step=step)
    return Check("lane", ok=True, found=at)


def _key(asked: Subject) -> Check:
    terms = _lane_terms(asked)
    if asked.has_client or names_credential(asked.environment, terms):
        return Check("key", ok=True, found="set; whether it is good, only a call can tell")
    if terms.credential is not None:
        step = f"mend that, or name another place in [lanes.{asked.lane}]; `demo` needs no key"
        return Check("key", ok=False, found=what_lacks(terms), next_step=step)
    step = "set ANTHROPIC_API_KEY, or name the lane's in backburner.toml; `demo` needs none"
    return Check("key", ok=False, found="none in the environment", next_step=step)


def _lane_terms(asked: Subject) -> LaneTerms:
    usual = LaneTerms(name=asked.lane)
    try:
        return lane_book(read_config(asked.environment, asked.home)).get(asked.lane, usual)
    except BackburnerError:
        # Told already, of the settings.
        return usual


def _prices(asked: Subject) -> Check:
    from backburner import prices  # noqa: PLC0415  # slow to import, and not needed for --help

    try:
        config = read_config(asked.environment, asked.home)
        own = price_terms(config).own
        tariff = prices.tariff(None, datetime.fromtimestamp(asked.now, UTC), own)
    except BackburnerError as error:
        return Check("prices", ok=False, found=str(error), next_step=error.hint)
    found = f"of {tariff.as_of}, {tariff.source}, {len(tariff.models)} models"
    if own:
        found += f"; {config.file} has its own of {', '.join(own)}"
    return Check("prices", ok=True, found=found)


def _notices(asked: Subject, look: StoreLook | None) -> Iterator[Check]:
    try:
        channels = channels_of(read_config(asked.environment, asked.home))
    except BackburnerError:
        # Told already, of the settings.
        return
    problems = list(channel_problems(channels, asked.environment))
    if look is not None and look.notices_given_up:
        step = "`backburner notify list` tells why, `backburner notify replay` tries them again"
        problems.append((f"{look.notices_given_up} never arrived", step))
    for found, step in problems:
        yield Check("notices", ok=False, found=found, next_step=step)
    if channels and not problems:
        names = ", ".join(one.name for one in channels)
        found = f"to {names}; `backburner notify test` sends one"
        yield Check("notices", ok=True, found=found)


def _extra(name: str, parts: tuple[str, ...]) -> Check:
    missing = [part for part in parts if find_spec(part) is None]
    if not missing:
        return Check(f"extra {name}", ok=True, found="installed")
    how = f"pip install 'backburner[{name}]'"
    return Check(f"extra {name}", ok=True, found=f"not installed; if it is needed: {how}")


def _live(home: Path) -> Iterator[Check]:
    try:
        record = read_record(home)
    except BackburnerError as error:
        yield Check("live check", ok=False, found=str(error), next_step=error.hint)
        return
    yield Check("live check", ok=True, found=last_in_words(record))
    if record.left:
        ids = ", ".join(f"{one.id} at {one.base_url}" for one in record.left)
        step = "`backburner doctor --live` deletes them once they have ended"
        yield Check("left behind", ok=False, found=ids, next_step=step)


def last_in_words(record: Record) -> str:
    """When the last live check was, and what it found."""
    last = record.last
    if last is None:
        return "never; `backburner doctor --live` makes one, for under a cent"
    day = datetime.fromtimestamp(last.at, UTC).date()
    count = len(last.differences)
    found = f"{count} {'difference' if count == 1 else 'differences'} from the emulator"
    cut = "" if last.complete else ", not complete"
    return f"{day}, {last.base_url}, version {last.backburner}: {found}{cut}"
