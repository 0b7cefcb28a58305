"""Settled costs against what was estimated, in twenty seeded runs.

The emulator counts tokens by bytes alone, at a rate of its own: for rows as JSON it counts a third
less than the fit, for prose a fifth more. So the offline runs prove sampling, history and prices,
and that the range holds although the tokenizer is another one; the fit itself is held against
stored counts in `tests/prices/test_token_counts.py`. The counted runs do prove the input tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from bench.tokens.stored import KINDS, held_out

from backburner.client.estimating import estimate_staged
from backburner.client.planning import Setting, plan
from backburner.client.preparing import Fresh, RunOptions
from backburner.nouns.own_price import PriceTerms
from backburner.plan.estimating import Estimate
from backburner.plan.packing import PackLimits
from backburner.store.ledger import ledger_of_run
from backburner.upstream import Upstream

MODELS = (
    "claude-haiku-4-5",
    "claude-sonnet-4-6",
    "claude-opus-4-7",
    "claude-sonnet-5-5",
    "claude-haiku-5-5",
)
SEEDS = 20
ENOUGH = 18


@dataclass(frozen=True)
class Held:
    """What was said before, and what came."""

    guess: Estimate
    paid: int
    input_tokens: int

    @property
    def is_inside(self) -> bool:
        price = self.guess.price
        return price.low.picodollars <= self.paid <= price.high.picodollars

    @property
    def is_input_inside(self) -> bool:
        tokens = self.guess.input_tokens
        return tokens.low <= self.input_tokens <= tokens.high

    @property
    def width(self) -> float:
        price = self.guess.price
        return (price.high.picodollars - price.low.picodollars) / price.expected.picodollars


class Playing:
    """One seed's stage, where runs of one kind of text are estimated and carried out."""

    def __init__(self, make_stage: Callable[..., Any], seed: int) -> None:
        self.stage = make_stage(seed=seed)
        self.seed = seed
        self.model = MODELS[seed % len(MODELS)]
        self.texts = [one.text for one in held_out(KINDS[seed // len(MODELS) % len(KINDS)])]
        self.backburner = self.stage.open()

    def options(self, rows: int, name: str) -> RunOptions:
        # A stride that shares no factor with how many there are: each seed takes others.
        places = ((rows + self.seed + 7 * number) % len(self.texts) for number in range(rows))
        texts = [f"{self.texts[place]} {number}" for number, place in enumerate(places)]
        return RunOptions(
            source=str(self.stage.table(texts, f"{name}.csv")),
            prompt="Say: {{ text }}",
            model=self.model,
            max_tokens=600,
        )

    def settle(self, options: RunOptions) -> Held:
        prepared = self.backburner.intake.prepare(options)
        assert isinstance(prepared, Fresh)
        guess = estimate_staged(self.backburner.tools, prepared.staged)
        run = self.backburner.intake.commit(prepared.staged)
        finished = self.backburner.run(run.id)
        with self.backburner.tools.store.read() as tx:
            booked = ledger_of_run(tx, run.id)
        assert guess is not None
        paid = finished.receipt.paid.picodollars
        return Held(guess, paid, sum(row.input_tokens for row in booked))

    def counted(self, options: RunOptions) -> Estimate:
        setting = Setting(
            home=self.stage.home,
            lane="default",
            base_url="http://emulator",
            clock=self.stage.clock,
            limits=PackLimits(),
            terms=PriceTerms(),
            upstream=Upstream(self.stage.make_client(self.stage.world)),
        )
        planned = plan(options, setting, lambda: pytest.fail("there is no standard input"))
        assert planned.estimate is not None
        return planned.estimate


def test_settled_costs_are_inside_the_range(make_stage: Callable[..., Any]) -> None:
    first, second, counted = [], [], []
    for seed in range(SEEDS):
        playing = Playing(make_stage, seed)
        first.append(playing.settle(playing.options(20, "first")))
        options = playing.options(60, "second")
        guess = playing.counted(options)
        second.append(playing.settle(options))
        counted.append(replace(second[-1], guess=guess))

    for held in (first, second, counted):
        assert sum(one.is_inside for one in held) >= ENOUGH
    # What the first run taught makes the second range the narrower one.
    for before, after in zip(first, second, strict=True):
        assert after.guess.answered
        assert after.width < before.width / 2
        assert after.paid <= after.guess.ceiling.picodollars
    # The emulator's own count makes the range of input tokens narrow, and right.
    assert sum(one.is_input_inside for one in counted) >= ENOUGH
    for one in counted:
        tokens = one.guess.input_tokens
        assert one.guess.counted == 20
        assert tokens.high - tokens.low < 0.4 * tokens.expected
