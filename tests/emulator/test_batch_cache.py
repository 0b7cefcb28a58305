"""The prompt cache of batches: who can read what, from when on, and for how long."""

import pytest

from backburner.emulator import catalogue, identifiers, tokens
from backburner.emulator.cacheplan import CachePlan
from backburner.emulator.settings import ItemFailure, Switches

BATCHES = "/v1/messages/batches"
SONNET = "claude-sonnet-4-6"
PREFIX = 5_000
MARK = {"type": "ephemeral"}


def system_of(count, model=SONNET):
    """A system text that makes a prefix of exactly so many tokens."""
    return tokens.text_of(count, catalogue.find(model), beside=tokens.REQUEST_TOKENS)


def text(words, ttl=None):
    block = {"type": "text", "text": words}
    return {**block, "cache_control": {**MARK, "ttl": ttl}} if ttl else block


def body(*, ttl="5m", count=PREFIX, question="Hi", model=SONNET, **more):
    return {
        "model": model,
        "max_tokens": 50,
        "system": [text(system_of(count, model), ttl)],
        "messages": [{"role": "user", "content": question}],
        **more,
    }


def used(result):
    usage = result["message"]["usage"]
    return usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]


def verbs(results):
    """How many of some results wrote, and how many read."""
    pairs = [used(result) for result in results]
    return sum(wrote > 0 for _, wrote in pairs), sum(read > 0 for read, _ in pairs)


def one_at(api, moment, params, **headers):
    """The result of a batch of one request that starts at a moment."""
    api.clock.time = moment
    batch = api.create([{"custom_id": "a", "params": params}], **headers)
    api.clock.advance(1)
    return api.get(f"{BATCHES}/{batch['id']}/results", **headers).lines["a"]


# Who reads what others write


def test_requests_processed_one_after_the_other_read_what_the_first_wrote(api):
    assert verbs(api.run(*[body()] * 8)) == (1, 7)


def test_equal_prefixes_under_way_at_once_are_all_written(emulate):
    api = emulate(cache=CachePlan(concurrency=4), turnaround=80.0)

    assert verbs(api.run(*[body()] * 8)) == (4, 4)


def test_a_batch_that_runs_all_at_once_reads_nothing(emulate):
    api = emulate(cache=CachePlan(concurrency=8), turnaround=80.0)

    assert verbs(api.run(*[body()] * 8)) == (8, 0)


@pytest.mark.parametrize(("prefill", "writes"), [(0.0, 1), (15.0, 2), (25.0, 3), (100.0, 4)])
def test_an_entry_can_be_read_once_the_answer_of_its_writer_has_begun(emulate, prefill, writes):
    # Ten seconds each and four at once: those in fifth to ninth place start at 10, 20 to 50 s, and
    # the fifth ends at 50 s.
    api = emulate(cache=CachePlan(concurrency=4, prefill=prefill), turnaround=120.0)
    order = identifiers.finish_order(0, 0, 12)
    plain = {**body(), "system": "short"}

    results = api.run(*[plain if order.index(number) < 4 else body() for number in range(12)])

    assert verbs(results) == (writes, 8 - writes)


@pytest.mark.parametrize("machines", [2, 3])
def test_machines_do_not_share_what_they_have_written(emulate, machines):
    api = emulate(cache=CachePlan(machines=machines))

    assert verbs(api.run(*[body()] * 40)) == (machines, 40 - machines)


def test_machines_are_assigned_by_the_seed(emulate):
    def results(seed):
        return emulate(cache=CachePlan(machines=3), seed=seed).run(*[body()] * 20)

    assert results("a") == results("a")
    assert [used(one) for one in results("a")] != [used(one) for one in results("b")]


def test_another_workspace_reads_nothing(emulate, clock):
    api = emulate(turnaround=1.0, workspaces={"theirs": "wrkspc_theirs"})

    one_at(api, clock.time, body())

    assert used(one_at(api, clock.time + 9, body(), x_api_key="theirs")) == (0, PREFIX)
    assert used(one_at(api, clock.time + 9, body())) == (PREFIX, 0)


def test_another_model_reads_nothing(emulate, clock):
    api = emulate(turnaround=1.0)

    one_at(api, clock.time, body())

    assert used(one_at(api, clock.time + 9, body(model="claude-opus-4-8")))[0] == 0


def test_batches_and_single_calls_have_caches_of_their_own(emulate, clock):
    api = emulate(turnaround=1.0)

    def call():
        return used({"message": api.post("/v1/messages", body()).json})

    assert call() == (0, PREFIX)
    assert used(one_at(api, clock.time + 1, body())) == (0, PREFIX)
    assert call() == (PREFIX, 0)


# How long


@pytest.mark.parametrize(("ttl", "life"), [("5m", 300), ("1h", 3_600)])
@pytest.mark.parametrize(("early", "read"), [(0.5, PREFIX), (0, 0)])
def test_an_entry_lives_from_the_start_of_its_writer(emulate, clock, ttl, life, early, read):
    api = emulate(turnaround=1.0)
    start = clock.time

    one_at(api, start, body(ttl=ttl))

    assert used(one_at(api, start + life - early, body(ttl=ttl)))[0] == read


def test_each_read_renews_an_entry(emulate, clock):
    api = emulate(turnaround=1.0)
    start = clock.time

    found = [used(one_at(api, start + after, body())) for after in (0, 299, 598, 897, 1_197)]

    assert found == [(0, PREFIX)] + [(PREFIX, 0)] * 3 + [(0, PREFIX)]


def test_a_long_batch_writes_an_entry_again_after_it_has_died(emulate):
    # 20 requests in 8,000 s: one each 400 s, which outlives 5 minutes and not an hour.
    short = emulate(turnaround=8_000.0).run(*[body()] * 20)
    long = emulate(turnaround=8_000.0).run(*[body(ttl="1h")] * 20)

    assert verbs(short) == (20, 0)
    assert verbs(long) == (1, 19)


def test_a_batch_of_a_whole_day_does_not_profit_from_what_was_written_after_it(emulate, clock):
    # One request of the first batch expires, so it ends after 24 hours: after the second.
    never = ItemFailure(ordinal=0, index=3, kind="expired")
    api = emulate(turnaround=lambda number, _: (8_000.0, 10.0)[number], fail_once=(never,))
    requests = [{"custom_id": f"r-{n}", "params": body()} for n in range(20)]

    first = api.create(requests)
    clock.advance(3 * 3_600)
    second = api.create(requests)
    clock.advance(22 * 3_600)

    lines = [api.get(f"{BATCHES}/{one['id']}/results").lines for one in (first, second)]
    done = [[line for line in one.values() if line["type"] == "succeeded"] for one in lines]
    assert (verbs(done[0]), verbs(done[1])) == ((19, 0), (1, 19))


def test_of_two_batches_at_once_the_later_one_reads_what_the_other_wrote(emulate, clock):
    api = emulate(turnaround=100.0)
    requests = [{"custom_id": f"r-{n}", "params": body()} for n in range(10)]

    first = api.create(requests)
    clock.advance(15)
    second = api.create(requests)
    clock.advance(100)

    lines = [api.get(f"{BATCHES}/{one['id']}/results").lines for one in (first, second)]
    assert [verbs(one.values()) for one in lines] == [(1, 9), (0, 10)]


def test_an_entry_keeps_the_lifetime_that_it_was_written_with(emulate, clock):
    api = emulate(turnaround=1.0)
    start = clock.time

    one_at(api, start, body(ttl="5m"))
    one_at(api, start + 100, body(ttl="1h"))

    assert used(one_at(api, start + 399, body()))[0] == PREFIX
    assert used(one_at(api, start + 700, body()))[0] == 0


def test_a_part_of_what_was_read_is_renewed_as_well(emulate, clock):
    api = emulate(turnaround=1.0)
    start, deep = clock.time, body(question=[text("y" * 700, "5m")])

    one_at(api, start, deep)
    one_at(api, start + 250, deep)

    assert used(one_at(api, start + 500, body(question="other"))) == (PREFIX, 0)


# What is cached


@pytest.mark.parametrize(
    ("model", "minimum"),
    [
        ("claude-haiku-5-5", 512),
        ("claude-sonnet-5-5", 512),
        ("claude-opus-5-5", 512),
        ("claude-opus-5", 512),
        ("claude-fable-5-2", 512),
        ("claude-sonnet-5", 1_024),
        ("claude-opus-4-8", 1_024),
        ("claude-sonnet-4-6", 1_024),
        ("claude-sonnet-4-5", 1_024),
        ("claude-opus-4-7", 2_048),
        ("claude-opus-4-6", 4_096),
        ("claude-opus-4-5", 4_096),
        ("claude-haiku-4-5", 4_096),
    ],
)
def test_a_prefix_is_cached_from_the_shortest_length_of_its_model_on(api, model, minimum):
    under, at = api.run(body(count=minimum - 1, model=model), body(count=minimum, model=model))

    assert used(under) == (0, 0)
    assert used(at) == (0, minimum)


@pytest.mark.parametrize(("model", "minimum"), [(SONNET, 2_048), ("claude-opus-4-7", 4_096)])
def test_the_larger_reported_lengths_can_be_taken_instead(emulate, model, minimum):
    api = emulate(switches=Switches(cache_minimum="reported"))

    under, at = api.run(body(count=minimum - 1, model=model), body(count=minimum, model=model))

    assert (used(under), used(at)) == ((0, 0), (0, minimum))


def test_a_mark_on_a_short_prefix_changes_no_price(api):
    plain = {**body(count=500), "system": system_of(500)}

    marked, unmarked = api.run(body(count=500, ttl="1h"), plain)

    assert marked["message"]["usage"] == unmarked["message"]["usage"]


def turn(blocks, marked):
    content = [text(f"{number} " * 3_000) for number in range(blocks)]
    content[marked]["cache_control"] = MARK
    return {"model": SONNET, "max_tokens": 9, "messages": [{"role": "user", "content": content}]}


@pytest.mark.parametrize(("blocks", "hit"), [(20, True), (21, False)])
def test_20_blocks_are_looked_at_before_a_mark_itself_included(emulate, clock, blocks, hit):
    api = emulate(turnaround=1.0)

    one_at(api, clock.time, turn(3, 0))
    one_at(api, clock.time + 9, turn(1, 0))
    read, _ = used(one_at(api, clock.time + 9, turn(blocks, blocks - 1)))

    assert (read > 0) is hit


def test_an_entry_is_written_at_a_mark_only(emulate, clock):
    api = emulate(turnaround=1.0)

    one_at(api, clock.time, turn(4, 3))

    assert used(one_at(api, clock.time + 9, turn(4, 2)))[0] == 0


def test_mixed_lifetimes_are_written_each_for_its_part(api):
    params = body(ttl="1h", question=[text("y" * 700, "5m"), text("rest of it")])

    [result] = api.run(params)

    usage = result["message"]["usage"]
    assert usage["cache_creation"] == {
        "ephemeral_5m_input_tokens": 204,
        "ephemeral_1h_input_tokens": PREFIX,
    }
    assert usage["input_tokens"] == 3


def tools(description):
    return [{"name": "look", "description": description, "input_schema": {"type": "object"}}]


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ({}, "all"),
        ({"tools": tools("another")}, "nothing"),
        ({"system": [text(system_of(PREFIX) + "!", "5m")]}, "nothing"),
        ({"tool_choice": {"type": "any"}}, "system"),
        ({"thinking": {"type": "adaptive"}}, "system"),
        ({"output_config": {"effort": "low"}}, "system"),
    ],
)
def test_a_change_is_felt_by_all_that_comes_after_it(emulate, clock, change, read):
    api = emulate(turnaround=1.0)
    params = {
        **body(question=[text("y" * 7_000, "5m")], tools=tools("one")),
        "tool_choice": {"type": "auto"},
    }

    first = used(one_at(api, clock.time, params))[1]
    tokens_read, written = used(one_at(api, clock.time + 9, {**params, **change}))

    if read == "system":
        assert 0 < tokens_read < first
        assert written > 0
    else:
        assert tokens_read == (first if read == "all" else 0)


# What is refused


def error_of(result):
    return result["error"]["error"]["message"]


def test_a_mark_at_the_top_has_no_effect_where_the_last_block_has_the_same(api):
    params = body(question=[text("y" * 700, "5m")])

    plain, automatic = api.run(params, {**params, "cache_control": MARK})

    assert sum(used(plain)) == sum(used(automatic))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (body(question=[text("y", "5m")] * 4), "A maximum of 4 blocks"),
        (body(question=[text("y", "5m")] * 3 + [text("z")], cache_control=MARK), "maximum of 4"),
        (body(question=[text("y", "5m")], cache_control={**MARK, "ttl": "1h"}), "another ttl"),
        (body(cache_control={**MARK, "ttl": "2h"}), "Input should be '5m' or '1h'"),
        (body(ttl="2h"), "Input should be '5m' or '1h'"),
        (body(question=[text("y", "1h")]), "must not come after"),
        (body(cache_control={**MARK, "ttl": "1h"}), "must not come after"),
        (body(question=[text("", "5m"), text("y")]), "cannot be set for empty text"),
        (body(system=[{**text("x"), "cache_control": {"type": "forever"}}]), "valid dictionary"),
    ],
)
def test_marks_that_the_api_refuses_are_an_errored_line(api, params, message):
    [result] = api.run(params)

    assert result["type"] == "errored"
    assert message in error_of(result)


def test_a_mark_at_the_top_skips_an_empty_last_block(api):
    params = body(question=[text("y" * 700), text("")], cache_control=MARK)

    [result] = api.run(params)

    assert used(result) == (0, PREFIX + 204)


def test_a_prompt_that_is_too_long_writes_nothing(emulate, clock):
    api = emulate(turnaround=1.0)
    model = "claude-haiku-4-5"

    long = body(model=model, question="y" * 800_000)
    assert "prompt is too long" in error_of(one_at(api, clock.time, long))

    assert used(one_at(api, clock.time + 9, body(model=model))) == (0, PREFIX)


# Determinism


def test_how_often_anybody_asks_changes_no_byte(emulate, clock):
    plan = CachePlan(hits=0.7, machines=2, concurrency=3)
    requests = [{"custom_id": f"r-{n}", "params": body(count=PREFIX + n % 3)} for n in range(30)]

    def fetched(*, patient):
        clock.time = 1_790_000_000.0
        api = emulate(cache=plan, seed=5, turnaround=700.0)
        ids = []
        for _ in range(2):
            ids.append(api.create(requests)["id"])
            clock.advance(200)
        for _ in range(1 if patient else 50):
            clock.advance(2_000 if patient else 40)
            for batch_id in ids:
                api.get(f"{BATCHES}/{batch_id}")
        return [api.get(f"{BATCHES}/{batch_id}/results").body for batch_id in ids]

    assert fetched(patient=True) == fetched(patient=False)


@pytest.mark.parametrize(
    "wrong", [{"machines": 0}, {"concurrency": 0}, {"prefill": -1.0}, {"hits": 2.0}]
)
def test_a_plan_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match=r"must|not between"):
        CachePlan(**wrong)
