"""Each outcome's life, from the first attempt to what the caller gets in the end."""

import json
from decimal import Decimal

import msgspec
import pytest

from backburner.emulator.settings import ItemFailure, Rule
from backburner.nouns.outcome import Outcome
from backburner.store.attempts import attempts_of, attempts_of_batch
from backburner.store.batches import batches_of_run

ECHO = Rule(match=r"(?s)^Say: (.*)$", answer=r"\1")
SCHEMA = {
    "type": "object",
    "properties": {"label": {"enum": ["good", "bad"]}},
    "required": ["label"],
    "additionalProperties": False,
}
FORM = {"format": {"type": "json_schema", "schema": SCHEMA}}


def params_of(stage, ordinal):
    """What the server received as the batch of that number."""
    batch = stage.world.ledger()[ordinal]
    return [json.loads(params) for _, params in stage.world.received(batch.id)]


def attempts(bb, run, position=0):
    with bb.tools.store.read() as tx:
        (batch,) = batches_of_run(tx, run.id)
        return [
            (one.attempt, str(one.outcome), one.error_type, one.change)
            for one in attempts_of(tx, batch.id, position)
        ]


def once(kind, ordinal=0, index=0):
    return ItemFailure(ordinal=ordinal, index=index, kind=kind)


def test_a_cut_answer_is_asked_for_once_more_with_twice_the_tokens(make_stage):
    stage = make_stage(fail_once=(once("max_tokens"),))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(["a longer answer", "b"]))

    finished = bb.run(run.id)

    (before, _), (after,) = params_of(stage, 0), params_of(stage, 1)
    assert after == before | {"max_tokens": 200}
    assert finished.receipt.outcomes == {"ok": 2}
    assert stage.rows()[0]["answer"] == "a longer answer"
    assert attempts(bb, run) == [(1, "truncated", "", None), (2, "ok", "", "max_tokens:200")]


def test_a_change_is_kept_when_the_next_attempt_fails(make_stage):
    stage = make_stage(fail_once=(once("max_tokens"), once("api_error", ordinal=1)))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(["a longer answer"]))

    bb.run(run.id)

    assert [params_of(stage, n)[0]["max_tokens"] for n in range(3)] == [100, 200, 200]
    assert [step[1] for step in attempts(bb, run)] == ["truncated", "server_error", "ok"]


def test_at_the_cap_a_cut_answer_is_final_without_another_call(make_stage):
    stage = make_stage(fail_once=(once("max_tokens"),))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(["some words"]), max_tokens=64_000)

    finished = bb.run(run.id)

    assert finished.receipt.outcomes == {"truncated": 1}
    assert len(stage.world.ledger()) == 1


def test_a_paused_turn_is_continued_and_the_whole_answer_delivered(make_stage):
    stage = make_stage(fail_once=(once("pause_turn"), once("pause_turn", ordinal=1)))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(["part", "whole"]))

    finished = bb.run(run.id)

    first, second, third = (params_of(stage, n)[0]["messages"] for n in range(3))
    said = {"role": "assistant", "content": [{"type": "text", "text": "part"}]}
    told = [{**one, "content": [{"type": "text", "text": "part"}]} for one in second[1:]]
    assert second[:1] == first
    assert told == [said]
    assert len(third) == 3
    assert finished.receipt.outcomes == {"ok": 2}
    assert [row["answer"] for row in stage.rows()] == ["partpartpart", "whole"]


def test_a_list_gets_all_blocks_of_a_turn_that_was_paused(make_stage, ask):
    stage = make_stage(fail_once=(once("pause_turn"),))
    bb = stage.open()
    run = bb.enqueue([{"custom_id": "a", "params": ask("Say: x")}])

    bb.run(run.id)

    (result,) = bb.results(run)
    assert result.outcome == "ok"
    assert [block["text"] for block in result.message["content"]] == ["x", "x"]
    assert result.message["stop_reason"] == "end_turn"


def test_columns_sum_to_the_receipt_over_all_attempts(make_stage):
    stage = make_stage(
        fail_once=(once("max_tokens"), once("pause_turn", index=1), once("api_error", index=2))
    )
    bb = stage.open()
    run = stage.run_of(bb, stage.table(["some words", "other words", "more", "no trouble"]))

    finished = bb.run(run.id)

    paid = sum(Decimal(row["cost_usd"]) for row in stage.rows())
    assert finished.receipt.outcomes == {"ok": 4}
    assert paid == Decimal(finished.receipt.paid.picodollars).scaleb(-12)
    assert finished.receipt.paid.picodollars == stage.world.bill().total


REPAIRED = (
    Rule(match="That answer does not fit", answer='{"label": "good"}'),
    Rule(match="judge me", answer='{"label": "fine"}'),
    Rule(match="", answer='{"label": "bad"}'),
)


def test_an_answer_that_breaks_its_schema_is_repaired_once_with_the_validators_words(
    make_stage, ask
):
    stage = make_stage(rules=REPAIRED)
    bb = stage.open()
    wanted = [ask("judge me", output_config=FORM), ask("this"), ask("it", output_config=FORM)]
    run = bb.enqueue([{"custom_id": str(n), "params": one} for n, one in enumerate(wanted)])

    finished = bb.run(run.id)

    (again,) = params_of(stage, 1)
    assert again["messages"][1]["content"][0]["text"] == '{"label": "fine"}'
    assert "at $.label: 'fine' is not one of ['good', 'bad']" in again["messages"][2]["content"]
    assert finished.receipt.outcomes == {"ok": 3}
    assert next(bb.results(run)).message["content"][0]["text"] == '{"label": "good"}'
    assert attempts(bb, run) == [(1, "invalid_output", "", None), (2, "ok", "", "repaired")]


def test_an_answer_that_never_fits_is_called_invalid_and_not_ok(make_stage):
    stage = make_stage(rules=(Rule(match="", answer='{"label": "fine"}'),))
    bb = stage.open()
    params = {"output_config": msgspec.Raw(json.dumps(FORM).encode())}
    run = stage.run_of(bb, stage.table(["x"]), params=params)

    finished = bb.run(run.id)

    assert finished.receipt.outcomes == {"invalid_output": 1}
    assert len(stage.world.ledger()) == 2
    (row,) = stage.rows()
    assert row["answer"] == '{"label": "fine"}'


def test_a_refusal_and_a_bad_request_are_not_sent_again(make_stage):
    stage = make_stage(
        rules=(Rule(match="odd", kind="refusal"), Rule(match="bad", kind="not_found_error"), ECHO)
    )
    bb = stage.open()

    finished = bb.run(stage.run_of(bb, stage.table(["odd", "bad", "fine"])).id)

    assert finished.receipt.outcomes == {"ok": 1, "refused": 1, "rejected": 1}
    assert len(stage.world.ledger()) == 1


def test_refusals_for_lack_of_capacity_count_as_no_attempt(make_stage):
    failures = tuple(once("overloaded_error", ordinal=n) for n in range(9))
    stage = make_stage(fail_once=failures)
    bb = stage.open()

    finished = bb.run(stage.run_of(bb, stage.table(["crowded"])).id)

    assert finished.receipt.outcomes == {"ok": 1}
    assert len(stage.world.ledger()) == 10


def test_lack_of_capacity_is_waited_out_for_a_day_and_no_longer(make_stage):
    stage = make_stage(rules=(Rule(match="", kind="rate_limit_error"),))
    bb = stage.open()
    begun = stage.clock.now()
    run = stage.run_of(bb, stage.table(["crowded"]))
    while not bb.status(run.id)[1][0].count.is_finished:
        bb.drain()
        stage.clock.sleep(1_000)

    finished = bb.run(run.id)

    assert finished.receipt.outcomes == {"server_error": 1}
    assert 86_400 < stage.clock.now() - begun < 2 * 86_400


def test_what_expired_goes_in_smaller_batches_ahead_of_what_came_later(make_stage):
    failures = tuple(once("expired", index=n) for n in range(8))
    stage = make_stage(fail_once=failures)
    bb = stage.open(requests=8)
    stage.run_of(bb, stage.table(8))
    bb.drain()
    stage.clock.sleep(25 * 3600)
    stage.run_of(bb, stage.table([f"later {n}" for n in range(8)], "later.csv"), "later-out.csv")

    bb.drain(collect_only=True)
    stage.clock.sleep(5)
    bb.drain()

    sizes = [batch.count for batch in stage.world.ledger()]
    assert sizes == [8, 2, 2, 2, 2, 8]


@pytest.mark.parametrize("count", [10_000])
def test_of_ten_thousand_requests_only_the_errored_ones_are_sent_again(make_stage, count):
    stage = make_stage(errored_share=0.03)
    bb = stage.open()
    run = stage.run_of(bb, stage.table(count))

    finished = bb.run(run.id)

    first, *again = stage.world.ledger()
    received = [params for _, params in stage.world.received(first.id)]
    sent_again = {params for batch in again for _, params in stage.world.received(batch.id)}
    with bb.tools.store.read() as tx:
        (batch,) = batches_of_run(tx, run.id)
        failed = dict(attempts_of_batch(tx, batch.id))
    assert finished.receipt.outcomes == {"ok": count}
    assert 200 < len(failed) < 400
    assert {kept[0].outcome for kept in failed.values()} == {Outcome.SERVER_ERROR}
    assert sent_again == {received[position] for position in failed}


def test_attempts_hold_no_words_of_prompts_or_answers(make_stage, ask):
    stage = make_stage(rules=REPAIRED)
    bb = stage.open()
    run = bb.enqueue([{"custom_id": "a", "params": ask("judge me", output_config=FORM)}])

    bb.run(run.id)

    stored = b"".join(path.read_bytes() for path in stage.home.glob("*.db*"))
    assert b"invalid_output" in stored
    assert b"judge me" not in stored
    assert b"is not one of" not in stored


def test_the_input_of_a_called_tool_is_the_answer_and_is_held_to_no_schema(make_stage):
    stage = make_stage()
    bb = stage.open()
    tool = {"name": "label", "input_schema": {"type": "object", "properties": {}}}
    choice = {"type": "tool", "name": "label"}
    params = {"tools": [tool], "tool_choice": choice, "output_config": FORM}
    raw = {key: msgspec.Raw(json.dumps(value).encode()) for key, value in params.items()}

    finished = bb.run(stage.run_of(bb, stage.table(["x"]), params=raw).id)

    assert finished.receipt.outcomes == {"ok": 1}
    assert stage.rows()[0]["answer"] == "{}"


def test_a_policy_of_the_home_is_obeyed(make_stage):
    stage = make_stage(fail_once=(once("max_tokens"), once("api_error", index=1)))
    stage.home.mkdir()
    policy = "[retry.truncated]\nthen = 'nothing'\n[retry.server_error]\nthen = 'nothing'\n"
    (stage.home / "backburner.toml").write_text(policy)
    bb = stage.open()

    finished = bb.run(stage.run_of(bb, stage.table(["a longer answer", "b", "c"])).id)

    assert finished.receipt.outcomes == {"ok": 1, "truncated": 1, "server_error": 1}
    assert len(stage.world.ledger()) == 1
