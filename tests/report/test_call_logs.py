"""Logs are read by the names that their tools give them, and no line is lost in silence."""

import gzip
import json

import pytest

from backburner.errors import InputError
from backburner.nouns.usage import Usage
from backburner.report.calls.logs import BadLines, read_logs

OURS = {
    "time": "2026-10-01T09:00:00Z",
    "model": "claude-sonnet-4-6",
    "input_tokens": 100,
    "output_tokens": 20,
    "cache_read_tokens": 900,
    "cache_write_1h_tokens": 50,
    "caller": "cms",
    "route": "drafts",
    "stream": False,
    "seconds": 2.5,
}


def read(path, own=None):
    bad = BadLines()
    return list(read_logs([path], own or {}, bad)), bad


def jsonl(tmp_path, *records, name="calls.jsonl"):
    path = tmp_path / name
    path.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
    return path


def test_a_record_of_our_own_names_is_read_whole(tmp_path):
    (call,), bad = read(jsonl(tmp_path, OURS))

    assert bad.count == 0
    assert (call.at, call.model, call.caller, call.route) == (
        1_790_845_200.0,
        "claude-sonnet-4-6",
        "cms",
        "drafts",
    )
    assert call.usage == Usage(
        input_tokens=100, output_tokens=20, cache_read_tokens=900, cache_write_1h_tokens=50
    )
    assert (call.seconds, call.is_streamed, call.is_batched) == (2.5, False, False)


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(
            {
                "startTime": "2026-10-01T09:00:00",
                "endTime": "2026-10-01T09:00:04",
                "model": "anthropic/claude-haiku-4-5",
                "prompt_tokens": 130,
                "completion_tokens": 20,
                "cache_read_input_tokens": 30,
                "user": "ann",
                "request_tags": ["seo", "night"],
            },
            id="litellm",
        ),
        pytest.param(
            {
                "start_time": "2026-10-01 09:00:00.000000",
                "latency": 4,
                "provided_model_name": "claude-haiku-4-5",
                "usage": {"input_tokens": 100, "output_tokens": 20, "cache_read_input_tokens": 30},
                "user_id": "ann",
                "tags": ["seo", "night"],
            },
            id="langfuse",
        ),
        pytest.param(
            {
                "request_created_at": "2026-10-01T09:00:00Z",
                "delay_ms": 4000,
                "request_model": "claude-haiku-4-5",
                "prompt_tokens": 130,
                "completion_tokens": 20,
                "prompt_cache_read_tokens": 30,
                "request_user_id": "ann",
                "path": "seo night",
            },
            id="helicone",
        ),
        pytest.param(
            {
                "timestamp": 1_790_845_200_000,
                "duration": 4,
                "gen_ai.request.model": "claude-haiku-4-5",
                "gen_ai.usage.input_tokens": 130,
                "gen_ai.usage.output_tokens": 20,
                "gen_ai.usage.cache_read.input_tokens": 30,
                "service.name": "ann",
                "route": "seo night",
            },
            id="opentelemetry",
        ),
    ],
)
def test_records_of_other_tools_mean_the_same(tmp_path, record):
    (call,), _ = read(jsonl(tmp_path, record))

    assert call.at == 1_790_845_200.0
    assert call.model == "claude-haiku-4-5"
    assert call.usage == Usage(input_tokens=100, output_tokens=20, cache_read_tokens=30)
    assert (call.caller, call.route, call.seconds) == ("ann", "seo night", 4.0)


def test_a_table_is_read_with_its_quotes(tmp_path):
    path = tmp_path / "calls.csv"
    path.write_text(
        "time,model,input_tokens,output_tokens,route\n"
        '2026-10-01T09:00:00Z,claude-haiku-4-5,10,2,"drafts, ""long"""\n',
        encoding="utf-8",
    )

    (call,), _ = read(path)

    assert call.route == 'drafts, "long"'


def test_a_compressed_log_and_an_array_are_read_like_any_other(tmp_path):
    packed = tmp_path / "calls.jsonl.gz"
    packed.write_bytes(gzip.compress(json.dumps(OURS).encode()))
    array = tmp_path / "array.json"
    array.write_text(json.dumps([OURS, OURS]), encoding="utf-8")

    assert len(read(packed)[0]) == 1
    assert len(read(array)[0]) == 2


def test_a_column_of_another_name_can_be_named(tmp_path):
    record = {**OURS, "when": OURS["time"]}
    del record["time"]

    (call,), _ = read(jsonl(tmp_path, record), {"When": "time"})

    assert call.at == 1_790_845_200.0


def test_a_body_is_only_hashed_and_its_beginning_told_apart(tmp_path):
    def logged(system, text):
        body = {"model": "m", "system": system, "messages": [{"role": "user", "content": text}]}
        return {**OURS, "body": body}

    path = jsonl(tmp_path, logged("a", "1"), logged("a", "2"), logged("b", "1"), logged("a", "1"))

    calls, _ = read(path)

    assert [calls[0].body == call.body for call in calls] == [True, False, False, True]
    assert [calls[0].prefix == call.prefix for call in calls] == [True, True, False, True]


def test_lines_that_are_no_calls_are_counted_and_named(tmp_path):
    path = tmp_path / "calls.jsonl"
    lines = [
        json.dumps(OURS),
        "{broken",
        json.dumps({**OURS, "model": ""}),
        json.dumps({**OURS, "time": "yesterday"}),
        json.dumps({**OURS, "input_tokens": -1}),
        json.dumps({"time": OURS["time"], "model": "claude-haiku-4-5"}),
        "[]",
        "",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    calls, bad = read(path)

    assert len(calls) == 1
    assert bad.count == 6
    assert [one.partition(", line ")[2] for one in bad.first] == [
        "2: it is no JSON",
        "3: it has no model",
        "4: its time is no time",
        "5: its input_tokens is negative",
        "6: it has no tokens",
        "7: it is no object",
    ]


def test_a_page_of_the_usage_report_gives_its_sums(tmp_path):
    row = {
        "uncached_input_tokens": 1_000,
        "cache_creation": {"ephemeral_1h_input_tokens": 7, "ephemeral_5m_input_tokens": 8},
        "cache_read_input_tokens": 9,
        "output_tokens": 10,
        "server_tool_use": {"web_search_requests": 0},
        "model": "claude-haiku-4-5",
        "service_tier": "batch",
        "api_key_id": "apikey_1",
        "workspace_id": None,
    }
    page = {
        "data": [
            {
                "starting_at": "2026-10-01T00:00:00Z",
                "ending_at": "2026-10-02T00:00:00Z",
                "results": [row, {**row, "model": None}],
            }
        ],
        "has_more": False,
        "next_page": None,
    }
    path = tmp_path / "usage.json"
    path.write_text(json.dumps(page, indent=2), encoding="utf-8")

    (call,), bad = read(path)

    assert (call.is_sum, call.is_batched, call.caller) == (True, True, "apikey_1")
    assert call.usage == Usage(
        input_tokens=1_000,
        output_tokens=10,
        cache_write_1h_tokens=7,
        cache_write_5m_tokens=8,
        cache_read_tokens=9,
    )
    assert bad.count == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("none.jsonl", None),
        ("empty.jsonl", b""),
        ("no.json", b'{"data": 3}'),
        ("bad.csv", b'time,model\n"2026'),
        ("not.gz", b"plain"),
    ],
)
def test_a_file_that_is_no_log_is_an_error_that_names_it(tmp_path, name, content):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(InputError, match=name) as caught:
        read(path)

    assert caught.value.hint


def test_a_field_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(InputError, match="colour"):
        read(jsonl(tmp_path, OURS), {"a": "colour"})
