import json
from collections import UserDict
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.nouns.request import encode_params, read_line, read_params, travelling

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)
ODD_TOKENS = [
    "123456789012345678901234567890",
    "1e400",
    "-1E-400",
    "1.0",
    "1.10",
    "-0",
    "-0.0e+05",
    r'"\u00e9\ud83d\ude00\/\n\u0000"',
    '"é \u2028 \x7f"',
    '{"a":1,"a":2}',
    "[]",
]


@given(value=JSON_VALUES, ascii_only=st.booleans())
def test_params_on_one_line_travel_as_they_are(value: Any, *, ascii_only: bool) -> None:
    body = json.dumps({"model": "m", "x": value}, ensure_ascii=ascii_only).encode()
    line = b'{"custom_id": "a", "params": ' + body + b"}"

    assert travelling(read_line(line).params) == body


@pytest.mark.parametrize("token", ODD_TOKENS)
def test_odd_tokens_survive_the_door_and_compaction(token: str) -> None:
    flat = f'{{"model":"m","x":{token}}}'.encode()
    spread = f'{{\r\n  "model" : "m",\n\t"x":\r{token} }}'.encode()

    assert travelling(read_line(b'{"custom_id":"a","params":%b}' % flat).params) == flat
    assert travelling(spread) == flat


@given(JSON_VALUES)
def test_compaction_changes_blanks_only(value: Any) -> None:
    spread = json.dumps({"model": "m", "x": value}, indent=2).encode()
    flat = json.dumps({"model": "m", "x": value}, separators=(",", ":")).encode()

    assert travelling(spread) == flat


@pytest.mark.parametrize(
    "text",
    [
        rb'"\ud800"',
        rb'"\ud800 x"',
        rb'"\udc00\ud800"',
        rb'"\ud800\u0041"',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"NaN",
        b"01",
        b"[1,]",
        b'"\x01"',
    ],
)
def test_what_is_no_json_text_is_refused_at_the_door(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_line(b'{"custom_id":"a","params":{"x":%b}}' % text)


def test_half_a_pair_is_told_as_such_and_not_as_an_end() -> None:
    for half in (rb"\ud800", rb"\uDBFF and more"):
        with pytest.raises(ValueError, match="half of a surrogate pair"):
            read_line(b'{"custom_id":"a","params":{"x":"%b"}}' % half)
        with pytest.raises(ValueError, match="half of a surrogate pair"):
            read_params(b'{"system":"%b"}' % half)


@pytest.mark.parametrize("line", ["[]", "{}", '{"custom_id":5,"params":{}}', "", "{} {}"])
def test_a_line_that_is_no_request_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_line(line)


def test_any_text_is_a_callers_key() -> None:
    line = read_line('{"custom_id":"A/7 é","params":{}}')

    assert line.custom_id == "A/7 é"


def test_keys_written_with_escapes_are_recognised() -> None:
    assert read_params(rb'{"str\u0065am":true}').stream is True


def test_python_numbers_that_json_cannot_write_are_refused() -> None:
    for number in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="Out of range float"):
            encode_params({"x": [{"y": number}]})

    assert encode_params({"x": None, "y": 0.5}) == b'{"x":null,"y":0.5}'


def test_half_a_surrogate_pair_is_refused_in_python_objects() -> None:
    with pytest.raises(ValueError, match="surrogate"):
        encode_params({"x": "\ud800"})


def test_objects_of_the_sdk_become_plain_json() -> None:
    class Block:
        def model_dump(self, **options: Any) -> dict[str, Any]:
            return {"type": "text", "options": sorted(options)}

    body = encode_params({"content": [Block()]})

    assert msgspec.json.decode(body)["content"][0]["type"] == "text"


@pytest.mark.parametrize(
    "value", [object(), b"abc", {1}, Decimal("0.1"), datetime(2026, 11, 23, tzinfo=UTC), {b"a": 1}]
)
def test_objects_that_are_no_json_are_refused(value: Any) -> None:
    with pytest.raises(TypeError, match=type(value).__name__ + r"|keys must be"):
        encode_params({"x": [value]})


@pytest.mark.parametrize("outer", [UserDict, MappingProxyType])
def test_any_mapping_and_any_text_is_written(outer: Any) -> None:
    class Text(str):
        __slots__ = ()

    body = encode_params(outer({"x": outer({"y": Text("é")}), "z": (1, 2.5)}))

    assert body == '{"x":{"y":"é"},"z":[1,2.5]}'.encode()


def test_whole_numbers_are_written_to_the_last_digit() -> None:
    for number in (2**70, 10**40):
        assert encode_params({"x": number}) == b'{"x":%d}' % number
        assert encode_params({"x": (number,)}) == b'{"x":[%d]}' % number


def test_what_is_nested_too_deep_or_holds_itself_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    circle: dict[str, Any] = {}
    circle["x"] = circle

    for params in ({"x": deep}, {"x": (deep,)}, circle, {"x": (circle,)}):
        with pytest.raises(ValueError, match=r"nested too deep|Circular"):
            encode_params(params)


@given(JSON_VALUES)
def test_what_is_written_reads_as_it_was(value: Any) -> None:
    assert json.loads(encode_params({"x": value})) == {"x": value}
