"""The worst case of a request: what its body says, and what it does not say."""

import json
from dataclasses import replace
from datetime import date

import pytest

from backburner.nouns.batch import Via
from backburner.nouns.tariff import ModelPrice, Rates, Step
from backburner.plan.lifecycle import window_of
from backburner.plan.worst_case import worst_case

INPUT, OUTPUT, WRITE_5M, WRITE_1H = 1_000, 5_000, 1_250, 2_000
DEAR = 10
RATES = Rates(
    input=INPUT, output=OUTPUT, cache_write_5m=WRITE_5M, cache_write_1h=WRITE_1H, cache_read=10
)
SYNC = Rates(
    input=2 * INPUT,
    output=2 * OUTPUT,
    cache_write_5m=2 * WRITE_5M,
    cache_write_1h=2 * WRITE_1H,
    cache_read=20,
)
FLAT = ModelPrice(
    model="claude-haiku-4-5", sync=SYNC, batch=RATES, as_of=date(2026, 11, 1), source="test"
)
STEP = Step(
    above_prompt_tokens=100_000,
    sync=SYNC,
    batch=Rates(
        input=DEAR * INPUT, output=DEAR * OUTPUT, cache_write_5m=0, cache_write_1h=0, cache_read=0
    ),
)
STEPPED = ModelPrice(
    model="claude-haiku-5-5", sync=SYNC, batch=RATES, as_of=FLAT.as_of, source="test", steps=(STEP,)
)
SMALL = "claude-haiku-4-5"
MAX = 20


def body(content="Hello", **more):
    asked = {
        "model": SMALL,
        "max_tokens": MAX,
        "messages": [{"role": "user", "content": content}],
        **more,
    }
    return json.dumps(asked, ensure_ascii=False).encode()


def cost(raw, price=FLAT, via=Via.BATCH):
    return worst_case(raw, lambda _model: price, via)


def prompt_tokens(raw, price=FLAT, rate=INPUT):
    return (cost(raw, price) - MAX * OUTPUT) / rate


def test_each_byte_of_text_counts_as_a_token():
    assert prompt_tokens(body("é" * 1_000)) - prompt_tokens(body("e" * 1_000)) == 1_000


def test_text_that_is_written_with_escapes_counts_as_it_is():
    plain = body("é" * 1_000)

    assert cost(plain.replace("é".encode(), rb"\u00e9")) == cost(plain)


def test_every_answer_counts_as_long_as_it_may_be():
    assert cost(body(max_tokens=5_000)) - cost(body()) == (5_000 - MAX) * OUTPUT


def test_a_sync_call_counts_at_sync_rates():
    assert cost(body(), via=Via.DIRECT) == 2 * cost(body())


@pytest.mark.parametrize(("ttl", "rate"), [(None, WRITE_5M), ("5m", WRITE_5M), ("1h", WRITE_1H)])
def test_a_marked_prompt_counts_as_written(ttl, rate):
    mark = {"type": "ephemeral", **({"ttl": ttl} if ttl else {})}

    marked = body([{"type": "text", "text": "Hello", "cache_control": mark}])

    assert prompt_tokens(marked, rate=rate) == prompt_tokens(
        body([{"type": "text", "text": "Hello"}])
    )


def test_a_mark_whose_key_is_written_with_escapes_counts_too():
    mark = b'{"type": "ephemeral", "ttl": "1\\u0068"}'
    raw = body([{"type": "text", "text": "Hello", "cache_control": 0}])

    hidden = raw.replace(b'"cache_control": 0', b'"cache\\u005fcontrol": ' + mark)

    plain = raw.replace(b', "cache_control": 0', b"")
    assert prompt_tokens(hidden, rate=WRITE_1H) == prompt_tokens(plain)


def test_an_image_counts_by_its_largest_size_and_not_by_its_bytes():
    source = {"type": "base64", "media_type": "image/png", "data": "A" * 3_000_000}

    tokens = prompt_tokens(body([{"type": "image", "source": source}]))

    assert 1_568 <= tokens < 2_500


def test_an_image_that_a_tool_gave_back_counts_alike():
    source = {"type": "base64", "media_type": "image/png", "data": "A" * 3_000_000}
    given = {
        "type": "tool_result",
        "tool_use_id": "t",
        "content": [{"type": "image", "source": source}],
    }

    assert 1_568 <= prompt_tokens(body([given])) < 2_500


def test_newer_models_see_larger_images():
    image = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}

    assert prompt_tokens(body([image], model="claude-opus-4-7")) >= 4_784


@pytest.mark.parametrize(
    "block",
    [
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "document", "source": {"type": "base64", "data": "AAAA"}},
        {"type": "document", "source": {"type": "url", "url": "https://example.org/a.pdf"}},
        {"type": "container_upload", "file_id": "file_1"},
    ],
)
def test_a_file_counts_as_the_whole_window(block):
    assert prompt_tokens(body([block])) == window_of(SMALL)


def test_a_document_of_text_counts_by_its_bytes():
    text = {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": "a" * 999},
    }

    assert 999 < prompt_tokens(body([text])) < 1_500


def test_no_prompt_counts_for_more_than_the_window():
    assert prompt_tokens(body("a" * 900_000)) == window_of(SMALL)


def test_a_long_prompt_counts_at_the_rates_of_its_step():
    short, long = body("a" * 90_000), body("a" * 100_001)

    assert cost(long, STEPPED) > DEAR * cost(short, STEPPED)


def test_inference_in_one_country_counts_a_tenth_more():
    usual = cost(body())

    assert cost(body(inference_geo="us")) == usual * 11 // 10
    assert cost(body(inference_geo="global")) == usual


def test_a_price_that_is_no_whole_number_in_one_country_is_no_bound():
    odd = replace(FLAT, batch=replace(RATES, input=1_001))

    assert cost(body(inference_geo="us"), odd) is None


def test_tools_count_with_what_they_add():
    tool = {"name": "look", "description": "d" * 500, "input_schema": {"type": "object"}}

    assert prompt_tokens(body(tools=[tool])) - prompt_tokens(body()) > 500 + 804


def test_searches_count_with_every_prompt_that_they_make():
    search = {"type": "web_search_20260209", "name": "web_search", "max_uses": 3}
    fee = 3 * 10**12 // 100

    each = window_of(SMALL) * WRITE_5M + MAX * OUTPUT

    assert cost(body(tools=[search])) == 4 * each + fee


@pytest.mark.parametrize(
    "more",
    [
        {"tools": [{"type": "web_search_20260209", "name": "web_search"}]},
        {"tools": [{"type": "web_search_20260209", "name": "web_search", "max_uses": "3"}]},
        {"tools": [{"type": "code_execution_20260120", "name": "code_execution"}]},
        {"tools": [{"type": "something_new", "name": "n", "max_uses": 1}]},
        {"mcp_servers": [{"type": "url", "url": "https://example.org", "name": "n"}]},
        {"container": {"skills": []}},
        {"context_management": {"edits": [{"type": "compact_20260112"}]}},
    ],
)
def test_what_may_go_on_without_end_has_no_bound(more):
    assert cost(body(**more)) is None


@pytest.mark.parametrize("kind", ["bash_20250124", "text_editor_20250728", "computer_20250124"])
def test_a_tool_that_the_caller_carries_out_has_a_bound(kind):
    assert cost(body(tools=[{"type": kind, "name": "n"}])) is not None


def test_a_model_without_a_price_has_no_bound():
    assert worst_case(body(), lambda _model: None) is None


@pytest.mark.parametrize("raw", [b"[]", b"{", b'{"model": "m", "max_tokens": "a", "messages": []}'])
def test_a_body_that_cannot_be_read_has_no_bound(raw):
    assert cost(raw) is None


def test_more_than_the_store_can_hold_counts_as_that():
    search = {"type": "web_search_20260209", "name": "web_search", "max_uses": 10**12}

    assert cost(body(tools=[search])) == 9 * 10**18
