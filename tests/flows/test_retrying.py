"""A person sends failed requests again: which, in what form, and what the output is then."""

import json

import pytest

from backburner.client.preparing import RunOptions
from backburner.emulator.settings import ItemFailure, Rule
from backburner.errors import InputError, InputFaults, LaneStopped

from .conftest import MODEL

ECHO = Rule(match=r"(?s)^Say: (.*)$", answer=r"\1")


def once(kind, ordinal=0, index=0):
    return ItemFailure(ordinal=ordinal, index=index, kind=kind)


def received(stage, ordinal):
    batch = stage.world.ledger()[ordinal]
    return [json.loads(params) for _, params in stage.world.received(batch.id)]


@pytest.fixture
def refused(make_stage):
    """A stage on which the first and the third of four requests were refused once."""
    return make_stage(fail_once=(once("refusal"), once("refusal", index=2)))


def test_a_person_may_send_again_what_was_final_and_gets_the_output_anew(refused):
    bb = refused.open()
    run = refused.run_of(bb, refused.table(4))
    before = bb.run(run.id)

    count = bb.retry(run.id)
    standing = bb.status(run.id)[1][0]
    after = bb.run(run.id)

    assert before.receipt.outcomes == {"ok": 2, "refused": 2}
    assert count == 2
    assert (standing.count.retrying, standing.count.ended) == (2, 2)
    assert after.receipt.outcomes == {"ok": 4}
    assert [row["answer"] for row in refused.rows()] == [f"text {n}" for n in range(4)]
    assert after.receipt.paid.picodollars == refused.world.bill().total
    assert [batch.count for batch in refused.world.ledger()] == [4, 2]


def test_a_condition_on_columns_outcome_and_attempts_chooses(refused):
    bb = refused.open()
    run = refused.run_of(bb, refused.table(4))
    bb.run(run.id)

    where = "id == '2' and outcome == 'refused' and attempts == 1"
    chosen = bb.choose_failed(run.id, where=where)
    count = bb.send_again(chosen)
    bb.run(run.id)

    assert count == len(chosen.rows) == 1
    assert [row["outcome"] for row in refused.rows()] == ["refused", "ok", "ok", "ok"]


def test_a_row_that_shares_anothers_request_chooses_it_too(make_stage):
    stage = make_stage(fail_once=(once("refusal"),))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(["same", "other", "same"]))
    bb.run(run.id)

    assert bb.retry(run.id, where="id == '2'") == 1


def test_what_shared_requests_saved_is_priced_by_the_answers_that_count_now(make_stage):
    stage = make_stage(fail_once=(once("refusal"),))
    bb = stage.open()
    options = {"prompt": "Say: {{ text }}", "model": MODEL, "max_tokens": 100}
    fresh = bb.intake.prepare(RunOptions(source=str(stage.table(["many words"] * 2)), **options))
    run = bb.intake.commit(fresh.staged)
    refused = bb.run(run.id).receipt.saved_by_collapse

    bb.retry(run.id)
    answered = bb.run(run.id).receipt.saved_by_collapse

    assert answered > refused
    assert bb.verify(run.id).differences == []


def test_a_list_is_chosen_by_its_keys(make_stage, ask):
    stage = make_stage(fail_once=(once("refusal"), once("refusal", index=1)))
    bb = stage.open()
    run = bb.enqueue([{"custom_id": key, "params": ask(f"Say: {key}")} for key in "ab"])
    bb.run(run.id)

    assert bb.retry(run.id, where="custom_id == 'b' and params.max_tokens == 100") == 1
    bb.run(run.id)
    assert [one.outcome for one in bb.results(run)] == ["refused", "ok"]


def test_only_the_named_outcomes_are_sent_again(make_stage):
    stage = make_stage(fail_once=(once("refusal"), once("invalid_request_error", index=1)))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    bb.run(run.id)

    assert bb.retry(run.id, only=["expired"]) == 0
    assert bb.retry(run.id, only=["rejected"]) == 1
    assert bb.run(run.id).receipt.outcomes == {"ok": 2, "refused": 1}


def test_a_cut_answer_that_was_given_up_goes_with_more_tokens_again(make_stage):
    stage = make_stage(rules=(Rule(match="long", answer="many words " * 50),))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(["long"]), max_tokens=50)
    assert bb.run(run.id).receipt.outcomes == {"truncated": 1}

    bb.retry(run.id)
    after = bb.run(run.id)

    assert [received(stage, n)[0]["max_tokens"] for n in range(3)] == [50, 100, 200]
    assert after.receipt.outcomes == {"ok": 1}


def test_what_nothing_can_be_changed_in_is_left_out_and_told(make_stage):
    stage = make_stage(fail_once=(once("max_tokens"),))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(["some words"]), max_tokens=64_000)
    bb.run(run.id)

    chosen = bb.choose_failed(run.id)

    assert chosen.rows == ()
    assert list(chosen.stuck.values()) == [1]


def test_a_held_request_is_sent_on_by_a_person(make_stage):
    stage = make_stage(fail_once=(once("billing_error"),))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))
    with pytest.raises(LaneStopped):
        bb.run(run.id)

    assert bb.retry(run.id) == 1
    bb.resume()
    assert bb.run(run.id).receipt.outcomes == {"ok": 2}


def test_a_canceled_run_may_be_taken_up_again(stage):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    bb.cancel(run.id)
    bb.drain()

    assert bb.retry(run.id, only=["canceled"]) == 3
    assert bb.run(run.id).receipt.outcomes == {"ok": 3}


def test_what_is_chosen_twice_is_sent_once(refused):
    bb = refused.open()
    run = refused.run_of(bb, refused.table(4))
    bb.run(run.id)
    chosen = bb.choose_failed(run.id)

    assert bb.send_again(chosen) == 2
    assert bb.send_again(chosen) == 0


def test_a_wrong_outcome_or_condition_is_told_before_anything_changes(refused):
    bb = refused.open()
    run = refused.run_of(bb, refused.table(4))
    bb.run(run.id)

    with pytest.raises(InputError, match="'gone' is no outcome"):
        bb.retry(run.id, only=["gone"])
    with pytest.raises(InputFaults, match="lang"):
        bb.retry(run.id, where="lang == 'de'")
    with pytest.raises(InputFaults):
        bb.retry(run.id, where="id ==")
    with pytest.raises(InputFaults, match="braces"):
        bb.retry(run.id, where="x %}{% if 1")
    assert bb.status(run.id)[1][0].count.retrying == 0
