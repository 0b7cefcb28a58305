"""What was tried more than once, paid more than once or judged by a schema is verified as well."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from backburner.client import Backburner
from backburner.client.preparing import Fresh, RunOptions
from backburner.emulator.faults import Late
from backburner.emulator.settings import ItemFailure, Rule
from backburner.nouns.batch import BatchId
from backburner.runs.output_schema import read_schema
from backburner.store.claimed_batches import batch_rest, batch_take
from backburner.worker.halving import halve

from .conftest import MODEL

HOUR = 3600.0
WORDS = {"type": "array", "items": {"type": "string"}}
FORM = {
    "output_config": msgspec.Raw(
        json.dumps({"format": {"type": "json_schema", "schema": WORDS}}).encode()
    )
}
RULES = (
    Rule(match="never", answer='{"never": 1}'),
    Rule(match="That answer does not fit", answer='["mended"]'),
    Rule(match="wrong", answer='{"wrong": 1}'),
    # Alone it is no JSON; a paused turn and what goes on from it are, put together.
    Rule(match="paused", answer='["]'),
    Rule(match="refused", kind="refusal"),
    Rule(match="rejected", kind="invalid_request_error"),
    Rule(match="", answer='["a fine answer of several words"]'),
)
ONCE = ("cut", "max_tokens"), ("paused", "pause_turn"), ("late", "expired"), ("broken", "api_error")
KINDS = ["fine", "cut", "paused", "late", "broken", "never", "wrong", "refused", "rejected"]
ROWS = [*KINDS, *KINDS, "never", "paused", "cut"]


@pytest.fixture
def troubled(make_stage: Callable[..., Any]) -> Any:
    """A stage on which each kind of row ends in its own way, in batches of five."""
    failures = (
        ItemFailure(ordinal=KINDS.index(name) // 5, index=KINDS.index(name) % 5, kind=kind)
        for name, kind in ONCE
    )
    return make_stage(rules=RULES, fail_once=tuple(failures))


@pytest.fixture
def tell() -> Callable[..., None]:
    """Changes a store behind everybody's back."""

    def execute(bb: Backburner, sql: str, **values: Any) -> None:
        with bb.tools.store.write() as tx:
            assert tx.execute(text(sql), values).rowcount

    return execute


def wishes(stage: Any, **more: Any) -> RunOptions:
    return RunOptions(
        source=str(stage.table(ROWS)),
        prompt="Say: {{ text }}",
        model=MODEL,
        max_tokens=100,
        params=FORM,
        **more,
    )


def finished(stage: Any, bb: Backburner, run: Any) -> Any:
    """A run to its end in strides: who waits a day for what expired looks each minute."""
    while not bb.status(run.id)[1][0].count.is_finished:
        bb.drain()
        stage.clock.sleep(HOUR)
    return bb.run(run.id)


@pytest.mark.parametrize("output", ["out.csv", None])
def test_a_run_of_every_outcome_agrees_with_its_bytes_and_once_more_after_a_retry(troubled, output):
    bb = troubled.open(requests=5)
    path = str(troubled.home.parent / output) if output else None
    prepared = bb.intake.prepare(wishes(troubled, output=path))
    assert isinstance(prepared, Fresh)
    run = bb.intake.commit(prepared.staged)
    first = finished(troubled, bb, run).receipt

    verified = bb.verify(run.id)

    assert first.outcomes == {"ok": 14, "invalid_output": 3, "refused": 2, "rejected": 2}
    assert (verified.differences, verified.notes) == ([], [])
    assert verified.paid == first.paid.picodollars == troubled.world.bill().total
    assert bb.retry(run.id) == 3
    assert bb.verify(run.id).differences == []
    again = bb.run(run.id).receipt
    verified = bb.verify(run.id)
    assert (verified.differences, verified.notes) == ([], [])
    assert verified.paid == again.paid.picodollars == troubled.world.bill().total
    assert again.saved_by_collapse > first.saved_by_collapse


def test_every_moment_of_such_a_run_agrees_with_its_bytes(troubled):
    bb = troubled.open(requests=5)
    run = bb.intake.commit(bb.intake.prepare(wishes(troubled)).staged)
    told = []
    for _ in range(12):
        bb.drain()
        told += bb.verify(run.id).differences
        troubled.clock.sleep(5 * HOUR)

    assert bb.status(run.id)[1][0].count.is_finished
    assert told == []


def test_a_request_canceled_while_it_waited_agrees_after_others_were_sent_again(troubled):
    bb = troubled.open(requests=5)
    run = bb.intake.commit(bb.intake.prepare(wishes(troubled)).staged)
    bb.drain()
    troubled.clock.sleep(60)
    bb.drain(collect_only=True)
    bb.cancel(run.id)
    troubled.clock.sleep(25 * HOUR)
    bb.drain()
    bb.drain()

    assert bb.retry(run.id, only=["refused"]) == 1
    bb.run(run.id)

    assert "canceled" in bb.receipt(run.id).outcomes
    assert bb.verify(run.id).differences == []


def test_a_valid_answer_that_is_called_invalid_is_found(troubled, tell):
    bb = troubled.open(requests=5)
    run = bb.intake.commit(bb.intake.prepare(wishes(troubled)).staged)
    finished(troubled, bb, run)
    tell(bb, "UPDATE attempt SET outcome = 'invalid_output' WHERE outcome = 'ok'")

    (first, *_) = bb.verify(run.id).differences

    assert "an attempt whose outcome is not what its line says" in first


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE attempt SET outcome = 'ok' WHERE attempt = 1", "is not what its line says"),
        ("UPDATE attempt SET attempt = 3 WHERE attempt = 2", "not numbered from the first"),
        ("DELETE FROM attempt WHERE attempt = 1", "not numbered from the first"),
        ("DELETE FROM attempt", "not numbered from the first"),
        ("UPDATE exception SET attempts = 3", "not numbered from the first"),
        ("UPDATE attempt SET in_batch = 2 WHERE attempt = 1", "not numbered from the first"),
        ("UPDATE attempt SET in_position = 9 WHERE attempt = 2", "an attempt that has no line"),
        ("UPDATE attempt SET in_batch = 1 WHERE attempt = 2", "an attempt that has no line"),
        ("UPDATE attempt SET position = 0", "with attempts, and without an exception"),
    ],
)
def test_attempts_that_do_not_fit_their_lines_are_named(make_stage, tell, sql, words):
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=1),))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))
    bb.run(run.id)
    assert bb.verify(run.id).differences == []
    tell(bb, sql)

    assert words in "\n".join(bb.verify(run.id).differences)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE ledger SET paid = paid + 1 WHERE {late}", "paid is $"),
        ("UPDATE ledger SET output_tokens = output_tokens + 1 WHERE {late}", "output_tokens"),
        ("UPDATE ledger SET upstream_id = 'msgbatch_x' WHERE {late}", "no batch that is known"),
        ("UPDATE duplicate SET attempt_try = 'z'", "names another request: 2 of them"),
        ("DELETE FROM duplicate", "its receipt says $"),
        ("UPDATE duplicate SET upstream_id = 'msgbatch_x'", "its results cannot be read"),
    ],
)
@pytest.mark.unbilled("the store is changed")
def test_what_was_paid_twice_is_held_against_its_own_lines(stage, tell, sql, words):
    stage.world.script("create", Late(by=2 * HOUR))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))
    bb.run(run.id)
    stage.clock.sleep(3 * HOUR)
    late = stage.world.ledger()[-1]
    bb.adopt(late.id)
    assert bb.verify(run.id).differences == []
    tell(bb, sql.format(late=f"upstream_id = '{late.id}'"))

    told = "\n".join(bb.verify(run.id).differences)

    assert words in told


def test_a_batch_that_was_accepted_late_and_halved_before_is_read_whole(stage):
    stage.world.script("create", Late(by=20 * HOUR))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(4))
    bb.drain()
    for _ in range(3):
        stage.clock.sleep(1000)
        bb.drain(collect_only=True)
    halve_first(bb)
    bb.run(run.id)
    stage.clock.sleep(30 * HOUR)

    bb.drain()

    found = bb.verify(run.id)
    assert [batch.count for batch in stage.world.ledger()] == [2, 2, 4]
    assert found.differences == []
    assert (found.lines, found.paid) == (8, stage.world.bill().total)


def halve_first(bb: Backburner) -> None:
    now = bb.tools.clock.now()
    with bb.tools.store.write() as tx:
        taken = batch_take(tx, BatchId(1), owner=bb.tools.owner, now=now, ttl=60.0)
        batch_rest(tx, taken, now)
    halve(bb.tools, taken)


def test_the_custom_ids_of_an_adopted_batch_are_compared(stage, tell, ask):
    listed = [{"custom_id": f"row-{n}", "params": ask(f"Say: {n}")} for n in range(3)]
    path = stage.home.parent / "requests.jsonl"
    path.write_text("".join(f"{json.dumps(one)}\n" for one in listed), encoding="utf-8")
    made = stage.make_client(stage.world).messages.batches.create(requests=listed)
    bb = stage.open()
    run = bb.adopt(made.id, str(path)).run
    bb.run(run.id)
    assert bb.verify(run.id).differences == []
    with bb.tools.vault.line_writer("segments/other.jsonl.zst") as writer:
        for name in (b"row-0", b"row-2"):
            writer.add(name)
    tell(bb, "UPDATE batch SET keys = 'segments/other.jsonl.zst'")

    told = "\n".join(bb.verify(run.id).differences)

    assert "it has 2 custom_ids for 3 requests" in told
    assert "names another request: 2 of them, the first at position 1" in told


def test_the_stored_schema_is_held_against_what_the_run_was_made_from(stage, tell, tmp_path):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    (tmp_path / "schema.json").write_text(json.dumps(schema, indent=2))
    bb = stage.open()
    wanted = read_schema(str(tmp_path / "schema.json"), tmp_path)
    run = stage.run_of(bb, stage.table(2), schema=wanted)
    bb.run(run.id)
    assert bb.verify(run.id).differences == []
    tell(bb, "UPDATE run SET parts = json_set(parts, '$.schema', 'x')")

    assert bb.verify(run.id).differences == [
        f"run {run.id}: its stored schema is not what it was made from"
    ]
