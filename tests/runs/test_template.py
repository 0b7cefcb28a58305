from typing import Any

import pytest
from jinja2 import TemplateError

from backburner.errors import InputFaults
from backburner.runs.faults import Faults
from backburner.runs.template import PromptTemplate


def render(text: str, values: dict[str, Any]) -> str:
    return PromptTemplate.compile(text, "prompt.md").render(values)


def checked(text: str, *columns: str) -> list[tuple[str, str, int | None, str]]:
    faults = Faults()
    PromptTemplate.compile(text, "prompt.md").check(columns, faults)
    return [(each.code, each.what, each.line, each.hint) for each in faults.kept]


def test_columns_are_names_and_the_row_has_them_all() -> None:
    text = "{{ text }} {{ row['Product name'] }} {{ row | length }}\n"

    assert render(text, {"text": "<&>", "Product name": "x"}) == "<&> x 2\n"


def test_an_empty_cell_is_rendered_as_nothing() -> None:
    assert render("[{{ x }}]", {"x": None}) == "[]"
    assert render("[{{ x }}]", {"x": 0}) == "[0]"


def test_control_flow_blocks_and_macros_work() -> None:
    text = (
        "{% macro tag(x) %}<{{ x }}>{% endmacro %}{% block a %}{{ tag(n) }}{% endblock %}"
        "{% for i in range(n) %}{{ i }}{% endfor %}{% set y = n + 1 %}{{ y }}"
    )

    assert render(text, {"n": 2}) == "<2>013"
    assert checked(text, "n") == []


def test_an_unknown_column_is_found_before_any_row_with_a_suggestion() -> None:
    assert checked("a\n{{ reviw }}", "id", "review") == [
        (
            "column_missing",
            "names the column 'reviw', which the table does not have",
            2,
            "did you mean {{ review }}?",
        )
    ]


def test_a_heading_that_is_no_word_is_shown_as_it_must_be_written() -> None:
    for text in ("{{ product_name }}", "{{ Product_Name }}", "{{ row['product name'] }}"):
        assert checked(text, "Product name")[0][3] == "did you mean {{ row['Product name'] }}?"
    assert checked("{{ its }}", "it's")[0][3] == 'did you mean {{ row["it\'s"] }}?'


def test_a_column_nothing_like_it_lists_those_there_are() -> None:
    assert checked("{{ zzz }}", "id", "text")[0][3] == "there is id, text"


def test_every_unknown_column_is_named() -> None:
    assert len(checked("{{ a1 }} {{ row['b1'] }} {{ c1.d }}{{ row.e1 }}", "x")) >= 3


def test_what_a_template_provides_for_may_be_missing() -> None:
    text = "{{ x | default('') }}{% if y is defined %}{{ y }}{% endif %}{{ row['z'] | d('') }}"

    assert checked(text, "a") == []
    assert render(text, {"a": 1}) == ""


def test_a_broken_template_names_its_line() -> None:
    with pytest.raises(InputFaults, match=r"prompt\.md: line 2: .*\(template_error\)") as caught:
        PromptTemplate.compile("a\n{{ Product name }}", "prompt.md")
    assert "row['Product name']" in caught.value.hint


def test_includes_are_a_fault() -> None:
    assert checked("{% include 'x' %}")[0][0] == "template_error"


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ row.update({'a': 1}) }}",
        "{{ row.__init__.__globals__ }}",
        "{{ range(999999999) | list }}",
        "{{ '%s' | format(x.__class__) }}",
        "{{ '{0.__class__}'.format(x) }}",
    ],
)
def test_the_sandbox_holds(text: str) -> None:
    with pytest.raises((TemplateError, OverflowError)):
        render(text, {"x": "a"})


def test_the_same_row_always_gives_the_same_text() -> None:
    assert checked("{{ lipsum() }}")[0][0] == "column_missing"
    with pytest.raises(InputFaults, match="random"):
        PromptTemplate.compile("{{ [1, 2] | random }}", "p")


def test_one_row_leaves_nothing_for_the_next() -> None:
    template = PromptTemplate.compile("{% if a %}{% set b = 1 %}{% endif %}{{ b | d('-') }}", "p")

    assert [template.render({"a": a}) for a in (1, 0, 1)] == ["1", "-", "1"]


def test_a_row_that_cannot_be_rendered_is_named_without_its_text() -> None:
    faults = Faults()
    template = PromptTemplate.compile("\n{{ x.y }}", "prompt.md")
    broken = PromptTemplate.compile("{{ x + 1 }}", "prompt.md")

    assert template.render_or_note({"x": "secret"}, 7, faults) is None
    assert broken.render_or_note({"x": "secret"}, 8, faults) is None

    first, second = faults.kept
    assert (first.code, first.line) == ("template_error", 7)
    assert "(prompt.md, line 2)" in first.what
    assert second.line == 8
    assert second.what == (
        'TypeError: can only concatenate str (not "int") to str (prompt.md, line 1)'
    )
    assert "{{ price|float }}" in second.hint
    assert "secret" not in first.what + second.what


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ x|truncate(2) }}", "AssertionError: expected length >= 3, got 2"),
        ("{{ 1 // n }}", "ZeroDivisionError: integer division or modulo by zero"),
        ("{{ 'a' * 10**30 }}", "OverflowError: cannot fit 'int' into an index-sized integer"),
        ("{{ x.foo }}", "'str object' has no attribute 'foo'"),
        ("{{ x.__class__ }}", "access to attribute '__class__' of 'str' object is unsafe"),
        ("{{ missing[x] }}", "'missing' is undefined"),
        ("{{ row[x] }}", "UndefinedError while rendering"),
        ("{{ row[quoted] }}", "UndefinedError while rendering"),
        ("{{ x|attr(x) }}", "UndefinedError while rendering"),
        ("{{ {}[number][x] }}", "dict object has no such element"),
        ("{{ x|wordwrap(0) }}", "ValueError while rendering"),
        ("{{ '%(a)s' % {x: 1} }}", "KeyError while rendering"),
    ],
)
def test_a_row_that_fails_is_told_in_words_that_hold_no_cell(text: str, said: str) -> None:
    faults = Faults()
    cells = {"x": "secret", "quoted": "a 'secret' \"cell\"", "n": 0, "number": 4711}

    assert PromptTemplate.compile(text, "p").render_or_note(cells, 1, faults) is None

    assert faults.kept[0].what == f"{said} (p, line 1)"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("{{ x | truncat(2) }}", "did you mean truncate"),
        ("{{ x is defind }}", "did you mean defined"),
        ("{{ x | foo }}", "the filters that there are stand in jinja.palletsprojects.com"),
    ],
)
def test_a_filter_that_there_is_not_is_told_with_those_near_to_it(text: str, hint: str) -> None:
    faults = Faults()

    with pytest.raises(InputFaults, match=r"No (filter|test) named") as caught:
        PromptTemplate.compile(text, "p")
    branch = PromptTemplate.compile(f"{{% if 1 %}}{text}{{% endif %}}", "p")
    branch.render_or_note({"x": "a"}, 1, faults)

    assert caught.value.hint.startswith(hint)
    assert faults.kept[0].hint.startswith(hint)
