"""`audit examples/calls.jsonl` against a table made by hand, from the list prices alone."""

import json
import runpy
from decimal import Decimal
from pathlib import Path

import pytest

from backburner.cli.main import main

EXAMPLES = Path(__file__).parents[2] / "examples"

# US dollars for a million tokens, in and out: platform.claude.com pricing, 2026-08-21.
HAIKU, SONNET, OPUS = (1, 5), (3, 15), (5, 25)
SONNET_5_5 = (2, 10)


def dollars(calls, tokens, price, share="1"):
    per_call = Decimal(tokens[0] * price[0] + tokens[1] * price[1]) / 1_000_000
    return calls * per_call * Decimal(share)


TABLE = {
    ("importer", "", "can_wait"): (159, dollars(159, (4_000, 200), SONNET)),
    ("cms", "article-drafts", "can_wait"): (90, dollars(90, (20, 700), SONNET)),
    ("web", "ask", "waited_for"): (90, dollars(90, (800, 300), SONNET)),
    ("svc-7", "", "can_wait"): (30, dollars(30, (5_000, 1_000), HAIKU)),
    ("support", "ticket-labels", "can_wait"): (100, dollars(100, (400, 10), OPUS)),
    ("team", "", "unknown"): (10, dollars(10, (2_000, 500), OPUS)),
    ("desk", "", "waited_for"): (
        40,
        sum(dollars(10, (tokens, 400), HAIKU) for tokens in (1_000, 1_500, 2_000, 2_500)),
    ),
    ("i18n", "translations", "batched"): (20, dollars(20, (600, 600), HAIKU, "0.5")),
}
PAID = sum(paid for _, paid in TABLE.values())
CAN_WAIT = sum(paid for (_, _, tolerance), (_, paid) in TABLE.items() if tolerance == "can_wait")
UNKNOWN = TABLE["team", "", "unknown"][1]
# 3,000 tokens of 159 calls; 158 of them came within five minutes of the one before. Of these 30 %
# are 47, 98 % are 154. In a batch a token costs 1.50 plain, 1.875 written, 0.15 read.
CACHE = {
    hits: Decimal(3_000)
    * (159 * Decimal("1.5") - (159 - hits) * Decimal("1.875") - hits * Decimal("0.15"))
    / 1_000_000
    for hits in (47, 154)
}
SMALLER = (dollars(100, (400, 10), OPUS) - dollars(100, (400, 10), SONNET_5_5)) / 2


@pytest.fixture
def said(capsys):
    log = str(EXAMPLES / "calls.jsonl")
    assert main(["audit", log, "--zone", "UTC", "--json"], environment={}) == 0
    return json.loads(capsys.readouterr().out)


def test_each_source_is_judged_and_priced_as_by_hand(said):
    found = {
        (one["caller"], one["route"], one["tolerance"]): (one["calls"], Decimal(one["paid_usd"]))
        for one in said["sources"]
    }

    assert found == TABLE


def test_the_sums_are_those_of_the_table(said):
    assert said["calls"] == 539
    assert Decimal(said["paid_usd"]) == PAID
    assert Decimal(said["by_tolerance_usd"]["can_wait"]) == CAN_WAIT
    assert Decimal(said["lost_usd"]["low"]) == CAN_WAIT / 2
    assert Decimal(said["lost_usd"]["high"]) == (CAN_WAIT + UNKNOWN) / 2
    assert said["repeats"] == 10
    assert Decimal(said["repeats_usd"]) == dollars(10, (400, 10), OPUS)


def test_each_policy_costs_what_it_does_by_hand(said):
    policies = said["policies_usd"]
    certain, likely = PAID - CAN_WAIT / 2, PAID - (CAN_WAIT + UNKNOWN) / 2

    assert Decimal(policies["all_sync"]) == PAID + dollars(20, (600, 600), HAIKU, "0.5")
    assert Decimal(policies["as_it_was"]) == PAID
    assert Decimal(policies["in_batches"]["high"]) == certain
    assert Decimal(policies["in_batches"]["low"]) == likely
    assert Decimal(policies["with_caching"]["high"]) == certain - CACHE[47]
    assert Decimal(policies["with_caching"]["low"]) == likely - CACHE[154]
    assert Decimal(policies["with_cheaper_models"]["high"]) == certain - CACHE[47] - SMALLER
    assert Decimal(policies["with_cheaper_models"]["low"]) == likely - CACHE[154] - SMALLER


def test_the_saving_of_batches_is_half_of_the_share_that_moves(said):
    moved = CAN_WAIT / PAID
    saved = 1 - Decimal(said["policies_usd"]["in_batches"]["high"]) / PAID

    assert abs(saved - moved / 2) < Decimal("1e-12")


def test_the_example_is_what_its_script_writes():
    made = runpy.run_path(str(EXAMPLES / "audit" / "make_calls.py"))["calls"]()

    lines = (EXAMPLES / "calls.jsonl").read_text(encoding="utf-8").splitlines()

    assert [json.loads(line) for line in lines] == made
