"""`route`: which rule takes each request, before anything is kept or sent."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backburner.cli.input_options import takes_ruled
from backburner.cli.options import Wanted
from backburner.cli.output import Page
from backburner.cli.route_words import given_in_words, taken_json
from backburner.cli.session import Home, Json, Lane, Session, session_of
from backburner.cli.words import many
from backburner.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from backburner.client.explaining import Explained, Explanation
    from backburner.nouns.route import Rule

app = typer.Typer(
    name="route",
    help="See what the route rules do with requests.",
    add_completion=False,
    no_args_is_help=True,
)

Shown = Annotated[
    int, typer.Option("--show", metavar="N", min=0, help="How many requests to show [10]")
]


@app.callback()
def route() -> None:
    """See what the route rules do with requests."""


@app.command("explain")
@takes_ruled
def explain(
    context: typer.Context,
    *,
    wanted: Wanted,
    show: Shown = 10,
    lane: Lane = "default",
    home: Home = None,
    json: Json = False,
) -> int:
    """Tell which rule takes each request of a list, or a table, and why.

    Keeps and sends nothing; needs no key and no network.
    """
    from backburner.client.explaining import explain_routes  # noqa: PLC0415  # not for --help
    from backburner.client.parting import Reread  # noqa: PLC0415  # as above

    session, page = session_of(context), Page(as_json=json)
    file, rules = _rules(session, home)
    asked = wanted.options(wanted.model or "")
    explained = explain_routes(rules, asked, lane, Reread(session.stdin))
    _show(page, file, rules, explained, show)
    page.finish(
        {
            "file": str(file),
            "lane": lane,
            "rules": [taken_json(one) for one in explained.taken],
            "requests": [_request_json(one, wanted) for one in explained.requests],
            "no_requests": explained.no_requests,
        }
    )
    return InputError.exit_code if explained.no_requests else 0


def _rules(session: Session, home: "Path | None") -> "tuple[Path, Sequence[Rule]]":
    from datetime import UTC, datetime  # noqa: PLC0415  # as above

    from backburner.client.checking import models_to_send  # noqa: PLC0415  # as above
    from backburner.client.routing import check_models  # noqa: PLC0415  # as above
    from backburner.clock import StoreClock  # noqa: PLC0415  # as above
    from backburner.config import price_terms, read_config, route_rules  # noqa: PLC0415  # as above

    config = read_config(session.environment, home)
    rules = route_rules(config)
    if not rules:
        raise InputError(
            f"{config.file} has no routes",
            hint="docs/routes.md tells how to write them; examples/routes.toml has some",
        )
    now = datetime.fromtimestamp((session.clock or StoreClock()).now(), UTC)
    check_models(rules, models_to_send(now, price_terms(config)), config.file)
    return config.file, rules


def _show(
    page: Page, file: "Path", rules: "Sequence[Rule]", explained: "Explanation", show: int
) -> None:
    page.facts([("rules", f"{many(len(rules), 'rule')} in {file}; the first that matches wins")])
    page.line()
    rows = [
        (one.rule or "(none)", f"{one.requests:,}", given_in_words(one), one.reason)
        for one in explained.taken
    ]
    page.table(("rule", "requests", "gives", "why"), rows, " r")
    if explained.no_requests:
        page.line()
        lines = many(explained.no_requests, "line")
        page.line(f"{lines} of it hold no request: `backburner check` says what is wrong")
    if show:
        _show_requests(page, explained.requests, show)


def _show_requests(page: Page, requests: "Sequence[Explained]", show: int) -> None:
    page.line()
    keyed = any(one.custom_id for one in requests)
    heading = ("line", "custom_id") if keyed else ("request",)
    rows = [
        [
            str(one.place),
            *([one.custom_id] if keyed else []),
            one.model or "no model",
            one.route.rule or "(none)",
            ", ".join(one.changed) or "nothing",
        ]
        for one in requests[:show]
        if one.route is not None
    ]
    page.table((*heading, "asks for", "rule", "changed"), rows, "r")
    if len(requests) > show:
        page.line(f"and {many(len(requests) - show, 'request')} more; --json tells all")


def _request_json(one: "Explained", wanted: Wanted) -> dict[str, Any]:
    route = one.route
    return {
        "request" if wanted.is_table else "line": one.place,
        "custom_id": one.custom_id or None,
        "model": one.model or None,
        "rule": None if route is None else route.rule or None,
        "reason": None if route is None else route.reason,
        "changed": list(one.changed),
    }
