"""Figures made anew from stored bytes agree with the store, or what differs is named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from backburner.client import Backburner
from backburner.emulator.faults import Line
from backburner.emulator.settings import ItemFailure, Rule
from backburner.errors import NotFound
from backburner.nouns.outcome import CODES, Outcome
from backburner.vault.frames import pack

ROWS = [*(f"text {n}" for n in range(7)), "text 0", "text 6", "text 6"]
RULES = (Rule(match="text 4$", kind="refusal"), Rule(match="text 5$", kind="max_tokens"))


@pytest.fixture
def finished(make_stage: Callable[..., Any]) -> tuple[Any, Backburner, str]:
    """A finished run of ten rows and seven requests in three batches, two of them retried."""
    failures = (ItemFailure(ordinal=0, index=1), ItemFailure(ordinal=1, index=2))
    stage = make_stage(fail_once=failures, rules=(*RULES, Rule(match="", answer="yes, \u2028 so")))
    bb = stage.open(requests=3)
    run = stage.run_of(bb, stage.table(ROWS))
    bb.run(run.id)
    return stage, bb, run.id


@pytest.fixture
def tell(finished: tuple[Any, Backburner, str]) -> Callable[..., None]:
    """Changes the store behind everybody's back."""

    def execute(sql: str, **values: Any) -> None:
        with finished[1].tools.store.write() as tx:
            assert tx.execute(text(sql), values).rowcount

    return execute


def test_a_finished_run_agrees_with_its_bytes(finished):
    stage, bb, run = finished

    found = bb.verify(run)

    assert found.differences == []
    assert found.notes == []
    assert (found.runs, found.batches, found.requests, found.lines) == (1, 6, 7, 10)
    assert found.paid == stage.world.bill().total


def test_a_lane_is_verified_with_all_its_runs(finished):
    stage, bb, _ = finished
    other = stage.run_of(bb, stage.table(4, "other.csv"), "other.csv.out.csv")
    bb.run(other.id)

    found = bb.verify()

    assert found.differences == []
    assert (found.runs, found.requests) == (2, 11)
    assert found.paid == stage.world.bill().total


@pytest.mark.parametrize("seconds", [0.0, 10.0, 30.0])
def test_a_run_under_way_agrees_with_its_bytes(make_stage, seconds):
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=1),))
    bb = stage.open(requests=3)
    run = stage.run_of(bb, stage.table(ROWS))
    bb.drain()
    stage.clock.sleep(seconds)
    bb.drain()

    assert bb.verify(run.id).differences == []


@pytest.mark.parametrize("passes", range(4))
def test_a_canceled_run_agrees_with_its_bytes(make_stage, passes):
    stage = make_stage(fail_once=(ItemFailure(ordinal=0, index=1),), turnaround=50.0)
    bb = stage.open(requests=3)
    run = stage.run_of(bb, stage.table(ROWS))
    for _ in range(passes):
        bb.drain()
        stage.clock.sleep(60.0)
    bb.cancel(run.id)
    for _ in range(4):
        bb.drain()
        stage.clock.sleep(3600.0)

    assert bb.status(run.id)[1][0].count.is_finished
    assert bb.verify(run.id).differences == []


def test_results_that_are_gone_agree_with_their_absence(make_stage):
    stage = make_stage()
    bb = stage.open(requests=3)
    run = stage.run_of(bb, stage.table(4))
    bb.drain()
    stage.clock.sleep(40 * 86400.0)
    for _ in range(8):
        bb.drain()
        stage.clock.sleep(3700.0)

    assert bb.status(run.id)[1][0].count.held == 4
    assert bb.verify(run.id).differences == []


@pytest.mark.parametrize(
    "column",
    [
        "requests",
        "input_tokens",
        "output_tokens",
        "cache_write_5m_tokens",
        "cache_write_1h_tokens",
        "cache_read_tokens",
        "paid",
        "sync_price",
        "uncached_price",
    ],
)
@pytest.mark.unbilled("the store is changed")
def test_one_unit_more_in_the_ledger_is_found(finished, tell, column):
    _, bb, run = finished
    tell(f"UPDATE ledger SET {column} = {column} + 1 WHERE batch = 1")  # noqa: S608

    (first, *_) = bb.verify(run).differences

    assert first.startswith(f"batch 1: the ledger of run {run} and model claude-haiku-4-5")
    assert column in first


def test_a_booking_that_is_lacking_or_too_many_is_found(finished, tell):
    _, bb, run = finished
    tell("UPDATE ledger SET model = 'claude-opus-4-7' WHERE batch = 2")

    told = "\n".join(bb.verify(run).differences)

    assert "batch 2: the ledger of run" in told
    assert "not booked, and 2 lines say so" in told
    assert "booked, and no line says so" in told


def test_an_outcome_that_the_line_does_not_say_is_found(finished, tell):
    _, bb, run = finished
    refused = pack(bytes([CODES[Outcome.REFUSED], 0, CODES[Outcome.OK]]))
    tell("UPDATE batch SET outcomes = :packed WHERE id = 1", packed=refused)

    differences = bb.verify(run).differences

    assert differences[0].startswith(
        "batch 1: outcomes that differ (there: stored refused, and the line says ok): 1 of them, "
        "the first at position 0"
    )
    assert any("its receipt says" in words for words in differences)


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("DELETE FROM exception WHERE batch = 1", "not final, without an exception"),
        ("UPDATE exception SET outcome = 'expired'", "not what their newest line says"),
        ("UPDATE exception SET last_position = 99", "whose newest attempt has no line"),
        ("UPDATE batch SET body_bytes = 7 WHERE id = 2", "is announced as 7 bytes"),
        ("UPDATE run SET rows = 11", "11 rows and 3 collapsed are stored, and its bytes say 10"),
        ("UPDATE run SET collapsed = 2", "10 rows and 2 collapsed are stored"),
        (
            "UPDATE run SET collapsed_sync = collapsed_sync + 1",
            "saved by collapsing, and the lines",
        ),
        ("UPDATE batch SET nonce = 'aaaaaaaaaaaa' WHERE id = 1", "names another request: 3 of"),
        ("UPDATE batch SET upstream_id = NULL WHERE id = 1", "was neither sent nor canceled"),
        ("UPDATE batch SET results = NULL WHERE id = 1", "batch 1: outcomes that differ"),
        ("UPDATE batch SET outcomes = NULL WHERE id = 1", "it is done, and has no outcomes"),
        ("UPDATE batch SET outcomes = x'00' WHERE id = 1", "its outcomes cannot be read"),
        ("UPDATE batch SET state = 'odd' WHERE id = 1", "batch 1 breaks the rule"),
        ("UPDATE batch SET requests = 4 WHERE id = 2", "its segment has 3 lines for 4 requests"),
        ("INSERT INTO object VALUES ('runs/x/y', 'live')", "the vault: runs/x/y is not there"),
    ],
)
@pytest.mark.unbilled("the store is changed")
def test_what_does_not_fit_the_bytes_is_named(finished, tell, sql, told):
    _, bb, run = finished
    tell(sql)

    assert told in "\n".join(bb.verify(run).differences)


def test_a_rise_in_attempts_changes_no_figure(finished, tell):
    _, bb, run = finished
    tell("UPDATE exception SET due_at = due_at + 1")

    assert bb.verify(run).differences == []


@pytest.mark.parametrize("harm", ["cut", "gone", "flipped"])
@pytest.mark.parametrize("kind", ["segments", "results", "runs"])
@pytest.mark.unbilled("files are harmed")
def test_harmed_files_are_named_and_nothing_is_raised(finished, kind, harm):
    stage, bb, run = finished
    vault = stage.home / "vault"
    for path in [path for path in (vault / kind).rglob("*") if path.is_file()]:
        hurt(path, harm)
        name = str(path.relative_to(vault))

        differences = bb.verify(run).differences

        assert differences
        if harm == "gone":
            assert any(name in words for words in differences)


def hurt(path: Path, harm: str) -> None:
    data = bytearray(path.read_bytes())
    if harm == "gone":
        path.unlink()
        return
    if harm == "cut":
        data = data[: len(data) // 2 - len(data) // 2 % 4]
    else:
        data[len(data) // 3] ^= 0xFF
    path.write_bytes(data)


@pytest.mark.unbilled("the store is changed")
def test_prices_that_changed_are_said_and_tokens_still_compared(finished, tell):
    _, bb, run = finished
    tell("UPDATE ledger SET price_date = '2020-01-01', paid = paid + 1")

    found = bb.verify(run)

    assert found.differences == []
    assert "prices of 2020-01-01 is compared in tokens alone" in found.notes[0]
    tell("UPDATE ledger SET output_tokens = output_tokens + 1 WHERE batch = 1")
    assert "output_tokens booked" in bb.verify(run).differences[0]


def test_what_is_no_difference_is_noted(make_stage):
    stage = make_stage()
    bb = stage.open()
    run = stage.run_of(bb, stage.table(3))
    stage.world.script("results", Line("doubled"))
    bb.run(run.id)
    (stage.home / "vault" / "segments" / "left.jsonl.zst").write_bytes(b"x")

    found = bb.verify()

    assert found.differences == []
    assert found.notes[0].startswith("1 file in the vault that the store does not count on")
    assert "keeps 1 result line that belong to no request" in found.notes[1]


@pytest.mark.unbilled("the store is changed")
def test_no_prompt_and_no_answer_is_told(finished, tell):
    _, bb, run = finished
    tell("UPDATE batch SET nonce = 'aaaaaaaaaaaa' WHERE id = 1")
    tell("UPDATE ledger SET paid = 0")

    told = str(bb.verify(run).to_json())

    assert "text" not in told
    assert "yes" not in told


def test_a_run_that_is_not_there_is_told(finished):
    with pytest.raises(NotFound):
        finished[1].verify("nosuch")
