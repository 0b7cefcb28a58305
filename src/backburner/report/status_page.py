"""How things stand, as one HTML page that asks nobody for anything and needs no script."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from backburner.report.page import rendered

MARK: Final = '<meta name="generator" content="backburner status">'
"""What a page of ours begins with, so that only such a page is replaced without asking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of the page: a table under a heading, or words where there is nothing to list.

    Attributes:
        nothing: What is said where there are no rows.
        notes: What is said below.
    """

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    nothing: str
    notes: Sequence[str] = ()


def _told(section: Section) -> Section:
    """The same without the columns in which nothing stands."""
    columns = [n for n, _ in enumerate(section.headings) if any(row[n] for row in section.rows)]
    return replace(
        section,
        headings=[section.headings[n] for n in columns],
        rows=[[row[n] for n in columns] for row in section.rows],
    )


def status_page(
    sections: Sequence[Section], head: Sequence[tuple[str, str]], *, lane: str, made: str
) -> str:
    """The page.

    Args:
        sections: In reading order.
        head: Labels and values to say first.
        lane: Whose page it is.
        made: When it was made, in words.
    """
    return rendered(
        "status.html.j2",
        mark=MARK,
        title=f"Lane {lane}",
        sections=[_told(one) for one in sections],
        head=head,
        made=made,
    )
