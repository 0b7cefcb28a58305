"""Requests that come as Python objects: kept as they were meant, or refused in words."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import anthropic
import anthropic.types
import pytest

from backburner.client import Backburner
from backburner.client.preparing import RunOptions
from backburner.client.single_requests import TicketOptions
from backburner.errors import InputError


def test_a_number_that_json_cannot_write_is_refused_and_not_sent_as_null(stage, ask) -> None:
    request = {"custom_id": "a", "params": ask(metadata={"score": float("nan")})}

    with pytest.raises(InputError, match="Out of range float"):
        stage.open().enqueue([request])


def test_bytes_are_refused_and_not_sent_as_what_nobody_wrote(stage, ask) -> None:
    bb = stage.open()
    params = ask(messages=[{"role": "user", "content": b"Hi"}])
    said = "a value of type bytes is no JSON"

    with pytest.raises(InputError, match=said):
        bb.enqueue([{"custom_id": "a", "params": params}])
    with pytest.raises(InputError, match=said):
        bb.submit(params)


def test_an_object_of_the_sdk_travels_as_the_json_it_stands_for(stage, ask) -> None:
    block = anthropic.types.TextBlock(type="text", text="Earlier", citations=None)
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": [block]}]
    bb = stage.open()

    run = bb.enqueue([{"custom_id": "a", "params": ask(messages=turns)}])

    assert bb.run(run.id).receipt.outcomes == {"ok": 1}
    (batch,) = stage.world.ledger()
    ((_, params),) = stage.world.received(batch.id)
    assert b'"text":"Earlier"' in params


def test_a_program_that_begins_again_finds_its_run_and_pays_once(stage, ask) -> None:
    requests = [{"custom_id": "a", "params": ask()}]
    first = stage.open()
    first.enqueue(requests)
    first.drain()
    second = stage.open()

    run = second.enqueue(iter(requests), name="called otherwise")
    finished, again = second.run(run.id), second.run(second.enqueue(requests).id)

    assert finished.receipt.outcomes == again.receipt.outcomes == {"ok": 1}
    assert len(stage.world.ledger()) == 1


def test_a_list_that_is_enqueued_again_gets_the_budget_and_the_time_that_are_named_now(
    stage, ask
) -> None:
    requests = [{"custom_id": "a", "params": ask()}]
    bb = stage.open()
    before = bb.enqueue(requests)

    run = bb.enqueue(requests, budget="0.50", within="6h")

    assert run.id == before.id
    assert [one.budget.scope for one in bb.budgets()] == [f"run:{run.id}"]
    assert bb.get(run.id).deadline == stage.clock.now() + 6 * 3600


def test_new_asks_the_same_list_again(stage, ask) -> None:
    requests = [{"custom_id": "a", "params": ask()}]
    bb = stage.open()
    bb.run(bb.enqueue(requests).id)

    bb.run(bb.enqueue(requests, new=True).id)

    assert len(stage.world.ledger()) == 2


def test_a_list_under_route_rules_is_found_again_too(stage, ask) -> None:
    requests = [{"custom_id": "a", "params": ask()}]
    bb = stage.open()
    options = RunOptions(source="nightly")

    first, second = (bb.enqueue_routed(requests, options) for _ in range(2))

    assert [run.id for run in first] == [run.id for run in second]


@pytest.mark.parametrize("more", [{"tags": "seo"}, {"betas": "output-300k-2026-03-24"}])
def test_a_text_where_a_list_is_meant_is_refused_and_not_cut_into_letters(
    stage, ask, more: dict[str, Any]
) -> None:
    bb = stage.open()
    (name,) = more
    said = f"^{name} is '{more[name]}', and no list$"

    with pytest.raises(InputError, match=said) as caught:
        bb.enqueue([{"custom_id": "a", "params": ask()}], **more)
    with pytest.raises(InputError, match=said):
        bb.submit(ask(), **more)
    with pytest.raises(InputError, match=said):
        bb.submit_many([ask()], TicketOptions(**more))

    assert caught.value.hint == f"write {name}=[…]"
    assert bb.status()[1] == []


@pytest.mark.parametrize("name", ["x y\r\nfoo: bar", "a,b", "", "b\u00e9ta", 5])
def test_what_is_no_name_of_a_beta_is_refused_before_anything_is_kept(
    stage, ask, name: Any
) -> None:
    bb = stage.open()
    said = re.escape(f"{name!r} is no name of a beta")

    with pytest.raises(InputError, match=said):
        bb.enqueue([{"custom_id": "a", "params": ask()}], betas=[name])
    with pytest.raises(InputError, match=said):
        bb.submit(ask(), betas=[name])
    with pytest.raises(InputError, match=said):
        stage.run_of(bb, stage.table(1), betas=(name,))

    assert bb.status()[1] == []
    assert bb.status()[0].inbox == ()


def test_betas_of_an_input_are_a_list_too(stage) -> None:
    bb = stage.open()

    with pytest.raises(InputError, match="betas is 'abc', and no list"):
        stage.run_of(bb, stage.table(1), betas="abc")


def test_keys_and_bodies_of_single_requests_are_lists(stage, ask) -> None:
    bb = stage.open()

    with pytest.raises(InputError, match="keys is 'ab', and no list"):
        bb.submit_many([ask("a"), ask("b")], keys="ab")
    with pytest.raises(InputError, match="bodies is of type dict, and no list"):
        bb.submit_many(ask())


def test_what_else_is_a_list_is_not_cut_into_letters(stage) -> None:
    bb = stage.open()
    run = stage.run_of(bb, stage.table(1))

    with pytest.raises(InputError, match="only is 'refused', and no list"):
        bb.retry(run.id, only="refused")
    with pytest.raises(InputError, match="lanes is 'default', and no list"):
        bb.work("default")
    with pytest.raises(InputError, match=r"runs is '.*', and no list"):
        bb.prune(runs=run.id)


def test_a_deadline_may_be_an_object_of_the_standard_library(stage, ask) -> None:
    bb = stage.open(environment={"TZ": "Europe/Berlin"})
    request = [{"custom_id": "a", "params": ask()}]
    start = datetime.fromtimestamp(stage.clock.now(), UTC)
    there = start + timedelta(hours=6)
    here = there.astimezone(ZoneInfo("Europe/Berlin")).replace(tzinfo=None)

    runs = [
        bb.enqueue(request, within="6h"),
        bb.enqueue(request, within=timedelta(hours=6)),
        bb.enqueue(request, by=there),
        bb.enqueue(request, by=here),
    ]
    ticket = bb.submit(ask(), within=timedelta(hours=6))

    deadlines = {run.deadline for run in runs} | {ticket.standing().ticket.deadline}
    assert {round(one) for one in deadlines} == {round(there.timestamp())}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"within": 6}, "--within 6 is no span of time"),
        ({"within": timedelta(0)}, "--within 0:00:00 is in the past"),
        ({"within": "999999w"}, "--within 999999w is over 3,650 days away"),
        ({"by": 7}, "--by 7 is no time"),
        ({"owner": 5}, "5 is no owner"),
        ({"tags": [5, "a"]}, "5 is no tag"),
    ],
)
def test_a_value_of_a_wrong_kind_is_named(stage, ask, more: dict[str, Any], said: str) -> None:
    bb = stage.open()

    with pytest.raises(InputError, match=re.escape(said)):
        bb.enqueue([{"custom_id": "a", "params": ask()}], **more)
    with pytest.raises(InputError, match=re.escape(said)):
        bb.submit(ask(), **more)


def test_names_and_choices_of_a_wrong_kind_are_named(stage, ask) -> None:
    bb = stage.open()
    request = {"custom_id": "a", "params": ask()}

    with pytest.raises(InputError, match="cache is 'sometimes', which there is not") as caught:
        bb.enqueue([request], cache="sometimes")
    with pytest.raises(InputError, match="cache is 'sometimes'"):
        stage.run_of(bb, stage.table(1), cache="sometimes")
    with pytest.raises(InputError, match="by is 'foo', which there is not"):
        bb.savings("foo")
    for key in (5, "\ud800"):
        with pytest.raises(InputError, match=re.escape(f"key is {key!r}, and no text")):
            bb.submit(ask(), key=key)
    with pytest.raises(InputError, match=r"name is '\\ud800', and no text"):
        bb.enqueue([request], name="\ud800")
    with pytest.raises(InputError, match=r"lane is '\\ud800', and no text"):
        stage.open(lane="\ud800")

    assert caught.value.hint == "there is auto, off, always"


@pytest.mark.parametrize("day", ["foo", "2026-13-99", "tomorrow", 5])
def test_what_is_no_day_of_a_report_is_refused(stage, day: Any) -> None:
    bb = stage.open()

    with pytest.raises(InputError, match=f"since is no day: {day!r}"):
        bb.savings(since=day)
    with pytest.raises(InputError, match=f"until is no day: {day!r}"):
        bb.savings(until=day)


def test_a_client_of_another_kind_is_refused_before_anything_is_kept(tmp_path: Path) -> None:
    client = anthropic.AsyncAnthropic(api_key="k")

    with pytest.raises(InputError, match=r"of type AsyncAnthropic, and no anthropic\.Anthropic"):
        Backburner(tmp_path / "home", client=client, environment={})

    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (None, "it is of type NoneType"),
        ([{"model": "claude-haiku-4-5"}], "it is of type list"),
        (5, "it is of type int"),
        ('{"x": "\\ud800"}', "it holds half of a surrogate pair"),
        ('{"system": "\\ud800 and more"}', "it holds half of a surrogate pair"),
    ],
)
def test_what_is_no_body_is_told_as_what_it_is(stage, body: Any, said: str) -> None:
    with pytest.raises(InputError, match=f"request 1 is no Messages body: {said}"):
        stage.open().submit(body)


def test_a_byte_order_mark_before_a_body_is_no_part_of_it(stage, ask) -> None:
    bb = stage.open()
    written = json.dumps(ask("Say: yes"))

    tickets = bb.submit_many(["\ufeff" + written, ("\ufeff" + written).encode()])

    assert [one.result()["content"][0]["text"] for one in tickets] == ["yes", "yes"]
