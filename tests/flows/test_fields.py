"""Runs whose prompt leaves the order of the columns open: the same answers on the same rows."""

import json

import pytest

from backburner.client.preparing import Fresh, RunOptions
from backburner.emulator.settings import Rule

MODEL = "claude-haiku-4-5"
GUIDE = "Be kind and careful with what you say to {}. " * 600
PROMPT = "Judge this.\n{{ fields }}"


def write(path, rows):
    heads = list(rows[0])
    lines = [",".join(heads), *(",".join(str(row[head]) for head in heads) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def complaints(count=60, guide="short {}"):
    return [
        {
            "id": n,
            "text": f"complaint {n}",
            "brand": f"b{n % 2}",
            "guide": guide.replace("{}", f"brand {n % 2}"),
        }
        for n in range(count)
    ]


@pytest.fixture
def shop(make_stage):
    """A stage whose model answers with the id that stands in the prompt."""
    return make_stage(rules=(Rule(match=r'(?s)^.*"id": "(\d+)".*$', answer=r"answer \1"),))


class KilledError(BaseException):
    """The process is dead."""


def kill_when_sent(stage):
    def shown(_count):
        if stage.world.ledger():
            raise KilledError

    return shown


def contents(stage):
    """What each accepted request asks, in order."""
    return [
        json.loads(params)["messages"][0]["content"]
        for batch in stage.world.ledger()
        for _, params in sorted(stage.world.received(batch.id))
    ]


def text_of(content):
    return content if isinstance(content, str) else "".join(one["text"] for one in content)


def fields_of(content):
    lines = text_of(content).split("\n")[1:]
    return json.loads("{" + ",".join(lines) + "}", object_pairs_hook=list)


def test_every_prompt_holds_every_field_once_and_answers_land_on_their_rows(shop):
    rows = complaints()
    source = write(shop.home.parent / "in.csv", rows)
    bb = shop.open()

    run = shop.run_of(bb, source, prompt=PROMPT)
    bb.run(run.id)

    asked = [fields_of(content) for content in contents(shop)]
    assert sorted(int(dict(one)["id"]) for one in asked) == list(range(60))
    for one in asked:
        assert sorted(name for name, _ in one) == ["brand", "guide", "id", "text"]
        assert dict(one)["text"] == f"complaint {dict(one)['id']}"
    assert [row["answer"] for row in shop.rows()] == [f"answer {n}" for n in range(60)]
    assert [row["id"] for row in shop.rows()] == [str(n) for n in range(60)]


def test_a_process_that_dies_while_it_stages_changes_no_body(make_stage):
    sent = []
    for dies in (False, True):
        stage = make_stage()
        source = write(stage.home.parent / "in.csv", complaints(guide=GUIDE))
        if dies:
            wanted = RunOptions(source=str(source), prompt=PROMPT, model=MODEL, max_tokens=100)
            assert isinstance(stage.open().intake.prepare(wanted), Fresh)
        bb = stage.open()
        run = stage.run_of(bb, source, prompt=PROMPT)
        bb.run(run.id)
        sent.append(contents(stage))

    assert sent[0] == sent[1]


def test_a_run_that_is_resumed_sends_no_other_bodies(shop):
    source = write(shop.home.parent / "in.csv", complaints())
    first = shop.open(requests=20)
    run = shop.run_of(first, source, prompt=PROMPT)
    with pytest.raises(KilledError):
        first.run(run.id, kill_when_sent(shop))
    before = contents(shop)

    again = shop.open(requests=20)
    resumed = shop.run_of(again, source, prompt=PROMPT)
    again.run(resumed.id)

    assert resumed.id == run.id
    assert before
    after = contents(shop)
    assert after[: len(before)] == before
    assert len(after) == 60
    assert [row["answer"] for row in shop.rows()] == [f"answer {n}" for n in range(60)]


def test_identical_rows_still_share_one_request(shop):
    rows = complaints(30)
    source = write(shop.home.parent / "in.csv", [*rows, *reversed(rows)])
    bb = shop.open()

    run = shop.run_of(bb, source, prompt=PROMPT)
    bb.run(run.id)

    assert (run.rows, run.requests) == (60, 30)
    expected = [*range(30), *reversed(range(30))]
    assert [row["answer"] for row in shop.rows()] == [f"answer {n}" for n in expected]


def test_a_long_cell_that_rows_share_is_marked_and_billed_as_planned(make_stage):
    stage = make_stage()
    source = write(stage.home.parent / "in.csv", complaints(guide=GUIDE))
    bb = stage.open()

    wanted = RunOptions(source=str(source), prompt=PROMPT, model=MODEL, max_tokens=100)
    fresh = bb.intake.prepare(wanted)
    run = bb.intake.commit(fresh.staged)
    bb.run(run.id)

    figures = fresh.staged.fields
    assert (figures.before, figures.rows) == (0.0, 60)
    assert figures.after > 0.95
    assert [choice.is_marked for choice in fresh.staged.cache.choices] == [True]
    for content in contents(stage):
        assert [block.get("cache_control") for block in content] == [
            {"type": "ephemeral", "ttl": "5m"},
            None,
        ]
    assert bb.receipt(run.id).paid.picodollars == stage.world.bill().total


def test_a_prompt_without_the_word_has_no_plan_of_fields(stage):
    bb = stage.open()

    wanted = RunOptions(
        source=str(stage.table(3)), prompt="Say: {{ text }}", model=MODEL, max_tokens=100
    )

    assert bb.intake.prepare(wanted).staged.fields is None
