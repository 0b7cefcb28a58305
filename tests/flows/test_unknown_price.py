"""A model of which no price is known: refused, or sent with its cost unknown and never zero."""

from typing import Any

import pytest

from backburner.client.estimating import estimate_staged, unpriced_models
from backburner.client.preparing import Fresh, RunOptions
from backburner.errors import InputFaults
from backburner.store.ledger import ledger_of_run

NEXT = "claude-next-9"


@pytest.fixture
def stage(make_stage: Any) -> Any:
    """One whose upstream answers for any model."""
    return make_stage(strict=False)


def requests(*models: str) -> list[dict[str, Any]]:
    return [
        {
            "custom_id": str(n),
            "params": {
                "model": model,
                "max_tokens": 9,
                "messages": [{"role": "user", "content": "Say: hi"}],
            },
        }
        for n, model in enumerate(models)
    ]


def test_it_is_refused_with_the_option_that_sends_it(stage):
    with pytest.raises(InputFaults, match=f"'{NEXT}' is unknown") as caught:
        stage.open().enqueue(requests(NEXT))

    assert "--allow-unknown-price" in caught.value.hint
    assert len(stage.world.ledger()) == 0


@pytest.mark.parametrize("model", ["claude-opus-4-1", "claude-3-haiku-20240307"])
def test_a_retired_model_is_refused_all_the_same(stage, model: str):
    with pytest.raises(InputFaults, match="retired on"):
        stage.open().enqueue(requests(model), allow_unknown_price=True)


def test_it_is_sent_and_booked_without_money_and_verified(stage):
    bb = stage.open()
    run = bb.enqueue(requests(NEXT, NEXT), allow_unknown_price=True)

    receipt = bb.run(run.id).receipt
    found = bb.verify(run.id)

    with bb.tools.store.read() as tx:
        [row] = ledger_of_run(tx, run.id)
    assert (row.paid, row.uncached_price, row.sync_price, row.price_date) == (None, None, None, "")
    assert row.output_tokens > 0
    assert receipt.unpriced == 2
    lines = dict(receipt.lines())
    assert lines["paid"] == lines["the same calls sync"] == lines["saved by batch"] == "unknown"
    said = receipt.to_json()
    unknown = [key for key in said if key.endswith("_usd") and said[key] is None]
    assert len(unknown) == 8
    assert "paid_usd" in unknown
    assert (found.differences, found.notes) == ([], [])


@pytest.mark.unbilled("the store is changed")
def test_what_is_known_of_a_mixed_run_is_told_and_checked(stage):
    bb = stage.open()
    run = bb.enqueue(requests(NEXT, "claude-haiku-4-5"), allow_unknown_price=True)

    receipt = bb.run(run.id).receipt

    assert receipt.paid.picodollars == stage.world.bill().total > 0
    assert dict(receipt.lines())["paid"] == f"{receipt.paid.show()} and an unknown amount"
    assert receipt.to_json()["paid_usd"] is None
    assert (bb.verify(run.id).differences, bb.verify(run.id).notes) == ([], [])
    with bb.tools.store.write() as tx:
        tx.exec_driver_sql("UPDATE ledger SET paid = paid + 1 WHERE paid IS NOT NULL")
    assert any("paid is" in words for words in map(str, bb.verify(run.id).differences))


def test_a_table_has_an_empty_cost_in_its_rows_and_no_estimate(stage):
    bb = stage.open()
    options = RunOptions(
        source=str(stage.table(2)),
        prompt="Say: {{ text }}",
        model=NEXT,
        max_tokens=9,
        output=str(stage.home.parent / "out.csv"),
        allow_unknown_price=True,
    )
    fresh = bb.intake.prepare(options)
    assert isinstance(fresh, Fresh)

    assert estimate_staged(bb.tools, fresh.staged) is None
    assert unpriced_models(bb.tools, fresh.staged.workloads) == (NEXT,)
    bb.run(bb.intake.commit(fresh.staged).id)
    assert [(row["outcome"], row["cost_usd"]) for row in stage.rows()] == [("ok", "")] * 2


def test_a_price_that_becomes_known_later_leaves_what_was_booked_alone(stage):
    bb = stage.open()
    run = bb.enqueue(requests(NEXT), allow_unknown_price=True)
    bb.run(run.id)
    bb.close()
    (stage.home / "backburner.toml").write_text(f"[prices.{NEXT}]\ninput = 1\noutput = 5\n")

    later = stage.open()
    found = later.verify(run.id)

    assert later.receipt(run.id).unpriced == 1
    assert found.differences == []
    [note] = found.notes
    assert note.startswith("what was booked without a price is compared in tokens alone: ")
    assert note.endswith(f"no price was known for {NEXT} then")


@pytest.mark.parametrize("how", ["variable", "file"])
def test_it_can_be_allowed_for_a_whole_home(stage, how: str):
    environment = {"BACKBURNER_ALLOW_UNKNOWN_PRICE": "1"} if how == "variable" else {}
    if how == "file":
        stage.home.mkdir()
        (stage.home / "backburner.toml").write_text("[prices]\nallow_unknown = true\n")
    bb = stage.open(environment=environment)

    run = bb.enqueue(requests(NEXT))

    assert bb.run(run.id).receipt.unpriced == 1
    assert NEXT not in bb.tools.tariff([]).models


def test_a_canary_of_it_says_that_its_cost_is_unknown(stage):
    bb = stage.open()
    options = RunOptions(
        source=str(stage.table(3)),
        prompt="Say: {{ text }}",
        model=NEXT,
        max_tokens=9,
        canary=1,
        allow_unknown_price=True,
    )
    fresh = bb.intake.prepare(options)
    assert isinstance(fresh, Fresh)
    run = bb.intake.commit(fresh.staged)

    canary = bb.canary(run.id)

    assert (canary.paid, canary.projected, canary.held) == (None, None, 2)
