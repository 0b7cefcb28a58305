"""The unmodified SDK against the emulator, in one process."""

import anthropic
import httpx2
import pytest

from backburner.emulator.faults import DropAfter, DropBefore, Status
from backburner.emulator.settings import Limits, Settings
from backburner.emulator.transport import EmulatorTransport
from backburner.emulator.world import World


def requests(ask, count):
    return [{"custom_id": f"r-{i}", "params": ask(f"Question {i}")} for i in range(count)]


def test_a_batch_lives_from_creation_to_deletion(sdk, clock, ask):
    batch = sdk.messages.batches.create(requests=requests(ask, 5))
    assert batch.processing_status == "in_progress"
    assert batch.request_counts.processing == 5
    assert batch.results_url is None

    clock.advance(300)
    ended = sdk.messages.batches.retrieve(batch.id)
    assert ended.processing_status == "ended"
    assert ended.request_counts.succeeded == 5

    results = {line.custom_id: line.result for line in sdk.messages.batches.results(batch.id)}
    assert len(results) == 5
    assert results["r-3"].message.content[0].text == "You said: Question 3"
    assert results["r-3"].message.usage.service_tier == "batch"

    assert sdk.messages.batches.delete(batch.id).type == "message_batch_deleted"
    with pytest.raises(anthropic.NotFoundError):
        sdk.messages.batches.retrieve(batch.id)


def test_the_beta_routes_work_alike(sdk, clock, ask):
    batch = sdk.beta.messages.batches.create(
        requests=requests(ask, 2), betas=["message-batches-2024-09-24"]
    )
    clock.advance(300)

    lines = list(sdk.beta.messages.batches.results(batch.id))

    assert {line.custom_id for line in lines} == {"r-0", "r-1"}


def test_a_list_pages_by_itself_newest_first(sdk, ask):
    made = [sdk.messages.batches.create(requests=requests(ask, 1)).id for _ in range(7)]

    listed = [batch.id for batch in sdk.messages.batches.list(limit=3)]

    assert listed == made[::-1]


def test_a_list_pages_backwards(sdk, ask):
    made = [sdk.messages.batches.create(requests=requests(ask, 1)).id for _ in range(5)]

    page = sdk.messages.batches.list(limit=2, before_id=made[0])

    assert [batch.id for batch in page.data] == [made[2], made[1]]
    assert page.has_more


def test_a_cancel_keeps_what_was_done(sdk, clock, ask):
    batch = sdk.messages.batches.create(requests=requests(ask, 10))
    clock.advance(150)

    canceling = sdk.messages.batches.cancel(batch.id)
    assert canceling.processing_status == "canceling"
    assert canceling.request_counts.processing == 10
    clock.advance(25)

    ended = sdk.messages.batches.retrieve(batch.id)
    assert ended.processing_status == "ended"
    assert ended.cancel_initiated_at is not None
    assert (ended.request_counts.succeeded, ended.request_counts.canceled) == (5, 5)


def test_single_messages_are_answered_at_once(sdk):
    message = sdk.messages.create(
        model="claude-opus-5-5", max_tokens=50, messages=[{"role": "user", "content": "Hi"}]
    )

    assert message.content[0].text == "You said: Hi"
    assert message.usage.service_tier == "standard"


def test_counted_tokens_are_those_that_are_billed(sdk):
    conversation = [{"role": "user", "content": "How many tokens are these?"}]

    counted = sdk.messages.count_tokens(model="claude-sonnet-5", messages=conversation)
    message = sdk.messages.create(model="claude-sonnet-5", max_tokens=50, messages=conversation)

    assert counted.input_tokens == message.usage.input_tokens


def test_models_are_listed_without_the_retired_ones(sdk):
    listed = {model.id: model for model in sdk.models.list(limit=5)}

    assert "claude-haiku-5-5" in listed
    assert "claude-3-opus-20240229" not in listed
    assert all(model.capabilities.batch.supported for model in listed.values())
    assert sdk.models.retrieve("claude-haiku-4-5").id == "claude-haiku-4-5-20251001"
    assert sdk.models.retrieve("claude-sonnet-4-5").lifecycle == "deprecated"


def test_retired_models_are_listed_when_asked_for(sdk):
    listed = [model.id for model in sdk.models.list(lifecycle=["retired"])]

    assert "claude-3-opus-20240229" in listed
    assert "claude-haiku-5-5" not in listed


def test_a_scripted_status_reaches_the_caller_and_has_no_effect(sdk, api, ask):
    api.world.script("create", Status(529, "overloaded_error"))

    with pytest.raises(anthropic.InternalServerError) as caught:
        sdk.messages.batches.create(requests=requests(ask, 1))

    assert caught.value.status_code == 529
    assert api.world.ledger() == []
    sdk.messages.batches.create(requests=requests(ask, 1))
    assert len(api.world.ledger()) == 1


@pytest.mark.parametrize(("fault", "accepted"), [(DropBefore(), 0), (DropAfter(), 1)])
def test_a_dropped_connection_leaves_the_caller_in_doubt(sdk, api, ask, fault, accepted):
    api.world.script("create", fault)

    with pytest.raises(anthropic.APIConnectionError):
        sdk.messages.batches.create(requests=requests(ask, 1))

    assert len(api.world.ledger()) == accepted


def test_retries_of_the_sdk_make_batches_twice(emulate, ask):
    """The danger that Backburner exists to avoid is there to be tested against."""
    api = emulate()
    api.world.script("create", DropAfter(), times=1)
    http = httpx2.Client(transport=EmulatorTransport(api.world))
    with anthropic.Anthropic(
        api_key="k", base_url="http://emulator", http_client=http, max_retries=1
    ) as client:
        client.messages.batches.create(requests=requests(ask, 1))

    assert len(api.world.ledger()) == 2


def test_too_many_calls_are_refused_for_a_while(emulate, clock, ask):
    api = emulate(limits=Limits(batch_calls_per_minute=2))
    batch = api.create(requests(ask, 1))
    assert api.get(f"/v1/messages/batches/{batch['id']}").status == 200

    refused = api.get(f"/v1/messages/batches/{batch['id']}")

    assert refused.status == 429
    assert refused.json["error"]["type"] == "rate_limit_error"
    assert refused.headers["retry-after"] == "30"
    assert refused.headers["anthropic-ratelimit-requests-remaining"] == "0"
    clock.advance(30)
    assert api.get(f"/v1/messages/batches/{batch['id']}").status == 200


def test_a_full_queue_takes_no_batch(emulate, clock, ask):
    api = emulate(limits=Limits(queued_requests=3))
    api.create(requests(ask, 2))

    answer = api.post("/v1/messages/batches", {"requests": requests(ask, 2)})

    assert answer.status == 429
    assert len(api.world.ledger()) == 1
    clock.advance(300)
    api.create(requests(ask, 2))


def test_the_transport_needs_only_a_clock():
    world = World(Settings(), now=lambda: 0.0)
    with httpx2.Client(transport=EmulatorTransport(world)) as http:
        reply = http.get(
            "http://emulator/v1/models",
            headers={"x-api-key": "k", "anthropic-version": "2026-10-21"},
        )
    world.close()

    assert reply.status_code == 200
