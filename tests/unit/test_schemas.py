import json
from typing import Any

import jsonschema
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from backburner.plan.native_schemas import native, told
from backburner.plan.schemas import closed, unfit


def obj(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties]}


REVIEW = obj(
    label={"enum": ["good", "bad"]},
    score={"type": "integer", "minimum": 1, "maximum": 5},
    tags={"type": "array", "items": {"type": "string", "maxLength": 20}},
    author={"anyOf": [{"type": "string"}, {"type": "null"}]},
)


def places(schema: Any) -> list[str]:
    return [one.place for one in unfit(schema)]


def test_a_usual_schema_is_fit() -> None:
    assert unfit(REVIEW) == ()
    assert unfit({"type": "string"}) == ()


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        (True, "$"),
        ({}, "$"),
        ({"properties": {}}, "$"),
        (obj(a={"description": "?"}), "$.properties.a"),
        (obj(a={"type": "string", "not": {"const": "x"}}), "$.properties.a.not"),
        (obj(a={"type": "array", "prefixItems": []}), "$.properties.a.prefixItems"),
        (obj(a={"$ref": "other.json"}), "$.properties.a.$ref"),
        (obj(a={"$ref": "#/$defs/none"}), "$.properties.a.$ref"),
        (obj(a={"enum": [{"x": 1}]}), "$.properties.a.enum"),
        (obj(a={"const": [1]}), "$.properties.a.const"),
        (obj(a={"type": "object"}), "$.properties.a"),
        (obj(x={"type": "string"}) | {"additionalProperties": True}, "$.additionalProperties"),
        (obj(a={"allOf": [{"type": "string"}, {"type": "string"}]}), "$.properties.a.allOf"),
        (obj(a={"anyOf": [{"type": "string"}, {}]}), "$.properties.a.anyOf[1]"),
        (obj(x={"type": "string"}) | {"anyOf": [{"type": "object"}]}, "$"),
    ],
)
def test_what_the_api_cannot_hold_an_answer_to_is_named_by_its_place(
    schema: Any, place: str
) -> None:
    found = unfit(schema)

    assert found[0].place == place
    assert found[0].what
    assert found[0].hint


def test_a_recursive_schema_is_unfit() -> None:
    node = obj(next={"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]})
    tree = obj(root={"$ref": "#/$defs/node"}) | {"$defs": {"node": node}}

    assert unfit(tree)[0].what == "#/$defs/node contains itself"
    assert unfit(obj(again={"$ref": "#"}))[0].what == "# contains itself"


def test_a_definition_that_is_used_twice_is_no_recursion() -> None:
    word = {"$ref": "#/$defs/word"}
    schema = obj(a=word, b=word, c={"type": "array", "items": word})

    assert unfit(schema | {"$defs": {"word": {"type": "string"}}}) == ()


def test_objects_are_closed_and_counted() -> None:
    schema = obj(inner=obj(x={"type": "string"}), shut=obj(y={"const": 1}))
    schema["properties"]["shut"]["additionalProperties"] = False

    whole, count = closed(schema)

    assert count == 2
    assert whole["additionalProperties"] is False
    assert whole["properties"]["inner"]["additionalProperties"] is False
    assert "additionalProperties" not in schema


def test_a_property_named_like_a_keyword_is_a_property() -> None:
    schema = obj(type={"type": "string"}, properties={"type": "integer"}, items={"const": 1})

    whole, count = closed(schema)

    assert unfit(schema) == ()
    assert count == 1
    assert native(whole)["properties"] == {
        "type": {"type": "string"},
        "properties": {"type": "integer"},
        "items": {"const": 1},
    }


def test_limits_are_told_in_words_and_named() -> None:
    sent = native(closed(REVIEW)[0])

    score = sent["properties"]["score"]
    assert score == {"type": "integer", "description": "{minimum: 1, maximum: 5}"}
    assert list(told(REVIEW)) == [
        "$.properties.score.minimum",
        "$.properties.score.maximum",
        "$.properties.tags.items.maxLength",
    ]


def test_a_description_stays_before_the_limits() -> None:
    sent = native({"type": "string", "description": "A code.", "pattern": "^[A-Z]$"})

    assert sent["description"] == 'A code.\n\n{pattern: "^[A-Z]$"}'


def test_formats_and_fewest_items_that_the_api_knows_travel() -> None:
    day = {"type": "string", "format": "date"}

    assert native(day) == day
    assert list(told({"type": "string", "format": "iban"})) == ["$.format"]
    assert native({"type": "array", "minItems": 1, "items": day})["minItems"] == 1
    assert list(told({"type": "array", "minItems": 2})) == ["$.minItems"]


def test_a_list_of_types_becomes_alternatives() -> None:
    sent = native({"type": ["string", "null"], "maxLength": 3, "title": "T"})

    assert sent == {
        "title": "T",
        "anyOf": [{"type": "string", "description": "{maxLength: 3}"}, {"type": "null"}],
    }


def test_one_of_travels_as_any_of() -> None:
    branches = [{"type": "string"}, {"type": "integer"}]

    assert native({"oneOf": branches, "discriminator": {"x": 1}}) == {"anyOf": branches}


_TYPES = ["null", "boolean", "integer", "number", "string", "array", "object"]
_names = st.sampled_from(["a", "b", "$c", "x y"])
_schemas = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(_TYPES)
            | st.lists(st.sampled_from(_TYPES), min_size=1, unique=True),
            "enum": st.lists(
                st.none() | st.integers() | st.text(max_size=5), min_size=1, unique=True
            ),
            "maxLength": st.integers(0, 9),
            "minimum": st.integers(),
            "title": st.text(max_size=5),
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["array", "object"]),
            "properties": st.dictionaries(_names, inner, max_size=3),
            "items": inner,
            "anyOf": st.lists(inner, min_size=1, max_size=3),
            "oneOf": st.lists(inner, min_size=1, max_size=3),
            "required": st.lists(_names, max_size=2, unique=True),
        },
    ),
    max_leaves=8,
)


@given(_schemas)
def test_what_is_fit_can_be_written_for_the_api(schema: dict[str, Any]) -> None:
    assume(_is_schema(schema) and not unfit(schema))

    sent = native(closed(schema)[0])

    assert _is_schema(json.loads(json.dumps(sent)))


def _is_schema(schema: Any) -> bool:
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError:
        return False
    return True
