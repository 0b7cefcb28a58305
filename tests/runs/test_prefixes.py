"""What requests begin with in common is counted in bounded memory, and never too high."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.plan.caching.terms import Ttl
from backburner.runs.blocks import Prompt, Section, read_prompt
from backburner.runs.prefixes import Prefixes, borders

LONG = "x" * 100


def read(*texts: str, **more: Any) -> Prompt:
    blocks = [{"type": "text", "text": text} for text in texts]
    body = {"model": "m", "messages": [{"role": "user", "content": blocks}], **more}
    prompt = read_prompt(msgspec.json.encode(body))
    assert prompt is not None
    return prompt


def digests(prompt: Prompt) -> list[bytes]:
    return [border.digest for border in borders(prompt)]


def test_two_prompts_share_the_borders_before_which_they_are_the_same() -> None:
    one, other = read("a", "b", "c"), read("a", "b", "d")

    assert digests(one)[:2] == digests(other)[:2]
    assert digests(one)[2] != digests(other)[2]


def test_a_string_is_the_same_prefix_as_the_block_it_stands_for() -> None:
    one = read(LONG, system="Be kind")
    other = read(LONG, system=[{"type": "text", "text": "Be kind"}])

    assert digests(one) == digests(other)


def test_the_order_of_a_bodys_keys_makes_no_other_prefix() -> None:
    body = {"model": "m", "system": "s", "tools": [{"name": "t"}], "messages": []}
    back = dict(reversed(body.items()))

    one, other = (read_prompt(msgspec.json.encode(value)) for value in (body, back))

    assert one is not None
    assert other is not None
    assert digests(one) == digests(other)


@pytest.mark.parametrize(
    ("key", "value", "shared"),
    [
        ("model", "other", []),
        ("inference_geo", "us", []),
        ("output_config", {"format": {"type": "json_schema"}}, []),
        ("tools", [{"name": "other"}], []),
        ("system", "Be cross", [0]),
        ("tool_choice", {"type": "any"}, [0, 1]),
        ("thinking", {"type": "disabled"}, [0, 1]),
        ("output_config", {"effort": "low"}, [0, 1]),
        ("max_tokens", 7, [0, 1, 2]),
        ("metadata", {"user_id": "u"}, [0, 1, 2]),
    ],
)
def test_what_invalidates_the_cache_makes_another_prefix_from_its_level_on(
    key: str, value: Any, shared: list[int]
) -> None:
    base: dict[str, Any] = {"tools": [{"name": "t"}], "system": "Be kind"}

    one, other = digests(read("a", **base)), digests(read("a", **{**base, key: value}))

    assert [at for at, digest in enumerate(one) if digest == other[at]] == shared


def test_an_image_anywhere_makes_other_messages_but_the_same_system_prompt() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "u"}}
    turns = [{"role": "user", "content": [{"type": "text", "text": "a"}, image]}]

    one = digests(read("a", system="s"))
    other = digests(read(system="s", messages=turns))

    assert one[0] == other[0]
    assert one[1] != other[1]


def test_the_same_words_in_two_turns_are_another_prefix_than_in_one() -> None:
    text = {"type": "text", "text": "a"}
    apart = [{"role": "user", "content": [text]}, {"role": "user", "content": [text]}]

    assert digests(read("a", "a"))[1] != digests(read(messages=apart))[1]


def test_a_block_that_takes_no_mark_belongs_to_the_next_border() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    turns = [{"role": "assistant", "content": [thought, {"type": "text", "text": "a"}]}]

    found = list(borders(read(messages=turns)))

    assert [border.block for border in found] == [1]


def test_the_trie_counts_the_requests_through_each_prefix() -> None:
    prefixes = Prefixes(shortest_bytes=0)
    for last in "bbc":
        prefixes.add(read("a" * 200, last * 100))

    trie = prefixes.trie(bytes_per_hundred_tokens=200)

    assert list(trie.parents) == [-1, 0, 0]
    assert list(trie.requests) == [3, 2, 1]
    assert list(trie.tokens) == [100, 50, 50]
    assert prefixes.sections == [Section.MESSAGES] * 3


def test_a_prefix_below_the_shortest_is_not_kept_but_counts_in_what_follows() -> None:
    prefixes = Prefixes(shortest_bytes=150)
    prefixes.add(read(LONG, LONG))

    trie = prefixes.trie(bytes_per_hundred_tokens=100)

    assert list(trie.tokens) == [200]


def test_the_callers_own_marks_are_told_to_the_planner() -> None:
    mark = {"type": "ephemeral", "ttl": "1h"}
    system = [{"type": "text", "text": "s", "cache_control": mark}]
    prefixes = Prefixes(shortest_bytes=0)
    prefixes.add(read("a", system=system))

    trie = prefixes.trie(bytes_per_hundred_tokens=100)

    assert [trie.own_at(node) for node in range(2)] == [Ttl.ONE_HOUR, None]
    assert [trie.free_at(node) for node in range(2)] == [3, 3]


names = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=4)


@given(st.lists(names, max_size=60), st.integers(2, 12))
def test_what_is_forgotten_makes_counts_lower_and_never_higher(
    prompts: list[list[str]], most: int
) -> None:
    exact, bounded = Prefixes(0, most=10_000), Prefixes(0, most=most)
    for texts in prompts:
        exact.add(read(*texts))
        bounded.add(read(*texts))

    counts = dict(zip(exact.digests, exact.trie(100).requests, strict=True))
    trie = bounded.trie(100)

    assert len(bounded) <= most
    assert all(
        seen <= counts[digest] for digest, seen in zip(bounded.digests, trie.requests, strict=True)
    )


def test_what_is_shared_most_is_kept_when_there_are_too_many() -> None:
    prefixes = Prefixes(0, most=100)
    for number in range(1_000):
        prefixes.add(read(LONG, str(number)))

    trie = prefixes.trie(100)

    assert trie.requests[0] == 1_000
    assert len(trie) <= 100
