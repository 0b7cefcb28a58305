"""The command line from outside: words in, text and files and an exit code out."""

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anthropic
import pytest
from playwright.sync_api import Browser, sync_playwright

from backburner.cli.main import main
from backburner.clock import FakeClock
from backburner.emulator.settings import Rule
from backburner.emulator.world import World

RULES = (Rule("good", "positive"), Rule("bad", "negative"), Rule("", "neutral"))
MODEL = ("--model", "claude-haiku-4-5")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
REVIEWS = "id,text\n1,a good film\n2,a bad film\n3,a good film\n4,a film\n"


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on standard output."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The one object on standard error."""
        return json.loads(self.err)["error"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    path = tmp_path / "reviews.csv"
    path.write_text(REVIEWS)
    return path


@pytest.fixture
def requests(tmp_path: Path) -> Path:
    """A list of requests: the first is good, the second bad."""
    path = tmp_path / "requests.jsonl"
    lines = [
        {
            "custom_id": name,
            "params": {
                "model": "claude-haiku-4-5",
                "max_tokens": 10,
                "messages": [{"role": "user", "content": name}],
            },
        }
        for name in ("good", "bad")
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world(rules=RULES)


@pytest.fixture
def client(
    make_client: Callable[..., anthropic.Anthropic], world: World
) -> Iterator[anthropic.Anthropic]:
    return make_client(world)


@pytest.fixture
def call(
    home: Path,
    clock: FakeClock,
    client: anthropic.Anthropic,
    worlds: list[World],
    check_bill: Callable[[Path, Iterable[World]], None],
    is_billed: bool,  # noqa: FBT001  # a fixture
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Callable[..., Said]]:
    """Calls `backburner` with words, in this process; what is not given is the test's own.

    In the end the books of the test's home must equal the bill.
    """

    def called(*words: object, stdin: bytes = b"", **given: Any) -> Said:
        environment = {"BACKBURNER_HOME": str(home), **given.pop("environment", {})}
        chosen = {"clock": clock, "client": client, "stdin": lambda: io.BytesIO(stdin), **given}
        code = main([str(word) for word in words], environment=environment, **chosen)
        out, err = capsys.readouterr()
        return Said(code, out, err)

    yield called
    if is_billed:
        check_bill(home, worlds)


@pytest.fixture
def emulator() -> Iterator[Callable[..., tuple[subprocess.Popen[str], str]]]:
    """Starts `backburner emulator`; gives it with the first lines it printed."""
    started = []

    def start(*words: str) -> tuple[subprocess.Popen[str], str]:
        server = subprocess.Popen(
            [sys.executable, "-m", "backburner", "emulator", "--port", "0", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(server)
        assert server.stdout is not None
        return server, "".join(server.stdout.readline() for _ in range(6))

    yield start
    for server in started:
        server.kill()
        server.communicate()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser; where there is none, its tests are left out, but not by CI."""
    with sync_playwright() as started:
        own = started.chromium.executable_path
        path = next(filter(None, map(shutil.which, BROWSERS)), own if Path(own).exists() else None)
        if path is None and "CI" not in os.environ:
            pytest.skip("there is no Chromium: `make browser` installs it")
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        opened = started.chromium.launch(executable_path=path, args=options)
        yield opened
        opened.close()


@pytest.fixture
def done(call: Callable[..., Said], reviews: Path, tmp_path: Path) -> str:
    """The id of a run of four rows that needs three requests."""
    said = call(
        "run",
        reviews,
        "--prompt",
        "{{ text }}",
        *MODEL,
        "-o",
        tmp_path / "out.csv",
        "--yes",
        "--json",
    )
    return said.json["run"]
