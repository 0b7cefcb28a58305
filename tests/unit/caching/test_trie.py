"""The trie of prompts: shared beginnings once, with how many requests go through them."""

import pytest

from backburner.plan.caching.trie import ROOT, Trie, TrieBuilder, trie_of


def test_shared_beginnings_are_kept_once():
    trie = trie_of([[("s", 100), ("a", 10)], [("s", 100), ("b", 20)], [("s", 100), ("a", 10)]])

    assert list(trie.parents) == [ROOT, 0, 0]
    assert list(trie.requests) == [3, 2, 1]
    assert list(trie.depths()) == [100, 110, 120]
    assert trie.prompt_tokens() == 3 * 100 + 2 * 10 + 20


def test_the_same_block_at_another_place_is_another_node():
    trie = trie_of([[("a", 1), ("a", 1)], [("b", 1), ("a", 1)]])

    assert len(trie) == 4


def test_tokens_behind_the_last_block_count_towards_the_whole():
    builder = TrieBuilder()
    builder.add([("s", 100)], rest_tokens=7)
    builder.add([("s", 100)], rest_tokens=8)

    assert builder.trie().prompt_tokens() == 215


@pytest.mark.parametrize(
    ("arrays", "why"),
    [
        ({"parents": [0], "tokens": [1], "requests": [1]}, "parent comes before"),
        ({"parents": [-2], "tokens": [1], "requests": [1]}, "parent comes before"),
        ({"parents": [ROOT], "tokens": [1, 2], "requests": [1]}, "differ in length"),
        ({"parents": [ROOT], "tokens": [-1], "requests": [1]}, "negative"),
        ({"parents": [ROOT, 0], "tokens": [1, 1], "requests": [1, 2]}, "more requests"),
        ({"parents": [ROOT], "tokens": [1], "requests": [1], "own": b"\0\0"}, "all nodes or for"),
    ],
)
def test_arrays_that_are_no_trie_are_refused(arrays, why):
    with pytest.raises(ValueError, match=why):
        Trie(**arrays)
