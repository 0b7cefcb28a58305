"""`install`: the unit with which a service manager keeps Backburner running."""

import getpass
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backburner.cli.output import print_json
from backburner.cli.session import Home, Json, Session, session_of
from backburner.cli.units import CONTAINER_HOME, Kind, Setting, unit_of
from backburner.errors import InputError

if TYPE_CHECKING:
    from backburner.config import Settings

Which = Annotated[Kind, typer.Argument(metavar="KIND", help="systemd, cron, launchd or kubernetes")]
Lanes = Annotated[
    list[str] | None,
    typer.Option("--lane", metavar="NAME", help="A lane to work in; repeatable [all]"),
]
Zone = Annotated[
    str | None,
    typer.Option("--zone", metavar="NAME", help="The zone of local times, such as Europe/Berlin"),
]
Executable = Annotated[
    Path | None,
    typer.Option("--executable", metavar="PATH", help="Where backburner is [this one]"),
]
EnvFile = Annotated[
    Path | None,
    typer.Option("--env-file", metavar="PATH", help="Where the key is [backburner.env in home]"),
]
User = Annotated[
    str | None,
    typer.Option("--user", metavar="NAME", help="Whose rights it has, for systemd [you]"),
]
Health = Annotated[
    str | None,
    typer.Option("--health", metavar="HOST:PORT", help="Where the worker tells how it is"),
]
Image = Annotated[
    str, typer.Option("--image", metavar="NAME", help="The container's image", show_default=True)
]


def install(
    context: typer.Context,
    kind: Which,
    *,
    lane: Lanes = None,
    zone: Zone = None,
    executable: Executable = None,
    env_file: EnvFile = None,
    user: User = None,
    health: Health = None,
    image: Image = "backburner",
    home: Home = None,
    json: Json = False,
) -> int:
    """Print the unit of a service manager; nothing is written.

    For cron there are two lines a lane: one sends when its window opens, or at 23:00, and one
    collects every ten minutes.
    """
    from backburner.client.access import find_lane  # noqa: PLC0415  # not for --help
    from backburner.config import DEFAULT_LANE  # noqa: PLC0415  # not for --help
    from backburner.plan.schedules import opening_times  # noqa: PLC0415  # as above

    settings = _settings(session_of(context), home)
    for path in (home, executable, env_file):
        _check_path(path)
    lanes = tuple(lane or ())
    for name in lanes:
        find_lane(settings.home, settings.lanes, name)
    drained = lanes or tuple(settings.lanes) or (DEFAULT_LANE,)
    in_container = kind is Kind.KUBERNETES
    place = CONTAINER_HOME if in_container and home is None else settings.home.absolute()
    config, config_text = _config(settings, in_container=in_container)
    setting = Setting(
        executable=_executable(executable),
        home=place,
        zone=_cron_zone(settings, zone, drained) if kind is Kind.CRON else _zone(settings, zone),
        user=user or getpass.getuser(),
        env_file=_env_file(settings, env_file, drained, place),
        config=config,
        config_text=config_text,
        lanes=lanes,
        opens=tuple(
            (one, at) for one in drained for at in opening_times(settings.lane_terms(one).windows)
        ),
        health="0.0.0.0:9464" if in_container else health,
        image=image,
    )
    text = unit_of(kind, setting)
    if json:
        print_json(_as_json(kind, setting, text))
    else:
        sys.stdout.write(text)
    return 0


def _settings(session: Session, home: Path | None) -> "Settings":
    from backburner.config import settings_from  # noqa: PLC0415  # not for --help
    from backburner.upstream.connect import base_url_of  # noqa: PLC0415  # as above

    return settings_from(session.environment, home, base_url_of(session.environment))


def _as_json(kind: Kind, setting: Setting, text: str) -> dict[str, Any]:
    lines = [
        {"schedule": one.schedule, "zone": setting.zone, "words": list(one.words)}
        for one in (setting.cron_lines if kind is Kind.CRON else ())
    ]
    return {"kind": kind.value, "home": str(setting.home), "text": text, "lines": lines}


def _executable(named: Path | None) -> tuple[str, ...]:
    """The words that call this program from anywhere."""
    if named is not None:
        return (str(named),)
    found = shutil.which("backburner")
    beside = Path(sys.executable).with_name("backburner")
    if beside.is_file():
        return (str(beside),)
    return (found,) if found else (sys.executable, "-m", "backburner")


def _check_path(path: Path | None) -> None:
    """A unit runs in no folder of ours, so each path has to be whole.

    Raises:
        InputError: It is relative, or would break a line.
    """
    if path is not None and (not path.is_absolute() or not str(path).isprintable()):
        raise InputError(
            f"{path} is not a full path in one line", hint="name it from the root, such as /srv/x"
        )


def _zone(settings: "Settings", named: str | None) -> str:
    """The zone that is spelled out.

    Raises:
        InputError: Nothing says which, or it is none.
    """
    from backburner.config.zone import is_zone  # noqa: PLC0415  # not for --help

    if named is not None and not is_zone(named):
        raise InputError(f"{named} is no zone", hint="name one such as Europe/Berlin")
    zone = named or settings.zone
    if zone is None:
        raise InputError(
            "nothing says in which zone local times are",
            hint='add --zone Europe/Berlin, or zone = "Europe/Berlin" to backburner.toml',
        )
    return zone


def _cron_zone(settings: "Settings", named: str | None, lanes: tuple[str, ...]) -> str:
    """The zone of all lines, since cron knows only one: that of the windows, where there are any.

    Raises:
        InputError: Windows are in another one.
    """
    terms = [settings.lane_terms(lane) for lane in lanes]
    zones = {one.zone for one in terms if one.windows and one.zone}
    zone = named or (min(zones) if zones else _zone(settings, None))
    if zones - {zone}:
        raise InputError(
            f"cron has one zone for all lines, and windows are in {', '.join(sorted(zones))}",
            hint="call it once for each zone, with the --lane names of that zone",
        )
    return _zone(settings, zone)


def _env_file(
    settings: "Settings", named: Path | None, lanes: tuple[str, ...], home: Path
) -> Path | None:
    """The file that variables are read from; none where every lane's credential is elsewhere."""
    from backburner.nouns.lane import FromVariable  # noqa: PLC0415  # not for --help

    credentials = [settings.lane_terms(lane).credential for lane in lanes]
    if named is None and not any(
        one is None or isinstance(one, FromVariable) for one in credentials
    ):
        return None
    return named or home / "backburner.env"


def _config(settings: "Settings", *, in_container: bool) -> tuple[Path | None, str]:
    """The file of settings where the unit has to name it, or what it says."""
    file = settings.config.file.absolute()
    if in_container:
        return None, file.read_text(encoding="utf-8") if file.is_file() else ""
    return (None if file.parent == settings.home.absolute() else file), ""
