"""Answers of earlier runs: taken for identical requests, paid once, and never older than asked."""

from datetime import timedelta

import pytest

from backburner.client import Backburner
from backburner.client.preparing import RunOptions
from backburner.emulator.settings import ItemFailure, Rule
from backburner.errors import InputError
from backburner.report.spending import STAIRCASE

MONTH = timedelta(days=30)
DAY = 24 * 3600.0
OUR_OWN = {"request_id", "cost_usd", "input_tokens", "output_tokens"}
PAID = {"cost_usd", "input_tokens", "output_tokens"}


def again(stage, bb, rows, output="again.csv", **more):
    """A finished run of these rows that takes what it can from earlier ones."""
    source = stage.table(rows, f"{output}.in.csv")
    run = stage.run_of(bb, source, output, **{"new": True, "reuse": MONTH, **more})
    bb.run(run.id)
    return bb.get(run.id)


def first(stage, bb, rows, **more):
    run = stage.run_of(bb, stage.table(rows), **more)
    bb.run(run.id)
    return run


def requests_sent(stage):
    return [len(batch) for batch in stage.sent()]


def said(stage, output="again.csv"):
    return [row["answer"] for row in stage.rows(output)]


def test_the_same_table_again_sends_nothing_and_costs_nothing(stage):
    bb = stage.open()
    first(stage, bb, 5)

    run = again(stage, bb, 5)

    assert requests_sent(stage) == [5]
    answers = [
        {k: v for k, v in row.items() if k not in OUR_OWN} for row in stage.rows("again.csv")
    ]
    assert answers == [
        {k: v for k, v in row.items() if k not in OUR_OWN} for row in stage.rows("out.csv")
    ]
    assert {row[name] for row in stage.rows("again.csv") for name in PAID} == {"0"}
    assert bb.receipt(run.id).paid.picodollars == 0
    assert bb.verify().differences == []


def test_only_new_rows_travel_and_each_row_gets_its_own_answer(stage):
    bb = stage.open(requests=2)
    first(stage, bb, ["a", "b", "c", "d", "e"])
    before = len(stage.sent())

    rows = ["x", "b", "y", "a", "b", "x", "e", "z", "a", "y"]
    run = again(stage, bb, rows)

    assert [len(batch) for batch in stage.sent()[before:]] == [2, 1]
    assert said(stage) == rows
    assert (run.requests, run.reused, run.collapsed) == (6, 3, 4)
    paid = [row["cost_usd"] != "0" for row in stage.rows("again.csv")]
    assert paid == [True, False, True, False, False, False, False, True, False, False]
    assert bb.verify().differences == []


def test_without_collapsing_each_row_is_looked_up_on_its_own(stage):
    bb = stage.open()
    first(stage, bb, ["a", "b"])

    run = again(stage, bb, ["b", "c", "b", "c"], collapse=False)

    assert requests_sent(stage) == [2, 2]
    assert said(stage) == ["b", "c", "b", "c"]
    assert (run.requests, run.reused) == (4, 2)
    assert bb.verify(run.id).differences == []


def test_the_staircase_has_a_step_for_it_that_adds_up(stage):
    bb = stage.open()
    whole = first(stage, bb, ["a", "b", "b"])
    run = again(stage, bb, ["b", "c", "b", "a"])

    receipt = bb.receipt(run.id)
    report = bb.savings(run=run.id)

    each = bb.receipt(whole.id).sync_equivalent.picodollars // 3
    assert receipt.reused == 2
    assert receipt.saved_by_reuse.picodollars == 2 * each
    assert receipt.saved_by_collapse.picodollars == each
    reuse = next(step for step in STAIRCASE if step.name == "reuse")
    assert reuse.saved(report.total) == 2 * each
    assert report.total.full == receipt.sync_equivalent.picodollars == 4 * each


def test_what_is_older_than_asked_is_asked_anew(stage):
    bb = stage.open()
    first(stage, bb, 3)
    stage.clock.sleep(2 * DAY)

    run = again(stage, bb, 3, reuse=timedelta(days=1))

    assert run.reused == 0
    assert requests_sent(stage) == [3, 3]


def test_an_answer_does_not_live_longer_by_being_reused(stage):
    bb = stage.open()
    first(stage, bb, 3)
    stage.clock.sleep(20 * DAY)
    assert again(stage, bb, 3, "second.csv").reused == 3
    stage.clock.sleep(20 * DAY)

    assert again(stage, bb, 3, "third.csv").reused == 0


def test_what_another_lane_was_answered_is_not_taken(stage):
    first(stage, stage.open(), 3)

    run = again(stage, stage.open(lane="other"), 3)

    assert run.reused == 0
    assert requests_sent(stage) == [3, 3]


def test_what_was_asked_with_other_betas_or_parameters_is_not_taken(stage):
    bb = stage.open()
    first(stage, bb, 3)

    assert again(stage, bb, 3, "a.csv", betas=("context-1m-2025-08-07",)).reused == 0
    assert again(stage, bb, 3, "b.csv", max_tokens=99).reused == 0


def test_what_was_not_ok_is_asked_again(make_stage):
    rules = (Rule(match="text 1$", kind="refusal"), Rule(match="", answer="yes"))
    stage = make_stage(rules=rules)
    bb = stage.open()
    first(stage, bb, 3)

    run = again(stage, bb, 3)

    assert run.reused == 2
    assert requests_sent(stage) == [3, 1]
    assert [row["outcome"] for row in stage.rows("again.csv")] == ["ok", "refused", "ok"]
    assert bb.verify().differences == []


def test_what_was_ok_at_the_second_attempt_is_taken(make_stage):
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=1),))
    bb = stage.open()
    first(stage, bb, 3)
    before = len(stage.sent())

    run = again(stage, bb, 3)

    assert run.reused == 3
    assert len(stage.sent()) == before
    assert said(stage) == [row["answer"] for row in stage.rows("out.csv")]
    assert bb.verify().differences == []


@pytest.mark.parametrize("system", ["Be brief. " * 2_000, None])
def test_cache_marks_that_were_added_make_no_difference(stage, system):
    bb = stage.open()
    first(stage, bb, 4, system=system, cache="always")
    assert (b"cache_control" in segment(bb)) == (system is not None)

    run = again(stage, bb, 4, system=system, cache="off")

    assert run.reused == 4
    assert len(stage.sent()) == 1


def segment(bb):
    [name] = [name for name, _ in bb.tools.vault.names() if name.startswith("segments/")]
    return b"".join(bb.tools.vault.lines(name))


def test_the_same_words_again_find_the_run_that_is_there(stage):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3), reuse=MONTH)

    assert stage.run_of(bb, stage.table(3), reuse=MONTH).id == run.id
    assert stage.run_of(bb, stage.table(3)).id == run.id


def test_its_rows_are_ok_from_the_start_and_neither_canceled_nor_retried(stage):
    bb = stage.open()
    first(stage, bb, ["a", "b"])
    run = stage.run_of(bb, stage.table(["a", "c"], "2.csv"), "2.out.csv", new=True, reuse=MONTH)

    [standing] = bb.status(run.id)[1]
    assert standing.count.outcomes == {"ok": 1}
    bb.cancel(run.id)

    assert bb.status(run.id)[1][0].count.outcomes == {"ok": 1, "canceled": 1}
    bb.retry(run.id)
    bb.run(run.id)
    assert requests_sent(stage) == [2, 1]
    assert said(stage, "2.out.csv") == ["a", "c"]
    assert bb.receipt(run.id).saved_by_reuse.picodollars > 0
    assert bb.verify().differences == []


def test_a_request_that_was_reused_cost_nothing_here(stage):
    bb = stage.open()
    first(stage, bb, 1)
    again(stage, bb, 1)

    [row] = stage.rows("again.csv")
    [attempt] = bb.request(row["request_id"]).attempts

    assert attempt.cost.picodollars == 0
    assert attempt.upstream_id == ""


def test_a_canary_is_of_those_that_travel(stage):
    bb = stage.open()
    first(stage, bb, ["a", "b"])
    source = stage.table(["a", "c", "b", "d", "e"], "2.csv")
    run = stage.run_of(bb, source, "2.out.csv", new=True, reuse=MONTH, canary=1)

    canary = bb.canary(run.id)
    bb.release(run.id)
    bb.run(run.id)

    assert (canary.held, [one.answer for one in canary.answers], canary.rows) == (2, ["c"], (2,))
    assert said(stage, "2.out.csv") == ["a", "c", "b", "d", "e"]


def test_what_nobody_wanted_leaves_nothing_behind(stage):
    bb = stage.open()
    first(stage, bb, ["a", "b"])
    before = set(names(bb))

    options = RunOptions(
        source=str(stage.table(["a", "c"], "2.csv")),
        prompt="Say: {{ text }}",
        model="claude-haiku-4-5",
        max_tokens=100,
        new=True,
        reuse=MONTH,
    )
    prepared = bb.intake.prepare(options)
    assert set(names(bb)) > before
    bb.intake.throw_away(prepared.staged)

    assert set(names(bb)) == before


def test_a_broken_table_leaves_nothing_behind(stage):
    bb = stage.open()
    first(stage, bb, ["a", "b"])
    before = set(names(bb))

    with pytest.raises(InputError):
        again(stage, bb, ["a", "c"], prompt="Say: {{ text }} {{ nothing }}")

    assert set(names(bb)) == before


def names(bb: Backburner) -> list[str]:
    return [name for name, _ in bb.tools.vault.names()]


def test_a_death_at_the_commit_leaves_no_run_and_the_same_words_do_it_again(stage):
    bb = stage.open()
    first(stage, bb, ["a", "b"])
    source = stage.table(["b", "c"], "2.csv")
    options = {"prompt": "Say: {{ text }}", "model": "claude-haiku-4-5", "max_tokens": 100}
    wanted = RunOptions(source=str(source), reuse=MONTH, **options)
    bb.intake.prepare(wanted)
    bb.close()

    other = stage.open()
    assert len(other.status()[1]) == 1
    staged = other.intake.prepare(wanted).staged
    other.intake.commit(staged)
    other.close()

    third = stage.open()
    third.run(staged.run.id)
    assert requests_sent(stage) == [2, 1]
    assert third.verify().differences == []


def test_a_list_of_requests_cannot_reuse_and_is_told_so(stage):
    path = stage.home.parent / "list.jsonl"
    path.write_text("{}\n")

    with pytest.raises(InputError, match="rows of a table"):
        stage.open().intake.prepare(RunOptions(source=str(path), reuse=MONTH))
