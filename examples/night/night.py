"""A night at the office, on the emulator: `make night`.

From 17:00 three desks put work into the queue, while an application asks what its users wait for.
At 23:00 the window opens; at 07:00 every output file is there. Worker, queue and emulator go by
one virtual clock, so that the night takes seconds, and nothing leaves the machine.
"""

import contextlib
import io
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from cronsim import CronSim

from backburner import Backburner
from backburner.cli.main import main
from backburner.cli.output import Page
from backburner.cli.progress import event_in_words
from backburner.client.sdk import sdk_client
from backburner.clock import FakeClock
from backburner.emulator.settings import Settings, load_rules
from backburner.emulator.transport import EmulatorTransport
from backburner.emulator.world import World
from backburner.nouns.money import usd
from backburner.telemetry import Event

EXAMPLES = Path(__file__).parents[1]
ZONE = ZoneInfo("Europe/Berlin")
EVENING = datetime(2026, 11, 23, 17, tzinfo=ZONE)
MORNING = datetime(2026, 11, 24, 7, tzinfo=ZONE)
TURNAROUNDS = (1_140.0, 2_520.0, 780.0, 300.0, 1_860.0)
"""Seconds that one batch after the other takes: most of Anthropic's take less than an hour."""

FAILING = 0.03
"""Share of requests that fail at first: the article speaks of 3 %."""

DESKS = {
    "reviews": "17:00 enqueue sentiment/reviews.csv -p sentiment/prompt.md -o labelled.csv"
    " --model claude-haiku-4-5 --max-tokens 16",
    "catalogue": "18:30 enqueue products/packages.csv -p products/prompt.md -o products.csv"
    " --schema products/schema.json --model claude-sonnet-4-6 --max-tokens 400 --by 07:00",
    "web pages": "21:15 enqueue seo/pages.csv -p seo/prompt.md -o seo.csv"
    " --schema seo/schema.json --model claude-haiku-4-5 --max-tokens 300",
}
"""When each desk puts which work into the queue."""

OUTPUTS = ("labelled.csv", "products.csv", "seo.csv")
CHATS = (
    ("17:10", "Review: It broke on the first day."),
    ("18:45", "Review: I would buy it again."),
    ("20:05", "Review: Works as described."),
    ("22:55", "Review: What a disappointment."),
    ("23:40", "Review: A masterpiece."),
)
"""What users of an application wait for, and when."""


@dataclass(frozen=True, kw_only=True)
class Night:
    """Where a night is played: a folder with the examples, an emulator, and one clock for all."""

    folder: Path
    clock: FakeClock
    world: World
    page: Page

    def call(self, words: Sequence[str]) -> str:
        """What `backburner` prints for these words.

        Raises:
            SystemExit: It failed.
        """
        printed = io.StringIO()
        with (
            self.client() as client,
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(printed),
        ):
            code = main(words, environment=self.environment, clock=self.clock, client=client)
        if code:
            raise SystemExit(f"backburner {shlex.join(words)} ended with {code}")
        return printed.getvalue()

    @property
    def environment(self) -> dict[str, str]:
        """What a shell would export."""
        return {"BACKBURNER_HOME": str(self.folder / "home")}

    @contextlib.contextmanager
    def client(self) -> Iterator[object]:
        """An SDK client of the emulator."""
        with sdk_client("no-key", "http://emulator", EmulatorTransport(self.world)) as client:
            yield client

    @contextlib.contextmanager
    def open(self, listener: Callable[[Event], None]) -> Iterator[Backburner]:
        """The queue, as a program of your own opens it."""
        with (
            self.client() as client,
            Backburner(
                client=client,
                clock=self.clock,
                listener=listener,
                environment=self.environment,
            ) as backburner,
        ):
            yield backburner

    def tell(self, words: str) -> None:
        """Print a line with the local time."""
        at = datetime.fromtimestamp(self.clock.now(), ZONE)
        self.page.line(f"{at:%a %H:%M:%S}  {words}")

    def tell_event(self, event: Event) -> None:
        """The same of an event that says something to a person."""
        if words := event_in_words(event):
            self.tell(words)

    def sleep_until(self, at: float) -> None:
        """Let time pass in which nobody works."""
        self.clock.sleep(at - self.clock.now())


Keeper = Callable[[Night, float], None]
"""Keeps the queue going until a time: a worker, or the lines of a cron table."""


def by_worker(night: Night, until: float) -> None:
    """What `backburner worker` does."""
    with night.open(night.tell_event) as backburner:
        backburner.work(until=until, nap=3600.0)


def by_cron(lines: Sequence[tuple[str, list[str]]]) -> Keeper:
    """Calls commands when their schedules say, each a process of its own.

    Args:
        lines: Schedules with the words of their commands, as `install cron --json` gives them.
    """

    def keep(night: Night, until: float) -> None:
        now = datetime.fromtimestamp(night.clock.now(), ZONE)
        times = [(CronSim(schedule, now), words) for schedule, words in lines]
        due = [(next(times_of), n) for n, (times_of, _) in enumerate(times)]
        while min(due)[0].timestamp() < until:
            at, n = min(due)
            night.sleep_until(at.timestamp())
            night.call(times[n][1])
            due[n] = (next(times[n][0]), n)
        night.sleep_until(until)

    return keep


def enqueue(night: Night, desk: str, words: Sequence[str]) -> None:
    """A desk puts its work into the queue."""
    printed = night.call(words)
    kept = next(line for line in printed.splitlines() if "is kept" in line)
    night.tell(f"{desk}: {kept}")


def chat(night: Night, text: str) -> None:
    """A user asks something and waits."""
    body = {
        "model": "claude-opus-4-7",
        "max_tokens": 200,
        "messages": [{"role": "user", "content": text}],
    }
    with night.open(lambda _event: None) as backburner:
        asked = night.clock.now()
        answer = backburner.submit(body, urgency="now").result()
    said = answer["content"][0]["text"]
    night.tell(f"chat: {said!r}, {night.clock.now() - asked:.0f} s after it was asked")


def play(night: Night, keep: Keeper, rows: int = 1_000) -> None:
    """The night from 17:00 to 07:00, with at most so many rows of each desk."""
    limit = ("--limit", str(rows))
    scenes = [
        (words[0], partial(enqueue, night, desk, [*words[1:], *limit]))
        for desk, words in ((desk, shlex.split(line)) for desk, line in DESKS.items())
    ]
    scenes += [(at, partial(chat, night, text)) for at, text in CHATS]
    for at, scene in sorted(scenes, key=lambda one: one[0]):
        hour, minute = map(int, at.split(":"))
        keep(night, EVENING.replace(hour=hour, minute=minute).timestamp())
        scene()
    keep(night, MORNING.timestamp())


@contextlib.contextmanager
def stage(folder: Path, page: Page) -> Iterator[Night]:
    """A folder with the examples, and an emulator whose clock stands at 17:00."""
    rules = []
    # The rules for reviews answer whatever none before them does.
    for recipe in ("products", "seo", "sentiment"):
        shutil.copytree(EXAMPLES / recipe, folder / recipe)
        rules += load_rules(folder / recipe / "rules.toml")
    home = folder / "home"
    home.mkdir(mode=0o700)
    shutil.copy(EXAMPLES / "night" / "backburner.toml", home)
    clock = FakeClock(EVENING.timestamp())
    settings = Settings(
        turnaround=lambda ordinal, _count: TURNAROUNDS[ordinal % len(TURNAROUNDS)],
        errored_share=FAILING,
        rules=tuple(rules),
    )
    world = World(settings, now=clock.now, state_dir=folder / "world")
    try:
        yield Night(folder=folder, clock=clock, world=world, page=page)
    finally:
        world.close()


def morning(night: Night) -> None:
    """What lies there at 07:00, and what it cost."""
    page = night.page
    page.line()
    for name in OUTPUTS:
        lines = (night.folder / name).read_text(encoding="utf-8").count("\n") - 1
        page.line(f"{name}  {lines:,} rows")
    with night.open(lambda _event: None) as backburner:
        total = backburner.savings().total
    page.line()
    page.line(night.call(["report"]).rstrip())
    if total.paid != night.world.bill().total:
        raise SystemExit(f"the books say {usd(total.paid)}: that is not the emulator's bill")
    page.line()
    page.line("The books equal the emulator's bill to the last picodollar. Nothing was paid.")


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory(prefix="backburner-night-") as place,
        stage(Path(place), Page()) as tonight,
    ):
        play(tonight, by_worker)
        morning(tonight)
