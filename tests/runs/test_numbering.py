"""Requests of a table of which some are reused: those are numbered last, and no row is mixed up."""

from array import array
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from backburner.runs.numbering import Numbering, settle_rows, with_firsts
from backburner.vault import Vault

keys = st.integers(0, 12)


def row_map(rows: list[int], known: set[int]) -> tuple[list[int], int]:
    """The settled numbers of rows that ask these things, and how many requests are fresh."""
    numbering, places = Numbering(), {}
    numbers = array("I")
    for key in rows:
        if key not in places:
            places[key] = len(places)
            numbering.add(is_reused=key in known)
        numbers.append(numbering.number(places[key]))
    fresh = len(places.keys() - known)
    with TemporaryDirectory() as folder:
        vault = Vault(Path(folder))
        with vault.file_writer("runs/r/rows") as file:
            numbers.tofile(file)
        settle_rows(vault, "runs/r/rows", fresh)
        with vault.raw("runs/r/rows") as file:
            return list(array("I", file.read())), fresh


@given(st.lists(keys), st.sets(keys))
def test_fresh_requests_come_first_and_both_kinds_in_the_order_of_their_first_rows(rows, known):
    numbers, fresh = row_map(rows, known)

    in_order = list(dict.fromkeys(rows))
    requests = [key for key in in_order if key not in known]
    assert fresh == len(requests)
    requests += [key for key in in_order if key in known]
    assert [requests[number] for number in numbers] == rows


@given(st.lists(keys), st.sets(keys))
def test_the_first_row_of_each_request_is_told_from_those_that_repeat_it(rows, known):
    numbers, fresh = row_map(rows, known)

    told = [is_first for _, is_first in with_firsts(numbers, fresh)]

    assert told == [key not in rows[:at] for at, key in enumerate(rows)]
