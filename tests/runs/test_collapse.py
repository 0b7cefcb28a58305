"""Identical bodies are found, and only those, in the order of their first appearance."""

from hypothesis import given
from hypothesis import strategies as st

from backburner.runs.collapse import Collapser


def by_dictionary(bodies: list[bytes]) -> list[tuple[int, bool]]:
    numbers: dict[bytes, int] = {}
    found = []
    for body in bodies:
        is_new = body not in numbers
        found.append((numbers.setdefault(body, len(numbers)), is_new))
    return found


@given(st.lists(st.binary(max_size=3), max_size=200))
def test_any_bodies_are_numbered_as_a_dictionary_would(bodies: list[bytes]) -> None:
    with Collapser() as collapser:
        assert [collapser.request_of(body) for body in bodies] == by_dictionary(bodies)


def test_the_table_may_grow_on_the_way() -> None:
    bodies = [str(number * 48_271 % 89_989).encode() for number in range(150_000)]

    with Collapser() as collapser:
        assert [collapser.request_of(body) for body in bodies] == by_dictionary(bodies)
