"""The order of columns in each row: every column once, never worse, nearly the best."""

import argparse
import csv

import pytest
from hypothesis import given, settings

from backburner.plan.caching.cells import Worth, one_order, shared, total_tokens, worth_of
from backburner.plan.caching.fixed import fixed_order
from backburner.plan.caching.layout import plan_layout
from backburner.plan.caching.tail import tail_order
from backburner.plan.caching.terms import Ttl

from .conftest import make_terms
from .layouts import (
    chance_of,
    column_of,
    functions_of,
    most_shared,
    random_table,
    tables,
    text_table,
    trie_savings,
)


def original(columns):
    return one_order(tuple(range(len(columns))), len(columns[0].cells))


@settings(deadline=None)
@given(tables(most_rows=40, most_columns=6))
def test_every_row_keeps_each_column_exactly_once(columns):
    layout = plan_layout(columns)

    assert len(layout.rows) == len(columns[0].cells)
    for row in range(len(layout.rows)):
        assert sorted(layout.order(row)) == list(range(len(columns)))


@settings(deadline=None)
@given(tables(most_rows=40, most_columns=6))
def test_rows_never_share_less_than_in_the_order_of_the_table(columns):
    layout = plan_layout(columns)

    assert shared(columns, layout) >= shared(columns, original(columns))


@settings(deadline=None)
@given(tables(most_rows=30, most_columns=5))
def test_what_rows_share_is_what_their_trie_saves(columns):
    layout = plan_layout(columns)

    assert shared(columns, layout) == trie_savings(columns, layout)


@pytest.mark.parametrize("seed", range(12))
def test_a_random_table_of_up_to_20_rows_is_within_a_point_of_the_optimum(seed):
    chance = chance_of(seed)

    for _ in range(10):
        rows, columns, kinds = chance.randint(2, 20), chance.randint(1, 4), chance.randint(2, 12)
        table = random_table(chance, rows, columns, kinds)

        found, most = shared(table, plan_layout(table)), most_shared(table)

        assert most - 0.01 * total_tokens(table) <= found <= most


@pytest.mark.parametrize("start", range(0, 100, 10))
@pytest.mark.parametrize("module", [argparse, csv])
def test_20_functions_of_the_standard_library_are_within_a_point_of_the_optimum(module, start):
    rows = functions_of(module.__file__) + functions_of(csv.__file__)
    table = text_table(rows[start : start + 20] or rows[:20])

    found, most = shared(table, plan_layout(table)), most_shared(table)

    assert most - 0.01 * total_tokens(table) <= found <= most


def test_a_column_that_never_changes_comes_first_and_one_without_equals_last():
    ids = column_of(range(200), lambda _: 5)
    kinds = column_of([row % 7 for row in range(200)], lambda _: 9)
    same = column_of([0] * 200, lambda _: 3)

    layout = plan_layout([ids, kinds, same])

    assert {layout.order(row) for row in range(200)} == {(2, 1, 0)}


def test_rows_differ_in_their_order_where_they_share_different_columns():
    # The first half has the brand in common, the second half the colour.
    brand = column_of(["acme"] * 60 + list(range(60)), lambda _: 10)
    colour = column_of([*range(60, 120), *["red"] * 60], lambda _: 10)

    layout = plan_layout([brand, colour])

    assert layout.order(0) == (0, 1)
    assert layout.order(119) == (1, 0)
    assert shared([brand, colour], layout) == 2 * 59 * 10


def test_what_a_row_does_not_share_keeps_the_tail_order():
    columns = [column_of(range(150), lambda _: 5) for _ in range(3)]

    layout = plan_layout(columns, (2, 0, 1))

    # Nothing is shared either way, and the planner's order is not worse.
    assert {layout.order(row) for row in range(150)} == {(2, 0, 1)}


def test_a_look_ahead_beats_the_column_that_promises_most_by_itself():
    # By itself the first column shares 9,000 tokens, each of the others 6,840, both together.
    trap = column_of([row % 100 for row in range(400)], lambda _: 30)
    other = column_of([row // 7 for row in range(400)], lambda _: 20)
    third = column_of([row // 7 for row in range(400)], lambda _: 20)

    layout = plan_layout([trap, other, third])

    assert layout.order(0) == (1, 2, 0)


def test_the_same_table_always_has_the_same_layout():
    table = random_table(chance_of(4), 500, 6, 30)

    assert plan_layout(table) == plan_layout(table)


def test_a_table_without_rows_has_a_layout():
    table = [column_of([], len), column_of([], len)]

    assert plan_layout(table).rows[:] == original(table).rows[:]


def test_below_the_floor_nothing_counts_and_above_it_the_whole_prefix_does():
    columns = [column_of(["a", "a", "b"], lambda _: 30), column_of(["x", "x", "x"], lambda _: 20)]
    layout = one_order((1, 0), 3)

    assert shared(columns, layout) == 2 * 20 + 30
    assert shared(columns, layout, Worth(floor=51)) == 0
    assert shared(columns, layout, Worth(floor=50)) == 50
    assert shared(columns, layout, Worth(floor=20)) == 2 * 20 + 30


def test_under_a_floor_the_column_that_reaches_it_wins():
    short = column_of([row % 2 for row in range(300)], lambda _: 40)
    long = column_of([row // 3 for row in range(300)], lambda _: 50)

    plain, floored = plan_layout([short, long]), plan_layout([short, long], worth=Worth(floor=50))

    assert plain.order(0) == (0, 1)
    assert floored.order(0) == (1, 0)


def test_a_pair_is_worth_nothing_where_a_write_costs_more_than_one_read_saves():
    terms = make_terms(minimum=1_024, one_hour=0.9)
    worth = worth_of(terms, Ttl.ONE_HOUR, before_tokens=2_000)

    assert worth.floor == 0
    assert worth.of(100, 2) == max(0, 100 * terms.gain(2, Ttl.ONE_HOUR))
    assert worth.of(100, 50) == 100 * terms.gain(50, Ttl.ONE_HOUR)


def test_one_order_for_all_rows_is_found_and_is_no_better_than_one_for_each():
    table = random_table(chance_of(7), 300, 5, 20)

    order = fixed_order(table)

    fixed = shared(table, one_order(order, 300))
    assert sorted(order) == list(range(5))
    assert shared(table, original(table)) <= fixed <= shared(table, plan_layout(table))


def test_values_that_begin_alike_come_first_in_the_tail():
    dates = [f"2026-11-{day:02}" for day in range(1, 29)]
    words = [chr(97 + day) * 5 for day in range(26)]

    assert tail_order([words, dates, ["same"] * 9]) == (1, 0, 2)
