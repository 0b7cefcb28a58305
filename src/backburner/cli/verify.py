"""`verify`: counts, outcomes and cents, recomputed from stored bytes."""

from typing import Annotated

import typer

from backburner.cli.output import Page
from backburner.cli.session import Home, Json, Lane, session_of
from backburner.cli.words import many
from backburner.errors import StoreDamaged

Which = Annotated[
    str | None, typer.Argument(metavar="RUN", help="The run, as `status` lists it; all if left out")
]


def verify(
    context: typer.Context,
    which: Which = None,
    *,
    lane: Lane = "default",
    home: Home = None,
    json: Json = False,
) -> int:
    """Recount outcomes and cents from the stored bytes."""
    page = Page(as_json=json)
    with session_of(context).open(home, lane, is_checked=False) as backburner:
        found = backburner.verify(which)
        at = str(backburner.settings.home)
    page.facts([("home", at), *found.lines_for_people()])
    if not found.differences:
        page.line("nothing differs from the stored bytes")
    page.finish({"home": at, **found.to_json()})
    if found.differences:
        raise StoreDamaged(
            f"{many(len(found.differences), 'difference')} between the store and its bytes",
            hint="restore the home from a backup, and report it; nothing was changed",
        )
    return 0
