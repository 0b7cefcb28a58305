"""The rows that a condition chooses, and what belongs to them."""

from io import BytesIO

import pytest

from backburner.errors import InputFaults
from backburner.runs.chosen_rows import chosen_only, spread
from backburner.runs.faults import Faults
from backburner.runs.record import Table
from backburner.runs.tables import Format, read_table

CITIES = "name,people\nBonn,300\nRome,2800\nOslo,700\nParis,2100\n"


def chosen(where: str | None, text: str = CITIES) -> tuple[Table, Faults]:
    faults = Faults()
    table = read_table(BytesIO(text.encode()), Format.CSV, faults)
    return chosen_only(table, where, faults), faults


def names(where: str) -> list[str]:
    table, faults = chosen(where)
    found = [record.values["name"] for record in table.records()]
    assert faults.kept == ()
    return found


def test_the_rows_are_given_of_which_the_condition_is_true() -> None:
    assert names("people|int > 1000") == ["Rome", "Paris"]
    assert names("row.name in ['Oslo', 'Bonn'] and people != '300'") == ["Oslo"]


def test_a_chosen_row_keeps_its_number_and_line_in_the_table() -> None:
    table, _ = chosen("name == 'Oslo'")

    [record] = table.records()

    assert (record.number, record.line) == (3, 4)


def test_what_belongs_to_chosen_rows_is_spread_over_all_rows() -> None:
    table, _ = chosen("people|int > 1000")

    assert list(spread(table, ["r", "p"])) == [None, "r", None, "p"]


def test_a_spread_ends_where_its_values_end() -> None:
    table, _ = chosen("people|int > 1000")

    assert list(spread(table, ["r"])) == [None, "r"]


def test_without_a_condition_the_table_is_itself() -> None:
    table, _ = chosen(None)

    assert [record.number for record in table.records()] == [1, 2, 3, 4]


def test_a_column_that_there_is_not_is_one_fault_and_not_one_for_each_row() -> None:
    table, faults = chosen("peple|int > 3")
    list(table.records())

    [fault] = faults.kept
    assert fault.code == "column_missing"
    assert fault.path == "--where"
    assert fault.hint == "did you mean people?"


def test_a_row_of_which_it_cannot_be_told_is_a_fault_in_its_line() -> None:
    table, faults = chosen("people > 1000")
    list(table.records())

    assert [(fault.code, fault.line) for fault in faults.kept[:2]] == [
        ("template_error", 2),
        ("template_error", 3),
    ]


def test_a_broken_row_is_told_although_no_condition_can_choose_it() -> None:
    table, faults = chosen("name == 'Rome'", CITIES + "Bern\n")
    list(table.records())

    assert [fault.code for fault in faults.kept] == ["csv_broken"]


def test_that_no_row_is_chosen_is_a_fault() -> None:
    table, faults = chosen("name == 'rome'")
    list(table.records())

    [fault] = faults.kept
    assert fault.code == "input_empty"
    assert fault.what == "no row meets --where"


def test_a_condition_is_an_expression_alone() -> None:
    with pytest.raises(InputFaults, match="braces"):
        chosen("{{ name }}")


@pytest.mark.parametrize(
    ("where", "hint"),
    [
        ("nam == 'Bonn'", "did you mean name?"),
        ("product_nam == 'a'", "did you mean row['Product name']?"),
        ("people > 5", "cells of CSV are text: a number is written as price|float"),
    ],
)
def test_a_hint_is_written_as_a_condition_is(where: str, hint: str) -> None:
    table, faults = chosen(where, "name,people,Product name\nBonn,300,a\n")

    list(table.records())

    assert faults.kept[0].hint == hint


def test_a_broken_condition_shows_how_a_heading_is_written_there() -> None:
    with pytest.raises(InputFaults) as caught:
        chosen("Product name == 'a'")

    assert caught.value.hint.endswith("is written row['Product name']")
