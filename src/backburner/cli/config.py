"""`config`: what holds here, and where each value comes from."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from backburner.cli.output import Page
from backburner.cli.session import Home, Json, Session, session_of

if TYPE_CHECKING:
    from backburner.config.table import Setting

app = typer.Typer(
    name="config", help="Show the settings.", add_completion=False, no_args_is_help=True
)


@app.callback()
def config() -> None:
    """Show the settings that hold here."""


@app.command()
def show(context: typer.Context, *, home: Home = None, json: Json = False) -> int:
    """List every setting with its value and its origin.

    A flag goes before a variable, a variable before the file, and that before what is usual. A
    secret is never shown.
    """
    from backburner.config import read_config  # noqa: PLC0415  # not for --help

    session, page = session_of(context), Page(as_json=json)
    found = read_config(session.environment, home)
    settings = [*_places(session, home, found.file), *_last(found.noted), *_credentials(session)]
    page.table(("setting", "value", "from"), [_row(one) for one in settings])
    page.finish({"config": str(found.file), "settings": [_json(one) for one in settings]})
    return 0


def _places(session: Session, home: Path | None, file: Path) -> "Iterator[Setting]":
    from backburner.config import CONFIG, HOME, home_from  # noqa: PLC0415  # as above
    from backburner.config.table import Origin, Setting  # noqa: PLC0415  # as above

    named = Origin.ENVIRONMENT if session.environment.get(HOME) else Origin.DEFAULT
    yield Setting(
        path="home",
        value=str(home or home_from(session.environment)),
        origin=Origin.FLAG if home else named,
        detail="--home" if home else HOME if named is Origin.ENVIRONMENT else "",
    )
    is_flag = any(word.split("=")[0] == "--config" for word in session.arguments)
    is_named = bool(session.environment.get(CONFIG))
    there = "" if file.is_file() else " (not there)"
    yield Setting(
        path="config",
        value=f"{file}{there}",
        origin=Origin.FLAG if is_flag else Origin.ENVIRONMENT if is_named else Origin.DEFAULT,
        detail="--config" if is_flag else CONFIG if is_named else "",
    )


def _last(noted: "Iterable[Setting]") -> "Iterable[Setting]":
    """Each setting once: a section may be read more than once."""
    return {one.path: one for one in noted}.values()


def _credentials(session: Session) -> "Iterator[Setting]":
    """Which variables of the SDK are set; an address is shown, a credential is not."""
    from backburner.config.table import HIDDEN, Origin, Setting  # noqa: PLC0415  # as above
    from backburner.upstream.connect import (  # noqa: PLC0415  # as above
        BASE_URL,
        CREDENTIALS,
        base_url_of,
    )

    is_set = bool(session.environment.get(BASE_URL))
    yield Setting(
        path="address",
        value=base_url_of(session.environment),
        origin=Origin.ENVIRONMENT if is_set else Origin.DEFAULT,
        detail=BASE_URL if is_set else "",
    )
    for name in CREDENTIALS:
        if session.environment.get(name):
            yield Setting(path="credential", value=HIDDEN, origin=Origin.ENVIRONMENT, detail=name)


def _row(one: "Setting") -> list[str]:
    return [one.path, _in_words(one.value), f"{one.origin} {one.detail}".strip()]


def _in_words(value: object) -> str:
    match value:
        case None | "" | []:
            return "-"
        case bool():
            return "true" if value else "false"
        case list():
            return ", ".join(map(str, value))
        case int() | float():
            return f"{value:,g}" if isinstance(value, float) else f"{value:,}"
        case _:
            return str(value)


def _json(one: "Setting") -> dict[str, Any]:
    return {
        "setting": one.path,
        "value": one.value if _is_plain(one.value) else str(one.value),
        "from": str(one.origin),
        "name": one.detail or None,
    }


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float | list | None) and not isinstance(value, Decimal)
