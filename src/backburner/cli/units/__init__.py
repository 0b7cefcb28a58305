"""Units: what a service manager reads so that Backburner runs without anybody thinking of it."""

import re
import shlex
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from backburner.plan.schedules import COLLECTING

CONTAINER_HOME: Final = Path("/var/lib/backburner")
"""Where the image that our Dockerfile makes keeps its home."""

GRACE: Final = 90
"""Seconds that a worker has to end its step: the answer to an upload rarely takes longer."""


class Kind(StrEnum):
    """What reads the unit."""

    SYSTEMD = "systemd"
    CRON = "cron"
    LAUNCHD = "launchd"
    KUBERNETES = "kubernetes"


@dataclass(frozen=True, slots=True, kw_only=True)
class CronLine:
    """One line of a crontab.

    Attributes:
        schedule: Five fields.
        words: What follows `backburner`.
    """

    schedule: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a unit says of this installation.

    Attributes:
        executable: The words that call `backburner`, with full paths.
        home: The state directory.
        zone: The zone of local times, by its IANA name.
        user: Whose rights it has.
        env_file: The file that holds credentials as `NAME=value`; None where lanes have their own.
        config: The file of settings, where it is not the one in the home.
        config_text: What it says, for a machine that has not got it.
        lanes: Those to work in; all if empty.
        opens: When each lane is drained by cron.
        health: Where the worker tells how it is.
        image: The container's.
    """

    executable: tuple[str, ...]
    home: Path
    zone: str
    user: str
    env_file: Path | None = None
    config: Path | None = None
    config_text: str = ""
    lanes: tuple[str, ...] = ()
    opens: tuple[tuple[str, str], ...] = ()
    health: str | None = None
    image: str = "backburner"

    @property
    def worker_words(self) -> tuple[str, ...]:
        """What follows `backburner` in a unit that keeps a worker running."""
        lanes = [word for lane in self.lanes for word in ("--lane", lane)]
        health = ["--health", self.health] if self.health else []
        return ("worker", "--json-logs", *lanes, *health, "--home", str(self.home))

    @property
    def cron_lines(self) -> tuple[CronLine, ...]:
        """For each lane, one line for each time that it is drained, and one that collects."""
        lanes = tuple(dict.fromkeys(lane for lane, _ in self.opens))
        drains = [CronLine(schedule=at, words=self._drain(lane)) for lane, at in self.opens]
        collects = [
            CronLine(schedule=COLLECTING, words=self._drain(lane, "--collect")) for lane in lanes
        ]
        return (*drains, *collects)

    def _drain(self, lane: str, *more: str) -> tuple[str, ...]:
        return ("drain", *more, "--lane", lane, "--home", str(self.home))


def unit_of(kind: Kind, setting: Setting) -> str:
    """The text of a unit."""
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415  # not for --help

    environment = Environment(  # noqa: S701  # no HTML; each template quotes by its own rules
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {
        "cron": _for_cron,
        "systemd": _systemd_word,
        "systemd_command": _systemd_command,
        "systemd_path": _systemd_path,
        "xml": lambda value: escape(str(value)),
        "sh": lambda words: shlex.join(map(str, words)),
        "yaml": _for_yaml,
    }
    text = (files(__package__) / f"{kind}.j2").read_text(encoding="utf-8")
    return environment.from_string(text).render(it=setting, grace=GRACE)


def _for_cron(words: tuple[object, ...]) -> str:
    """Words for cron's shell; a percent sign would end the line there."""
    return shlex.join(map(str, words)).replace("%", "\\%")


def _systemd_command(words: tuple[object, ...]) -> str:
    """A command line for systemd: variables are put in, but not into the name of the program.

    Source: systemd 252, systemd.service(5), "Command lines", and `systemd-analyze verify`.
    """
    program, *others = map(str, words)
    return " ".join([_systemd_word(program), *(_systemd_word(one, "$") for one in others)])


def _systemd_path(path: object) -> str:
    """A path of an EnvironmentFile, which is a pattern and takes no quotes.

    Source: systemd 252, systemd.exec(5), and `systemd-analyze verify`.
    """
    return re.sub(r"([\\*?\[])", r"\\\1", str(path)).replace("%", "%%")


def _systemd_word(word: str, doubled: str = "") -> str:
    """A word in quotes where it needs some; a percent sign means something everywhere."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    for sign in f"%{doubled}":
        escaped = escaped.replace(sign, sign * 2)
    return escaped if escaped and not set(escaped) & set(" \t\"\\';") else f'"{escaped}"'


def _for_yaml(value: object) -> str:
    """Text in quotes: JSON's are YAML's too."""
    import json  # noqa: PLC0415  # not for --help

    return json.dumps(str(value), ensure_ascii=False)
