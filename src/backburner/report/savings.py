"""The savings report: spending by run, day, lane, model, tag or owner, and its sum."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import Final

from backburner.nouns.ticket import INBOX
from backburner.report.spending import Spending, spending_json


class By(StrEnum):
    """What a report groups by."""

    RUN = "run"
    DAY = "day"
    LANE = "lane"
    MODEL = "model"
    TAG = "tag"
    OWNER = "owner"


UNNAMED: Final = {
    By.TAG: "(no tag)",
    By.OWNER: "(no owner)",
    By.MODEL: "(not known yet)",
}
"""How a group is called that has no name of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Some spending and all that it is filed under.

    Attributes:
        run_name: What the run is called, such as the name of its input.
        day: The local day, as YYYY-MM-DD, on which it was booked.
        model: The model that answered; empty where nothing was answered yet.
        owner: Empty where nobody was named.
        price_date: The date of the prices it was booked with; empty where nothing was priced.
        is_inbox: Whether the run is one of tickets: those of a day are one group.
    """

    run: str
    run_name: str
    lane: str
    day: str
    model: str
    owner: str
    tags: tuple[str, ...]
    price_date: str
    spending: Spending
    is_inbox: bool = False

    def keys(self, by: By) -> tuple[str, ...]:
        """The groups that it counts under: several only for tags."""
        match by:
            case By.RUN:
                # Nobody named the runs of tickets, and there may be many.
                return (f"{INBOX} {self.day}" if self.is_inbox else self.run,)
            case By.DAY:
                return (self.day,)
            case By.LANE:
                return (self.lane,)
            case By.MODEL:
                return (self.model,)
            case By.OWNER:
                return (self.owner,)
            case By.TAG:
                return self.tags or ("",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is reported, and how.

    Attributes:
        since: The first day, as YYYY-MM-DD; all before if None.
        until: The last day; all after if None.
    """

    by: By = By.RUN
    since: str | None = None
    until: str | None = None
    run: str | None = None
    lane: str | None = None

    def takes(self, entry: Entry) -> bool:
        """Whether an entry is part of it."""
        return (
            (self.since is None or self.since <= entry.day)
            and (self.until is None or entry.day <= self.until)
            and self.run in (None, entry.run)
            and self.lane in (None, entry.lane)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One line of a report. `name` is a run's name; empty for all other groups."""

    by: By
    key: str
    name: str
    spending: Spending

    @property
    def title(self) -> str:
        """What a person calls it: a run by its id and the last part of its name."""
        if self.by is By.RUN:
            return f"{self.key} {PurePath(self.name).name}".strip()
        return self.key or UNNAMED.get(self.by, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingsReport:
    """Spending in groups, and in all.

    Attributes:
        groups: Days, lanes, models, tags and owners by name, runs in the order they were made.
        days: The same spending by day.
        total: Each entry once: with several tags to a run, less than the groups add up to.
        runs: How many runs are in it.
        price_dates: The dates of the prices that were booked with, oldest first.
        notes: What a reader has to know about the figures.
    """

    choice: Choice
    groups: tuple[Group, ...]
    days: tuple[Group, ...]
    total: Spending
    runs: int
    price_dates: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def is_overlapping(self) -> bool:
        """Whether some spending stands in several groups."""
        return Spending.total(group.spending for group in self.groups) != self.total

    def to_json(self) -> dict[str, object]:
        """The report as JSON values. Money is exact, as decimal strings of US dollars."""
        choice = self.choice
        return {
            "by": str(choice.by),
            "since": choice.since,
            "until": choice.until,
            "run": choice.run,
            "lane": choice.lane,
            "groups": list(self.records()),
            "total": {"runs": self.runs, **spending_json(self.total)},
            "groups_overlap": self.is_overlapping,
            "price_dates": list(self.price_dates),
            "notes": list(self.notes),
        }

    def records(self) -> Iterator[dict[str, object]]:
        """The groups as JSON values of one shape."""
        return (self._record(group) for group in self.groups)

    def columns(self) -> list[str]:
        """The names of what each record has."""
        return list(self._record(Group(by=self.choice.by, key="", name="", spending=Spending())))

    def _record(self, group: Group) -> dict[str, object]:
        by = self.choice.by
        name = {"name": group.name} if by is By.RUN else {}
        return {str(by): group.key, **name, **spending_json(group.spending)}


def savings_report(
    entries: Iterable[Entry], choice: Choice, notes: Iterable[str] = ()
) -> SavingsReport:
    """Add up the entries that are chosen."""
    taken = [entry for entry in entries if choice.takes(entry)]
    return SavingsReport(
        choice=choice,
        groups=_groups(taken, choice.by),
        days=_groups(taken, By.DAY),
        total=Spending.total(entry.spending for entry in taken),
        runs=len({entry.run for entry in taken}),
        price_dates=tuple(sorted({entry.price_date for entry in taken if entry.price_date})),
        notes=tuple(notes),
    )


def _groups(entries: Iterable[Entry], by: By) -> tuple[Group, ...]:
    parts: dict[str, list[Entry]] = {}
    for entry in entries:
        for key in entry.keys(by):
            parts.setdefault(key, []).append(entry)
    order = list(parts) if by is By.RUN else sorted(parts)
    return tuple(
        Group(
            by=by,
            key=key,
            name=parts[key][0].run_name if by is By.RUN and not parts[key][0].is_inbox else "",
            spending=Spending.total(entry.spending for entry in parts[key]),
        )
        for key in order
    )
