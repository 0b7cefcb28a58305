"""The command line's door: commands, the one place that reads the environment, and errors."""

import os
import sys
from collections.abc import Callable, MutableMapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from backburner.cli.adopt import adopt
from backburner.cli.audit import audit
from backburner.cli.budget import app as budget
from backburner.cli.cancel import cancel
from backburner.cli.check import check
from backburner.cli.config import app as config
from backburner.cli.demo import demo
from backburner.cli.doctor import doctor
from backburner.cli.drain import drain
from backburner.cli.emulator import emulator
from backburner.cli.enqueue import enqueue
from backburner.cli.install import install
from backburner.cli.notify import app as notify
from backburner.cli.opening import release, resume
from backburner.cli.output import Page, print_error, print_json
from backburner.cli.plan import plan
from backburner.cli.policy import policy
from backburner.cli.prices import prices
from backburner.cli.prune import prune
from backburner.cli.reconcile import reconcile
from backburner.cli.report import report
from backburner.cli.restored import restored
from backburner.cli.retry import retry
from backburner.cli.route import app as route
from backburner.cli.run import run
from backburner.cli.session import Session, session_of
from backburner.cli.status import results, status
from backburner.cli.tickets import submit, ticket
from backburner.cli.verify import verify
from backburner.cli.windows import windows
from backburner.cli.words import show_times_in
from backburner.cli.worker import worker
from backburner.errors import BackburnerError, InputError, InputFaults

if TYPE_CHECKING:
    from backburner.client.posting import Post
    from backburner.client.sdk import SdkClient
    from backburner.clock import Clock

STOPPED = 130

app = typer.Typer(
    name="backburner",
    help="Claude work that can wait, at half price: tables and lists in, answers out.",
    epilog="`backburner demo` shows it all without a key. Exit codes and errors: docs/errors.md.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for command in (
    run,
    check,
    plan,
    enqueue,
    drain,
    worker,
    install,
    status,
    results,
    retry,
    cancel,
    adopt,
    resume,
    release,
    restored,
    report,
    submit,
    ticket,
    verify,
    prune,
    doctor,
    policy,
    audit,
    reconcile,
    prices,
    demo,
    emulator,
    windows,
):
    app.command()(command)
app.add_typer(budget)
app.add_typer(notify)
app.add_typer(route)
app.add_typer(config)


def _show_version(wanted: bool) -> None:  # noqa: FBT001  # typer calls it so
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415  # slow, and rarely needed

        Page().line(f"backburner {version('backburner')}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    *,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="The file of settings [BACKBURNER_CONFIG]"),
    ] = None,
    _debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an unexpected error")
    ] = False,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and end"
        ),
    ] = False,
) -> None:
    """Take in what goes before the command; `main` looks for the rest itself."""
    if config is not None:
        context.obj = session_of(context).with_config(config)


def main(
    arguments: Sequence[str] | None = None,
    *,
    environment: MutableMapping[str, str] | None = None,
    clock: "Clock | None" = None,
    client: "SdkClient | None" = None,
    stdin: Callable[[], BinaryIO] = lambda: sys.stdin.buffer,
    post: "Post | None" = None,
    ask: Callable[[Page, str], str] | None = None,
) -> int:
    """Run one command; gives the exit code. What a test needs to change is an argument."""
    words = tuple(sys.argv[1:] if arguments is None else arguments)
    is_person = arguments is None and sys.stdin.isatty() and sys.stdout.isatty()
    session = Session(
        environment=os.environ if environment is None else environment,
        arguments=words,
        clock=clock,
        client=client,
        stdin=stdin,
        post=post,
        ask=ask or (Page.ask if is_person else None),
    )
    as_json = "--json" in words
    try:
        code = app(args=list(words), prog_name="backburner", obj=session, standalone_mode=False)
    except BackburnerError as error:
        return _tell(error, as_json=as_json)
    except typer.TyperException as error:
        return _tell(_misused(error), as_json=as_json)
    except typer.Abort as error:
        # Typer makes this of an EOFError, which is a fault of ours here.
        return _tell_unexpected(error.__cause__ or error, as_json=as_json)
    except KeyboardInterrupt:
        return STOPPED
    except Exception as error:
        if "--debug" in words:
            raise
        return _tell_unexpected(error, as_json=as_json)
    finally:
        show_times_in(None)
    return code if isinstance(code, int) else 0


def _misused(error: typer.TyperException) -> BackburnerError:
    """What typer found wrong with the words, as an error like any other."""
    command = getattr(getattr(error, "ctx", None), "command_path", "backburner")
    told = error.format_message().rstrip(".")
    if told.endswith("--config"):
        return InputError(told, hint="it goes before the command: `backburner --config FILE …`")
    return InputError(told, hint=f"`{command} --help` lists the options")


def _tell(error: BackburnerError, *, as_json: bool) -> int:
    notes = list(getattr(error, "__notes__", ()))
    if as_json:
        told = {
            "code": error.code,
            "message": str(error),
            "hint": error.hint,
            "notes": notes,
            "exit_code": error.exit_code,
        }
        print_json({"error": told}, to_errors=True)
        return error.exit_code
    # Faults of an input have codes of their own, each in its line.
    code = "" if isinstance(error, InputFaults) else f" ({error.code})"
    lines = [("error", f"{error}{code}")]
    if error.hint:
        lines.append(("hint", error.hint))
    print_error([*lines, *(("note", note) for note in notes)])
    return error.exit_code


def _tell_unexpected(error: BaseException, *, as_json: bool) -> int:
    # Only the kind: a foreign message may hold a prompt or an answer.
    failed = BackburnerError(
        f"Backburner failed in a way it should not: {type(error).__name__}",
        hint="nothing that was kept is lost; `backburner --debug …` shows where it happened",
    )
    return _tell(failed, as_json=as_json)
