"""Prompts are cut where rows that began alike part, and equal beginnings have equal cuts."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from backburner.plan.caching.cells import one_order
from backburner.plan.caching.cutting import cuts_of
from backburner.plan.caching.layout import plan_layout

from .layouts import column_of, tables


def begins(columns, layout, row, cells):
    order = layout.order(row)[:cells]
    return [(column, columns[column].cells[row]) for column in order]


@settings(deadline=None)
@given(tables(most_rows=25, most_columns=5), st.integers(-10, 60), st.integers(1, 30))
def test_rows_with_an_equal_beginning_have_equal_cuts_in_it(columns, floor, gap):
    layout = plan_layout(columns)

    cuts = cuts_of(columns, layout, floor, gap)

    for one in range(len(cuts)):
        for cut in cuts[one]:
            for other in range(len(cuts)):
                if begins(columns, layout, one, cut) == begins(columns, layout, other, cut):
                    assert [c for c in cuts[other] if c <= cut] == [
                        c for c in cuts[one] if c <= cut
                    ]


@settings(deadline=None)
@given(tables(most_rows=25, most_columns=5), st.integers(0, 60), st.integers(1, 30))
def test_before_each_cut_stands_enough_and_no_row_has_too_many(columns, floor, gap):
    layout = plan_layout(columns)

    for row, cuts in enumerate(cuts_of(columns, layout, floor, gap, most=2)):
        depths = [
            sum(columns[column].tokens[cell] for column, cell in begins(columns, layout, row, cut))
            for cut in cuts
        ]
        assert len(cuts) <= 2
        assert all(depth >= floor for depth in depths)
        assert all(later - sooner >= gap for sooner, later in pairwise(depths))


def test_a_row_is_cut_behind_what_its_group_shares():
    brand = column_of(["a", "a", "b", "b"], lambda _: 50)
    product = column_of(["x", "x", "y", "z"], lambda _: 30)
    text = column_of([1, 2, 3, 4], lambda _: 10)

    cuts = cuts_of([brand, product, text], one_order((0, 1, 2), 4), 10, 10)

    assert cuts == [(2,), (2,), (1,), (1,)]


def test_where_what_stands_before_is_long_enough_the_first_cut_is_before_the_fields():
    text = column_of([1, 2, 3], lambda _: 10)

    assert cuts_of([text], one_order((0,), 3), 0, 10) == [(0,)] * 3
    assert cuts_of([text], one_order((0,), 3), 1, 10) == [()] * 3
