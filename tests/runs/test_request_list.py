import json
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.runs.faults import Faults
from backburner.runs.request_list import RequestRecord, read_requests

GOOD = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "é\n\u2028"}]}


def line(key: Any, **changes: Any) -> str:
    return json.dumps({"custom_id": key, "params": GOOD | changes})


def read(
    data: str | bytes, known: Any = None, **options: Any
) -> tuple[list[RequestRecord], Faults]:
    faults = Faults()
    stream = BytesIO(data.encode() if isinstance(data, str) else data)
    return list(read_requests(stream, faults, known, **options)), faults


def test_requests_keep_keys_lines_and_bytes() -> None:
    found, faults = read("\ufeff" + line("a") + "\n\n" + line("b / é", x=1.0) + "\r\n")

    assert faults.count == 0
    assert [(each.line, each.custom_id) for each in found] == [(1, "a"), (3, "b / é")]
    assert found[1].params == json.dumps(GOOD | {"x": 1.0}).encode()


@given(
    st.lists(st.dictionaries(st.text(max_size=3), st.integers() | st.text()), min_size=1),
    st.sampled_from([None, 2]),
    st.sampled_from(["", "\n", " \r\n"]),
)
def test_an_array_gives_the_same_requests_as_lines(
    extras: list[dict[str, Any]], indent: int | None, blank: str
) -> None:
    items = [{"custom_id": str(i), "params": GOOD | {"x": x}} for i, x in enumerate(extras)]
    text = blank + json.dumps(items, indent=indent) + blank

    from_array, faults = read(text)
    from_lines, _ = read("\n".join(map(json.dumps, items)))

    assert faults.count == 0
    flat = [json.loads(each.params) for each in from_array]
    assert flat == [json.loads(each.params) for each in from_lines]
    assert all(b"\n" not in each.params for each in from_array)
    lines = text.split("\n")
    for each in from_array:
        assert lines[each.line - 1].lstrip("[ \r").startswith("{")


def test_large_arrays_are_read_block_by_block() -> None:
    text = "[" + ", ".join(line(str(i), pad="x" * 3000) for i in range(500)) + "]"

    found, faults = read(text)

    assert len(found) == 500
    assert faults.count == 0


@pytest.mark.parametrize("text", ["[", "[{}", '[{"a":1},', "[1 2]", "[] x", "[{]", "[,]"])
def test_a_broken_array_is_a_fault(text: str) -> None:
    _, faults = read(text)

    assert faults.kept[-1].code == "request_invalid"


def test_all_faults_of_a_list_are_found_with_their_lines() -> None:
    text = "\n".join(
        [
            line("a"),
            "{",
            line("b", stream=True, max_tokens=0),
            line(7),
            line(""),
            line("c", model="x"),
            line("a"),
            '{"custom_id":"d"}',
            '{"custom_id":"e","params":[]}',
        ]
    )

    found, faults = read(text, {"m"})

    assert [(each.line, each.code) for each in faults.kept] == [
        (2, "request_invalid"),
        (3, "parameter_refused"),
        (3, "parameter_refused"),
        (4, "request_invalid"),
        (5, "request_invalid"),
        (6, "model_unknown"),
        (7, "duplicate_key"),
        (8, "request_invalid"),
        (9, "request_invalid"),
    ]
    assert "line 1" in faults.kept[6].what
    assert "'b'" in faults.kept[1].what
    assert [each.custom_id for each in found] == ["a", "a"]


def test_a_limit_takes_the_first_requests_and_judges_no_others() -> None:
    found, faults = read("\n".join([line("a"), line("b"), line("b"), "{"]), limit=2)

    assert [each.custom_id for each in found] == ["a", "b"]
    assert faults.count == 0


def test_bytes_that_are_no_utf8_are_a_fault() -> None:
    _, faults = read(line("a").encode().replace(b"user", b"us\xff"))

    assert faults.kept[0].code == "not_utf8"


@pytest.mark.parametrize("text", ["", "\n", "[]", "[ \n ]"])
def test_an_empty_list_is_a_fault(text: str) -> None:
    _, faults = read(text)

    assert [each.code for each in faults.kept] == ["input_empty"]


def test_a_key_that_stands_twice_is_told_beside_a_refusal_of_the_same_request() -> None:
    messages = '[{"role":"user","content":"x"}]'
    params = f'"model":"m","max_tokens":9,"messages":{messages}'
    line = '{"custom_id":"a","params":{' + params + "%s}}\n"
    faults = Faults()

    list(read_requests(BytesIO((line % "" + line % ',"stream":true').encode()), faults))

    assert [(fault.code, fault.line) for fault in faults.kept] == [
        ("parameter_refused", 2),
        ("duplicate_key", 2),
    ]
