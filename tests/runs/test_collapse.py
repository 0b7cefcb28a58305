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


@given(st.lists(st.binary(max_size=3), max_size=200), st.binary(max_size=3))
def test_a_body_can_be_looked_up_without_being_counted(bodies: list[bytes], other: bytes) -> None:
    with Collapser() as collapser:
        for body in bodies:
            collapser.request_of(body)
        known = list(dict.fromkeys(bodies))

        assert collapser.find(other) == (known.index(other) if other in known else None)
        assert [collapser.find(body) for body in known] == list(range(len(known)))
        assert collapser.requests == len(known)
