"""`--allow-unknown-price` as a person sees it: unknown is said, and never zero."""

import json
from pathlib import Path
from typing import Any

import pytest

NEXT = "claude-next-9"


@pytest.fixture
def call(call: Any, make_client: Any, make_world: Any) -> Any:
    """Calls with an upstream that answers for any model."""
    client = make_client(make_world(strict=False))
    return lambda *words, **given: call(*words, client=client, **given)


@pytest.fixture
def ask(reviews: Path, tmp_path: Path) -> list[object]:
    """The words of a run of a table; `-o` is the last of them."""
    words = ["--prompt", "{{ text }}", "--model", NEXT, "--max-tokens", 100]
    return [reviews, *words, "-o", tmp_path / "out.csv"]


def test_without_the_option_nothing_is_sent_and_the_option_is_named(call, ask):
    said = call("run", *ask, "--yes")

    assert said.code == 2
    assert f"model '{NEXT}' is unknown (model_unknown)" in said.err
    assert "--allow-unknown-price" in said.err


def test_the_plan_and_the_receipt_say_that_the_price_is_unknown(call, ask):
    said = call("run", *ask, "--yes", "--allow-unknown-price")

    assert said.code == 0
    assert f"unknown: there is none for {NEXT}" in said.out
    facts = dict(line.split("  ", 1) for line in said.out.splitlines() if "  " in line)
    assert facts["paid"].strip() == "unknown"
    assert facts["no known price"].strip() == "3 answers, which are in no amount here"
    assert "$0.00" not in said.out


def test_programs_get_null_and_not_zero(call, ask):
    said = call("run", *ask, "--yes", "--allow-unknown-price", "--json").json

    assert said["plan"]["estimate"] is None
    assert said["receipt"]["paid_usd"] is None
    assert said["receipt"]["answers_unpriced"] == 3


def test_drain_status_and_verify_do_not_mind(call, ask, clock, tmp_path):
    kept = call("enqueue", *ask, "--allow-unknown-price")
    call("drain")
    clock.sleep(3600)
    drained = call("drain").out

    assert f"unknown: there is none for {NEXT}" in kept.out
    assert "paid unknown" in drained
    rows = (tmp_path / "out.csv").read_text().splitlines()
    request = rows[1].rsplit(",", 1)[1]
    assert (
        dict(line.split("  ", 1) for line in call("status", request).out.splitlines())[
            "cost"
        ].strip()
        == "unknown"
    )
    assert call("verify").code == 0


def test_check_takes_the_option_too(call, ask):
    without, given = call("check", *ask), call("check", *ask, "--allow-unknown-price", "--json")

    assert (without.code, given.code) == (2, 0)
    assert given.json["models_unpriced"] == [NEXT]
    assert given.json["estimate"] is None


def test_a_canary_tells_no_price(call, ask):
    said = call("run", *ask, "--yes", "--allow-unknown-price", "--canary", 1)

    assert "unknown for 1 request" in said.out
    assert "unknown: there is no price for its model" in said.out


def test_a_variable_that_is_neither_yes_nor_no_is_refused(call, requests):
    said = call(
        "enqueue", requests, "--json", environment={"BACKBURNER_ALLOW_UNKNOWN_PRICE": "maybe"}
    )

    assert json.loads(said.err)["error"]["code"] == "config_invalid"
