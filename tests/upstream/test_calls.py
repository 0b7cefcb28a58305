"""Our HTTP against a world that misbehaves: one call is one, and failures have a meaning."""

import io

import anthropic
import httpx2
import pytest

from backburner.emulator.faults import DropAfter, DropBefore, Status
from backburner.emulator.transport import EmulatorTransport
from backburner.errors import KeyMissing, LeaseLost
from backburner.nouns.batch import HEAD, TAIL, body_bytes
from backburner.nouns.fault import Fault, FaultKind
from backburner.upstream import Answer, Body, Upstream
from backburner.upstream.connect import connect
from backburner.upstream.faults import seconds_of

PARAMS = b'{"model":"claude-haiku-4-5","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}'
ITEM = b'{"custom_id":"aaaaaaaaaaaa0-00000","params":' + PARAMS + b"}"
COUNTED = b'{"model":"claude-haiku-4-5","messages":[{"role":"user","content":"hi"}]}'
CREATE = "/v1/messages/batches"


class Watched(httpx2.BaseTransport):
    """Notes every call; `answers` come before the world's."""

    def __init__(self, world, *answers):
        self._inner = EmulatorTransport(world)
        self._answers = list(answers)
        self.calls = []
        self.received = b""

    def handle_request(self, request):
        self.calls.append(request)
        if self._answers:
            answer = self._answers.pop(0)
            self.received = b"".join(request.stream)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return self._inner.handle_request(request)


@pytest.fixture
def world(make_world):
    return make_world()


@pytest.fixture
def watch(world, make_client):
    """An upstream through a watched transport."""

    def make(*answers, key="k"):
        transport = Watched(world, *answers)
        return Upstream(make_client(world, transport, key)), transport

    return make


def body(arm=lambda: None, item=ITEM):
    return Body(length=len(HEAD + item + TAIL), chunks=iter([HEAD, item]), arm=arm, tail=TAIL)


def created(upstream):
    answer = upstream.create(body(), "")
    assert isinstance(answer, Answer)
    return answer.value.id


def test_a_create_announces_its_exact_length_and_is_streamed(watch, world):
    upstream, transport = watch()

    answer = upstream.create(body(), "")

    (call,) = transport.calls
    assert call.headers["content-length"] == str(body_bytes(1, len(PARAMS)))
    assert "transfer-encoding" not in call.headers
    assert call.headers["content-type"] == "application/json"
    assert "anthropic-beta" not in call.headers
    assert "idempotency-key" not in call.headers
    assert answer.value.processing_status == "in_progress"
    assert answer.value.request_counts.total == 1
    assert answer.workspace.startswith("wrkspc_")
    assert list(world.received(answer.value.id)) == [("aaaaaaaaaaaa0-00000", PARAMS)]


def test_betas_travel_as_a_header(watch):
    upstream, transport = watch()

    upstream.create(body(), "output-300k-2026-03-24")

    assert transport.calls[0].headers["anthropic-beta"] == "output-300k-2026-03-24"


def test_the_tail_is_armed_after_all_else_was_taken(watch):
    upstream, transport = watch()
    seen = []

    def pieces():
        seen.append("head")
        yield HEAD
        seen.append("item")
        yield ITEM

    upstream.create(
        Body(
            length=len(HEAD + ITEM + TAIL),
            chunks=pieces(),
            arm=lambda: seen.append("armed"),
            tail=TAIL,
        ),
        "",
    )

    assert seen == ["head", "item", "armed"]
    assert len(transport.calls) == 1


def test_a_refusal_to_arm_creates_nothing(watch, world):
    upstream, transport = watch()

    def refuse():
        raise LeaseLost("taken")

    answer = upstream.create(body(refuse), "")

    assert isinstance(answer, Fault)
    assert answer.kind is FaultKind.UNREACHED
    assert len(transport.calls) == 1
    assert world.ledger() == []


@pytest.mark.parametrize(
    "fault",
    [Status(500), Status(529), Status(429), Status(408), Status(409), DropBefore(), DropAfter()],
    ids=str,
)
def test_nothing_is_ever_posted_twice(watch, world, fault):
    world.script("create", fault)
    upstream, transport = watch()

    assert isinstance(upstream.create(body(), ""), Fault)

    assert len(transport.calls) == 1
    assert len(world.ledger()) == isinstance(fault, DropAfter)


def test_the_sdk_left_to_itself_posts_three_times(world, make_client):
    """The negative control: this is what is being avoided."""
    world.script("create", DropAfter(), times=9)
    transport = Watched(world)
    client = make_client(world, transport).with_options(max_retries=2)
    request = {
        "custom_id": "a",
        "params": {
            "model": "claude-haiku-4-5",
            "max_tokens": 5,
            "messages": [{"role": "user", "content": "hi"}],
        },
    }

    with pytest.raises(anthropic.APIConnectionError):
        client.messages.batches.create(requests=[request])

    assert len(transport.calls) == 3
    assert len(world.ledger()) == 3


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_a_redirect_is_a_definite_refusal_and_is_not_followed(watch, world, code):
    upstream, transport = watch(
        httpx2.Response(code, headers={"location": "https://elsewhere.example/v1"})
    )

    answer = upstream.create(body(), "")

    assert answer.kind is FaultKind.REFUSED
    assert [call.url.host for call in transport.calls] == ["emulator"]
    assert world.ledger() == []


AFTER_THE_BODY = {
    400: FaultKind.REFUSED,
    401: FaultKind.STOP,
    402: FaultKind.STOP,
    403: FaultKind.STOP,
    404: FaultKind.ABSENT,
    408: FaultKind.DOUBT,
    409: FaultKind.DOUBT,
    410: FaultKind.DOUBT,
    413: FaultKind.REFUSED,
    422: FaultKind.REFUSED,
    429: FaultKind.THROTTLED,
    500: FaultKind.DOUBT,
    502: FaultKind.DOUBT,
    503: FaultKind.DOUBT,
    504: FaultKind.DOUBT,
    529: FaultKind.DOUBT,
}


@pytest.mark.parametrize(("code", "kind"), AFTER_THE_BODY.items())
def test_each_status_after_a_whole_body_has_its_meaning(watch, world, code, kind):
    world.script("create", Status(code, "api_error", {"retry-after": "7"}))
    upstream, _ = watch()

    fault = upstream.create(body(), "")

    assert (fault.kind, fault.status, fault.retry_after) == (kind, code, 7)
    assert fault.request_id


@pytest.mark.parametrize(
    "failure",
    [
        httpx2.ReadTimeout("t"),
        httpx2.ReadError("r"),
        httpx2.RemoteProtocolError("p"),
        httpx2.ConnectError("c"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_no_answer_after_the_tail_is_a_doubt(watch, failure):
    upstream, transport = watch(failure)

    fault = upstream.create(body(), "")

    assert transport.received.endswith(TAIL)
    assert fault.kind is FaultKind.DOUBT
    assert type(failure).__name__ in fault.what


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"id":""}', b'{"id":"a"}', b"\xff"])
def test_an_answer_that_cannot_be_read_is_a_doubt(watch, content):
    upstream, _ = watch(httpx2.Response(200, content=content))

    assert upstream.create(body(), "").kind is FaultKind.DOUBT


@pytest.mark.parametrize(
    "message", ["You have reached your specified API usage limits. You will regain access …"]
)
def test_a_limit_set_by_oneself_needs_a_person(watch, world, message):
    world.script("create", Status(400, "invalid_request_error", message=message))
    upstream, _ = watch()

    assert upstream.create(body(), "").kind is FaultKind.STOP


def test_a_spend_limit_needs_a_person_though_it_comes_as_429(watch):
    error = {
        "type": "error",
        "error": {
            "type": "rate_limit_error",
            "message": "m",
            "details": {"error_code": "enforced_spend_limit_reached"},
        },
    }
    upstream, _ = watch(httpx2.Response(429, json=error))

    assert upstream.create(body(), "").kind is FaultKind.STOP


@pytest.mark.parametrize("code", [500, 503, 529, 408])
def test_a_read_that_fails_is_not_repeated_and_leaves_no_doubt(watch, world, code):
    upstream, transport = watch()
    name = created(upstream)
    for route in ("retrieve", "list", "results"):
        world.script(route, Status(code))

    faults = [
        upstream.retrieve(name),
        upstream.page(limit=1),
        upstream.download(name, io.BytesIO()),
    ]

    assert {fault.kind for fault in faults} == {FaultKind.UNREACHED}
    assert len(transport.calls) == 4


@pytest.mark.parametrize("code", [404, 410])
def test_what_is_not_there_is_absent(watch, world, code):
    world.script("results", Status(code, "not_found_error"))
    upstream, _ = watch()
    name = created(upstream)

    assert upstream.download(name, io.BytesIO()).kind is FaultKind.ABSENT


def test_results_are_copied_byte_for_byte_and_hashed(watch, clock):
    upstream, transport = watch()
    name = created(upstream)
    clock.sleep(60)
    file = io.BytesIO()
    moved = []

    downloaded = upstream.download(name, file, lambda: moved.append(1))

    assert downloaded.size == len(file.getvalue()) > 100
    assert len(downloaded.sha256) == 64
    assert moved
    assert file.getvalue().endswith(b"\n")
    assert transport.calls[-1].url.path == f"{CREATE}/{name}/results"


def test_a_foreign_results_url_is_never_followed(world, clock, make_client):
    class Lying(Watched):
        def handle_request(self, request):
            response = super().handle_request(request)
            shown = response.read().replace(b"http://emulator/", b"http://thief.example/")
            return httpx2.Response(response.status_code, headers=response.headers, content=shown)

    transport = Lying(world)
    upstream = Upstream(make_client(world, transport))
    name = created(upstream)
    clock.sleep(60)
    answer = upstream.retrieve(name)

    upstream.download(name, io.BytesIO())

    assert "thief.example" in answer.value.results_url
    assert {call.url.host for call in transport.calls} == {"emulator"}


def test_pages_are_newest_first_and_follow_on(watch):
    upstream, _ = watch()
    names = [created(upstream) for _ in range(3)]

    first = upstream.page(limit=2).value
    rest = upstream.page(limit=2, after=first.last_id).value

    assert [one.id for one in (*first.data, *rest.data)] == names[::-1]
    assert (first.has_more, rest.has_more) == (True, False)


def test_a_running_batch_says_when_to_ask_again(watch):
    upstream, _ = watch()

    assert upstream.retrieve(created(upstream)).retry_after == 1


def test_a_batch_is_canceled_and_deleted(watch, clock):
    upstream, _ = watch()
    name = created(upstream)

    assert upstream.cancel(name).value.processing_status == "canceling"
    assert upstream.delete(name).kind is FaultKind.REFUSED
    clock.sleep(100)
    assert upstream.delete(name) is None
    assert upstream.retrieve(name).kind is FaultKind.ABSENT


def test_credentials_are_in_no_fault(world, make_client):
    world.script("create", Status(401, "authentication_error"))
    upstream = Upstream(make_client(world, None, "sk-canary-key"))

    assert "canary" not in repr(upstream.create(body(), ""))


def test_nobody_is_called_without_a_credential():
    with pytest.raises(KeyMissing, match="no key"):
        connect({}, create_seconds=1)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("0.5", 0.5), (None, None), ("", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)],
)
def test_retry_after_is_read_in_seconds(header, seconds):
    assert seconds_of(header) == seconds


def test_a_prompt_is_counted_once_and_by_the_upstream(watch):
    upstream, transport = watch()

    answer = upstream.count(COUNTED, "")

    assert isinstance(answer, Answer)
    assert 5 < answer.value.input_tokens < 30
    assert [call.url.path for call in transport.calls] == ["/v1/messages/count_tokens"]


@pytest.mark.parametrize("answer", [httpx2.ConnectError("no"), httpx2.Response(200, text="x")])
def test_a_count_that_fails_is_a_fault(watch, answer):
    upstream, transport = watch(answer)

    assert isinstance(upstream.count(COUNTED, ""), Fault)
    assert len(transport.calls) == 1
