"""One play: work is enqueued, done, disturbed, then finished in peace, and judged."""

import random
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

import anthropic
from harness.diary import Reader
from harness.far_side import FarSide
from harness.figures import Figures, figures_of
from harness.judge import Order, Violation, grown, judge, paid_twice
from harness.nursery import Nursery
from harness.reaper import Reaper
from harness.scene import BATCH_REQUESTS, ENVIRONMENT, MODEL, Control, Scene, settings_of
from harness.witness import Witness

from backburner.client import Backburner
from backburner.nouns.batch import BatchState
from backburner.plan.packing import PackLimits
from backburner.runs.counting import count_run
from backburner.store.batches import batches_where
from backburner.store.lanes import STOPPED, lane_get

_STEP: Final = 0.03
_LOOK: Final = 1.0
_BACKLOG: Final = 25
"""Batches that are kept under way."""
_PEACE_BEFORE_A_DAY: Final = 6.0
_LONGEST_PEACE: Final = 300.0


class Play:
    """Everything that runs during a scene."""

    def __init__(self, scene: Scene, folder: Path, stack: ExitStack) -> None:
        self.scene = scene
        home = folder / "home"
        self.witness = Witness(home / "backburner.db")
        nursery = stack.enter_context(closing(Nursery()))
        self.imports_bytes = nursery.imports_bytes
        far = FarSide(settings_of(scene), scene.patience, self.witness)
        self.far = stack.enter_context(closing(far))
        client = anthropic.Anthropic(api_key="k", base_url=self.far.url)
        limits = PackLimits(requests=BATCH_REQUESTS)
        self.bb = stack.enter_context(
            Backburner(home, client=client, limits=limits, environment=ENVIRONMENT)
        )
        self.reader = stack.enter_context(closing(Reader(folder / "diary.jsonl")))
        wish = {
            "home": str(home),
            "url": self.far.url,
            "diary": str(folder / "diary.jsonl"),
            "control": scene.control,
            "seed": scene.seed,
            "stalls": scene.stalls,
        }
        self.reaper = Reaper(scene, nursery, self.reader, wish)
        self.orders: list[Order] = []
        self._chance = random.Random(scene.seed)
        self._feeder = stack.enter_context(ThreadPoolExecutor(max_workers=1))
        self._feeding: Future[None] = self._feeder.submit(self._keep_busy)

    def trouble(self) -> None:
        """Kill, stop and let fail until time is up and the aims are met."""
        started, looked = time.monotonic(), 0.0
        while not self._is_enough(time.monotonic() - started):
            self.reaper.step()
            if self.reaper.ended and self.scene.control is Control.NONE:
                return
            if time.monotonic() - looked > _LOOK:
                looked = time.monotonic()
                self._resume()
                self._feed()
                if self.scene.control is not Control.NONE and self.breaches():
                    return
            time.sleep(_STEP)

    def peace(self) -> None:
        """Let the work end, undisturbed; a day passes for what came to a halt."""
        self.far.calm()
        started, day_passed = time.monotonic(), False
        while (
            not (self._feeding.done() and self._is_over())
            and time.monotonic() - started < _LONGEST_PEACE
        ):
            self.reaper.step(mercy=True)
            self._resume()
            if self.reaper.ended:
                return
            if not day_passed and time.monotonic() - started > _PEACE_BEFORE_A_DAY:
                day_passed = True
                self.far.let_a_day_pass()
            time.sleep(_LOOK / 4)

    def end(self) -> None:
        """Nobody works any more."""
        while not self._feeding.done():
            self.reaper.step(mercy=True)
            time.sleep(_STEP)
        self._feeding.result()
        self.reaper.finish()
        self.reader.read()

    def _resume(self) -> None:
        """Open the lane for a process that died between its stop and its resuming."""
        with self.bb.tools.store.read() as tx:
            lane = lane_get(tx, self.bb.lane)
        if lane is not None and lane.state == STOPPED:
            self.bb.resume()

    def breaches(self) -> list[Violation]:
        """What can be seen while the work is under way."""
        return [*self.witness.breaches, *paid_twice(self.bb, self.far.ledger())]

    def verdict(self) -> list[Violation]:
        """What is to be seen at the end."""
        crashes = [note["what"] for note in self.reader.notes if note["kind"] == "crashed"]
        return [
            *self.witness.breaches,
            *judge(self.bb, self.orders, self.far.ledger()),
            *grown(self.reaper.peaks, self.imports_bytes),
            *(Violation(0, f"a worker ended by itself:\n{what}") for what in crashes),
        ]

    def _is_enough(self, seconds: float) -> bool:
        scene = self.scene
        if seconds >= scene.longest:
            return True
        doubts = sum(note["kind"] == "doubted" for note in self.reader.notes)
        met = self.reaper.kills >= scene.kills and doubts >= scene.doubts
        return met and seconds >= scene.seconds

    def _is_over(self) -> bool:
        with self.bb.tools.store.read() as tx:
            return all(count_run(tx, order.run).is_finished for order in self.orders)

    def _feed(self) -> None:
        """Keep the workers busy. A stopped one may hold the store, and only we can wake it."""
        if self._feeding.done():
            self._feeding.result()
            self._feeding = self._feeder.submit(self._keep_busy)

    def _keep_busy(self) -> None:
        with self.bb.tools.store.read() as tx:
            left = len(batches_where(tx, [self.bb.lane], set(BatchState) - {BatchState.DONE}))
        while left < _BACKLOG:
            order = self._enqueue()
            left += -(-len(order.texts) // BATCH_REQUESTS)

    def _enqueue(self) -> Order:
        number = len(self.orders)
        texts = {f"k{n}": f"{number}/{n}" for n in range(self._chance.randint(60, 120))}
        run = self.bb.enqueue(
            {
                "custom_id": key,
                "params": {
                    "model": MODEL,
                    "max_tokens": 50,
                    "messages": [{"role": "user", "content": f"Say: {text}"}],
                },
            }
            for key, text in texts.items()
        )
        order = Order(run, texts)
        self.orders.append(order)
        return order


def play(scene: Scene, folder: Path) -> Figures:
    """Plays a scene in an empty folder. A control ends as soon as a violation is seen."""
    folder.mkdir()
    started = time.monotonic()
    with ExitStack() as stack:
        on = Play(scene, folder, stack)
        on.trouble()
        if scene.control is Control.NONE:
            on.peace()
        on.end()
        violations = on.verdict() if scene.control is Control.NONE else on.breaches()
        return figures_of(
            scene,
            on.reaper,
            on.reader.notes,
            on.far,
            requests=sum(len(order.texts) for order in on.orders),
            memory_bytes=max(on.reaper.peaks, default=0) - on.imports_bytes,
            bodies=on.witness.bodies,
            violations=violations,
            seconds=time.monotonic() - started,
        )
