"""Marks on shared prefixes: added where they pay, and nowhere else; billed as planned."""

import json
from typing import Any

import msgspec
import pytest

from backburner.client.preparing import Fresh, RunOptions
from backburner.emulator.cacheplan import CachePlan, Hits
from backburner.errors import InputError
from backburner.plan.caching.choices import CachePolicy, Ground, Part
from backburner.store.ledger import ledger_of_run

MODEL = "claude-haiku-4-5"
LONG = "Be kind, and careful with what you say. " * 1_000
OTHER = "Answer as briefly as you can, in one word. " * 1_000


def sent(stage):
    """Every body that arrived, in order."""
    return [
        json.loads(params)
        for batch in stage.world.ledger()
        for _, params in sorted(stage.world.received(batch.id))
    ]


def marks_of(params):
    """Each mark of a body, by where it stands."""
    system = params.get("system", [])
    blocks = [("tools", one) for one in params.get("tools", [])]
    blocks += [("system", one) for one in system if not isinstance(system, str)]
    for turn in params["messages"]:
        if not isinstance(turn["content"], str):
            blocks += [("messages", one) for one in turn["content"]]
    return [(part, one["cache_control"]) for part, one in blocks if "cache_control" in one]


def ask(text, **more):
    return {
        "model": MODEL,
        "max_tokens": 1_000,
        "messages": [{"role": "user", "content": text}],
        **more,
    }


def listed(*params):
    return [{"custom_id": f"r{n}", "params": one} for n, one in enumerate(params)]


def paid_agrees(stage, bb, run):
    """Whether ledger, receipt and the emulator's bill say the same, to the picodollar."""
    with bb.tools.store.read() as tx:
        booked = sum(row.paid for row in ledger_of_run(tx, run.id))
    return booked == bb.receipt(run.id).paid.picodollars == stage.world.bill().total


def test_a_short_prompt_travels_byte_for_byte_as_without_a_planner(make_stage):
    bodies = []
    for cache in CachePolicy:
        stage = make_stage()
        bb = stage.open()
        run = stage.run_of(bb, stage.table(20), system="Be kind", cache=cache)
        bb.run(run.id)
        (batch,) = stage.world.ledger()
        bodies.append([params for _, params in sorted(stage.world.received(batch.id))])

    assert bodies[0] == bodies[1] == bodies[2]


def test_one_system_prompt_is_marked_once_in_every_row(stage):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(30), system=LONG)

    bb.run(run.id)

    mark = {"type": "ephemeral", "ttl": "5m"}
    assert [marks_of(one) for one in sent(stage)] == [[("system", mark)]] * 30
    assert [one["system"][0]["text"] for one in sent(stage)] == [LONG] * 30
    assert [row["answer"] for row in stage.rows()] == [f"text {n}" for n in range(30)]
    assert paid_agrees(stage, bb, run)


def test_tools_and_a_system_prompt_get_one_mark_behind_both(stage):
    bb = stage.open()
    tools = msgspec.Raw(msgspec.json.encode([{"name": "look", "input_schema": {"type": "object"}}]))
    run = stage.run_of(bb, stage.table(5), system=LONG, params={"tools": tools})

    bb.run(run.id)

    assert [[part for part, _ in marks_of(one)] for one in sent(stage)] == [["system"]] * 5


def test_long_tools_alone_are_marked_too(stage):
    bb = stage.open()
    tools = [{"name": "look", "description": LONG, "input_schema": {"type": "object"}}]
    params = {"tools": msgspec.Raw(msgspec.json.encode(tools))}
    run = stage.run_of(bb, stage.table(5), params=params)

    bb.run(run.id)

    assert [[part for part, _ in marks_of(one)] for one in sent(stage)] == [["tools"]] * 5


def test_more_rows_than_are_waited_for_are_marked_alike_and_counted(stage):
    bb = stage.open(requests=700)
    prepared = bb.intake.prepare(
        RunOptions(
            source=str(stage.table(2_100)),
            prompt="Say: {{ text }}",
            model=MODEL,
            max_tokens=10,
            system=LONG,
        )
    )
    assert isinstance(prepared, Fresh)

    (choice,) = prepared.staged.cache.choices

    assert (choice.requests, choice.ground, choice.part) == (2_100, Ground.PAYS, Part.SYSTEM)
    lines = [
        line for batch in prepared.staged.batches for line in bb.tools.vault.lines(batch.segment)
    ]
    assert len(lines) == 2_100
    assert all(line.count(b'"cache_control"') == 1 for line in lines)


def test_a_single_row_is_not_marked_but_where_a_person_asks_for_it(make_stage):
    found = {}
    for cache in (CachePolicy.AUTO, CachePolicy.ALWAYS):
        stage = make_stage()
        bb = stage.open()
        bb.run(stage.run_of(bb, stage.table(1), system=LONG, cache=cache).id)
        found[cache] = marks_of(sent(stage)[0])

    assert found[CachePolicy.AUTO] == []
    assert found[CachePolicy.ALWAYS] == [("system", {"type": "ephemeral", "ttl": "1h"})]


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("cache", list(CachePolicy))
def test_usage_receipt_and_bill_agree_whatever_the_hit_rate(make_stage, cache, share):
    stage = make_stage(cache=CachePlan(hits=share), errored_share=0.1)
    bb = stage.open(requests=40)
    run = stage.run_of(bb, stage.table(100), system=LONG, cache=cache)

    finished = bb.run(run.id)

    receipt = finished.receipt
    assert receipt.outcomes == {"ok": 100}
    assert paid_agrees(stage, bb, run)
    reads = sum(int(row["cache_read_tokens"]) for row in stage.rows())
    writes = sum(int(row["cache_write_tokens"]) for row in stage.rows())
    assert (writes > 0) == (cache is not CachePolicy.OFF)
    assert (reads > 0) == (cache is not CachePolicy.OFF and share > 0)


def test_a_mark_of_five_minutes_costs_less_than_none_from_its_break_even_on(make_stage):
    paid = {}
    for cache in (CachePolicy.AUTO, CachePolicy.OFF):
        stage = make_stage(cache=CachePlan(hits=0.3))
        bb = stage.open()
        run = stage.run_of(bb, stage.table(300), system=LONG, cache=cache)
        paid[cache] = bb.run(run.id).receipt.paid

    assert paid[CachePolicy.AUTO] < paid[CachePolicy.OFF]


def test_a_retried_request_keeps_its_marks(make_stage):
    stage = make_stage(errored_share=0.3)
    bb = stage.open()
    run = stage.run_of(bb, stage.table(20), system=LONG)

    bb.run(run.id)

    assert len(stage.world.ledger()) > 1
    assert {len(marks_of(one)) for one in sent(stage)} == {1}


def test_what_a_list_shares_is_marked_and_all_else_stays_as_it_was(stage):
    bb = stage.open(requests=3)
    shared = [ask(f"{n}", system=LONG) for n in range(6)]
    alone = [ask("x", system="short"), ask(OTHER)]

    run = bb.enqueue(listed(*shared, *alone))
    bb.run(run.id)

    bodies = sent(stage)
    assert [len(marks_of(one)) for one in bodies] == [1] * 6 + [0] * 2
    assert bodies[6:] == alone
    assert [one["system"][0]["text"] for one in bodies[:6]] == [LONG] * 6
    assert [r.custom_id for r in bb.results(run)] == [f"r{n}" for n in range(8)]
    assert paid_agrees(stage, bb, run)


def test_groups_below_a_common_system_prompt_get_marks_of_their_own(stage):
    bb = stage.open()
    documents = [f"{n} {OTHER}" for n in range(3)]
    params = [
        ask("", system=LONG, messages=[{"role": "user", "content": [text(one), text(question)]}])
        for one in documents
        for question in "abcd"
    ]

    run = bb.enqueue(listed(*params))
    bb.run(run.id)

    assert [[part for part, _ in marks_of(one)] for one in sent(stage)] == [
        ["system", "messages"]
    ] * 12
    assert paid_agrees(stage, bb, run)


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def test_a_mark_of_the_callers_stays_where_it_is_and_no_other_is_put_beside_it(stage):
    bb = stage.open()
    block = {**text(LONG), "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    params = [ask(f"{n}", system=[block]) for n in range(5)]

    run = bb.enqueue(listed(*params))
    bb.run(run.id)

    assert sent(stage) == params
    plan = json.loads(bb.get(run.id).cache)
    assert [one["ground"] for one in plan["choices"]] == ["own"]


def test_the_same_list_again_is_the_run_with_its_marks(stage, tmp_path):
    path = tmp_path / "requests.jsonl"
    lines = [json.dumps(one) for one in listed(*[ask(f"{n}", system=LONG) for n in range(4)])]
    path.write_text("\n".join(lines))
    bb = stage.open()
    first = bb.intake.prepare(RunOptions(source=str(path)))
    run = bb.intake.commit(first.staged)

    again = bb.intake.prepare(RunOptions(source=str(path)))
    other = bb.intake.prepare(RunOptions(source=str(path), cache=CachePolicy.OFF))

    assert again.run.id == run.id
    assert isinstance(other, Fresh)
    assert other.changed == ("who decides on cache marks",)


def test_a_list_that_is_adopted_is_left_as_it_was_sent(stage, tmp_path):
    path = tmp_path / "requests.jsonl"
    requests = listed(*[ask(f"{n}", system=LONG) for n in range(4)])
    path.write_text("\n".join(json.dumps(one) for one in requests))
    client = stage.make_client(stage.world)
    batch = client.messages.batches.create(requests=requests)
    stage.clock.sleep(60)
    bb = stage.open()

    adopted = bb.adopt(batch.id, str(path))

    assert adopted.run.cache == ""


def test_marks_are_turned_off_where_they_were_seen_to_lose(make_stage):
    stage = make_stage(cache=CachePlan(hits=0.0))
    bb = stage.open()
    grounds = []
    for night in range(6):
        run = stage.run_of(bb, stage.table([f"{night} {n}" for n in range(40)]), system=LONG)
        bb.run(run.id)
        grounds += [one["ground"] for one in json.loads(run.cache)["choices"]]

    assert grounds[0] == Ground.PAYS
    assert grounds[-1] == Ground.LOSES
    assert grounds == sorted(grounds, reverse=True)


def test_an_hours_mark_is_chosen_once_it_was_seen_to_be_read(make_stage):
    stage = make_stage(cache=CachePlan(hits=1.0))
    bb = stage.open()
    lifetimes = []
    for night, cache in enumerate([*[CachePolicy.ALWAYS] * 5, CachePolicy.AUTO]):
        table = stage.table([f"{night} {n}" for n in range(40)])
        run = stage.run_of(bb, table, system=LONG, cache=cache)
        bb.run(run.id)
        lifetimes += [(one["ttl"], one["hit_rate"]) for one in json.loads(run.cache)["choices"]]

    assert lifetimes[0][1] < lifetimes[4][1]


@pytest.mark.parametrize(("hits", "shown"), [(0, "0 %"), (30, "30 %"), (99, "99 %")])
def test_the_receipt_holds_the_plan_against_what_was_read(make_stage, hits, shown):
    stage = make_stage(cache=CachePlan(hits=Hits(hits, of=100)))
    bb = stage.open()
    run = stage.run_of(bb, stage.table(100), system=LONG)

    receipt = bb.run(run.id).receipt

    result = receipt.cache
    assert result.reads == hits / 100
    assert result.saving == receipt.saved_by_cache
    assert f"{shown} of the marked tokens were read" in dict(receipt.lines())["cache marks"]
    assert receipt.to_json()["cache"]["reads"] == hits / 100
    assert bb.status(run.id)[1][0].cache == result


def test_a_run_without_marks_says_nothing_of_them(stage):
    bb = stage.open()

    receipt = bb.run(stage.run_of(bb, stage.table(3)).id).receipt

    assert receipt.cache is None
    assert "cache marks" not in dict(receipt.lines())


def test_a_prefix_that_turns_out_too_short_costs_nothing_and_is_told(stage):
    bb = stage.open()
    # Many short words make more tokens than bytes let the emulator believe.
    words = "a b c d e f g h i j k l m n o p q r s t u v w x y z " * 220
    run = stage.run_of(bb, stage.table(10), system=words)

    receipt = bb.run(run.id).receipt

    assert receipt.cache.reads is None
    assert receipt.saved_by_cache.picodollars == 0
    assert receipt.cache.in_words().startswith("nothing was cached")


def test_a_policy_can_be_given_by_its_word(stage):
    bb = stage.open()
    requests = listed(*[ask(f"{n}", system=LONG) for n in range(3)])

    plain = bb.enqueue(requests, cache="off")
    marked = bb.intake.prepare(
        RunOptions(
            source=str(stage.table(3)),
            prompt="{{ text }}",
            model=MODEL,
            max_tokens=10,
            system=LONG,
            cache="always",
        )
    )

    assert plain.cache == ""
    assert [one.ground for one in marked.staged.cache.choices] == [Ground.ASKED]
    with pytest.raises(InputError, match="maybe"):
        bb.enqueue(requests, cache="maybe")
