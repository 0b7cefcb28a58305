"""`backburner emulator`: the Message Batches API on this machine, with a pretend model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backburner.cli.output import Page
from backburner.errors import ConfigError, ExtraMissing, InputError

if TYPE_CHECKING:
    from backburner.emulator.cacheplan import CachePlan
    from backburner.emulator.settings import ItemFailure, Rule, Settings

_KINDS = "an error type, `expired`, or a stop reason"


def emulator(
    *,
    host: Annotated[str, typer.Option(metavar="HOST", help="Where it listens")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="On which port; 0 picks one")
    ] = 8082,
    speed: Annotated[
        float, typer.Option(metavar="N", min=0.001, help="Seconds in its world for each real one")
    ] = 1.0,
    turnaround: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="How long a batch takes")
    ] = 300.0,
    retry_after: Annotated[
        int, typer.Option(metavar="SECONDS", min=0, help="What its retry-after header says")
    ] = 10,
    rules: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Answers by pattern, in TOML or JSON")
    ] = None,
    seed: Annotated[str, typer.Option(metavar="TEXT", help="What its chances come from")] = "0",
    errored_share: Annotated[
        float, typer.Option(metavar="SHARE", min=0, max=1, help="Requests that fail once by chance")
    ] = 0.0,
    expired_share: Annotated[
        float, typer.Option(metavar="SHARE", min=0, max=1, help="Requests that expire")
    ] = 0.0,
    cache_hits: Annotated[
        str,
        typer.Option(
            metavar="K/N", help="Of every N marked requests K read the cache; or a share, as 0.3"
        ),
    ] = "1.0",
    web_searches: Annotated[
        int, typer.Option(metavar="N", min=0, help="Searches per request with the search tool")
    ] = 0,
    fail_once: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BATCH:REQUEST[:KIND]", help="Fail one request, from 0:0 on; repeatable"
        ),
    ] = None,
    refuse_key: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="Answer this key with 401; repeatable")
    ] = None,
    state_dir: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where requests are spooled")
    ] = None,
) -> int:
    """Serve a pretend Message Batches API, at no cost.

    Point any program at the address it prints. It runs until Ctrl-C.
    """
    try:
        from backburner.emulator.server import serve  # noqa: PLC0415  # optional, and slow
    except ImportError as error:
        raise ExtraMissing(
            f"the emulator's server needs {error.name}, which is not installed",
            hint="pip install 'backburner[server]'",
        ) from error
    from backburner.emulator.settings import Settings  # noqa: PLC0415  # not for --help

    settings = Settings(
        seed=seed,
        turnaround=turnaround,
        retry_after=retry_after,
        errored_share=errored_share,
        expired_share=expired_share,
        rules=_rules(rules),
        cache=_cache(cache_hits),
        web_searches=web_searches,
        fail_once=tuple(map(_failure, fail_once or ())),
        refused_keys=frozenset(refuse_key or ()),
    )
    page = Page()
    try:
        serve(
            settings,
            host,
            port,
            speed=speed,
            state_dir=state_dir,
            ready=lambda url: _tell(page, url, settings),
        )
    except SystemExit as error:
        raise ConfigError(
            f"the emulator cannot listen on {host} port {port}",
            hint="name another with --port; 0 picks a free one",
        ) from error
    except KeyboardInterrupt:
        page.line("The emulator has stopped.")
    return 0


def _tell(page: Page, url: str, settings: "Settings") -> None:
    page.line(f"The emulator listens on {url}")
    page.line(f"A batch takes {settings.turnaround:g} s. Answers come from a pretend model.")
    page.line("To point a program at it, the official SDK and Backburner included:")
    page.line(f"  export ANTHROPIC_BASE_URL={url} ANTHROPIC_API_KEY=any-key")
    page.line("Backburner keeps it apart from Anthropic in a lane of its own: --lane emulator")
    page.line("Ctrl-C stops it.")
    page.flush()


def _rules(path: Path | None) -> "tuple[Rule, ...]":
    from backburner.emulator.settings import load_rules  # noqa: PLC0415  # not for --help

    if path is None:
        return ()
    try:
        return load_rules(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", hint="check it") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} holds no rules: {error}", hint="write [[rules]] tables with match and answer"
        ) from error


def _cache(text: str) -> "CachePlan":
    """How many requests read the cache, from `150/500` or `0.3`."""
    from backburner.emulator.cacheplan import CachePlan, Hits  # noqa: PLC0415  # not for --help

    hits, _, of = text.partition("/")
    try:
        return CachePlan(hits=Hits(int(hits), int(of)) if of else float(text))
    except ValueError as error:
        raise InputError(
            f"--cache-hits {text} is no number of hits", hint="write it as in 150/500 or 0.3"
        ) from error


def _failure(text: str) -> "ItemFailure":
    """One scripted failure, from `BATCH:REQUEST` or `BATCH:REQUEST:KIND`."""
    from typing import get_args  # noqa: PLC0415  # as below

    from backburner.emulator.settings import FailureKind, ItemFailure  # noqa: PLC0415

    ordinal, _, rest = text.partition(":")
    index, _, kind = rest.partition(":")
    if not (ordinal.isdecimal() and index.isdecimal()):
        raise InputError(f"--fail-once {text} names no request", hint="write it as in 0:7")
    if kind and kind not in get_args(FailureKind):
        kinds = ", ".join(get_args(FailureKind))
        raise InputError(f"--fail-once {text}: {kind} is not {_KINDS}", hint=f"one of {kinds}")
    if not kind:
        return ItemFailure(int(ordinal), int(index))
    return ItemFailure(int(ordinal), int(index), kind)  # type: ignore[arg-type]  # checked above
