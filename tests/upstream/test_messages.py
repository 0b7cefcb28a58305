"""One Messages call: its answer as it came, or what went wrong, and if it may have been paid."""

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from backburner.emulator.faults import Cut, DropAfter, DropBefore, Slow, Status
from backburner.emulator.transport import EmulatorTransport
from backburner.nouns.fault import Fault, FaultKind
from backburner.upstream import Spoken, Upstream

BODY = b'{"model":"claude-haiku-4-5", "max_tokens":5,"messages":[{"role":"user","content":"hi"}]}'


class Answering(httpx2.BaseTransport):
    """Gives one answer, whatever is asked."""

    def __init__(self, answer):
        self.answer = answer
        self.calls = []

    def handle_request(self, request):
        self.calls.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def world(make_world):
    return make_world()


@pytest.fixture
def upstream(world, make_client):
    return Upstream(make_client(world))


def test_an_answer_comes_back_byte_for_byte_with_the_workspace_that_pays(world, upstream):
    answer = upstream.message(BODY, "")

    assert isinstance(answer, Spoken)
    assert answer.message.startswith(b'{"model":"claude-haiku-4-5-')
    assert answer.workspace == world.settings.default_workspace
    assert len(world.messages()) == 1


def test_the_body_goes_up_unchanged_and_betas_in_the_header(world, make_client):
    transport = Answering(httpx2.Response(529))
    upstream = Upstream(make_client(world, transport))

    upstream.message(BODY, "one-2026-01-01,two-2026-01-01")

    (call,) = transport.calls
    assert call.content == BODY
    assert call.headers["anthropic-beta"] == "one-2026-01-01,two-2026-01-01"


@pytest.mark.parametrize(
    ("fault", "kind", "paid"),
    [
        (Status(429, headers={"retry-after": "3"}), FaultKind.THROTTLED, 0),
        (Status(529), FaultKind.THROTTLED, 0),
        (Status(400), FaultKind.REFUSED, 0),
        (Status(404), FaultKind.ABSENT, 0),
        (Status(413), FaultKind.REFUSED, 0),
        (Status(401), FaultKind.STOP, 0),
        (Status(402), FaultKind.STOP, 0),
        (Status(500), FaultKind.REFUSED, 0),
        (Status(504), FaultKind.REFUSED, 0),
        (DropBefore(), FaultKind.DOUBT, 0),
        (DropAfter(), FaultKind.DOUBT, 1),
        (Slow(), FaultKind.DOUBT, 1),
        (Cut(), FaultKind.DOUBT, 1),
        (Cut(clean=True), FaultKind.DOUBT, 1),
    ],
)
def test_what_may_have_been_answered_is_a_doubt_and_nothing_else_is(
    world, upstream, fault, kind, paid
):
    world.script("messages", fault)

    came = upstream.message(BODY, "")

    assert isinstance(came, Fault)
    assert came.kind is kind
    assert len(world.messages()) == paid


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx2.ConnectError("no"), FaultKind.UNREACHED),
        (httpx2.ConnectTimeout("no"), FaultKind.UNREACHED),
        (httpx2.ReadError("cut"), FaultKind.DOUBT),
        (httpx2.ReadTimeout("slow"), FaultKind.DOUBT),
        (httpx2.Response(502, text="<html>bad gateway</html>"), FaultKind.DOUBT),
        (httpx2.Response(200, text="<html>welcome</html>"), FaultKind.DOUBT),
        (httpx2.Response(200, json={"type": "error"}), FaultKind.DOUBT),
        (httpx2.Response(302, headers={"location": "http://else"}), FaultKind.REFUSED),
    ],
)
def test_a_call_is_made_once_whatever_happens_to_it(world, make_client, answer, kind):
    transport = Answering(answer)
    upstream = Upstream(make_client(world, transport))

    came = upstream.message(BODY, "")

    assert isinstance(came, Fault)
    assert came.kind is kind
    assert len(transport.calls) == 1


def test_what_the_api_asks_to_wait_is_told(world, upstream):
    world.script("messages", Status(429, headers={"retry-after": "3"}))

    came = upstream.message(BODY, "")

    assert isinstance(came, Fault)
    assert came.retry_after == 3.0


def test_a_thread_safe_door_lets_several_calls_in_one_after_the_other(world, make_client):
    upstream = Upstream(make_client(world, EmulatorTransport(world)))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: upstream.message(BODY, ""), range(40)))

    assert all(isinstance(one, Spoken) for one in answers)
    assert len({one.id for one in world.messages()}) == 40
