"""Commands that take an input: they have the options of `Wanted`, as one argument."""

from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import wraps
from inspect import Parameter, Signature, signature
from itertools import takewhile
from typing import Any, get_type_hints

from backburner.cli.options import STDIN, Wanted
from backburner.errors import NothingChosen


def takes_run(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command every option of `Wanted`, as one argument `wanted`."""
    return _merged(command, _parameters(), lambda wanted: wanted)


def takes_input(command: Callable[..., int]) -> Callable[..., int]:
    """The same for a command that keeps nothing: the options that shape requests, checked."""
    return _checked(command, "canary")


def takes_ruled(command: Callable[..., int]) -> Callable[..., int]:
    """The same for a command that is about the route rules, and cannot leave them out."""
    return _checked(command, "no_routes")


def _checked(command: Callable[..., int], until: str) -> Callable[..., int]:

    def checked(wanted: Wanted) -> Wanted:
        wanted.check()
        if wanted.source == STDIN and wanted.format is None:
            hint = f"for instance: backburner {command.__name__} - --format csv …"
            raise NothingChosen("standard input needs --format", hint=hint)
        return wanted

    shaping = takewhile(lambda one: one.name != until, _parameters())
    return _merged(command, list(shaping), checked)


def _parameters() -> list[Parameter]:
    """The fields of `Wanted` as parameters; the source is an argument, all others are options."""
    types = get_type_hints(Wanted, include_extras=True)
    return [
        Parameter(
            one.name,
            Parameter.POSITIONAL_OR_KEYWORD if one.default is MISSING else Parameter.KEYWORD_ONLY,
            default=Parameter.empty if one.default is MISSING else one.default,
            annotation=types[one.name],
        )
        for one in fields(Wanted)
    ]


def _merged(
    command: Callable[..., int], shared: list[Parameter], taken: Callable[[Wanted], Wanted]
) -> Callable[..., int]:
    own = signature(command, eval_str=True)
    kept = [one for name, one in own.parameters.items() if name != "wanted"]
    places = [*kept[:1], *shared, *kept[1:]]

    @wraps(command)
    def whole(**values: Any) -> int:
        wanted = Wanted(**{one.name: values.pop(one.name) for one in shared})
        return command(wanted=taken(wanted), **values)

    merged = Signature(places, return_annotation=own.return_annotation)
    # typer reads both; `wraps` has set neither to what the whole takes.
    whole.__signature__ = merged  # type: ignore[attr-defined]
    whole.__annotations__ = {one.name: one.annotation for one in places}
    return whole
