"""Requests that come as Python objects: kept as they were meant, or refused in words."""

import anthropic.types
import pytest

from backburner.errors import InputError


def test_a_number_that_json_cannot_write_is_refused_and_not_sent_as_null(stage, ask) -> None:
    request = {"custom_id": "a", "params": ask(metadata={"score": float("nan")})}

    with pytest.raises(InputError, match="not finite"):
        stage.open().enqueue([request])


def test_an_object_of_the_sdk_travels_as_the_json_it_stands_for(stage, ask) -> None:
    block = anthropic.types.TextBlock(type="text", text="Earlier", citations=None)
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": [block]}]
    bb = stage.open()

    run = bb.enqueue([{"custom_id": "a", "params": ask(messages=turns)}])

    assert bb.run(run.id).receipt.outcomes == {"ok": 1}
    (batch,) = stage.world.ledger()
    ((_, params),) = stage.world.received(batch.id)
    assert b'"text":"Earlier"' in params
