"""How a body of requests is taken in."""

import json
from itertools import pairwise

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backburner.emulator.intake import Intake
from backburner.emulator.settings import Limits
from backburner.emulator.transport import EmulatorTransport

BATCHES = "/v1/messages/batches"


class Memory:
    """Keeps in memory what a spool would write."""

    def __init__(self):
        self.requests = []

    def add(self, custom_ids, params):
        self.requests += zip(custom_ids, params, strict=True)


def take(body, cuts=(), window=1 << 17, limit=100_000):
    memory = Memory()
    intake = Intake(memory, limit, window)
    edges = [0, *sorted(cuts), len(body)]
    for start, stop in pairwise(edges):
        intake.feed(body[start:stop])
    return intake.verdict(), memory.requests


AWKWARD = (
    b' { "requests" : [ {"custom_id":"a","params":{"x":"},{\\"custom_id\\":\\"no\\"","y":[{"z":{}},'
    b'{"custom_id":1}]}},\n\t{"params": {"t":"\\\\"} , "custom_id":"b"},{"custom_id":"c","params":'
    b'{"u":"\xc3\xa9\\u00e9 ]}"}},{"custom_id":"d","params":{}}\r\n] } '
)


def test_a_body_may_be_cut_at_every_byte():
    whole = take(AWKWARD)
    assert whole[0] is None
    assert [custom_id for custom_id, _ in whole[1]] == ["a", "b", "c", "d"]

    for cut in range(1, len(AWKWARD)):
        assert take(AWKWARD, [cut], window=1) == whole


def test_a_body_may_come_byte_by_byte():
    assert take(AWKWARD, range(1, len(AWKWARD)), window=1) == take(AWKWARD)


def test_parameters_are_kept_byte_for_byte():
    _, requests = take(AWKWARD)

    assert requests[0][1].startswith(b'{"x":"},{\\"custom_id\\"')
    assert requests[1][1] == b'{"t":"\\\\"}'
    assert requests[2][1] == b'{"u":"\xc3\xa9\\u00e9 ]}"}'


def test_what_looks_like_a_border_inside_an_element_is_none():
    inner = {"custom_id": "inner", "params": {}}
    outer = [
        {"custom_id": f"o-{i}", "params": {"list": [{"q": 1}, inner, inner]}} for i in range(50)
    ]
    body = json.dumps({"requests": outer}, separators=(",", ":")).encode()

    for window in (1, 100, 1_000, 100_000):
        verdict, requests = take(body, range(0, len(body), 37), window=window)
        assert verdict is None
        assert [custom_id for custom_id, _ in requests] == [f"o-{i}" for i in range(50)]


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text('{}[]",:\\a', max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
_requests = st.lists(
    st.tuples(
        st.text("abcXYZ019_-", min_size=1, max_size=64),
        st.dictionaries(st.text('{}[]",:\\ak', max_size=6), _json, max_size=4),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda entry: entry[0],
)


@settings(max_examples=150, deadline=None)
@given(
    entries=_requests,
    separators=st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t:")]),
    plain=st.booleans(),
    window=st.sampled_from([1, 7, 64, 1 << 17]),
    step=st.integers(1, 50),
)
def test_any_list_of_requests_is_read_as_json_loads_reads_it(
    entries, separators, plain, window, step
):
    requests = [
        {"custom_id": i, "params": p} if first else {"params": p, "custom_id": i}
        for i, p, first in entries
    ]
    body = json.dumps({"requests": requests}, separators=separators, ensure_ascii=plain).encode()

    verdict, taken = take(body, range(step, len(body), step), window=window)

    assert verdict is None
    assert [(i, json.loads(p)) for i, p in taken] == [(i, p) for i, p, _ in entries]
    assert all(p in body for _, p in taken)


@settings(max_examples=300, deadline=None)
@given(
    body=st.text('{}[]":, \\aequsts01.e-ntrl', max_size=30).map(str.encode)
    | st.integers(0, len(AWKWARD)).map(lambda n: AWKWARD[:n])
    | st.tuples(st.integers(0, len(AWKWARD) - 1), st.binary(max_size=2)).map(
        lambda edit: AWKWARD[: edit[0]] + edit[1] + AWKWARD[edit[0] + 1 :]
    ),
    step=st.integers(1, 40),
    window=st.sampled_from([1, 20, 1 << 17]),
)
def test_a_body_is_valid_json_exactly_if_json_loads_says_so(body, step, window):
    try:
        json.loads(body.decode(), parse_constant=lambda _name: json.loads("!"))
    except ValueError:
        valid = False
    else:
        valid = True

    verdict, _ = take(body, range(step, len(body), step), window=window)

    refused = verdict is not None and verdict.startswith("The request body is not valid JSON:")
    twice = verdict is not None and "twice" in verdict
    assert refused is not valid or twice


@pytest.mark.parametrize(
    ("requests", "message"),
    [
        (
            [{"custom_id": "X", "params": {}}, {"custom_id": "Y", "params": {}}] * 2,
            "requests: custom_id's must be unique within a batch. Duplicate custom_id found: X",
        ),
        ([{"params": {}}], "requests.0.custom_id: Field required"),
        (
            [{"custom_id": "ok", "params": {}}, {"custom_id": "a" * 65, "params": {}}],
            "requests.1.custom_id: String should have at most 64 characters",
        ),
        (
            [{"custom_id": "a b", "params": {}}],
            "requests.0.custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'",
        ),
        (
            [{"custom_id": "a\n", "params": {}}],
            "requests.0.custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'",
        ),
        ([], "requests: List should have at least 1 item after validation, not 0"),
        ([{"custom_id": "a"}], "requests.0.params: Field required"),
        (
            [{"custom_id": "a", "params": []}],
            "requests.0.params: Input should be a valid dictionary",
        ),
        ([7], "requests.0: Input should be a valid dictionary"),
        ([{"custom_id": 7, "params": {}}], "requests.0.custom_id: Input should be a valid string"),
        (
            [{"custom_id": "a", "params": {}, "betas": []}],
            "requests.0.betas: Extra inputs are not permitted",
        ),
    ],
)
def test_a_faulty_list_is_refused_as_a_whole(api, requests, message):
    answer = api.post(BATCHES, {"requests": requests})

    assert answer.status == 400
    assert answer.json["type"] == "error"
    assert answer.json["error"]["type"] == "invalid_request_error"
    assert answer.message == message
    assert answer.json["request_id"] == answer.headers["request-id"]
    assert api.world.ledger() == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"requests":[],"name":"x"}', "name: Extra inputs are not permitted"),
        (b'{"a":1,"requests":[]}', "a: Extra inputs are not permitted"),
        (b"{}", "requests: Field required"),
        (b'{"requests":7}', "requests: Input should be a valid list"),
        (b"[]", "Input should be a valid dictionary"),
    ],
)
def test_a_body_of_another_form_is_refused(api, body, message):
    answer = api.call("POST", BATCHES, body)

    assert (answer.status, answer.message) == (400, message)


@pytest.mark.parametrize("body", [b"", b"{", b'{"requests":[}', b'{"requests":[]}x', b"\xff"])
def test_what_is_not_json_is_said_not_to_be(api, body):
    answer = api.call("POST", BATCHES, body)

    assert answer.status == 400
    assert answer.message.startswith("The request body is not valid JSON:")


def test_a_list_may_not_be_too_long():
    body = json.dumps(
        {"requests": [{"custom_id": str(i), "params": {}} for i in range(11)]}
    ).encode()

    assert take(body, limit=11)[0] is None
    assert take(body, limit=10)[0] == (
        "requests: List should have at most 10 items after validation, not 11"
    )


def test_a_body_over_the_limit_is_refused_before_it_has_come(api):
    answer = api.call("POST", BATCHES, b"{", content_length="256000001")

    assert answer.status == 413
    assert answer.json["error"]["type"] == "request_too_large"


def test_a_body_without_a_length_is_refused_once_it_is_over_the_limit(emulate, ask):
    api = emulate(limits=Limits(batch_body_bytes=1_000))
    body = json.dumps({"requests": [{"custom_id": "a", "params": ask("x" * 1_000)}]}).encode()

    assert api.call("POST", BATCHES, body, content_length="").status == 413
    assert api.world.ledger() == []


def test_a_body_without_its_last_two_bytes_creates_nothing(api, ask):
    body = json.dumps({"requests": [{"custom_id": "a", "params": ask()}]}).encode()
    exchange = api.world.open(
        "POST",
        BATCHES,
        {"x-api-key": "k", "anthropic-version": "2023-06-01", "content-length": str(len(body))},
    )
    exchange.feed(body[:-2])

    exchange.abort()

    assert api.world.ledger() == []


def test_a_finished_body_that_is_short_creates_nothing(api, ask):
    body = json.dumps({"requests": [{"custom_id": "a", "params": ask()}]}).encode()

    answer = api.call("POST", BATCHES, body, content_length=str(len(body) + 2))

    assert answer.status == 400
    assert api.world.ledger() == []


class LostError(BaseException):
    pass


def test_a_client_that_dies_before_the_tail_creates_nothing(api, ask):
    body = json.dumps({"requests": [{"custom_id": "a", "params": ask()}]}).encode()

    def dying():
        yield body[:-2]
        raise LostError

    with (
        httpx2.Client(transport=EmulatorTransport(api.world)) as http,
        pytest.raises(LostError),
    ):
        http.post(
            f"http://emulator{BATCHES}",
            content=dying(),
            headers={
                "x-api-key": "k",
                "anthropic-version": "2023-06-01",
                "content-length": str(len(body)),
            },
        )

    assert api.world.ledger() == []


def test_a_stream_that_ends_early_is_an_error_of_the_client(api, ask):
    body = json.dumps({"requests": [{"custom_id": "a", "params": ask()}]}).encode()

    with (
        httpx2.Client(transport=EmulatorTransport(api.world)) as http,
        pytest.raises(httpx2.LocalProtocolError),
    ):
        http.post(
            f"http://emulator{BATCHES}",
            content=iter([body[:-2]]),
            headers={
                "x-api-key": "k",
                "anthropic-version": "2023-06-01",
                "content-length": str(len(body)),
            },
        )

    assert api.world.ledger() == []


def test_what_was_received_is_handed_back_token_for_token(api):
    params = (
        b'{"model" : "claude-haiku-4-5","max_tokens":1e2, "unknown":[1.0,2.50,"\\u00e9\xc3\xa9"]}'
    )
    body = b'{"requests":[{"custom_id":"a","params":' + params + b"}]}"

    batch = api.call("POST", BATCHES, body).json

    assert list(api.world.received(batch["id"])) == [("a", params)]
    [entry] = api.world.ledger()
    assert (entry.id, entry.count, list(entry.custom_ids())) == (batch["id"], 1, ["a"])
