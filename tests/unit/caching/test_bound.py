"""No order of columns exceeds the bound, so that a plan may say what share of it is reached."""

import pytest
from hypothesis import given, settings

from backburner.plan.caching.bound import column_bound, spanning_bound
from backburner.plan.caching.cells import Worth, shared, total_tokens
from backburner.plan.caching.layout import plan_layout

from .layouts import chance_of, heaviest_tree, most_shared, random_table, tables


@settings(deadline=None)
@given(tables(most_rows=10))
def test_bounds_optimum_and_layout_stand_in_this_order(columns):
    found, most = shared(columns, plan_layout(columns)), most_shared(columns)

    assert found <= most <= spanning_bound(columns) <= column_bound(columns)
    assert column_bound(columns) <= total_tokens(columns)


@settings(deadline=None)
@given(tables(most_rows=40, most_columns=6))
def test_the_bound_is_the_weight_of_the_heaviest_tree_over_all_pairs_of_rows(columns):
    assert spanning_bound(columns, patience=None) == heaviest_tree(columns)


@settings(deadline=None)
@given(tables(most_rows=30, most_columns=5))
def test_under_a_floor_the_bound_still_holds(columns):
    for worth in (Worth(floor=45), Worth(floor=20, reused=3, first=2)):
        layout = plan_layout(columns, worth=worth)

        assert shared(columns, layout, worth) <= spanning_bound(columns, worth)


@pytest.mark.parametrize("seed", range(3))
def test_a_table_with_more_edges_than_are_kept_has_the_same_bound(seed):
    table = random_table(chance_of(seed), 400, 5, 6)

    assert spanning_bound(table, patience=None, edges=50) == heaviest_tree(table)


def test_a_search_that_would_take_too_long_is_given_up():
    table = random_table(chance_of(1), 400, 5, 6)

    assert spanning_bound(table, patience=1_000) is None
    assert column_bound(table) > 0
