"""What is billed beside plain tokens: places of inference, searches, long prompts."""

from decimal import Decimal

import pytest

from backburner.emulator import catalogue, prices, tokens
from backburner.emulator.settings import Rule, load_rules
from backburner.emulator.shapes import CacheCreation, Usage

SEARCH = {"type": "web_search_20260318", "name": "web_search"}
A_SEARCH = 10_000_000_000  # picodollars: $10 for 1,000 searches
BATCHES = "/v1/messages/batches"


def usage(result):
    return result["message"]["usage"]


# Where a request is processed


def test_a_request_processed_in_the_us_costs_a_tenth_more_for_every_kind_of_token(emulate, ask):
    mark = {"cache_control": {"type": "ephemeral"}}
    system = [{"type": "text", "text": "x" * 7_000, **mark}]
    params = ask(model="claude-sonnet-4-6", system=system)

    def bill(**more):
        api = emulate()
        results = api.run(*[{**params, **more}] * 5)
        return api.world.bill().total, [usage(one)["inference_geo"] for one in results]

    plain, home = bill()
    us, abroad = bill(inference_geo="us")

    assert us * 10 == plain * 11
    assert (set(home), set(abroad)) == ({"not_available"}, {"us"})


def test_global_inference_costs_no_more(emulate, ask):
    def bill(**more):
        api = emulate()
        api.run(ask(model="claude-opus-5", **more))
        return api.world.bill().total

    assert bill(inference_geo="global") == bill()


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-4-5"])
def test_models_before_4_6_cannot_be_asked_for_a_place(api, ask, model):
    params = ask(model=model, inference_geo="us")

    [result, other] = api.run(params, ask(model=model))
    refused = api.post("/v1/messages", params)

    assert result["error"]["error"]["type"] == "invalid_request_error"
    assert refused.status == 400
    assert "inference_geo" in refused.message
    assert api.world.bill().total == prices.cost(
        other["message"]["model"], used_of(usage(other), "batch")
    )


def test_a_place_that_does_not_exist_is_refused(api, ask):
    [result] = api.run(ask(model="claude-opus-5", inference_geo="eu"))

    assert "'us' or 'global'" in result["error"]["error"]["message"]
    assert api.world.bill().total == 0


# Web searches


def used_of(told, tier):
    return Usage(
        input_tokens=told["input_tokens"],
        output_tokens=told["output_tokens"],
        cache_read_input_tokens=told["cache_read_input_tokens"],
        cache_creation_input_tokens=told["cache_creation_input_tokens"],
        cache_creation=CacheCreation(**told["cache_creation"]),
        service_tier=tier,
        inference_geo=told["inference_geo"],
    )


@pytest.mark.parametrize("geo", ["global", "us"])
def test_searches_cost_the_full_price_in_a_batch_too(emulate, ask, geo):
    api = emulate(web_searches=3)
    params = ask(model="claude-sonnet-4-6", tools=[SEARCH], inference_geo=geo)

    [result] = api.run(params)
    in_batch = api.world.bill().total
    message = api.post("/v1/messages", params).json
    single = api.world.bill().calls

    told = {"web_search_requests": 3, "web_fetch_requests": 0}
    assert usage(result)["server_tool_use"] == told
    assert message["usage"]["server_tool_use"] == told
    for bill, used, tier in (
        (in_batch, usage(result), "batch"),
        (single, message["usage"], "standard"),
    ):
        tokens_alone = prices.cost("claude-sonnet-4-6", used_of(used, tier))
        assert bill - tokens_alone == 3 * A_SEARCH


def test_requests_without_the_tool_search_nothing(emulate, ask):
    api = emulate(web_searches=3)
    other = {"name": "web_search", "input_schema": {"type": "object"}}

    results = api.run(ask(), ask(tools=[other]))

    assert [usage(one)["server_tool_use"] for one in results] == [None, None]


def test_no_more_searches_are_made_than_the_tool_allows(emulate, ask):
    api = emulate(web_searches=3)

    [result] = api.run(ask(tools=[{**SEARCH, "max_uses": 2}]))

    assert usage(result)["server_tool_use"]["web_search_requests"] == 2


def test_a_rule_says_how_often_is_searched_for_its_answers(emulate, ask, tmp_path):
    file = tmp_path / "rules.toml"
    file.write_text('[[rules]]\nmatch = "news"\nanswer = "none"\nsearches = 5\n')
    api = emulate(rules=load_rules(file), web_searches=1)

    results = api.run(ask("news?", tools=[SEARCH]), ask("old?", tools=[SEARCH]))

    made = [usage(one)["server_tool_use"]["web_search_requests"] for one in results]
    assert made == [5, 1]
    assert load_rules(file) == (Rule("news", "none", searches=5),)


def test_a_request_that_fails_pays_for_no_search(emulate, ask):
    api = emulate(web_searches=2, rules=(Rule("", kind="api_error"),))

    api.run(ask(tools=[SEARCH]))

    assert api.world.bill().total == 0


# The step of Haiku 5.5


HAIKU = catalogue.find("claude-haiku-5-5")


@pytest.mark.parametrize(("count", "input_price"), [(100_000, 50_000), (100_001, 250_000)])
def test_a_prompt_over_100_000_tokens_makes_every_token_dearer(api, ask, count, input_price):
    beside = tokens.REQUEST_TOKENS + tokens.TURN_TOKENS
    words = tokens.text_of(count, HAIKU, beside=beside)

    [result] = api.run(ask(words, model="claude-haiku-5-5"))

    told = usage(result)
    assert told["input_tokens"] == count
    assert api.world.bill().total == count * input_price + told["output_tokens"] * input_price * 5


def test_cached_tokens_count_towards_the_step(emulate, ask):
    api = emulate(turnaround=1.0)
    text = tokens.text_of(99_999, HAIKU, beside=tokens.REQUEST_TOKENS)
    mark = {"cache_control": {"type": "ephemeral"}}
    params = ask(model="claude-haiku-5-5", system=[{"type": "text", "text": text, **mark}])

    results = api.run(params, params)

    [read] = [usage(one) for one in results if usage(one)["cache_read_input_tokens"]]
    [write] = [usage(one) for one in results if usage(one)["cache_creation_input_tokens"]]
    assert read["cache_read_input_tokens"] == 99_999
    # The dear prices, halved: 0.25 in, 1.25 out, 0.3125 written, 0.025 read.
    assert api.world.bill().total == (
        99_999 * (25_000 + 312_500)
        + (read["input_tokens"] + write["input_tokens"]) * 250_000
        + (read["output_tokens"] + write["output_tokens"]) * 1_250_000
    )


# The price list


def test_every_price_of_a_token_is_a_whole_number_of_picodollars():
    for entry in prices.PER_MILLION.values():
        for price in map(Decimal, entry.split()):
            for factor in ("1", "0.5", "1.1", "0.55"):
                exact = price * Decimal(factor) * 1_000_000
                assert exact == int(exact)


def test_every_model_that_answers_has_a_price():
    usable = {model.id for model in catalogue.MODELS if model.lifecycle != "retired"}

    assert usable <= set(prices.PER_MILLION)


def test_the_bill_is_the_sum_of_the_lines_to_the_picodollar(emulate, ask):
    api = emulate(web_searches=1, errored_share=0.2, seed=4)
    models = ["claude-haiku-4-5", "claude-haiku-5-5", "claude-opus-5-5"]
    params = [ask(f"{n}" * n, model=models[n % 3]) for n in range(90)]
    params += [ask(tools=[SEARCH], model="claude-opus-5-5", inference_geo="us")]

    results = api.run(*params)

    paid = [one["message"] for one in results if one["type"] == "succeeded"]
    assert 60 < len(paid) < 91
    expected = sum(prices.cost(one["model"], used_of(one["usage"], "batch")) for one in paid)
    searches = sum(bool(one["usage"]["server_tool_use"]) for one in paid)
    assert api.world.bill().total == expected + searches * A_SEARCH
