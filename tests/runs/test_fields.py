"""`{{ fields }}` in a prompt: each column of a row once, in an order in which rows begin alike."""

import json
from io import BytesIO

from hypothesis import given, settings
from hypothesis import strategies as st

from backburner.runs.bodies import BodyShape, render_bodies
from backburner.runs.faults import Faults
from backburner.runs.field_planning import plan_fields
from backburner.runs.fields import plain_fields
from backburner.runs.tables import Format, read_table
from backburner.runs.template import PromptTemplate

SHAPE = BodyShape(model="m", max_tokens=10)
FAR = 1 << 30
"""More than any rows share: nothing is cut."""


def table_of(rows):
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    return read_table(BytesIO(data), Format.JSONL, Faults())


def planned(rows, *, text="{{ fields }}", floor=FAR, **more):
    template = PromptTemplate.compile(text, "the prompt")
    columns = template.fields(table_of(rows).columns)
    return template, plan_fields(table_of(rows), columns, floor, **more)


def contents(rows, *, text="{{ fields }}", floor=FAR, **more):
    template, plan = planned(rows, text=text, floor=floor, **more)
    faults = Faults()
    bodies = [body for _, body in render_bodies(table_of(rows), template, SHAPE, faults, plan)]
    assert not faults.count
    return [json.loads(body)["messages"][0]["content"] for body in bodies]


def joined(content):
    return content if isinstance(content, str) else "".join(one["text"] for one in content)


def reviews(count=120):
    return [
        {"id": number, "text": f"review {number}", "film": f"film {number % 3}", "lang": "en"}
        for number in range(count)
    ]


cells = st.one_of(st.none(), st.integers(), st.booleans(), st.sampled_from(["a", 'b"\n', "ü", ""]))


@settings(deadline=None)
@given(
    st.lists(st.fixed_dictionaries({"a": cells, "b c": cells, "d": cells}), min_size=1),
    st.integers(0, 40),
)
def test_every_prompt_holds_every_field_once_as_it_was(rows, floor):
    for row, content in zip(rows, contents(rows, floor=floor), strict=True):
        lines = joined(content).split("\n")
        found = json.loads("{" + ",".join(lines) + "}", object_pairs_hook=list)
        assert sorted(name for name, _ in found) == ["a", "b c", "d"]
        assert dict(found) == row


def test_what_rows_share_stands_first():
    first, *_ = contents(reviews())

    assert first == '"lang": "en"\n"film": "film 0"\n"text": "review 0"\n"id": 0'


def test_the_rest_of_the_prompt_stays_as_it_is_and_named_columns_are_left_out():
    text = "Rate it.\n{{ fields }}\nAnswer for {{ id }} in {{ row['lang'] }}."

    first, *_ = contents(reviews(), text=text)

    assert first == 'Rate it.\n"film": "film 0"\n"text": "review 0"\nAnswer for 0 in en.'


def test_a_column_called_fields_keeps_its_meaning():
    template = PromptTemplate.compile("{{ fields }}", "the prompt")

    assert template.fields(["fields", "text"]) is None
    assert template.render({"fields": "mine", "text": "x"}) == "mine"


def test_where_all_columns_are_named_there_is_nothing_left_for_it():
    template = PromptTemplate.compile("{{ a }} {{ row.b }}\n{{ fields }}", "the prompt")
    faults = Faults()

    template.check(["a", "b"], faults)

    assert [fault.code for fault in faults.kept] == ["template_error"]
    assert "all are named besides" in faults.kept[0].what


def test_prompts_are_cut_where_rows_part_and_say_the_same():
    rows = reviews()

    whole, cut = contents(rows), contents(rows, floor=20)

    assert [joined(one) for one in cut] == whole
    texts = [[block["text"] for block in one] for one in cut]
    assert texts[0] == texts[3][:1] + texts[0][1:]
    assert {one[0] for one in texts} == {f'"lang": "en"\n"film": "film {n}"\n' for n in range(3)}


def test_a_filter_over_the_fields_leaves_the_prompt_whole():
    first, *_ = contents(reviews(), text="{{ fields | upper }}", floor=10)

    assert first.startswith('"LANG": "EN"')


def test_identical_rows_have_identical_prompts_and_count_once():
    rows = [*reviews(), *reviews()]

    _, plan = planned(rows)
    found = contents(rows)

    assert found[:120] == found[120:]
    assert plan.figures.rows == 120
    assert planned(rows, collapse=False)[1].figures.rows == 240
    assert planned(rows, collapse=False)[1].figures.after > plan.figures.after


def test_the_figures_say_what_was_gained():
    _, plan = planned(reviews())

    figures = plan.figures
    assert figures.columns == ("id", "text", "film", "lang")
    assert (figures.before, figures.of_bound, figures.is_sampled) == (0.0, 1.0, False)
    assert not figures.is_cut
    assert planned(reviews(), floor=20)[1].figures.is_cut
    assert 0.3 < figures.after < 0.6


def test_only_the_rows_that_are_rendered_are_planned():
    _, plan = planned(reviews(), limit=30)

    assert plan.figures.rows == 30


def test_a_table_that_is_too_large_has_one_order_found_in_a_sample_of_it():
    _, plan = planned(reviews(5_000), most_cells=2_000)

    assert plan.figures.is_sampled
    assert 250 <= plan.figures.rows <= 500
    assert [shape.order for shape in plan.shapes] == [(3, 2, 1, 0)]
    first, *rest = contents(reviews(5_000), most_cells=2_000)
    assert first == '"lang": "en"\n"film": "film 0"\n"text": "review 0"\n"id": 0'
    assert len(rest) == 4_999


def test_the_prompts_of_a_large_table_are_cut_alike():
    found = contents(reviews(5_000), floor=20, most_cells=2_000)

    assert {tuple(len(one["text"].split("\n")) for one in blocks) for blocks in found} == {(3, 2)}


def test_a_table_without_a_plan_is_written_in_its_own_order():
    text, cuts = plain_fields(["a", "b"]).written({"a": 1, "b": None}, 7)

    assert (text, list(cuts)) == ('"a": 1\n"b": null', [])


def test_columns_before_the_fields_are_named():
    template = PromptTemplate.compile("é {{ id }}\n{{ fields }} {{ lang }}", "the prompt")

    assert template.before_fields(["id", "text", "lang"]) == (["id"], 4)
