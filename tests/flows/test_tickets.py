"""Single requests: submitted, sealed, sent in a batch, answered."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from backburner.client.home import Home
from backburner.client.single_requests import TicketOptions
from backburner.emulator.settings import ItemFailure, Limits, Rule
from backburner.errors import AnswerPending, InputFaults, KeyConflict, NotAnswered, NotFound, Pruned
from backburner.store import Store, Transaction
from backburner.store.inbox import inbox_waiting
from backburner.store.owners import Owner
from backburner.store.runs import runs_all
from backburner.telemetry import RunFinished
from backburner.vault import Vault

Ask = Callable[..., dict[str, Any]]


def test_a_ticket_is_answered_by_a_batch(stage: Any, ask: Ask) -> None:
    bb = stage.open()

    ticket = bb.submit(ask("Say: yes"), urgency="soon")

    assert ticket.status() == "in the inbox"
    assert ticket.result()["content"][0]["text"] == "yes"
    assert ticket.status() == "ok"
    assert len(stage.sent()) == 1


def test_tickets_that_wait_together_travel_in_one_batch(stage: Any, ask: Ask) -> None:
    bb = stage.open()
    tickets = [bb.submit(ask(f"Say: {n}"), urgency="soon") for n in range(5)]

    texts = [one.result()["content"][0]["text"] for one in tickets]

    assert texts == ["0", "1", "2", "3", "4"]
    assert [len(ids) for ids in stage.sent()] == [5]


def test_the_same_key_and_body_give_the_same_ticket(stage: Any, ask: Ask) -> None:
    bb = stage.open()
    first = bb.submit(ask("Say: a"), key="order 7", urgency="soon")

    again = bb.submit(ask("Say: a"), key="order 7", urgency="window")

    assert again.id == first.id
    assert first.result()["content"][0]["text"] == "a"
    assert bb.submit(ask("Say: a"), key="order 7").id == first.id
    assert len(stage.sent()) == 1


def test_a_key_of_another_body_is_refused_and_named(stage: Any, ask: Ask) -> None:
    bb = stage.open()
    bb.submit(ask("Say: a"), key="order 7")

    with pytest.raises(KeyConflict, match="'order 7'") as caught:
        bb.submit(ask("Say: b"), key="order 7")

    assert caught.value.code == "key_conflict"


@pytest.mark.parametrize(
    ("before", "keys"),
    [(["k"], [*[None] * 501, "k"]), ([], ["k", *[None] * 500, "k"])],
    ids=["kept before", "in the same call"],
)
def test_nothing_is_kept_of_a_call_in_which_a_key_belongs_to_another_request(
    stage: Any, ask: Ask, before: list[str], keys: list[str | None]
) -> None:
    bb = stage.open()
    for key in before:
        bb.submit(ask("Say: before"), key=key)
    bodies = [ask(f"Say: {n}") for n in range(502)]

    with pytest.raises(KeyConflict, match="'k'"):
        bb.submit_many(bodies, keys=keys)

    assert waiting(bb) == len(before)


def test_a_key_that_another_process_takes_meanwhile_leaves_nothing_without_a_key(
    stage: Any, ask: Ask
) -> None:
    other, store = stage.open(), MeddlingStore(stage.home)
    home = Home(stage.home, store, Vault(stage.home / "vault"), Owner(stage.home, "meddled"))
    bb = stage.open(home=home)
    bodies = [ask(f"Say: {n}") for n in range(1_101)]
    keys = [*[None] * 500, *[f"key {n}" for n in range(600)], None]
    store.meddle = lambda: other.submit(ask("Say: other"), key="key 599")

    with pytest.raises(KeyConflict, match="'key 599'"):
        bb.submit_many(bodies, keys=keys)

    assert store.meddle is None
    assert waiting(bb) == 500 + 1
    kept = bb.submit_many(bodies[500:1_000], keys=keys[500:1_000])
    assert len({one.id for one in kept}) == 500
    assert waiting(bb) == 500 + 1


class MeddlingStore(Store):
    """Lets something happen before the next commit, once."""

    meddle: Callable[[], object] | None = None

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        if self.meddle is not None:
            meddle, self.meddle = self.meddle, None
            meddle()
        with super().write() as tx:
            yield tx


def waiting(bb: Any) -> int:
    """How many tickets are in the inbox."""
    with bb.tools.store.read() as tx:
        return sum(number for _, number, _ in inbox_waiting(tx, "default"))


def test_tickets_come_in_the_order_of_their_requests(stage: Any, ask: Ask) -> None:
    bb = stage.open()
    keys = [None, "a", None, "b"]

    tickets = bb.submit_many([ask(f"Say: {n}") for n in range(4)], keys=keys)

    texts = [one.result()["content"][0]["text"] for one in tickets]
    assert texts == ["0", "1", "2", "3"]


def test_blanks_between_the_parts_of_a_body_do_not_make_it_another(stage: Any, ask: Ask) -> None:
    bb = stage.open()

    first = bb.submit(json.dumps(ask("Say: a")), key="k")

    assert bb.submit(json.dumps(ask("Say: a"), indent=2), key="k").id == first.id


def test_the_same_key_in_one_call_gives_one_ticket(stage: Any, ask: Ask) -> None:
    bb = stage.open()

    one, other = bb.submit_many([ask("Say: a"), ask("Say: a")], keys=["k", "k"])

    assert one.id == other.id


def test_a_body_is_sent_token_for_token(stage: Any) -> None:
    bb = stage.open()
    body = (
        b'{"max_tokens":1e2,"model":"claude-haiku-4-5","x_new":1.50,'
        b'"messages":[{"role":"user","content":"Say: \\u00e9"}]}'
    ).replace(b"1e2", b"100")

    bb.submit(body, urgency="soon").wait()

    (batch,) = stage.world.ledger()
    assert list(dict(stage.world.received(batch.id)).values()) == [body]


def test_a_body_that_a_batch_would_refuse_is_not_kept(stage: Any, ask: Ask) -> None:
    bb = stage.open()

    with pytest.raises(InputFaults, match="request 2: temperature"):
        bb.submit_many([ask("Say: a"), ask("Say: b", temperature=1)])

    assert bb.status()[0].inbox == ()


def test_tickets_that_differ_in_terms_travel_apart(stage: Any, ask: Ask) -> None:
    bb = stage.open()
    bb.submit(ask("Say: a"), urgency="soon", tags=["x"])
    bb.submit(ask("Say: b"), urgency="soon", tags=["y"], owner="ann")
    last = bb.submit(ask("Say: c"), urgency="soon", betas=["context-1m-2025-08-07"])

    last.wait()
    bb.drain()

    with bb.tools.store.read() as tx:
        runs = runs_all(tx)
    assert sorted((run.tags, run.owner) for run in runs) == [("", ""), ("x", ""), ("y", "ann")]
    assert all(run.is_inbox for run in runs)


def test_a_refusal_is_an_error_that_holds_the_message(make_stage: Any, ask: Ask) -> None:
    stage = make_stage(rules=(Rule(match="no", kind="refusal"),))
    ticket = stage.open().submit(ask("no"), urgency="soon")

    with pytest.raises(NotAnswered, match=r"was refused by the model \(refused\)") as caught:
        ticket.result()

    assert caught.value.outcome == "refused"
    assert caught.value.message["stop_reason"] == "refusal"


def test_who_waits_for_a_time_is_told_when_it_is_over(make_stage: Any, ask: Ask) -> None:
    stage = make_stage(turnaround=3600.0)
    ticket = stage.open().submit(ask("Say: a"), urgency="soon")

    with pytest.raises(AnswerPending, match="with Anthropic"):
        ticket.result(timeout=600)

    assert ticket.wait()


def test_another_process_may_do_the_work(stage: Any, ask: Ask) -> None:
    asking, working = stage.open(), stage.open()
    ticket = asking.submit(ask("Say: a"), urgency="soon")

    assert not ticket.wait(timeout=30, drive=False)
    working.ticket(ticket.id).wait()

    assert ticket.result(drive=False)["content"][0]["text"] == "a"


def test_a_ticket_is_canceled_in_the_inbox(stage: Any, ask: Ask) -> None:
    bb = stage.open()
    ticket = bb.submit(ask("Say: a"), urgency="soon")

    canceled = ticket.cancel()

    assert canceled.unsent
    assert ticket.status() == "canceled"
    bb.drain()
    assert stage.sent() == []
    with pytest.raises(NotAnswered) as caught:
        ticket.result()
    assert caught.value.outcome == "canceled"


def test_a_ticket_that_travels_with_others_goes_on_with_them(make_stage: Any, ask: Ask) -> None:
    stage = make_stage(turnaround=3600.0)
    bb = stage.open()
    first, second = (bb.submit(ask(f"Say: {n}"), urgency="soon") for n in range(2))
    bb.drain()

    assert first.cancel().shares_with == 1
    assert first.result()["content"][0]["text"] == "0"
    assert second.result()["content"][0]["text"] == "1"


def test_the_last_ticket_of_a_run_that_is_canceled_cancels_it(make_stage: Any, ask: Ask) -> None:
    stage = make_stage(turnaround=3600.0)
    bb = stage.open()
    first, second = (bb.submit(ask(f"Say: {n}"), urgency="soon") for n in range(2))
    bb.drain()

    first.cancel()
    assert second.cancel().asked

    assert [one.wait() and one.status() for one in (first, second)] == ["canceled", "canceled"]


def test_a_ticket_is_removed_seven_days_after_it_was_read(stage: Any, ask: Ask) -> None:
    bb = stage.open()
    read, unread = (bb.submit(ask(f"Say: {n}"), urgency="soon") for n in range(2))
    read.result()

    stage.clock.sleep(7 * 86400 + 1)
    bb.drain()

    assert unread.result()["content"][0]["text"] == "1"
    with pytest.raises(NotFound, match=read.id):
        read.status()


def test_a_ticket_that_nobody_read_goes_seven_days_after_its_answer(stage: Any, ask: Ask) -> None:
    bb = stage.open()
    ticket = bb.submit(ask("Say: a"), urgency="soon")
    for _ in range(2):
        bb.drain()
        stage.clock.sleep(60)
    stage.clock.sleep(31 * 86400)

    bb.prune(timedelta(days=30))
    with pytest.raises(Pruned):
        ticket.result()

    stage.clock.sleep(7 * 86400 + 1)
    bb.drain()
    with pytest.raises(NotFound):
        ticket.result()


def test_a_drain_finishes_runs_of_tickets_once(stage: Any, ask: Ask) -> None:
    bb = stage.open()
    bb.submit(ask("Say: a"), urgency="soon")
    bb.drain()
    stage.clock.sleep(60)

    finished = bb.drain().finished

    assert [one.is_inbox for one in finished] == [True]
    assert bb.drain().finished == ()


def test_who_waits_for_the_last_ticket_of_a_run_tells_its_end(stage: Any, ask: Ask) -> None:
    bb = stage.open()
    tickets = [bb.submit(ask(f"Say: {n}"), urgency="soon") for n in range(2)]

    for one in tickets:
        one.wait()

    told = [one.outcomes for one in stage.events if isinstance(one, RunFinished)]
    assert told == [{"ok": 2}]


def test_a_retried_ticket_is_answered_by_its_last_attempt(make_stage: Any, ask: Ask) -> None:
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=1),))
    bb = stage.open()
    tickets = [bb.submit(ask(f"Say: {n}"), urgency="soon") for n in range(3)]

    texts = [one.result()["content"][0]["text"] for one in tickets]

    assert texts == ["0", "1", "2"]


def test_tickets_of_a_halved_batch_keep_their_answers(make_stage: Any, ask: Ask) -> None:
    stage = make_stage(turnaround=0.5, limits=Limits(queued_requests=2))
    bb = stage.open()
    tickets = [bb.submit(ask(f"Say: {n}"), urgency="soon") for n in range(5)]

    texts = [one.result()["content"][0]["text"] for one in tickets]

    assert texts == ["0", "1", "2", "3", "4"]
    assert all(len(ids) <= 2 for ids in stage.sent())


def test_many_tickets_are_sealed_in_slices_of_two_thousand(stage: Any, ask: Ask) -> None:
    bb = stage.open()
    tickets = bb.submit_many(
        [ask(f"Say: {n}") for n in range(4_500)], TicketOptions(urgency="soon")
    )

    bb.drain()

    assert sorted(len(ids) for ids in stage.sent()) == [500, 2_000, 2_000]
    assert tickets[-1].result()["content"][0]["text"] == "4499"


def test_what_holds_in_a_lane_holds_for_its_tickets(stage: Any, ask: Ask) -> None:
    stage.home.mkdir()
    lane = '[lanes.default]\ntags = ["seo"]\nowner = "ann"\ncache = "always"\n'
    (stage.home / "backburner.toml").write_text(lane)
    bb = stage.open()
    system = "Be kind. " * 3_000

    usual = [bb.submit({**ask(f"Say: {n}"), "system": system}, urgency="soon") for n in range(3)]
    other = bb.submit(ask("Say: 9"), urgency="soon", owner="bob", tags=["mail"])

    for one in (*usual, other):
        one.result()
    with bb.tools.store.read() as tx:
        runs = {one.owner: one for one in runs_all(tx)}
    assert {owner: one.tags for owner, one in runs.items()} == {"ann": "seo", "bob": "mail"}
    assert [one["ground"] for one in json.loads(runs["ann"].cache)["choices"]] == ["asked"]
