"""Marks that lost are tried again, a few at a time, and return once the cache has begun to help."""

import json

import pytest

from backburner.emulator.cacheplan import CachePlan
from backburner.plan.caching.choices import Ground
from backburner.plan.caching.learning import TRIAL_REQUESTS, TRIAL_SHARE

LONG = "Be kind, and careful with what you say. " * 1_000
ROWS = 150


def table_run(stage, bb, number):
    table = stage.table([f"{number} {row}" for row in range(ROWS)], f"in-{number}.csv")
    return stage.run_of(bb, table, f"out-{number}.csv", system=LONG)


def list_run(_stage, bb, number):
    def params(row):
        messages = [{"role": "user", "content": f"{number} {row}"}]
        return {
            "model": "claude-haiku-4-5",
            "max_tokens": 10,
            "system": LONG,
            "messages": messages,
        }

    return bb.enqueue({"custom_id": str(row), "params": params(row)} for row in range(ROWS))


def night(stage, bb, number, begin=table_run):
    """What was decided for a run that nobody asked for before."""
    run = begin(stage, bb, number)
    bb.run(run.id)
    stage.clock.sleep(86_400)
    return json.loads(run.cache)["choices"][0]


def marked_requests(stage, batch):
    return sum(b"cache_control" in params for _, params in stage.world.received(batch.id))


@pytest.mark.parametrize("begin", [table_run, list_run])
def test_a_trial_marks_few_requests_once_enough_was_sent_unmarked(make_stage, begin):
    stage = make_stage(cache=CachePlan(hits=0.0))
    bb = stage.open()

    choices = [night(stage, bb, number, begin) for number in range(6)]

    # A trial can lose a quarter of 20 prompts, which is 1 % of 500: more than three nights of 150.
    grounds = [one["ground"] for one in choices]
    assert grounds == [Ground.PAYS, *[Ground.LOSES] * 4, Ground.TRIAL]
    marked = [marked_requests(stage, one) for one in stage.world.ledger()]
    assert marked == [ROWS, 0, 0, 0, 0, TRIAL_REQUESTS]
    lost = choices[-1]["cached"] - choices[-1]["plain"]
    assert 0 < lost <= TRIAL_SHARE * sum(one["plain"] for one in choices[1:-1])


def test_marks_return_when_the_cache_has_begun_to_help(make_stage):
    stage = make_stage(cache=CachePlan(hits=0.0))
    bb = stage.open()
    grounds = [night(stage, bb, 0)["ground"]]
    stage.world.cache_hits(1.0)

    grounds += [night(stage, bb, number)["ground"] for number in range(1, 7)]

    assert grounds == [Ground.PAYS, *[Ground.LOSES] * 4, Ground.TRIAL, Ground.PAYS]
