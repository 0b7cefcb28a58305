"""No request ever costs more at the emulator than its worst case: texts, tools, marks, places."""

import json
from datetime import UTC, datetime
from pathlib import Path

import anthropic
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backburner import prices
from backburner.clock import FakeClock
from backburner.emulator.settings import Rule, Settings
from backburner.emulator.transport import EmulatorTransport
from backburner.emulator.world import World
from backburner.plan.worst_case import worst_case

MODELS = (
    "claude-haiku-4-5",
    "claude-haiku-5-5",
    "claude-sonnet-4-6",
    "claude-sonnet-5-5",
    "claude-opus-4-7",
    "claude-fable-5-2",
)
TEXTS = st.one_of(
    st.text(min_size=1, max_size=60),
    st.builds(
        lambda text, times: text * times, st.text(min_size=1, max_size=40), st.integers(1, 900)
    ),
)
MARKS = st.sampled_from(
    [{"type": "ephemeral"}, {"type": "ephemeral", "ttl": "5m"}, {"type": "ephemeral", "ttl": "1h"}]
)


@st.composite
def blocks(draw, mark):
    block = draw(
        st.one_of(
            st.builds(lambda text: {"type": "text", "text": text}, TEXTS),
            st.just(
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"},
                }
            ),
            st.builds(
                lambda text: {
                    "type": "document",
                    "source": {"type": "text", "media_type": "text/plain", "data": text},
                },
                TEXTS,
            ),
        )
    )
    return block | ({"cache_control": mark} if mark and draw(st.booleans()) else {})


@st.composite
def bodies(draw):
    mark = draw(st.none() | MARKS)
    body = {
        "model": draw(st.sampled_from(MODELS)),
        "max_tokens": draw(st.integers(1, 4_000)),
        "messages": [
            {
                "role": "user",
                "content": draw(TEXTS | st.lists(blocks(mark), min_size=1, max_size=3)),
            }
        ],
    }
    if draw(st.booleans()):
        body["system"] = draw(TEXTS | st.lists(blocks(mark), min_size=1, max_size=2))
    if draw(st.booleans()):
        schema = {"type": "object", "properties": {"a": {"description": draw(TEXTS)}}}
        body["tools"] = [{"name": "look", "description": draw(TEXTS), "input_schema": schema}]
        if draw(st.booleans()):
            body["tool_choice"] = {"type": "any"}
    if draw(st.booleans()):
        body["inference_geo"] = draw(st.sampled_from(["us", "global"]))
    return body


class Till:
    """A world at its list prices that answers as long as it may."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        endless = Rule(match="(?s).*", answer="word " * 4_000)
        self.world = World(
            Settings(turnaround=1.0, rules=(endless,)), now=self.clock.now, state_dir=folder
        )
        self.client = anthropic.Anthropic(
            api_key="k",
            base_url="http://emulator",
            http_client=httpx2.Client(transport=EmulatorTransport(self.world)),
        )

    def bill(self, body: bytes) -> int:
        """What one request costs there; nothing if it is refused."""
        text = b'{"requests":[{"custom_id":"a","params":%b}]}' % body
        made = self.client.post(
            "/v1/messages/batches",
            content=text,
            options={"headers": {"content-type": "application/json"}},
            cast_to=httpx2.Response,
        ).json()
        self.clock.sleep(10.0)
        list(self.client.messages.batches.list(limit=1).data)
        return self.world.bill().batches[made["id"]]

    def close(self) -> None:
        """Leave the world."""
        self.client.close()
        self.world.close()


@pytest.fixture(scope="module")
def till(tmp_path_factory):
    made = Till(tmp_path_factory.mktemp("world"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def price_of():
    tariff = prices.tariff(MODELS, datetime(2026, 11, 22, tzinfo=UTC))
    return tariff.price


@settings(max_examples=150)
@given(body=bodies(), ascii_only=st.booleans())
def test_no_request_costs_more_than_its_worst_case(till, price_of, body, ascii_only):
    raw = json.dumps(body, ensure_ascii=ascii_only).encode()

    bill = till.bill(raw)

    assert 0 <= bill <= worst_case(raw, price_of)


def test_an_answer_as_long_as_it_may_be_is_within_the_worst_case_and_near_it(till, price_of, ask):
    raw = json.dumps(ask("Hi", max_tokens=2_000)).encode()

    assert 0.9 * worst_case(raw, price_of) < till.bill(raw)
