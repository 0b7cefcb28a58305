"""`backburner demo`: the main job on real input, without a key, a network or a cost."""

import csv
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.resources import as_file, files
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from backburner.cli.options import Wanted
from backburner.cli.output import Page
from backburner.cli.run import Job, perform
from backburner.cli.session import Session, session_of
from backburner.errors import ConfigError, StoreUnusable

if TYPE_CHECKING:
    from backburner.client.sdk import SdkClient
    from backburner.clock import Clock
Serve = Annotated[bool, typer.Option("--serve", help="Over real HTTP, from a server beside it")]

_FILES: Final = ("reviews.csv", "prompt.md", "rules.toml", "README.md")
_OUTPUT: Final = "labelled.csv"
_MODEL: Final = "claude-haiku-4-5"
_MAX_TOKENS: Final = 16
_BATCH_SIZE: Final = 500
_TURNAROUND: Final = 2
_RETRY_AFTER: Final = 1
_FAILURE: Final = (0, 7)
"""The batch and the request in it that fail once, so that a retry can be seen."""

_KEY: Final = "demo-key"
_ROWS_SHOWN: Final = 8
_TEXT_SHOWN: Final = 46


def demo(context: typer.Context, *, serve: Serve = False) -> int:
    """Label 2,000 reviews on the emulator: no key, no cost."""
    session, page = session_of(context), Page()
    forget_anthropic(session)
    folder = Path(tempfile.mkdtemp(prefix="backburner-demo-"))
    copy_example(folder)
    page.line("This is a demonstration. The answers come from the emulator's pretend model, which")
    page.line("follows keyword rules: nothing is sent to Anthropic, and nothing is paid.")
    page.line()
    page.facts(
        [
            ("folder", str(folder)),
            ("home", f"{folder / 'home'}, new for this demonstration"),
            ("the same as", " ".join(("backburner run", *_words()))),
        ]
    )
    page.line()
    emulator = _served(folder) if serve else _in_process(folder, session.clock)
    with emulator as client:
        code = perform(replace(session, client=client), page, _job(folder))
    if code in (0, 3):
        _show_rows(page, folder / _OUTPUT)
        page.line()
        page.line(
            "Nothing was paid: the amounts are what the real API would have charged for this."
        )
    return code


def forget_anthropic(session: Session) -> None:
    """Drop every variable that could lead to an account."""
    for name in [name for name in session.environment if name.startswith("ANTHROPIC_")]:
        del session.environment[name]


def copy_example(folder: Path) -> None:
    """Copy the packaged example: the reviews with their licence note, the prompt, the rules.

    Raises:
        StoreUnusable: The installation lacks them.
    """
    packaged = files("backburner") / "examples" / "sentiment"
    with as_file(packaged) as path:
        checkout = Path(__file__).parents[3] / "examples" / "sentiment"
        source = path if path.is_dir() else checkout
        try:
            for name in _FILES:
                shutil.copyfile(source / name, folder / name)
        except OSError as error:
            raise StoreUnusable(
                f"the example cannot be copied to {folder}: {error}", hint="install it again"
            ) from error


def _words() -> tuple[str, ...]:
    tokens = str(_MAX_TOKENS)
    options = ("--model", _MODEL, "--max-tokens", tokens, "--batch-size", str(_BATCH_SIZE))
    return ("reviews.csv", "-p", "prompt.md", "-o", _OUTPUT, *options, "--yes")


def _job(folder: Path) -> Job:
    wanted = Wanted(
        source=str(folder / "reviews.csv"),
        prompt_file=folder / "prompt.md",
        output=str(folder / _OUTPUT),
        model=_MODEL,
        max_tokens=_MAX_TOKENS,
    )
    home = folder / "home"
    return Job(
        wanted=wanted, yes=True, home=home, lane="demo", batch_size=_BATCH_SIZE, is_demo=True
    )


@contextmanager
def _in_process(folder: Path, clock: "Clock | None") -> "Iterator[SdkClient]":
    """The emulator within this process."""
    from backburner.client.sdk import sdk_client  # noqa: PLC0415  # not for --help
    from backburner.clock import StoreClock  # noqa: PLC0415  # as above
    from backburner.emulator.settings import ItemFailure, Settings, load_rules  # noqa: PLC0415
    from backburner.emulator.transport import EmulatorTransport  # noqa: PLC0415  # as above
    from backburner.emulator.world import World  # noqa: PLC0415  # as above

    settings = Settings(
        turnaround=_TURNAROUND,
        retry_after=_RETRY_AFTER,
        rules=load_rules(folder / "rules.toml"),
        fail_once=(ItemFailure(*_FAILURE),),
    )
    world = World(settings, now=(clock or StoreClock()).now)
    try:
        with sdk_client(_KEY, "http://emulator", EmulatorTransport(world)) as client:
            yield client
    finally:
        world.close()


@contextmanager
def _served(folder: Path) -> "Iterator[SdkClient]":
    """The emulator's server as a child process, which ends with the demonstration."""
    from backburner.client.sdk import sdk_client  # noqa: PLC0415  # not for --help

    options: Mapping[str, object] = {
        "--port": 0,
        "--turnaround": _TURNAROUND,
        "--retry-after": _RETRY_AFTER,
        "--rules": folder / "rules.toml",
        "--fail-once": ":".join(map(str, _FAILURE)),
    }
    words = [str(word) for option in options.items() for word in option]
    command = [sys.executable, "-m", "backburner", "emulator", *words]
    # Of its own group: Ctrl-C here must not end it before the last step is done.
    with subprocess.Popen(  # noqa: S603  # this very program
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        try:
            with sdk_client(_KEY, _address(server)) as client:
                yield client
        finally:
            server.terminate()


def _address(server: "subprocess.Popen[str]") -> str:
    line = server.stdout.readline() if server.stdout else ""
    address = line.strip().rpartition(" ")[2]
    if not address.startswith("http"):
        raise ConfigError(
            "the emulator's server did not start", hint="see above, or leave out --serve"
        )
    return address


def _show_rows(page: Page, output: Path) -> None:
    with output.open(encoding="utf-8", newline="") as file:
        rows = [
            (row["id"], _short(row["text"]), row["answer"], row["outcome"], row["cost_usd"])
            for row in islice(csv.DictReader(file), _ROWS_SHOWN)
        ]
    page.line()
    page.line(f"The first rows of {output}, some of the columns:")
    page.table(("id", "text", "answer", "outcome", "cost_usd"), rows)


def _short(text: str) -> str:
    return text if len(text) <= _TEXT_SHOWN else text[: _TEXT_SHOWN - 1] + "…"
