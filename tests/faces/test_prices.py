"""`prices`: the table for people and programs, in 80 columns, and the README's maths."""

import pytest

from backburner.report.maths import TABLE_MODELS


def words(line: str) -> str:
    return " ".join(line.split())


def test_the_three_models_of_the_readme_come_first_sync_and_batch(call):
    said = call("prices")

    table = said.out.splitlines()[2:]
    assert said.code == 0
    assert said.out.startswith("US dollars for a million tokens, prices of 2026-10-14 (genai-")
    assert words(table[0]) == "model input output write 5m write 1h read"
    assert [words(line) for line in table[1:7]] == [
        "claude-haiku-4-5 sync 1.00 5.00 1.25 2.00 0.10",
        "batch 0.50 2.50 0.625 1.00 0.05",
        "claude-sonnet-4-6 sync 3.00 15.00 3.75 6.00 0.30",
        "batch 1.50 7.50 1.875 3.00 0.15",
        "claude-opus-4-7 sync 5.00 25.00 6.25 10.00 0.50",
        "batch 2.50 12.50 3.125 5.00 0.25",
    ]


def test_every_current_model_is_there_with_a_date_and_a_source(call):
    models = call("prices", "--json").json["models"]

    assert [one["model"] for one in models[:3]] == list(TABLE_MODELS)
    assert len(models) == len({one["model"] for one in models}) == 18
    assert all(one["price_date"] and one["price_source"] for one in models)


def test_a_model_is_shown_alone_with_its_price_step(call):
    said = call("prices", "claude-haiku-5-5")

    table = said.out.splitlines()
    assert words(table[5]) == "above 100,000 sync 0.50 2.50 0.625 1.00 0.05"
    assert words(table[6]) == "batch 0.25 1.25 0.3125 0.50 0.025"
    assert "Above that many tokens of prompt" in said.out
    assert "sonnet" not in said.out


def test_the_json_has_the_same_figures_exactly(call):
    [step] = call("prices", "claude-haiku-5-5", "--json").json["models"][0]["steps"]

    assert step["above_prompt_tokens"] == 100_000
    assert step["batch"]["cache_write_5m"] == "0.3125"


def test_a_dated_id_is_the_model_it_dates(call):
    assert (
        call("prices", "claude-haiku-4-5-20251001")
        .out.splitlines()[3]
        .startswith("claude-haiku-4-5 ")
    )


def test_a_model_without_a_price_is_an_error_with_a_suggestion(call):
    said = call("prices", "claude-sonet-4-6", "--json")

    assert (said.code, said.error["code"]) == (2, "model_unknown")
    assert "claude-sonnet-4-6" in said.error["hint"]


def test_prices_of_another_day_and_source_are_named(call):
    said = call("prices", "claude-mythos-5")

    assert said.out.splitlines()[-1] == (
        "claude-mythos-5: prices of 2026-09-15 (platform.claude.com pricing)."
    )


@pytest.mark.parametrize("typed", [["prices"], ["prices", "--maths"]])
def test_all_of_it_fits_80_columns(call, typed: list[str]):
    assert max(map(len, call(*typed).out.splitlines())) <= 80


def test_the_maths_are_there_for_programs_too(call):
    maths = call("prices", "--maths", "--json").json

    assert maths["drafts"] == {"sync_usd": "10.56", "batch_usd": "5.28"}
    assert maths["shared_prompt"]["cached"][1] == {
        "hits": 150,
        "five_minutes_usd": "6.7875",
        "one_hour_usd": "10.725",
    }
    assert maths["moved"][0] == {"moved_percent": 60, "saved_percent": 30}


def test_a_price_of_ones_own_goes_first_and_is_named_with_its_day(call, home):
    home.mkdir()
    own = "[prices.claude-opus-4-7]\ninput = 4\noutput = 20\nas_of = 2026-11-01\n"
    (home / "backburner.toml").write_text(own)

    said = call("prices", "claude-opus-4-7")

    lines = said.out.splitlines()
    assert words(lines[3]) == "claude-opus-4-7 sync 4.00 20.00 5.00 8.00 0.40"
    assert lines[-1] == "claude-opus-4-7: prices of 2026-11-01 (backburner.toml)."
    assert call("doctor").out.count("backburner.toml has its own of claude-opus-4-7") == 1


def test_a_price_of_ones_own_that_cannot_be_stops_every_command_that_opens_the_queue(
    call, home, requests
):
    home.mkdir()
    (home / "backburner.toml").write_text("[prices.claude-opus-4-7]\ninput = 4\n")

    said = call("enqueue", requests, "--json")

    assert (said.code, said.error["code"]) == (4, "config_invalid")
    assert "missing required field `output`" in said.error["message"]
