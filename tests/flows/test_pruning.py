"""Pruning: texts go, and everything that was counted or paid can still be said."""

from datetime import timedelta
from typing import Any

import pytest

from backburner.client.estimating import estimate_staged
from backburner.client.preparing import Found, RunOptions
from backburner.emulator.faults import Line
from backburner.emulator.settings import ItemFailure, Rule
from backburner.errors import InputError, NothingChosen, Pruned
from backburner.nouns.urgency import Timing, Urgency
from backburner.report.savings import By
from backburner.runs.output_schema import read_schema

DAY = 86_400.0
NOW = timedelta(0)


def done(stage: Any, bb: Any, rows: Any = 3, **more: Any) -> Any:
    """A finished run, some time ago."""
    run = stage.run_of(bb, stage.table(rows, f"{more.pop('name', 'in')}.csv"), **more)
    bb.run(run.id)
    stage.clock.sleep(60)
    return bb.get(run.id)


def files(stage: Any) -> set[str]:
    vault = stage.home / "vault"
    return {str(one.relative_to(vault)) for one in vault.rglob("*") if one.is_file()}


def report(bb: Any) -> Any:
    return bb.savings(By.RUN).to_json()


def test_texts_go_and_the_output_stays(stage):
    bb = stage.open()
    run = done(stage, bb)
    before = files(stage)

    told = bb.prune(NOW)

    assert [one.id for one in told.runs] == [run.id]
    assert told.stored_bytes > 0
    assert len(before) > len(files(stage))
    assert not any(name.startswith(("runs/", "segments/", "results/")) for name in files(stage))
    assert len(stage.rows()) == 3


def test_no_prompt_or_answer_is_left_anywhere_in_the_home(stage):
    bb = stage.open()
    done(stage, bb, ["a secret word", "another"])

    bb.prune(NOW)

    left = b"".join(one.read_bytes() for one in stage.home.rglob("*") if one.is_file())
    assert b"secret" not in left


def test_status_receipt_and_report_say_the_same_as_before(make_stage):
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=1),))
    bb = stage.open()
    run = done(stage, bb, ["same", "same", "other"])
    receipt, standing, told = bb.receipt(run.id), bb.status(run.id)[1][0].count, report(bb)

    bb.prune(NOW)

    assert bb.receipt(run.id) == receipt
    assert bb.status(run.id)[1][0].count == standing
    assert report(bb) == told


def test_waste_and_packs_are_counted_before_their_texts_go(make_stage):
    slip = Rule(match=r"^Say: (text 1)$", answer=r"\1", slip="drop")
    stage = make_stage(rules=(slip, Rule(match=r"(?s)^Say: (.*)$", answer=r"\1")))
    bb = stage.open()
    run = done(stage, bb, 4, pack=2)
    receipt, told = bb.receipt(run.id), report(bb)

    bb.prune(NOW)

    assert bb.receipt(run.id) == receipt
    assert report(bb) == told


def test_answers_that_were_repaired_are_still_counted_as_waste(make_stage):
    rule = Rule(match="^Say: text 1$", answer='{"label": 1}', kind="ok")
    good = Rule(match="^Say: ", answer='{"label": "good"}')
    stage = make_stage(rules=(rule, good))
    schema = stage.home.parent / "schema.json"
    schema.write_text(
        '{"type": "object", "properties": {"label": {"type": "string"}},'
        ' "required": ["label"], "additionalProperties": false}'
    )
    bb = stage.open()
    run = done(stage, bb, 3, schema=read_schema(str(schema), stage.home.parent))
    receipt, told = bb.receipt(run.id), report(bb)

    bb.prune(NOW)

    assert bb.receipt(run.id) == receipt
    assert report(bb) == told


def test_verify_says_that_a_run_was_pruned_and_does_not_fail(stage):
    bb = stage.open()
    pruned = done(stage, bb, 3, name="a")
    bb.prune(NOW)
    kept = done(stage, bb, 4, name="b", output="b.out.csv")

    found = bb.verify()

    assert not found.differences
    assert any(f"run {pruned.id} was pruned" in note for note in found.notes)
    assert bb.verify(kept.id).differences == bb.verify(pruned.id).differences == []


def test_what_was_pruned_cannot_be_read_and_says_so(stage):
    bb = stage.open()
    run = done(stage, bb)
    [name] = {row["request_id"] for row in stage.rows()[:1]}
    bb.prune(NOW)

    for reading in (
        lambda: bb.write(run.id, str(stage.home.parent / "again.csv")),
        lambda: bb.failed(run.id),
        lambda: bb.retry(run.id),
        lambda: bb.request(name),
    ):
        with pytest.raises(Pruned, match=f"the texts of run {run.id} were pruned on"):
            reading()


def test_the_same_command_finds_a_pruned_run_finished_and_sends_nothing(stage):
    bb = stage.open()
    run = done(stage, bb)
    bb.prune(NOW)

    options = RunOptions(
        source=str(stage.home.parent / "in.csv"),
        prompt="Say: {{ text }}",
        model="claude-haiku-4-5",
        max_tokens=100,
        output=str(stage.home.parent / "out.csv"),
    )
    prepared = bb.intake.prepare(options)

    assert isinstance(prepared, Found)
    assert bb.run(run.id).receipt.outcomes == {"ok": 3}
    assert len(stage.world.ledger()) == 1


def test_only_runs_of_that_age_go(stage):
    bb = stage.open()
    old = done(stage, bb, 2, name="old")
    stage.clock.sleep(10 * DAY)
    done(stage, bb, 2, name="young", output="young.out.csv")

    told = bb.prune(timedelta(days=5))

    assert [one.id for one in told.runs] == [old.id]
    assert not bb.prune(timedelta(days=5)).runs


def test_a_dry_run_removes_nothing(stage):
    bb = stage.open()
    run = done(stage, bb)
    before = files(stage)

    told = bb.prune(NOW, dry_run=True)

    assert [one.id for one in told.runs] == [run.id]
    assert files(stage) == before
    assert bb.get(run.id).pruned_at is None


def test_a_run_under_way_is_never_pruned(make_stage):
    stage = make_stage(turnaround=1000)
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))
    bb.drain()

    assert not bb.prune(NOW).runs
    with pytest.raises(InputError, match="is under way"):
        bb.prune(runs=[run.id])


def test_nothing_is_pruned_where_nobody_says_how_old(stage):
    with pytest.raises(NothingChosen, match="how old"):
        stage.open().prune()


def test_runs_that_share_a_batch_of_retries_go_together(make_stage):
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=0), ItemFailure(ordinal=1, index=0)))
    bb = stage.open()
    one = stage.run_of(bb, stage.table(["a"], "a.csv"), "a.out.csv")
    two = stage.run_of(bb, stage.table(["b"], "b.csv"), "b.out.csv")
    for _ in range(5):
        bb.drain()
        stage.clock.sleep(110)
    assert len(stage.world.ledger()) == 3
    before = report(bb)

    with pytest.raises(InputError, match="shares a batch of retries") as caught:
        bb.prune(runs=[one.id])
    assert f"--run {two.id}" in caught.value.hint
    told = bb.prune(runs=[one.id, two.id])

    assert {run.id for run in told.runs} == {one.id, two.id}
    assert not bb.verify().differences
    assert report(bb) == before


def test_a_run_stands_by_itself_when_the_one_is_pruned_whose_answers_it_reused(stage):
    bb = stage.open()
    old = done(stage, bb, 3, name="a", output="a.out.csv")
    new = done(stage, bb, 4, name="b", output="b.out.csv", reuse=timedelta(days=30))
    assert new.reused == 3

    bb.prune(runs=[old.id])

    assert not bb.verify(new.id).differences
    bb.write(new.id, str(stage.home.parent / "again.csv"))
    assert len(stage.rows("again.csv")) == 4


def test_no_answer_of_a_pruned_run_is_reused(stage):
    bb = stage.open()
    done(stage, bb, 3, name="a", output="a.out.csv")
    bb.prune(NOW)

    new = done(stage, bb, 3, name="b", output="b.out.csv", reuse=timedelta(days=30))

    assert new.reused == 0
    assert bb.receipt(new.id).outcomes == {"ok": 3}


def test_an_estimate_does_not_look_for_answers_that_are_gone(stage):
    bb = stage.open()
    done(stage, bb, 3)
    bb.prune(NOW)

    prepared = bb.intake.prepare(
        RunOptions(
            source=str(stage.table(5, "other.csv")),
            prompt="Say: {{ text }}",
            model="claude-haiku-4-5",
            max_tokens=100,
        )
    )

    assert estimate_staged(bb.tools, prepared.staged).answered == ()


def test_a_canceled_run_is_pruned_like_any_other(stage):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    bb.cancel(run.id)
    bb.run(run.id)
    receipt = bb.receipt(run.id)
    stage.clock.sleep(1)

    bb.prune(NOW)

    assert bb.receipt(run.id) == receipt
    assert not bb.verify().differences


def test_a_death_between_the_books_and_the_files_leaves_nothing_for_long(stage):
    bb = stage.open()
    done(stage, bb)
    vault = bb.tools.vault
    bodies = {name: (vault.root / name).read_bytes() for name in files(stage)}
    bb.prune(NOW)
    gone = bodies.keys() - files(stage)
    for name in gone:
        path = vault.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bodies[name])

    assert not bb.verify().differences
    bb.drain()

    assert not gone & files(stage)


def test_sync_answers_are_pruned_like_batches(stage):
    bb = stage.open()
    run = done(stage, bb, 3, timing=Timing(urgency=Urgency.NOW))
    receipt, told = bb.receipt(run.id), report(bb)

    bb.prune(NOW)

    assert bb.receipt(run.id) == receipt
    assert report(bb) == told
    assert not bb.verify().differences


def test_a_ticket_whose_answer_was_pruned_says_so(stage, ask):
    bb = stage.open()
    ticket = bb.submit(ask("Say: yes"), urgency="soon")
    assert ticket.result()["content"][0]["text"] == "yes"
    bb.drain()
    stage.clock.sleep(60)

    told = bb.prune(NOW)

    assert [run.name for run in told.runs] == ["inbox"]
    with pytest.raises(Pruned):
        ticket.result()


def test_result_lines_that_belong_to_nobody_go_with_their_batch(stage):
    stage.world.script("results", Line("unknown_id", at=0))
    bb = stage.open()
    done(stage, bb)
    assert any(name.startswith("orphans/") for name in files(stage))

    bb.prune(NOW)

    assert not any(name.startswith("orphans/") for name in files(stage))
    assert not bb.verify().differences
