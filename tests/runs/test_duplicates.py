from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.runs import duplicates
from backburner.runs.duplicates import Duplicates


def repetitions(keys: list[str]) -> list[tuple[str, int, int]]:
    with closing(Duplicates()) as noted:
        for line, key in enumerate(keys, 1):
            noted.add(key, line)
        return list(noted.found())


@given(st.lists(st.sampled_from(["a", "b", "é\n", "\u2028", ""])))
def test_each_repetition_is_found_beside_its_first_line(keys: list[str]) -> None:
    expected = [
        (key, keys.index(key) + 1, line)
        for line, key in enumerate(keys, 1)
        if keys.index(key) + 1 < line
    ]

    assert repetitions(keys) == expected


def test_repetitions_are_found_across_slices() -> None:
    keys = [str(number) for number in range(10_000)]

    assert repetitions(keys) == []
    assert repetitions([*keys, "7"]) == [("7", 8, 10_001)]


def test_keys_that_only_share_a_hash_are_no_repetition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "hash", lambda _: 0, raising=False)

    assert repetitions(["a", "b", "c"]) == []
    assert repetitions(["a", "b", "a"]) == [("a", 1, 3)]
