"""Runs the recipes of this folder on the emulator, as their READMEs say it: `make recipes`.

With `--write` it puts what they print into their READMEs instead.

A recipe is a folder whose README has a line `tier: …` and a block of `backburner` commands. Each
recipe gets a copy of this folder, a home, a clock and an emulator of its own, all within this
process: nothing leaves the machine, nothing is paid, and nobody waits for the batches.
"""

import contextlib
import io
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backburner.cli.main import main
from backburner.cli.output import Page
from backburner.client.sdk import sdk_client
from backburner.clock import FakeClock
from backburner.emulator.settings import Settings, load_rules
from backburner.emulator.transport import EmulatorTransport
from backburner.emulator.world import World

EXAMPLES = Path(__file__).parent
TURNAROUND = 2_400.0
"""Seconds until a batch ends: most of Anthropic's do within an hour."""

HEADINGS = ("recipe", "rows", "outcomes", "tier", "model", "paid batch", "sync price", "saved")
_TIER = re.compile(r"^tier: (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A folder of examples, and the commands that its README shows.

    Attributes:
        blocks: What stands in the README's fences, in their order.
    """

    folder: Path
    tier: str
    blocks: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the folder is called."""
        return self.folder.name

    @property
    def commands(self) -> list[list[str]]:
        """The words of each command in the first block that has any, without `backburner`."""
        block = next(block for block in self.blocks if block.startswith("backburner run "))
        return [shlex.split(line)[1:] for line in block.replace("\\\n", " ").splitlines()]


class Kitchen:
    """A copy of the examples with an emulator of its own, where commands can be called."""

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        self._folder = folder
        self._clock = FakeClock()
        rules = load_rules(recipe.folder / "rules.toml")
        settings = Settings(turnaround=TURNAROUND, rules=rules)
        self._world = World(settings, now=self._clock.now, state_dir=folder / "world")
        shutil.copytree(recipe.folder, folder / "examples" / recipe.name)

    def close(self) -> None:
        """Remove what the emulator keeps."""
        self._world.close()

    def call(self, words: Sequence[str]) -> str:
        """What `backburner` prints for these words, called where the copy is.

        Raises:
            SystemExit: It failed.
        """
        printed = io.StringIO()
        environment = {"BACKBURNER_HOME": str(self._folder / "home"), "TZ": "UTC"}
        with (
            sdk_client("no-key", "http://emulator", EmulatorTransport(self._world)) as client,
            contextlib.chdir(self._folder),
            contextlib.redirect_stdout(printed),
        ):
            code = main(words, environment=environment, clock=self._clock, client=client)
        if code:
            print(printed.getvalue(), file=sys.stderr)
            raise SystemExit(f"backburner {shlex.join(words)} ended with {code}")
        return printed.getvalue()


def recipes() -> list[Recipe]:
    """All recipes, by name."""
    found = []
    for page in sorted(EXAMPLES.glob("*/README.md")):
        text = page.read_text(encoding="utf-8")
        if tier := _TIER.search(text):
            blocks = tuple(_FENCE.findall(text))
            found.append(Recipe(folder=page.parent, tier=tier[1], blocks=blocks))
    return found


def serve(recipe: Recipe, folder: Path, more: Sequence[str] = ()) -> list[str]:
    """What each command of a recipe prints, with more words behind it."""
    with contextlib.closing(Kitchen(recipe, folder)) as kitchen:
        return [kitchen.call([*words, "--yes", *more]) for words in recipe.commands]


def page_blocks(recipe: Recipe, folder: Path) -> list[str]:
    """What belongs into the README after its commands: of each, what `plan` says and how it ends.

    Of the plan that is its table of prices, and of the run all behind the last blank line.
    """
    found = []
    with contextlib.closing(Kitchen(recipe, folder)) as kitchen:
        for words in recipe.commands:
            planned = kitchen.call(["plan", *_without_deadline(words[1:]), "--offline"])
            found.append("US dollars" + planned.partition("US dollars")[2].partition("\n\n")[0])
            found.append(kitchen.call([*words, "--yes"]).rpartition("\n\n")[2].strip())
    return [block + "\n" for block in found]


def _without_deadline(words: Sequence[str]) -> list[str]:
    """The words of a run as `plan` takes them: when it has to travel changes no price."""
    at = words.index("--by") if "--by" in words else len(words)
    return [*words[:at], *words[at + 2 :]]


def write_pages() -> None:
    """Put what is printed today into every README: for when prices or words have changed."""
    for recipe in recipes():
        page = recipe.folder / "README.md"
        text = page.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory(prefix="backburner-recipes-") as folder:
            fresh = page_blocks(recipe, Path(folder))
        start = next(i for i, one in enumerate(recipe.blocks) if one.startswith("backburner run "))
        for old, new in zip(recipe.blocks[start + 1 :], fresh, strict=False):
            text = text.replace(f"```\n{old}```\n", f"```\n{new}```\n", 1)
        page.write_text(text, encoding="utf-8")


def table_row(name: str, tier: str, words: Sequence[str], printed: str) -> list[str]:
    """What the table says of one run, by the receipt that it ended with."""
    lines = printed.rpartition("\n\n")[2].splitlines()
    facts = dict(re.split(r" {2,}", line, maxsplit=1) for line in lines if "  " in line)
    rows, _, outcomes = facts["rows"].partition(": ")
    model = words[words.index("--model") + 1]
    money = (facts["paid"], facts["the same calls sync"], facts["saved by batch"])
    return [name, rows, outcomes, tier, model, *money]


def table_rows(recipe: Recipe, outputs: Sequence[str]) -> list[list[str]]:
    """The lines of the table for one recipe: one for each of its runs."""
    names = [recipe.name, *(f"{recipe.name}, then" for _ in outputs[1:])]
    pairs = zip(names, recipe.commands, outputs, strict=True)
    return [table_row(name, recipe.tier, words, printed) for name, words, printed in pairs]


def cook() -> None:
    """Run all recipes with all their rows, and print the table."""
    rows = []
    for recipe in recipes():
        with tempfile.TemporaryDirectory(prefix="backburner-recipes-") as folder:
            rows += table_rows(recipe, serve(recipe, Path(folder)))
    page = Page()
    page.table(HEADINGS, rows, " r   rrr")
    page.line()
    page.line("Nothing was paid: the answers are the emulator's, by the rules of each recipe, and")
    page.line("the amounts are what the real API would have charged for them.")


if __name__ == "__main__":
    write_pages() if sys.argv[1:] == ["--write"] else cook()
