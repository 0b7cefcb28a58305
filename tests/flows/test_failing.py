"""Failed requests, listed with what was tried, while a run goes on and when it is over."""

from backburner.emulator.settings import ItemFailure, Rule

ECHO = Rule(match=r"(?s)^Say: (.*)$", answer=r"\1")


def test_failed_requests_are_listed_while_they_wait_for_another_attempt(make_stage):
    stage = make_stage(errored_share=0.03)
    bb = stage.open()
    run = stage.run_of(bb, stage.table(1000))
    bb.drain()
    stage.clock.sleep(30)
    bb.drain()

    meanwhile = bb.failed(run.id, limit=5)
    finished = bb.run(run.id)

    assert 10 < meanwhile.count < 60
    assert len(meanwhile.shown) == 5
    assert {one.state for one in meanwhile.shown} == {"waiting"}
    assert {len(one.attempts) for one in meanwhile.shown} == {1}
    assert all(one.attempts[0].error_type in one.reason for one in meanwhile.shown)
    assert sum(batch.count for batch in stage.world.ledger()[1:]) >= meanwhile.count
    assert finished.receipt.outcomes == {"ok": 1000}
    assert bb.failed(run.id).count == 0


def test_a_failed_request_is_told_with_row_attempts_changes_and_cost(make_stage):
    stage = make_stage(rules=(Rule(match="long", answer="many words " * 200), ECHO))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(["fine", "fine", "long"]))

    finished = bb.run(run.id)

    found = bb.failed(run.id)
    (one,) = found.shown
    standing = bb.request(one.name)
    assert (one.row, one.outcome, one.state) == (3, "truncated", "final")
    assert [(a.outcome, a.change) for a in one.attempts] == [
        ("truncated", None),
        ("truncated", "max_tokens:200"),
    ]
    assert standing.attempts == one.attempts
    total = sum(a.cost.picodollars for a in one.attempts)
    assert 0 < total < finished.receipt.paid.picodollars


def test_why_nothing_more_was_tried_is_told(make_stage):
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=0, kind="max_tokens"),))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(["some words"]), max_tokens=64_000)

    bb.run(run.id)

    (one,) = bb.failed(run.id).shown
    assert "the most that the model takes already" in one.reason


def test_a_request_without_a_second_attempt_still_has_its_first(make_stage):
    stage = make_stage(rules=(Rule(match="bad", kind="not_found_error"), ECHO))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(["bad", "good"]))

    bb.run(run.id)

    (one,) = bb.failed(run.id).shown
    assert [(a.attempt, a.error_type) for a in one.attempts] == [(1, "not_found_error")]
    assert one.attempts[0].upstream_id == stage.world.ledger()[0].id
