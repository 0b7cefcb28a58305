"""Batches that a script or the Console made are taken over, and nothing of them is dropped."""

import json

import pytest

from backburner.emulator.faults import DropAfter, Late
from backburner.emulator.settings import ItemFailure
from backburner.errors import InputError, NotFound, Unreachable
from backburner.telemetry import BatchResolved, DuplicateFound

HOUR = 3600.0


def requests(ask, count):
    return [{"custom_id": f"row-{n}", "params": ask(f"Say: answer {n}")} for n in range(count)]


def by_script(stage, listed):
    """What the usual script does: it sends the list, and forgets."""
    client = stage.make_client(stage.world)
    return client.messages.batches.create(requests=listed).id


def listed_in(stage, listed):
    path = stage.home.parent / "requests.jsonl"
    path.write_text("".join(f"{json.dumps(one)}\n" for one in listed), encoding="utf-8")
    return str(path)


def texts(bb, run):
    return {
        one.custom_id: one.message["content"][0]["text"] if one.message else None
        for one in bb.results(run)
    }


def test_a_scripts_batch_becomes_a_run_with_its_list(stage, ask):
    listed = requests(ask, 4)
    upstream_id = by_script(stage, listed)
    bb = stage.open()

    adopted = bb.adopt(upstream_id, listed_in(stage, listed))

    assert bb.run(adopted.run.id).receipt.outcomes == {"ok": 4}
    assert texts(bb, adopted.run) == {f"row-{n}": f"answer {n}" for n in range(4)}
    assert len(stage.world.ledger()) == 1
    assert bb.receipt(adopted.run.id).paid.picodollars == stage.world.bill().total
    assert bb.verify().differences == []


def test_what_failed_in_a_scripts_batch_is_retried_by_us(make_stage, ask):
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=2),))
    listed = requests(ask, 4)
    bb = stage.open()
    adopted = bb.adopt(by_script(stage, listed), listed_in(stage, listed))

    assert bb.run(adopted.run.id).receipt.outcomes == {"ok": 4}
    assert [batch.count for batch in stage.world.ledger()] == [4, 1]
    assert bb.verify().differences == []


@pytest.mark.unbilled("a line that nobody asked for is kept, and not booked")
def test_requests_that_the_batch_lacks_are_sent_and_lines_nobody_asked_for_are_kept(stage, ask):
    listed = requests(ask, 5)
    upstream_id = by_script(stage, listed[1:])
    bb = stage.open()

    adopted = bb.adopt(upstream_id, listed_in(stage, listed[:4]))

    assert bb.run(adopted.run.id).receipt.outcomes == {"ok": 4}
    assert [batch.count for batch in stage.world.ledger()] == [4, 1]
    (orphans,) = (stage.home / "vault" / "orphans").iterdir()
    (line,) = bb.tools.vault.lines(f"orphans/{orphans.name}")
    assert json.loads(line)["custom_id"] == "row-4"
    assert bb.verify().differences == []


def test_without_its_list_every_line_is_kept_as_an_orphan(stage, ask):
    upstream_id = by_script(stage, requests(ask, 3))
    stage.clock.sleep(HOUR)
    bb = stage.open()

    kept = bb.adopt(upstream_id)

    assert kept.outcomes == {"ok": 3}
    assert kept.paid == stage.world.bill().total
    ids = [json.loads(line)["custom_id"] for line in bb.tools.vault.lines(kept.name)]
    assert sorted(ids) == ["row-0", "row-1", "row-2"]
    with pytest.raises(InputError, match="are kept already") as caught:
        bb.adopt(upstream_id)
    assert f"adopt {upstream_id} FILE" in caught.value.hint


def test_what_was_kept_without_its_list_becomes_a_run_with_it(stage, ask):
    listed = requests(ask, 3)
    upstream_id = by_script(stage, listed)
    stage.clock.sleep(HOUR)
    bb = stage.open()
    bb.adopt(upstream_id)

    adopted = bb.adopt(upstream_id, listed_in(stage, listed))

    assert bb.run(adopted.run.id).receipt.outcomes == {"ok": 3}
    assert bb.receipt(adopted.run.id).paid.picodollars == stage.world.bill().total
    assert bb.verify().differences == []
    with pytest.raises(InputError, match="belongs to a run here"):
        bb.adopt(upstream_id)
    bb.prune(runs=[adopted.run.id])
    assert not list((stage.home / "vault" / "orphans").iterdir())


def test_one_of_ours_in_doubt_goes_on_at_once(stage):
    stage.world.script("create", DropAfter())
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))
    bb.drain()
    stage.clock.sleep(60)

    bb.adopt(stage.world.ledger()[0].id)

    before = stage.clock.now()
    assert bb.run(run.id).receipt.outcomes == {"ok": 2}
    assert stage.clock.now() - before < 60
    assert [event.how for event in stage.events if isinstance(event, BatchResolved)] == ["adopted"]


def test_a_second_one_of_ours_is_booked_as_paid_twice(stage):
    stage.world.script("create", Late(by=2 * HOUR))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(2))
    bb.run(run.id)
    stage.clock.sleep(3 * HOUR)
    late = stage.world.ledger()[-1]

    bb.adopt(late.id)

    assert len([event for event in stage.events if isinstance(event, DuplicateFound)]) == 1
    assert bb.receipt(run.id).paid_twice.picodollars == late.cost
    assert bb.verify().differences == []


def test_while_one_of_ours_is_in_doubt_a_running_batch_of_its_size_is_not_given_away(
    make_stage, ask
):
    stage = make_stage(turnaround=5 * HOUR)
    stage.world.script("create", DropAfter())
    bb = stage.open()
    stage.run_of(bb, stage.table(2))
    bb.drain()

    with pytest.raises(InputError, match="may be a batch of ours"):
        bb.adopt(stage.world.ledger()[0].id, listed_in(stage, requests(ask, 2)))


def test_only_what_was_taken_over_pins_the_lane(stage, ask):
    listed = requests(ask, 2)
    upstream_id = by_script(stage, listed)
    bb = stage.open()
    with pytest.raises(NotFound):
        bb.adopt("msgbatch_nowhere")
    before = bb.status()[0]

    bb.adopt(upstream_id, listed_in(stage, listed))

    after = bb.status()[0]
    assert before.workspace is None
    assert after.workspace is not None


def test_what_cannot_be_adopted_is_told_in_one_sentence(make_stage, ask):
    stage = make_stage(turnaround=5 * HOUR)
    bb = stage.open()
    running = by_script(stage, requests(ask, 1))

    with pytest.raises(NotFound, match="msgbatch_nowhere"):
        bb.adopt("msgbatch_nowhere")
    with pytest.raises(InputError, match="has not ended"):
        bb.adopt(running)
    stage.world.script("retrieve", DropAfter())
    with pytest.raises(Unreachable):
        bb.adopt(running)


def test_a_list_that_waits_here_already_is_not_adopted_beside_itself(stage, ask):
    listed = requests(ask, 2)
    path = listed_in(stage, listed)
    bb = stage.open()
    first = bb.adopt(by_script(stage, listed), path).run

    with pytest.raises(InputError, match=first.id):
        bb.adopt(by_script(stage, listed), path)
