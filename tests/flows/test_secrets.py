"""Credentials, prompts and answers appear in no log, event, error or SQL row."""

import logging

import pytest

from backburner.emulator.faults import DropAfter, Status
from backburner.emulator.settings import ItemFailure, Rule
from backburner.errors import LaneStopped

PROMPT, ANSWER, KEY = "canary-in-the-prompt", "canary-in-the-answer", "sk-ant-canary-in-the-key"
SYSTEM = "canary-in-the-system"
CANARY = b"canary-in-the"


@pytest.fixture
def played(make_stage, caplog):
    """A life with every sort of trouble in it; the errors that were raised."""
    caplog.set_level(logging.DEBUG)
    stage = make_stage(
        rules=(
            Rule(match="reject", kind="invalid_request_error"),
            Rule(match="refuse", kind="refusal"),
            Rule(match=".", answer=ANSWER),
        ),
        fail_once=(ItemFailure(ordinal=0, index=1),),
    )
    bb = stage.open(key=KEY, requests=3)
    texts = [f"{PROMPT} {word}" for word in ("a", "b", "reject", "refuse", "c", "d")]
    run = stage.run_of(bb, stage.table(texts), system=SYSTEM)
    errors = []
    stage.world.script("create", Status(401, "authentication_error"))
    stage.world.script("results", Status(500))
    try:
        bb.run(run.id)
    except LaneStopped as error:
        errors.append(error)
    bb.resume()
    bb.run(run.id)
    stage.world.script("create", DropAfter())
    doubted = stage.run_of(bb, stage.table([f"{PROMPT} z"], "b.csv"), "b.out.csv")
    bb.drain()
    bb.status()
    bb.run(doubted.id)
    assert len(errors) == 1
    return stage, bb, errors


def test_no_canary_reaches_logs_events_errors_or_sql(played, caplog):
    stage, bb, errors = played
    assert ANSWER.encode() in (stage.home.parent / "out.csv").read_bytes()
    texts = [
        caplog.text,
        repr(stage.events),
        *(repr(vars(record)) for record in caplog.records if record.name.startswith("backburner")),
        *(f"{error} {error!r} {error.hint}" for error in errors),
        repr(bb.status()),
    ]
    bb.close()

    for text in texts:
        assert CANARY.decode() not in text
    for path in stage.home.iterdir():
        if path.is_file():
            assert CANARY not in path.read_bytes(), path.name


def test_the_key_is_in_no_file_at_all(played):
    stage, bb, _ = played
    bb.close()

    for path in stage.home.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path.name
