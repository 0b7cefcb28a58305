"""The README's shared prompt, sent and billed: each of its figures is the emulator's own bill."""

from datetime import UTC, datetime
from typing import Any

import pytest

from backburner import prices
from backburner.emulator import catalogue, tokens
from backburner.emulator.cacheplan import CachePlan, Hits
from backburner.nouns.money import Money
from backburner.nouns.usage import Usage
from backburner.report.maths import (
    HIT_PERCENTS,
    MATHS_MODEL,
    PREFIX_TOKENS,
    SHARERS,
    cached_prefix,
    shared_prefix,
)
from backburner.store.ledger import ledger_of_run

TARIFF = prices.tariff([MATHS_MODEL], datetime(2026, 11, 22, tzinfo=UTC))
MODEL = catalogue.find(MATHS_MODEL)
HITS = [SHARERS * percent // 100 for percent in HIT_PERCENTS] + [SHARERS - 1]
BATCH_INPUT, BATCH_OUTPUT = 1_500_000, 7_500_000  # picodollars a token


def body(**mark: Any) -> dict[str, Any]:
    prefix = tokens.text_of(PREFIX_TOKENS, MODEL, beside=tokens.REQUEST_TOKENS)
    return {
        "model": MATHS_MODEL,
        "max_tokens": 50,
        "system": [{"type": "text", "text": prefix, **mark}],
        "messages": [{"role": "user", "content": "Hi"}],
    }


def marked(ttl: str) -> dict[str, Any]:
    return body(cache_control={"type": "ephemeral", "ttl": ttl})


def sent(stage: Any, params: dict[str, Any]) -> tuple[Usage, Money]:
    """What 500 of these requests used, by our ledger, and the bill; both agree."""
    bb = stage.open()
    requests = [{"custom_id": str(n), "params": params} for n in range(SHARERS)]
    run = bb.enqueue(requests, cache="off")
    receipt = bb.run(run.id).receipt
    with bb.tools.store.read() as tx:
        [row] = ledger_of_run(tx, run.id)
    used = Usage(
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cache_write_5m_tokens=row.cache_write_5m_tokens,
        cache_write_1h_tokens=row.cache_write_1h_tokens,
        cache_read_tokens=row.cache_read_tokens,
    )
    assert receipt.paid.picodollars == stage.world.bill().total
    assert bb.verify(run.id).differences == []
    return used, receipt.paid


def without_the_rest(used: Usage, paid: Money) -> Money:
    """What is left of a bill for the marked prefix."""
    rest = used.input_tokens * BATCH_INPUT + used.output_tokens * BATCH_OUTPUT
    return paid - Money(picodollars=rest)


@pytest.mark.parametrize("ttl", ["5m", "1h"])
@pytest.mark.parametrize("hits", HITS)
def test_so_many_hits_cost_what_the_readme_says(make_stage: Any, hits: int, ttl: str) -> None:
    stage = make_stage(cache=CachePlan(hits=Hits(hits, of=SHARERS)))

    used, paid = sent(stage, marked(ttl))

    said = cached_prefix(TARIFF, hits)
    assert used.cache_read_tokens == hits * PREFIX_TOKENS
    assert used.cache_write_tokens == (SHARERS - hits) * PREFIX_TOKENS
    billed = without_the_rest(used, paid)
    assert billed == (said.five_minutes if ttl == "5m" else said.hour)


def test_without_a_mark_the_prefix_costs_the_plain_price_sync_and_half_in_a_batch(
    make_stage: Any,
) -> None:
    said = shared_prefix(TARIFF).plain
    stage, other = make_stage(), make_stage(cache=CachePlan(hits=Hits(0, of=SHARERS)))

    plain, paid = sent(stage, body())
    rest, _ = sent(other, marked("5m"))

    assert plain.input_tokens == rest.input_tokens + SHARERS * PREFIX_TOKENS
    assert without_the_rest(rest, paid) == said.batch
    assert said.batch + said.batch == said.sync


def test_the_same_calls_sync_cost_what_the_readme_says(stage: Any) -> None:
    client = stage.make_client(stage.world)

    used = client.messages.create(**body()).usage

    rest = (used.input_tokens - PREFIX_TOKENS) * 2 * BATCH_INPUT
    rest += used.output_tokens * 2 * BATCH_OUTPUT
    alone = Money(picodollars=SHARERS * (stage.world.bill().calls - rest))
    assert alone == shared_prefix(TARIFF).plain.sync
