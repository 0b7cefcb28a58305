"""`budget`: what a scope may cost, what is reserved and spent of it, and what waits for it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from backburner.cli.output import Page
from backburner.cli.session import Home, Json, Lane, session_of
from backburner.cli.words import many

if TYPE_CHECKING:
    from backburner.client.budgets import BudgetStanding
    from backburner.nouns.budget import Budget

app = typer.Typer(
    name="budget",
    help="Limit what runs, lanes, tags, owners and days may cost.",
    add_completion=False,
)

Scope = Annotated[
    str,
    typer.Argument(
        metavar="SCOPE", help="lane:NAME, tag:WORD, owner:WORD, run:RUN, rescue:RUN, or day"
    ),
]
Amount = Annotated[str, typer.Argument(metavar="USD", help="The most, such as 5.00")]


@app.callback(invoke_without_command=True)
def budget(
    context: typer.Context, *, lane: Lane = "default", home: Home = None, json: Json = False
) -> int:
    """List the budgets; `set` and `remove` change them."""
    if context.invoked_subcommand is not None:
        return 0
    page = Page(as_json=json)
    with session_of(context).open(home, lane) as backburner:
        found = backburner.budgets()
    if found:
        page.table(
            ("budget", "limit", "reserved", "spent", "left", "waiting"),
            [_row(one) for one in found],
            " rrrrr",
        )
    else:
        page.line("no budgets: `backburner budget set day 5.00` limits each day, for instance")
    page.finish({"budgets": [_json(one.budget) | {"waiting": one.waiting} for one in found]})
    return 0


@app.command("set")
def set_(
    context: typer.Context,
    scope: Scope,
    amount: Amount,
    *,
    lane: Lane = "default",
    home: Home = None,
    json: Json = False,
) -> int:
    """Limit what a scope may cost from now on, or change its limit.

    What waits for room goes with the next `drain` or `run`.
    """
    from backburner.nouns.money import Money  # noqa: PLC0415  # not for --help

    page = Page(as_json=json)
    with session_of(context).open(home, lane) as backburner:
        done = backburner.set_budget(scope, amount)
        waiting = {one.budget.scope: one.waiting for one in backburner.budgets()}.get(scope, 0)
    shown = Money(picodollars=done.amount).show()
    page.line(f"{_in_words(scope)} may cost {shown}{' a day' if scope == 'day' else ''}")
    if done.reserved:
        reserved = Money(picodollars=done.reserved).show()
        page.line(f"{reserved} of it is reserved for what is on its way")
    if waiting:
        page.line(f"{many(waiting, 'request')} still wait for more than that")
    page.finish(_json(done) | {"waiting": waiting})
    return 0


@app.command()
def remove(
    context: typer.Context,
    scope: Scope,
    *,
    lane: Lane = "default",
    home: Home = None,
    json: Json = False,
) -> int:
    """Lift a limit; what waited for it alone goes with the next `drain` or `run`."""
    page = Page(as_json=json)
    with session_of(context).open(home, lane) as backburner:
        backburner.remove_budget(scope)
    page.line(f"{_in_words(scope)} has no budget any more")
    page.finish({"scope": scope, "removed": True})
    return 0


def _in_words(scope: str) -> str:
    kind, _, name = scope.partition(":")
    return f"the {kind} {name}" if name else "everything together"


def _row(one: "BudgetStanding") -> list[str]:
    from backburner.nouns.money import Money  # noqa: PLC0415  # not for --help

    budget = one.budget
    amounts = (budget.amount, budget.reserved, budget.spent, budget.left)
    waiting = many(one.waiting, "request") if one.waiting else ""
    return [budget.scope, *(Money(picodollars=value).show() for value in amounts), waiting]


def _json(budget: "Budget") -> dict[str, Any]:
    from backburner.nouns.money import Money  # noqa: PLC0415  # not for --help

    return {
        "scope": budget.scope,
        "limit_usd": Money(picodollars=budget.amount).usd(),
        "reserved_usd": Money(picodollars=budget.reserved).usd(),
        "spent_usd": Money(picodollars=budget.spent).usd(),
        "left_usd": Money(picodollars=budget.left).usd(),
        "set_at": budget.set_at,
    }
