"""Waves as a person asks for them: what is sent when, what followers read, and what it costs."""

from typing import Any

import msgspec
import pytest

from backburner.client.preparing import Fresh, RunOptions
from backburner.emulator.cacheplan import CachePlan
from backburner.errors import InputError
from backburner.nouns.batch import Hold
from backburner.plan.caching.choices import CachePolicy
from backburner.plan.caching.sentences import wave_in_words
from backburner.plan.caching.waves import WaveReason
from backburner.store.batches import batches_of_run
from backburner.store.ledger import ledger_of_run

MODEL = "claude-haiku-4-5"
LONG = "Be kind, and careful with what you say. " * 1_000
TTL = {"type": "ephemeral", "ttl": "1h"}

# All requests of a batch are under way together, so none can read what another one writes.
TOGETHER = CachePlan(concurrency=100)


def document(number: int) -> str:
    return f"Document {number}. " + "It says little, at some length. " * 1_500


def question(text: str, about: int) -> dict[str, Any]:
    blocks = [{"type": "text", "text": document(about)}, {"type": "text", "text": f"Say: {text}"}]
    return {
        "model": MODEL,
        "max_tokens": 100,
        "messages": [{"role": "user", "content": blocks}],
    }


def listed(*abouts: int) -> list[dict[str, Any]]:
    return [
        {"custom_id": f"r{n}", "params": question(f"text {n}", about)}
        for n, about in enumerate(abouts)
    ]


def sizes(stage: Any) -> list[int]:
    return [batch.count for batch in stage.world.ledger()]


def marks(stage: Any) -> set[bytes]:
    """All marks that arrived."""
    found = set()
    for batch in stage.world.ledger():
        for _, params in stage.world.received(batch.id):
            body = msgspec.json.decode(params)
            system = body.get("system", [])
            blocks = [*(one for one in system if not isinstance(one, str))]
            for turn in body["messages"]:
                blocks += [one for one in turn["content"] if not isinstance(one, str)]
            found |= {
                msgspec.json.encode(b["cache_control"]) for b in blocks if "cache_control" in b
            }
    return found


def tokens(bb: Any, run: Any) -> tuple[int, int]:
    """Tokens written and read, by the ledger."""
    with bb.tools.store.read() as tx:
        rows = ledger_of_run(tx, run.id)
    written = sum(row.cache_write_5m_tokens + row.cache_write_1h_tokens for row in rows)
    return written, sum(row.cache_read_tokens for row in rows)


def test_followers_of_a_table_read_what_its_first_row_wrote(make_stage):
    stage = make_stage(cache=TOGETHER)
    bb = stage.open()
    run = stage.run_of(bb, stage.table(30), system=LONG, leaders=True)

    receipt = bb.run(run.id).receipt

    written, read = tokens(bb, run)
    assert sizes(stage) == [1, 29]
    assert read == 29 * written
    assert marks(stage) == {msgspec.json.encode(TTL)}
    assert [row["answer"] for row in stage.rows()] == [f"text {n}" for n in range(30)]
    assert receipt.paid.picodollars == stage.world.bill().total
    assert bb.verify(run.id).differences == []


def test_a_wave_costs_less_than_the_same_run_in_one_batch(make_stage):
    paid = []
    for leaders in (False, True):
        stage = make_stage(cache=TOGETHER)
        bb = stage.open()
        run = stage.run_of(bb, stage.table(30), system=LONG, leaders=leaders)
        paid.append(bb.run(run.id).receipt.paid.picodollars)
        assert paid[-1] == stage.world.bill().total

    assert paid[1] < paid[0] / 3


def test_each_document_of_a_list_has_its_leader(make_stage):
    stage = make_stage(cache=TOGETHER)
    bb = stage.open()
    run = bb.enqueue(listed(*[1] * 8, *[2] * 8), leaders=True)

    bb.run(run.id)

    written, read = tokens(bb, run)
    assert sizes(stage) == [1, 1, 7, 7]
    assert read == pytest.approx(7 * written)
    answers = {one.custom_id: one.message["content"][0]["text"] for one in bb.results(run)}
    assert list(answers) == [f"r{n}" for n in range(16)]
    assert all(answer for answer in answers.values())
    assert bb.verify(run.id).differences == []


def test_leaders_that_stand_together_travel_together(make_stage):
    stage = make_stage(cache=TOGETHER)
    bb = stage.open()
    run = bb.enqueue(listed(*[1, 2, 3] * 6), leaders=True)

    bb.run(run.id)

    assert sizes(stage) == [3, 15]
    written, read = tokens(bb, run)
    assert read == pytest.approx(5 * written)


def test_without_being_asked_for_a_wave_is_only_told(make_stage):
    stage = make_stage(cache=TOGETHER)
    bb = stage.open()

    run = stage.run_of(bb, stage.table(30), system=LONG)
    bb.run(run.id)

    assert sizes(stage) == [30]
    assert b"--leaders" not in run.cache.encode()
    assert msgspec.json.decode(run.cache)["waves"][0]["reason"] == "pays"


def prepared(bb: Any, stage: Any, rows: int = 30, **more: Any) -> Fresh:
    wanted = RunOptions(
        **{
            "source": str(stage.table(rows)),
            "prompt": "Say: {{ text }}",
            "model": MODEL,
            "max_tokens": 100,
            "system": LONG,
            **more,
        }
    )
    found = bb.intake.prepare(wanted)
    assert isinstance(found, Fresh)
    return found


def test_the_plan_says_what_goes_first_and_what_that_saves(stage):
    bb = stage.open()

    asked, told = (
        prepared(bb, stage, leaders=leaders).staged.cache.waves[0] for leaders in (True, False)
    )

    assert asked.leaders == told.leaders == 1
    saved = wave_in_words(asked).rpartition(" ")[2]
    assert wave_in_words(asked) == (
        "1 of 30 requests goes first, and the other 29 follow when it has ended: saves another "
        + saved
    )
    assert wave_in_words(told) == (
        f"--leaders would send 1 of 30 requests first and save another {saved}"
    )


def test_a_list_that_is_too_scattered_goes_at_once(stage):
    bb = stage.open()
    abouts = [number for number in range(60) for _ in range(4)]
    lists = listed(*abouts)

    run = bb.enqueue(lists, leaders=True)

    plan = msgspec.json.decode(run.cache)
    assert plan["waves"][0]["reason"] == WaveReason.SCATTERED
    assert "leads" not in plan
    with bb.tools.store.read() as tx:
        assert [one.hold for one in batches_of_run(tx, run.id)] == [None]


def test_short_prompts_have_no_leaders(stage):
    bb = stage.open()
    run = stage.run_of(bb, stage.table(30), system="Be kind", leaders=True)

    bb.run(run.id)

    assert sizes(stage) == [30]
    assert marks(stage) == set()


def test_leaders_are_part_of_what_a_run_asks(stage):
    bb = stage.open()
    without = stage.run_of(bb, stage.table(30), system=LONG)

    led = prepared(bb, stage, leaders=True)

    assert led.staged.run.identity != without.identity
    assert [one.hold for one in led.staged.batches] == [None, Hold.LEADERS]


@pytest.mark.parametrize(
    ("more", "why"), [({"canary": 2}, "not both"), ({"cache": CachePolicy.ALWAYS}, "nothing to")]
)
def test_what_contradicts_leaders_is_refused(stage, more, why):
    bb = stage.open()

    with pytest.raises(InputError, match=why):
        prepared(bb, stage, leaders=True, **more)


def test_what_followers_read_is_learned_apart(make_stage):
    stage = make_stage(cache=CachePlan(concurrency=100, hits=0.0))
    bb = stage.open()
    for number in range(3):
        run = stage.run_of(
            bb,
            stage.table([f"{number} {row}" for row in range(30)]),
            f"out-{number}.csv",
            system=LONG,
            leaders=True,
        )
        bb.run(run.id)

    last = stage.run_of(bb, stage.table(30, "last.csv"), "last-out.csv", system=LONG, leaders=True)

    (wave,) = msgspec.json.decode(last.cache)["waves"]
    assert sizes(stage) == [1, 29, 30, 30]
    assert wave["reason"] == WaveReason.NOTHING_SHARED
    assert "leads" not in msgspec.json.decode(last.cache)
