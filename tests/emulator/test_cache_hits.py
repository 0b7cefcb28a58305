"""How many requests read the prompt cache can be said exactly, or by chance."""

import json
from decimal import ROUND_HALF_UP, Decimal

import pytest

from backburner.emulator import catalogue, tokens
from backburner.emulator.cacheplan import CachePlan, Hits
from backburner.emulator.controls import Controls
from backburner.emulator.settings import Switches

MODEL = "claude-sonnet-4-6"
SONNET = catalogue.find(MODEL)
BATCHES = "/v1/messages/batches"
PREFIX = 10_000
READ, WRITE_5M, WRITE_1H, FRESH = 150_000, 1_875_000, 3_000_000, 1_500_000


def marked(text, question="Hi", ttl="5m"):
    block = {"type": "text", "text": text, "cache_control": {"type": "ephemeral", "ttl": ttl}}
    return {
        "model": MODEL,
        "max_tokens": 50,
        "system": [block],
        "messages": [{"role": "user", "content": question}],
    }


def prompt_of(count):
    return tokens.text_of(count, SONNET, beside=tokens.REQUEST_TOKENS)


def usages(results):
    return [result["message"]["usage"] for result in results]


def reads(results):
    return sum(used["cache_read_input_tokens"] > 0 for used in usages(results))


def run(api, *params, times=1):
    return api.run(*(one for one in params for _ in range(times)))


@pytest.mark.parametrize("count", [1, 2, 999, 1_024, 10_000])
@pytest.mark.parametrize("model", ["claude-sonnet-4-6", "claude-opus-4-7"])
def test_a_text_of_exactly_so_many_tokens_can_be_made(count, model):
    known = catalogue.find(model)

    text = tokens.text_of(count, known)

    assert tokens.tokens_of(text, known) == count


@pytest.mark.parametrize(("ttl", "write"), [("5m", WRITE_5M), ("1h", WRITE_1H)])
def test_150_hits_among_500_requests_are_150_reads_and_350_writes_on_the_bill(emulate, ttl, write):
    api = emulate(cache=CachePlan(hits=Hits(150, of=500)))

    results = run(api, marked(prompt_of(PREFIX), ttl=ttl), times=500)

    used = usages(results)
    assert sum(one["cache_read_input_tokens"] for one in used) == 150 * PREFIX
    assert sum(one["cache_creation_input_tokens"] for one in used) == 350 * PREFIX
    rest = sum(one["input_tokens"] * FRESH + one["output_tokens"] * 7_500_000 for one in used)
    assert api.world.bill().total - rest == PREFIX * (150 * READ + 350 * write)


@pytest.mark.parametrize(
    ("hits", "five_minutes", "one_hour"),
    [
        (0, "9.38", "15.00"),
        (150, "6.79", "10.73"),
        (300, "4.20", "6.45"),
        (490, "0.92", "1.04"),
        (499, "0.77", "0.78"),
    ],
)
def test_a_prompt_of_10_000_tokens_for_500_requests_costs_what_its_hits_say(
    emulate, hits, five_minutes, one_hour
):
    def prefix_alone(ttl):
        api = emulate(cache=CachePlan(hits=Hits(hits, of=500)))
        used = usages(run(api, marked(prompt_of(PREFIX), ttl=ttl), times=500))
        rest = sum(one["input_tokens"] * FRESH + one["output_tokens"] * 7_500_000 for one in used)
        dollars = Decimal(api.world.bill().total - rest).scaleb(-12)
        return str(dollars.quantize(Decimal("0.01"), ROUND_HALF_UP))

    assert (prefix_alone("5m"), prefix_alone("1h")) == (five_minutes, one_hour)


def test_the_hits_are_as_many_however_long_the_batch_takes(emulate):
    api = emulate(cache=CachePlan(hits=Hits(9, of=10)), turnaround=80_000.0)

    results = run(api, marked(prompt_of(PREFIX)), times=10)

    assert reads(results) == 9


def test_the_hits_are_counted_over_several_batches(emulate):
    api = emulate(cache=CachePlan(hits=Hits(30, of=100)))

    runs = [run(api, marked(prompt_of(PREFIX)), times=size) for size in (1, 59, 40)]

    assert sum(map(reads, runs)) == 30
    assert reads(runs[0]) == 0


def test_unmarked_short_and_failed_requests_take_no_hit(emulate, ask):
    api = emulate(cache=CachePlan(hits=Hits(5, of=10)))
    others = [ask(), marked("too short"), {**marked(prompt_of(PREFIX)), "max_tokens": 0}]

    results = run(api, *others, marked(prompt_of(PREFIX)), times=10)

    assert reads(results[-10:]) == 5
    assert [one["cache_creation_input_tokens"] for one in usages(results[:20])] == [0] * 20


def test_a_hit_reads_what_others_share_and_writes_what_is_its_own(emulate):
    api = emulate(cache=CachePlan(hits=Hits(3, of=4)))

    def params(number):
        own = {"type": "text", "text": f"{number}" * 7_000}
        return marked(prompt_of(PREFIX), [{**own, "cache_control": {"type": "ephemeral"}}])

    used = usages(api.run(*map(params, range(4))))

    assert sorted(one["cache_read_input_tokens"] for one in used) == [0, 10_000, 10_000, 10_000]
    assert sorted(one["cache_creation_input_tokens"] for one in used) == [2_004] * 3 + [12_004]


def test_even_the_first_request_reads_if_all_are_to(emulate):
    api = emulate(cache=CachePlan(hits=Hits(4, of=4)))

    assert reads(run(api, marked(prompt_of(PREFIX)), times=4)) == 4


def test_the_same_seed_lets_the_same_requests_read(emulate):
    def first_run(seed):
        api = emulate(cache=CachePlan(hits=Hits(20, of=40)), seed=seed)
        return run(api, marked(prompt_of(PREFIX)), times=40)

    assert first_run(1) == first_run(1)
    assert first_run(1) != first_run(2)


def test_single_calls_take_no_hit_of_a_batch(emulate):
    api = emulate(cache=CachePlan(hits=Hits(1, of=2)))

    first = api.post("/v1/messages", marked(prompt_of(PREFIX))).json
    second = api.post("/v1/messages", marked(prompt_of(PREFIX))).json

    assert first["usage"]["cache_creation_input_tokens"] == PREFIX
    assert second["usage"]["cache_read_input_tokens"] == PREFIX
    assert reads(run(api, marked(prompt_of(PREFIX)), times=2)) == 1


def test_the_number_of_hits_can_be_changed_between_batches(emulate):
    api = emulate()
    ideal = run(api, marked(prompt_of(PREFIX)), times=10)

    api.world.cache_hits(Hits(2, of=10))
    exact = run(api, marked(prompt_of(PREFIX)), times=10)
    api.world.cache_hits(0.0)
    none = run(api, marked(prompt_of(PREFIX)), times=10)

    assert (reads(ideal), reads(exact), reads(none)) == (9, 2, 0)


def test_counts_that_move_while_a_batch_runs_take_no_hits(emulate):
    api = emulate(cache=CachePlan(hits=Hits(3, of=6)), switches=Switches(counts="progressive"))

    assert reads(run(api, marked(prompt_of(PREFIX)), times=6)) == 3


@pytest.mark.parametrize(
    "make", [lambda: Hits(3, of=2), lambda: Hits(-1, of=2), lambda: Hits(0, 0)]
)
def test_impossible_hits_are_refused(make):
    with pytest.raises(ValueError, match="cannot read the cache"):
        make()


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_of_hits_lies_between_0_and_1(emulate, share):
    with pytest.raises(ValueError, match="not between 0 and 1"):
        CachePlan(hits=share)
    with pytest.raises(ValueError, match="not between 0 and 1"):
        emulate().world.cache_hits(share)


@pytest.mark.parametrize(
    ("body", "expected"),
    [({"hits": 4, "of": 10}, 4), ({"hits": 0.0}, 0), ({"hits": 1.0}, 9)],
)
def test_hits_can_be_set_at_the_control_route(emulate, body, expected):
    api = emulate()
    controls = Controls(api.world, api.clock.advance)

    said = api.read(controls.reply("POST", "/_emulator/cache", json.dumps(body).encode()))

    assert (said.status, said.json) == (200, {"of": None, **body})
    assert reads(run(api, marked(prompt_of(PREFIX)), times=10)) == expected


@pytest.mark.parametrize(
    "body", [{"hits": 11, "of": 10}, {"hits": 2.0}, {"hits": 0.5, "of": 9}, {}]
)
def test_the_control_route_refuses_hits_that_make_no_sense(emulate, body):
    api = emulate()
    controls = Controls(api.world, api.clock.advance)

    said = api.read(controls.reply("POST", "/_emulator/cache", json.dumps(body).encode()))

    assert said.status == 400
