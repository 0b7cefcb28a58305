import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backburner.runs.places import line_and_column, offset_in_error, offset_of

TEXT = ' {"custom_id": "é", "params": {"a": [1, {"b": 2}], "a\\"": null}}'


def test_keys_and_elements_are_found() -> None:
    assert TEXT[offset_of(TEXT, ("params",)) :].startswith('"params"')
    assert TEXT[offset_of(TEXT, ("params", 'a"')) :].startswith('"a\\""')
    assert TEXT[offset_of(TEXT, ("params", "a", 1)) :].startswith('{"b"')
    assert TEXT[offset_of(TEXT, ("params", "a", 1, "b")) :].startswith('"b"')


def test_what_is_not_there_is_found_where_it_should_be() -> None:
    assert TEXT[offset_of(TEXT, ("params", "model")) :].startswith('"params"')
    assert TEXT[offset_of(TEXT, ("params", "a", 7)) :].startswith('"a"')
    assert offset_of(TEXT, ("custom_id", "x")) == offset_of(TEXT, ("custom_id",))


def test_broken_json_has_no_place() -> None:
    assert offset_of('{"a": ', ("b",)) is None
    assert offset_of("", ("b",)) is None


def test_columns_are_bytes_of_their_line() -> None:
    assert line_and_column("é, x", 3) == (0, 5)
    assert line_and_column("a\nbc\nd", 3) == (1, 2)


def test_a_message_of_the_decoder_names_its_place() -> None:
    assert offset_in_error("éab", "invalid character (byte 3)") == 2
    assert offset_in_error(TEXT, "Expected `str`, got `int` - at `$.custom_id`") == 2
    assert offset_in_error('{"x\n', "Input data was truncated") == 3
    assert offset_in_error("x", "something else") is None


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
        ),
    ),
    st.sampled_from([None, 1]),
)
def test_every_place_of_any_json_is_found(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)

    for path, inner in paths(value):
        at = offset_of(text, path)
        assert at is not None
        rest, _ = json.JSONDecoder().raw_decode(text, at)
        assert rest == (path[-1] if isinstance(path[-1], str) else inner)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Any:
    pairs: Any = ()
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    for key, inner in pairs:
        yield (*path, key), inner
        yield from paths(inner, (*path, key))
