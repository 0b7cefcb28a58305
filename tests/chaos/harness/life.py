"""The life of one worker process: it ticks until somebody kills it, and stalls where it hurts."""

import os
import random
import re
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import anthropic
import httpx2
from harness.controls import controlled, unfenced
from harness.diary import Diary
from harness.scene import BATCH_REQUESTS, ENVIRONMENT, Control

import backburner.prices
from backburner.client import Backburner
from backburner.client.home import Home, create_seconds
from backburner.clock import StoreClock
from backburner.errors import LaneStopped
from backburner.nouns.policy import DEFAULT_RULES, RetryPolicy
from backburner.plan.lanes import ReleaseAll
from backburner.plan.packing import PackLimits
from backburner.store import Store, Transaction
from backburner.store.owners import Owner
from backburner.vault import Vault
from backburner.worker import Idle, Tools, Worker

assert backburner.prices  # imported before the fork

_PREFIX: Final = re.compile(rb'"custom_id":"([a-z0-9]{13})-')
_TAIL: Final = b"]}"
_LONGEST_NAP: Final = 0.25


class WatchedStore(Store):
    """Notes the first commit that changed something."""

    def __init__(self, home: Path, diary: Diary, stalls: "Stalls", control: Control) -> None:
        super().__init__(home)
        self._diary = diary
        self._stalls = stalls
        self._control = control

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        if self._stalls.is_sending:
            self._stalls.at("commit")
        with self._opened() as tx:
            driver: Any = tx.connection.driver_connection
            before = driver.total_changes
            yield tx
            changed = driver.total_changes > before
        if changed:
            self._diary.effect()

    def _opened(self) -> Any:
        return unfenced(self) if self._control is Control.NO_EPOCH else super().write()


class WatchedTransport(httpx2.BaseTransport):
    """Notes where each create stands, and stops the process at its dangerous places by chance."""

    def __init__(self, diary: Diary, stalls: "Stalls") -> None:
        self._inner = httpx2.HTTPTransport()
        self._diary = diary
        self._stalls = stalls

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self._diary.effect()
        if request.method != "POST" or not request.url.path.endswith("/batches"):
            return self._inner.handle_request(request)
        self._stalls.at("create")
        request.stream = WatchedBody(request.stream, self._diary, self._stalls)
        self._stalls.is_sending = True
        try:
            response = self._inner.handle_request(request)
        finally:
            self._stalls.is_sending = False
        self._diary.note("answered", status=response.status_code)
        self._stalls.at("answer")
        return response


class WatchedBody(httpx2.SyncByteStream):
    def __init__(self, stream: Any, diary: Diary, stalls: "Stalls") -> None:
        self._stream = stream
        self._diary = diary
        self._stalls = stalls

    def __iter__(self) -> Iterator[bytes]:
        prefix = ""
        for piece in self._stream:
            found = _PREFIX.search(piece)
            prefix = found[1].decode() if found else prefix
            if piece.endswith(_TAIL):
                self._diary.note("armed", prefix=prefix)
                self._stalls.at("tail")
            yield piece
            if not piece.endswith(_TAIL):
                self._stalls.at("arming")


class Stalls:
    """Stops this process at some places now and then, until it is continued.

    Attributes:
        is_sending: Whether a create is under way: a commit in it renews the lease, or arms.
    """

    def __init__(self, diary: Diary, odds: dict[str, float], chance: random.Random) -> None:
        self._diary = diary
        self._odds = odds
        self._chance = chance
        self.is_sending = False

    def at(self, place: str) -> None:
        if self._chance.random() < self._odds[place]:
            self._diary.note("stalled", place=place)
            os.kill(os.getpid(), signal.SIGSTOP)


def live(wish: dict[str, Any]) -> int:
    """Work until killed. Coming back means that something is wrong."""
    diary = Diary(Path(wish["diary"]), wish["worker"])
    try:
        _work(wish, diary)
    except Exception:  # noqa: BLE001  # the harness is told, whatever it was
        diary.note("crashed", what=traceback.format_exc())
    return 1


def _work(wish: dict[str, Any], diary: Diary) -> None:
    parent, control = os.getppid(), Control(wish["control"])
    clock, path = StoreClock(), Path(wish["home"])
    chance = random.Random(f"{wish['seed']} {wish['worker']}")
    stalls = Stalls(diary, wish["stalls"], chance)
    store = WatchedStore(path, diary, stalls, control)
    home = Home(path, store, Vault(path / "vault"), Owner(path, clock.token(10)))
    transport = WatchedTransport(diary, stalls)
    client = anthropic.Anthropic(
        api_key="k", base_url=wish["url"], http_client=httpx2.Client(transport=transport)
    )
    bb = Backburner(
        home,
        client=client,
        limits=PackLimits(requests=BATCH_REQUESTS),
        listener=diary.listen,
        environment=ENVIRONMENT,
    )
    tools = controlled(_hasty(bb.tools), control, client, create_seconds(bb.settings))
    worker = Worker(tools, (bb.lane,))
    worker.free_the_dead()
    while os.getppid() == parent:
        try:
            step = worker.tick(ReleaseAll())
        except LaneStopped:
            # A person reads the refusal, clears it, and goes on.
            bb.resume()
            continue
        if isinstance(step, Idle):
            left = _LONGEST_NAP if step.until is None else step.until - clock.now()
            clock.sleep(min(max(left, 0.01), _LONGEST_NAP))


def _hasty(tools: Tools) -> Tools:
    """Waits scaled down like the others, and so many attempts that nothing is given up."""
    rules = {
        outcome: replace(rule, times=1000, wait=0.2) for outcome, rule in DEFAULT_RULES.items()
    }
    retries = RetryPolicy(rules=rules, longest_wait=1.0)
    return replace(tools, terms=replace(tools.terms, retries=retries, download_wait=0.2))
