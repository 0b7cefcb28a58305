"""Packing is a partition of the requests, in order, within the limits."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.nouns.batch import HEAD, MAX_BYTES, MAX_REQUESTS, TAIL, body_bytes, custom_id
from backburner.plan.packing import PackLimits, pack

limits = st.builds(
    PackLimits, requests=st.integers(1, 20), body_bytes=st.integers(len(HEAD + TAIL), 3000)
)
sizes = st.lists(st.integers(2, 600), max_size=60)


@given(sizes, limits)
def test_every_request_is_in_exactly_one_batch_and_in_order(sizes, limits):
    batches = list(pack(sizes, limits))

    assert [position for batch in batches for position in batch] == list(range(len(sizes)))
    assert all(batches)


@given(sizes, limits)
def test_no_batch_exceeds_the_limits_unless_one_request_does_alone(sizes, limits):
    for batch in pack(sizes, limits):
        total = body_bytes(len(batch), sum(sizes[position] for position in batch))
        assert len(batch) <= limits.requests
        assert total <= limits.body_bytes or len(batch) == 1


@given(sizes, limits)
def test_no_batch_ends_while_the_next_request_would_fit(sizes, limits):
    batches = list(pack(sizes, limits))

    for batch in batches[:-1]:
        total = sum(sizes[position] for position in batch) + sizes[batch.stop]
        is_full = len(batch) == limits.requests
        assert is_full or body_bytes(len(batch) + 1, total) > limits.body_bytes


def test_a_request_that_is_too_big_travels_alone():
    small = PackLimits(body_bytes=500)

    assert list(pack([10, 10_000, 10], small)) == [range(1), range(1, 2), range(2, 3)]


def test_nothing_makes_no_batch():
    assert list(pack([], PackLimits())) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"requests": 0},
        {"requests": MAX_REQUESTS + 1},
        {"body_bytes": 0},
        {"body_bytes": MAX_BYTES + 1},
    ],
)
def test_limits_beyond_the_apis_are_refused(wrong):
    with pytest.raises(ValueError, match="not"):
        PackLimits(**wrong)


params = st.dictionaries(st.text(max_size=5), st.text(max_size=40), max_size=4)


@given(st.lists(params, min_size=0, max_size=20), st.text("abc019", min_size=13, max_size=13))
def test_the_length_of_a_body_is_known_before_it_is_written(bodies, prefix):
    encoded = [json.dumps(one).encode() for one in bodies]
    items = [
        b'{"custom_id":"%b","params":%b}' % (custom_id(prefix, position).encode(), one)
        for position, one in enumerate(encoded)
    ]
    body = HEAD + b",".join(items) + TAIL

    assert body_bytes(len(encoded), sum(map(len, encoded))) == len(body)
    assert [item["params"] for item in json.loads(body)["requests"]] == bodies


def test_the_length_holds_for_the_last_position_of_the_largest_batch():
    assert len(custom_id("a" * 13, MAX_REQUESTS - 1)) == len(custom_id("a" * 13, 0))


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=12, max_size=12))
def test_full_batches_differ_in_size_by_their_nonce_and_by_two_percent_at_most(nonce):
    limits = PackLimits()

    marked = limits.marked(nonce)

    assert 0.98 * limits.requests < marked.requests <= limits.requests
    assert marked == limits.marked(nonce)


def test_two_nonces_seldom_give_the_same_size():
    sizes = {PackLimits().marked(f"{n:012d}").requests for n in range(1_000)}

    assert len(sizes) > 300


def test_small_batches_and_such_as_must_be_whole_are_not_marked():
    nonce = "zzzzzzzzzzzz"

    assert PackLimits(requests=60).marked(nonce).requests == 60
    assert PackLimits(sizes=1).marked(nonce) == PackLimits(sizes=1)
