"""A live check: the probes, in the order that costs least.

One body is cut and must create nothing, one batch of two requests runs to its end, and another is
canceled at once. None of it goes through the store.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from backburner.client.doctor.batches import (
    BAD,
    MAX_TOKENS,
    MODEL,
    PARAMS,
    PATH,
    REQUESTS,
    OwnBatches,
    got,
    refused,
)
from backburner.client.doctor.facts import (
    answer_facts,
    batch_facts,
    decoded,
    fields_of,
    limits_of,
    line_facts,
    results_place,
    skew,
)
from backburner.client.doctor.observing import NOT_SEEN, NOTHING, Observation, Probe
from backburner.clock import Clock
from backburner.errors import LanePinned
from backburner.nouns.money import Money
from backburner.nouns.tariff import Tariff
from backburner.plan.estimating import estimate
from backburner.plan.workloads import Tally
from backburner.upstream.api import ENDED

if TYPE_CHECKING:
    import anthropic

_BATCHES: Final = 3
"""Two that are meant to be, and the cut one, should it be accepted against all expectation."""

_REST: Final = 10.0
"""Seconds after which the list is looked at for a batch of the cut body, at the earliest."""

_LONGEST_LAG: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTerms:
    """What a check goes by.

    Attributes:
        wait: Seconds that a batch may take to end.
        workspace: Where the lane is pinned to, if it is.
    """

    wait: float = 3600.0
    workspace: str | None = None


def worst_price(tariff: Tariff) -> Money:
    """The most that a check can cost: every request answered at length, the cut ones too."""
    requests = REQUESTS * _BATCHES
    tally, body = Tally(MODEL), msgspec.json.encode(PARAMS)
    for _ in range(requests):
        tally.add(body, MAX_TOKENS)
    return estimate(tariff, tally.workload(MODEL)).ceiling


class LiveCheck:
    """One check of the API behind a client.

    Args:
        client: Speaks to it.
        clock: Time, sleep and chance.
        terms: What it goes by.
        keep: Told the ids of the batches that are upstream, whenever they change.
        tell: Told each observation as it is made.

    Attributes:
        batches: What it created.
        observations: What it saw so far.
        workspace: Where the key acts, once an answer told.
    """

    def __init__(
        self,
        client: "anthropic.Anthropic",
        clock: Clock,
        terms: LiveTerms,
        *,
        keep: Callable[[list[str]], None] = lambda _ids: None,
        tell: Callable[[Observation], None] = lambda _one: None,
    ) -> None:
        self.batches = OwnBatches(client, clock, keep)
        self.observations: list[Observation] = []
        self.workspace: str | None = None
        self._clock = clock
        self._terms = terms
        self._tell = tell

    @property
    def base_url(self) -> str:
        """The address that is checked."""
        return self.batches.calls.base_url

    def run(self) -> None:
        """Make every probe, and delete what was created.

        Raises:
            UpstreamError: A call was refused, or had no answer, without which nothing can be seen.
            LanePinned: The key acts in another workspace than the lane's.
            WaitOver: A batch did not end in time.
        """
        fence, cut_at = self._begin(), self._clock.now()
        nonce = self.batches.cut()
        whole = self._create()
        self._look_for(whole)
        self._early(whole)
        stopped = self._cancel()
        self._poll(whole)
        self._read(whole)
        self._cancel_late(stopped)
        self._judge_cut(fence, nonce, cut_at)
        self._delete([whole, stopped])

    def _begin(self) -> str:
        """The newest batch, before anything is created; empty where there is none."""
        seen = got(self.batches.calls.get(f"{PATH}?limit=1"))
        if seen.status != 200:  # noqa: PLR2004  # anything but the list
            raise refused(self.base_url, seen)
        self.workspace = seen.headers.get("anthropic-workspace-id")
        pinned = self._terms.workspace
        if pinned and self.workspace and pinned != self.workspace:
            raise LanePinned(
                f"the lane belongs to workspace {pinned}; this key acts in {self.workspace}",
                hint="use the key of that workspace, or --lane NAME; nothing was created",
            )
        data = seen.body.get("data") or [{}]
        return str(data[0].get("id", ""))

    def _create(self) -> str:
        before = self._clock.monotonic()
        seen, batch_id = self.batches.create()
        seconds = self._clock.monotonic() - before
        facts = {**answer_facts(seen), **batch_facts(seen.body), **limits_of(seen.body)}
        notes = {"seconds": f"{seconds:.1f}", "its clock": skew(seen, self._clock.now())}
        self._observe(Probe.CREATE, facts, notes)
        return batch_id

    def _look_for(self, batch_id: str) -> None:
        begun, looks, shown = self._clock.monotonic(), 0, ""
        while not shown:
            seen = got(self.batches.calls.get(f"{PATH}?limit=100"))
            looks += 1
            lag = self._clock.monotonic() - begun
            if any(one.get("id") == batch_id for one in seen.body.get("data") or ()):
                shown = "at the first look" if looks == 1 else "after a while"
            elif lag > _LONGEST_LAG:
                shown = f"not within {_LONGEST_LAG:g} s"
            else:
                self._clock.sleep(1.0)
        facts = {**answer_facts(seen), "fields": fields_of(seen.body), "shown": shown}
        self._observe(Probe.LIST, facts, {"seconds": f"{lag:.1f}", "looks": str(looks)})

    def _early(self, batch_id: str) -> None:
        seen = self.batches.results(batch_id)
        facts = answer_facts(seen)
        self._observe(Probe.EARLY_RESULTS, facts if seen.status >= BAD else _unseen(facts))

    def _cancel(self) -> str:
        """Cancel a second batch twice, and try to delete it before it has ended."""
        _, batch_id = self.batches.create()
        first, second = self.batches.cancel(batch_id), self.batches.cancel(batch_id)
        facts = {
            **answer_facts(first),
            **batch_facts(first.body),
            "time of the cancel": _told(first.body.get("cancel_initiated_at")),
            **answer_facts(second, "second cancel"),
        }
        running = self.batches.look(batch_id).body.get("processing_status") != ENDED
        self._observe(Probe.CANCEL, facts if running else _unseen(facts))
        if running:
            facts = answer_facts(self.batches.delete(batch_id))
        self._observe(Probe.DELETE_RUNNING, facts if running else {"status": NOT_SEEN})
        return batch_id

    def _poll(self, batch_id: str) -> None:
        first = self.batches.look(batch_id)
        running = {
            **answer_facts(first, "running"),
            "running: results_url": str(first.body.get("results_url")),
        }
        had_ended = first.body.get("processing_status") == ENDED
        last, looks = self.batches.await_end(batch_id, self._terms.wait)
        facts = {
            **(_unseen(running) if had_ended else running),
            **answer_facts(last, ENDED),
            **batch_facts(last.body),
            "time of the end": _told(last.body.get("ended_at")),
            "results_url": results_place(last.body, batch_id, self.base_url),
        }
        seconds = self._clock.now() - self.batches.begun[batch_id]
        self._observe(Probe.POLL, facts, {"seconds": f"{seconds:.0f}", "looks": str(looks)})

    def _read(self, batch_id: str) -> None:
        seen = self.batches.results(batch_id)
        lines = [decoded(line) for line in seen.content.split(b"\n") if line]
        names = [str(line.get("custom_id")) for line in lines]
        facts = {**answer_facts(seen), "lines": str(len(lines)), **line_facts(lines)}
        order = "as sent" if names == sorted(names) else "not as sent"
        self._observe(Probe.RESULTS, facts, {"order": order})

    def _cancel_late(self, batch_id: str) -> None:
        if batch_id not in self.batches.left:
            self._observe(Probe.CANCEL_ENDED, {"status": NOT_SEEN})
            return
        ended, _ = self.batches.await_end(batch_id, self._terms.wait)
        counts = ended.body.get("request_counts") or {}
        billed = f"{counts.get('succeeded', 0)} of {REQUESTS} answered, and so billed"
        late = self.batches.cancel(batch_id)
        self._observe(Probe.CANCEL_ENDED, answer_facts(late), {"the canceled batch": billed})

    def _judge_cut(self, fence: str, nonce: str, cut_at: float) -> None:
        """Look for a batch that the cut body might have made: now, well after it was cut."""
        self._clock.sleep(max(cut_at + _REST - self._clock.now(), 0.0))
        strangers = list(self.batches.strangers(fence))
        ended = [one for one in strangers if one.has_ended]
        ours = [one for one in ended if self.batches.adopt(one, nonce)]
        running = [one.id for one in strangers if one not in ended]
        created = "a batch" if ours else NOT_SEEN if running else NOTHING
        notes = {"seconds until the last look": f"{self._clock.now() - cut_at:.0f}"}
        if running:
            notes["may be it, and runs"] = ", ".join(running)
        self._observe(Probe.CUT_BODY, {"created": created}, notes)
        for one in ours:
            self.batches.delete(one.id)

    def _delete(self, ids: list[str]) -> None:
        facts = {"status": NOT_SEEN}
        for one in [one for one in ids if one in self.batches.left]:
            seen = self.batches.delete(one)
            facts = {
                **answer_facts(seen),
                "fields": fields_of(seen.body),
                **answer_facts(self.batches.look(one), "afterwards"),
                **answer_facts(self.batches.results(one), "results afterwards"),
            }
        self._observe(Probe.DELETE, facts)

    def _observe(
        self, probe: Probe, facts: Mapping[str, str], notes: Mapping[str, str] | None = None
    ) -> None:
        one = Observation(probe, facts, notes or {})
        self.observations.append(one)
        self._tell(one)


def _unseen(facts: Mapping[str, str]) -> dict[str, str]:
    return dict.fromkeys(facts, NOT_SEEN)


def _told(value: object) -> str:
    return "told" if value else "not told"
