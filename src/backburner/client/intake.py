"""Taking work in: what is asked is checked and staged, and then made to count."""

import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import BinaryIO

from backburner.client.access import Access, open_lane, pin_lane
from backburner.client.budgets import bill
from backburner.client.cache_advice import cache_advice, taught, taught_wish, unmarked_since
from backburner.client.checking import models_to_send
from backburner.client.parting import Rulebook, rulebook
from backburner.client.placing import name_output
from backburner.client.preparing import (
    Found,
    Fresh,
    RunOptions,
    listed,
    prepare,
)
from backburner.client.promising import limits_for, promise_anew, timing_in
from backburner.client.routed_runs import Prepared, Router, enqueue_routed, prepare_routed
from backburner.errors import InputError
from backburner.nouns.batch import MAX_BYTES, MAX_REQUESTS
from backburner.nouns.run import Run
from backburner.nouns.urgency import Timing
from backburner.plan.caching.choices import CachePolicy
from backburner.plan.packing import PackLimits
from backburner.plan.promises import Said, check_may_be_sync
from backburner.runs.cache_marks import CacheAdvice
from backburner.runs.committing import Taken, commit_adopted_in, commit_in
from backburner.runs.staging import Desk, Staged, throw_away
from backburner.runs.tables import Format
from backburner.store import Transaction
from backburner.store.lanes import lane_pin_workspace
from backburner.worker import Tools

_WHOLE = PackLimits(requests=MAX_REQUESTS, body_bytes=MAX_BYTES, sizes=1)
"""What a batch of somebody else's may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Where work of a lane comes in.

    Attributes:
        limits: The most a batch may hold.
    """

    tools: Tools
    access: Access
    lane: str
    limits: PackLimits

    def enqueue(self, requests: Iterable[Mapping[str, object]], options: RunOptions) -> Run:
        """Keep a list of requests durably, as one run, whatever the route rules say.

        The run is the one that was made of the same list before, if there is one.

        Raises:
            InputFaults: A request that a batch would refuse, or a custom_id that stands twice.
        """
        asked = replace(options, prompt=None, format=Format.JSONL)
        with listed(requests) as content:
            prepared = self.prepare(asked, content=content)
        return prepared.run if isinstance(prepared, Found) else self.commit(prepared.staged)

    def prepare(
        self,
        options: RunOptions,
        stdin: Callable[[], BinaryIO] = lambda: sys.stdin.buffer,
        lane: str | None = None,
        content: BinaryIO | None = None,
    ) -> Found | Fresh:
        """Check and stage what a person asks, or find the run that asks the same.

        A run that is found gets the budget and the deadline that are named now, and the output if
        it had none; its owner and tags stay. No route rule is looked at.

        Args:
            options: What is asked.
            stdin: Gives standard input.
            lane: Another lane than this one's own.
            content: What is staged instead of the source's own bytes.

        Raises:
            InputError: The input, the prompt or the output cannot be used.
        """
        check_may_be_sync(options.timing, options.betas)
        models = partial(self.models, allow_unknown=options.allow_unknown_price)
        leaders = None if options.canary is not None or options.pack else options.leaders
        advice = self._cache_advice(options.cache, leaders=leaders)
        desk = self._desk_for(options.timing)
        prepared = prepare(desk, options, lane or self.lane, stdin, models, advice, content)
        if isinstance(prepared, Found):
            self.open_lane(prepared.run.lane)
            bill(self.tools, prepared.run, options.billing)
            promise_anew(self.tools, prepared.run, options.timing)
            run = name_output(self.tools, prepared.run, prepared.output)
            return replace(prepared, run=run)
        return prepared

    def prepare_routed(
        self, options: RunOptions, stdin: Callable[[], BinaryIO] = lambda: sys.stdin.buffer
    ) -> tuple[Prepared, ...]:
        """The same under the route rules, if there are any: a run for each way of travelling.

        Raises:
            InputError: The input, the prompt or the output cannot be used, or one budget is named
                for several runs.
            ConfigError: A rule gives a model that is not known.
        """
        return prepare_routed(self._router, options, stdin)

    def enqueue_routed(
        self, requests: Iterable[Mapping[str, object]], options: RunOptions
    ) -> list[Run]:
        """Keep requests durably under the route rules: a run for each way of travelling.

        Raises:
            InputFaults: A request that a batch would refuse, or a custom_id that stands twice.
            ConfigError: A rule gives a model that is not known.
        """
        return enqueue_routed(self._router, self.commit, requests, options)

    def prepare_adopted(self, source: str) -> Staged:
        """Stage the list that a batch was made of elsewhere, in as few batches as it may be.

        Raises:
            InputError: The list cannot be used, or a run was made of it here.
        """
        options = RunOptions(source=source)
        models = partial(self.models, allow_unknown=False)
        whole = replace(self.desk, limits=_WHOLE)
        prepared = prepare(whole, options, self.lane, lambda: sys.stdin.buffer, models)
        if isinstance(prepared, Found):
            raise InputError(
                f"the run {prepared.run.id} was made of the same list",
                hint=f"`backburner cancel {prepared.run.id}` first, so that nothing is sent twice",
            )
        return prepared.staged

    def commit(self, staged: Staged) -> Run:
        """Make a staged run count.

        Raises:
            LanePinned: Its lane belongs to another upstream.
        """
        with self.tools.store.write() as tx:
            self.pin(tx, staged.run.lane)
            commit_in(tx, staged, self.tools.clock.now())
        return staged.run

    def commit_adopted(self, staged: Staged, taken: Taken) -> Run:
        """Make a staged run count whose only batch is upstream already.

        Raises:
            LanePinned: Its lane belongs to another upstream or workspace.
            InputError: It is too large for one batch.
        """
        with self.tools.store.write() as tx:
            self.pin_found(tx, taken.workspace)
            commit_adopted_in(tx, staged, taken, self.tools.clock.now())
        return staged.run

    def throw_away(self, staged: Staged) -> None:
        """Remove a staged run that nobody wanted."""
        throw_away(self.desk, staged)

    def timing(
        self,
        *,
        by: str | datetime | None = None,
        within: str | timedelta | None = None,
        urgency: str | None = None,
        rescue: str | float | None = None,
    ) -> Timing | None:
        """When a run has to travel, as a person says it; None where nothing was said.

        Takes what `Backburner.enqueue` takes.

        Raises:
            InputError: It is no time, lies in the past, or contradicts itself.
            ZoneNeeded: It is a local time, and no zone is known.
        """
        asked = Said(by=by, within=within, urgency=urgency, rescue=rescue)
        return timing_in(self.tools, self.lane, asked)

    def models(self, *, allow_unknown: bool) -> Collection[str]:
        """The models that may be sent."""
        terms = self.access.settings.prices
        terms = replace(terms, allow_unknown=terms.allow_unknown or allow_unknown)
        return models_to_send(datetime.fromtimestamp(self.tools.clock.now(), UTC), terms)

    def open_lane(self, lane: str) -> None:
        """Make sure that work can be kept in a lane.

        Raises:
            LanePinned: It belongs to another upstream.
        """
        open_lane(self.tools, self.access, lane)

    def pin(self, tx: Transaction, lane: str) -> None:
        """Pin a lane, in the transaction that keeps work in it.

        Raises:
            LanePinned: It belongs to another upstream.
        """
        pin_lane(tx, self.access, lane, self.tools.clock.now())

    def pin_found(self, tx: Transaction, workspace: str | None) -> None:
        """The same of the own lane, for what was found upstream in a workspace.

        Raises:
            LanePinned: It belongs to another upstream or workspace.
        """
        self.pin(tx, self.lane)
        if workspace is not None:
            lane_pin_workspace(tx, self.lane, workspace)

    @property
    def book(self) -> Rulebook:
        """The route rules, for what is asked of the lane now."""
        now, models = self.tools.clock.now(), partial(self.models, allow_unknown=False)
        return rulebook(self.access.settings, self.lane, now, models)

    @property
    def _router(self) -> Router:
        return Router(
            book=self.book,
            prepare=self.prepare,
            throw_away=self.throw_away,
            open_lane=self.open_lane,
        )

    @property
    def desk(self) -> Desk:
        """Where runs are staged."""
        tools = self.tools
        return Desk(store=tools.store, vault=tools.vault, clock=tools.clock, limits=self.limits)

    def _desk_for(self, timing: Timing | None) -> Desk:
        limits = limits_for(self.limits, timing, self.tools.clock.now())
        return replace(self.desk, limits=limits)

    def _cache_advice(
        self, policy: CachePolicy | str, *, leaders: bool | None
    ) -> CacheAdvice | None:
        prices, store = self.tools.tariff, self.tools.store
        return cache_advice(
            policy,
            lambda model: prices([model]).price(model),
            taught(store),
            taught_wish(store, leaders=leaders),
            unmarked_since(store),
        )
