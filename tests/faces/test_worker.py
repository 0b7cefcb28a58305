"""`worker` from outside: it does what is due, tells how it is, and ends when it is asked to."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from backburner.cli.health import Told, address_of, serving
from backburner.cli.stopping import Ending, Stopped
from backburner.clock import FakeClock
from backburner.emulator.faults import Status
from backburner.errors import InputError

from .conftest import MODEL

WORDS = ("--prompt", "Judge: {{ text }}", *MODEL)


class TiringClock:
    """The test's clock, on which the worker is asked to end when so much time has passed."""

    def __init__(
        self, inner: FakeClock, lasts: float, tells: Callable[[], None] = lambda: None
    ) -> None:
        self._ends = inner.now() + lasts
        self._inner = inner
        self.tells = tells

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)
        if self.now() > self._ends:
            self.tells()
            signal.raise_signal(signal.SIGTERM)


@dataclass
class Asked:
    """What a port said."""

    answers: dict[str, tuple[int, str]] = field(default_factory=dict)

    def ask(self, at: str, *paths: str) -> None:
        for path in paths:
            self.answers[path] = get(f"http://{at}{path}")


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url) as answer:  # noqa: S310  # our own port
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_worker_does_what_is_due_until_it_is_asked_to_end(call, reviews, tmp_path, clock, world):
    output = tmp_path / "out.csv"
    call("enqueue", reviews, *WORDS, "-o", output)
    handler = signal.getsignal(signal.SIGTERM)

    said = call("worker", clock=TiringClock(clock, 60))

    assert said.code == 0
    assert "sent 3 requests" in said.out
    assert "is finished; paid" in said.out
    assert said.out.endswith("ended; what is with Anthropic goes on, and nothing was canceled\n")
    assert output.read_text().splitlines()[1].split(",")[2] == "positive"
    assert len(world.ledger()) == 1
    assert signal.getsignal(signal.SIGTERM) is handler


def test_json_logs_are_one_object_a_line_without_prompts_and_answers(call, reviews, clock):
    call("enqueue", reviews, *WORDS)

    said = call("worker", "--json-logs", clock=TiringClock(clock, 60))

    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [one["event"] for one in lines if one["event"] != "batch.ended"] == [
        "worker.began",
        "batch.sent",
        "batch.collected",
        "run.finished",
        "worker.ended",
    ]
    assert all(one["time"].endswith("Z") and one["level"] == "info" for one in lines)
    assert lines[0]["lanes"] == ["default"]
    assert "film" not in said.out
    assert "positive" not in said.out


def test_a_worker_of_a_stopped_lane_says_why_nothing_is_sent(call, reviews, clock, world):
    call("enqueue", reviews, *WORDS)
    world.script("create", Status(401))
    call("drain")

    told = call("worker", clock=TiringClock(clock, 60)).out
    logged = call("worker", "--json-logs", clock=TiringClock(clock, 60)).out

    assert told.count("the lane default is stopped: Anthropic refused: ") == 1
    assert (
        "check the key in ANTHROPIC_API_KEY, or the lane's own, then `backburner resume default`\n"
        in told
    )
    assert "tried again" not in told
    events = [json.loads(line) for line in logged.splitlines()]
    assert [(one["lane"], one["level"]) for one in events if one["event"] == "lane.stopped"] == [
        ("default", "warning")
    ]


def test_a_port_tells_how_the_worker_is(call, reviews, clock, tmp_path, free_port):
    call("enqueue", reviews, *WORDS, "-o", tmp_path / "out.csv")
    tiring, asked = TiringClock(clock, 10), Asked()
    at = f"127.0.0.1:{free_port}"
    tiring.tells = lambda: asked.ask(at, "/healthz", "/readyz", "/metrics", "/nothing")

    call("worker", "--health", at, clock=tiring)

    assert asked.answers["/healthz"] == (200, "alive\n")
    assert asked.answers["/readyz"] == (200, "ready\n")
    assert asked.answers["/nothing"][0] == 404
    status, text = asked.answers["/metrics"]
    assert status == 200
    assert 'backburner_requests{lane="default",state="with_anthropic"} 3\n' in text
    assert 'backburner_batches{lane="default",state="sent"} 1\n' in text
    assert 'backburner_lane_open{lane="default"} 1\n' in text
    assert 'backburner_runs_unfinished{lane="default"} 1\n' in text
    assert "backburner_ticks_total " in text
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://{at}/healthz")


def test_metrics_sum_what_was_paid_and_what_is_reserved(call, reviews, clock, tmp_path, free_port):
    call("run", reviews, *WORDS, "-o", tmp_path / "one.csv", "--yes")
    paid = call("report", "--json").json["total"]["paid_usd"]
    call("budget", "set", "lane:default", "5.00")
    call("enqueue", reviews, *WORDS, "-o", tmp_path / "two.csv", "--new")
    tiring, asked = TiringClock(clock, 10), Asked()
    at = f"127.0.0.1:{free_port}"
    tiring.tells = lambda: asked.ask(at, "/metrics")

    call("worker", "--health", at, clock=tiring)

    lines = dict(
        line.rsplit(" ", 1)
        for line in asked.answers["/metrics"][1].splitlines()
        if not line.startswith("#")
    )
    assert lines['backburner_paid_usd_total{lane="default"}'] == str(paid)
    assert 0 < float(lines["backburner_reserved_usd"]) < 5


def test_a_worker_without_a_key_says_so_and_ends(call):
    said = call("worker", client=None)

    assert said.code == 4
    assert "key_missing" in said.err


def test_a_lane_of_another_upstream_is_refused(call, reviews):
    call("enqueue", reviews, *WORDS)

    said = call(
        "worker",
        "--lane",
        "default",
        client=None,
        environment={"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": "http://elsewhere"},
    )

    assert said.code == 4
    assert "pinned to http://emulator" in said.err


def test_the_first_signal_is_taken_and_the_second_ends_at_once():
    ending = Ending()

    ending.take(signal.SIGTERM)

    assert ending.is_asked()
    with pytest.raises(Stopped):
        ending.take(signal.SIGTERM)
    assert ending.exit_code == 143


@pytest.mark.parametrize("text", ["9464", "host:", ":80", "host:99999", "host:x"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(InputError, match="is no address"):
        address_of(text)


def test_a_port_that_is_taken_is_said(call, free_port):
    with serving(("127.0.0.1", free_port), {"/": lambda: Told(200, "")}):
        said = call("worker", "--health", f"127.0.0.1:{free_port}")

    assert said.code == 4
    assert f"port {free_port}" in said.err


@pytest.fixture
def free_port() -> int:
    with serving(("127.0.0.1", 0), {}) as at:
        return int(at.rpartition(":")[2])


def test_a_real_worker_with_two_threads_ends_on_sigterm(emulator, reviews, tmp_path):
    pytest.importorskip("uvicorn")
    _, told = emulator("--turnaround", "0.2", "--retry-after", "0")
    url = next(word for word in told.split() if word.startswith("http://"))
    environment = {
        **os.environ,
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "any",
        "BACKBURNER_HOME": str(tmp_path / "home"),
    }
    output = tmp_path / "out.csv"
    command = [sys.executable, "-m", "backburner"]
    subprocess.run(
        [*command, "enqueue", reviews, *WORDS, "-o", output, "--batch-size", "1"],
        env=environment,
        check=True,
        capture_output=True,
    )
    worker = subprocess.Popen(
        [*command, "worker", "--threads", "2", "--json-logs"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )

    events = []
    for line in worker.stdout:
        events.append(json.loads(line)["event"])
        if events[-1] == "run.finished":
            worker.send_signal(signal.SIGTERM)

    worker.stdout.close()
    assert worker.wait() == 0
    assert events.count("batch.sent") == 3
    assert events[-1] == "worker.ended"
    assert output.read_text().count("\n") == 5
