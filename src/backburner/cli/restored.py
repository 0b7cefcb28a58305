"""`restored`: a home came whole from a backup, so that nothing in it tells that it is old."""

import typer

from backburner.cli.output import Page
from backburner.cli.session import Home, Json, session_of
from backburner.cli.words import many


def restored(context: typer.Context, *, home: Home = None, json: Json = False) -> int:
    """Say that a home came whole from a backup.

    What it believes unsent may have been sent since: it is looked for at Anthropic before it goes,
    in every lane. Retries that wait are held for you. Sends nothing.
    """
    page = Page(as_json=json)
    with session_of(context).open(home, "default", is_pinned=False) as backburner:
        found = backburner.note_restored()
    if not (found.batches or found.retries):
        page.line("nothing waits to be sent, so nothing has to be looked for")
    if found.batches:
        page.line(
            f"{many(found.batches, 'batch')} will be looked for at Anthropic before it is sent"
        )
    if found.retries:
        page.line(f"{many(found.retries, 'request')} held: `backburner retry RUN` sends them again")
    page.finish({"batches_in_doubt": found.batches, "retries_held": found.retries})
    return 0
