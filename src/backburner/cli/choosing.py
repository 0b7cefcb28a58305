"""Questions to a person: which model, and whether to go on."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from backburner.cli.output import Page
from backburner.cli.session import Session
from backburner.errors import NothingChosen
from backburner.nouns.money import Money

if TYPE_CHECKING:
    from backburner.client.parting import Reread, Rulebook
    from backburner.client.preparing import RunOptions
    from backburner.nouns.tariff import Tariff

_MILLION: Final = 1_000_000
_YES: Final = frozenset({"", "y", "yes"})
_NO: Final = frozenset({"n", "no"})


def choose_model(session: Session, page: Page, tariff: "Tariff") -> str:
    """The model that a person picks from the price table.

    Raises:
        NothingChosen: Nobody is there to be asked.
    """
    names = list(tariff.models)
    if session.ask is None or page.as_json:
        raise NothingChosen("no model was named", hint=f"add --model, one of: {', '.join(names)}")
    page.line("Which model? US dollars for a million tokens, in batches and sync:")
    page.line()
    page.table(("", "model", "in", "out", "sync in", "sync out"), _price_rows(tariff), "r rrrr")
    page.line(f"Prices of {tariff.as_of} ({tariff.source}).", "dim")
    page.line()
    while True:
        answer = session.ask(page, f"Model [1-{len(names)}, or its name]: ")
        if answer.isdecimal() and 1 <= int(answer) <= len(names):
            return names[int(answer) - 1]
        if answer in names:
            return answer


def with_model(
    session: Session,
    page: Page,
    asked: "RunOptions",
    stdin: "Reread",
    *,
    book: "Rulebook",
    usual: str | None,
    tariff: Callable[[], "Tariff"],
) -> "RunOptions":
    """What is asked, with a model chosen where neither a person nor a rule gives a table one.

    Args:
        session: What asks a person.
        page: Where the prices are shown.
        asked: What they asked.
        stdin: Standard input, which a rule may have to read.
        book: The route rules.
        usual: The lane's model; None where it has none.
        tariff: Gives the prices.
    """
    from backburner.client.parting import gives_model  # noqa: PLC0415  # not for --help

    if asked.prompt is None or asked.model or gives_model(book, asked, stdin):
        return asked
    return replace(asked, model=usual or choose_model(session, page, tariff()))


def is_wanted(session: Session, page: Page, question: str, *, yes: bool) -> bool:
    """Whether a person wants to go on; Enter means yes.

    Raises:
        NothingChosen: Nobody is there to be asked, and `--yes` was not given.
    """
    if yes:
        return True
    if session.ask is None or page.as_json:
        raise NothingChosen(
            f"nobody is there to answer: {question}", hint="add --yes; nothing was sent"
        )
    while True:
        answer = session.ask(page, f"{question} [Y/n] ").lower()
        if answer in _YES:
            return True
        if answer in _NO:
            return False


def _price_rows(tariff: "Tariff") -> list[list[str]]:
    rows = []
    for number, (name, price) in enumerate(tariff.models.items(), 1):
        rates = (price.batch.input, price.batch.output, price.sync.input, price.sync.output)
        shown = [Money(picodollars=rate * _MILLION).show() for rate in rates]
        rows.append([str(number), name, *shown])
    return rows
