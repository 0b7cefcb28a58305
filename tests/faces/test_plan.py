"""`backburner plan`: what a run would do and cost, and nothing left behind."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from backburner.emulator.faults import Status
from backburner.emulator.world import World

MODEL = ("--model", "claude-sonnet-4-6")
PROMPT = ("--prompt", "What is the mood of this?\n\n{{ text }}")
TABLE = (*PROMPT, *MODEL)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    rows = (f"{n},a film that is {'good ' * (n % 9)}and number {n}\n" for n in range(300))
    path.write_text("id,text\n" + "".join(rows))
    return path


def test_it_compares_and_keeps_nothing(call: Any, table: Path, home: Path, world: World) -> None:
    said = call("plan", table, *TABLE, "--max-tokens", 50, "--offline")

    assert said.code == 0, said.err
    assert "300 rows, each a request of its own" in said.out
    assert re.search(r"input tokens +[\d,]+ to [\d,]+, about [\d,]+, by a fit", said.out)
    assert re.search(r"output tokens +300 to 15,000, about [\d,]+", said.out)
    money = r"\$\d+\.\d+ +\$\d+\.\d+ +\$\d+\.\d+"
    for way in ("batch", "the same calls sync", "batch with claude-sonnet-5-5"):
        assert re.search(rf"^{way} +{money}$", said.out, re.MULTILINE)
    assert "Nothing was kept, and no request was sent." in said.out
    assert not home.exists()
    assert list(world.ledger()) == []


def test_with_a_key_a_sample_is_counted(call: Any, table: Path) -> None:
    said = call("plan", table, *TABLE, "--json").json

    fitted = call("plan", table, *TABLE, "--json", "--offline").json
    assert said["estimate"]["requests_counted"] == 20
    assert fitted["estimate"]["requests_counted"] == 0
    assert said["why_not_counted"] == fitted["why_not_counted"] == ""
    assert width(said) < width(fitted) / 2


def width(said: dict[str, Any]) -> int:
    tokens = said["estimate"]["input_tokens"]
    return tokens["high"] - tokens["low"]


def test_without_a_key_nothing_is_counted(call: Any, table: Path) -> None:
    said = call("plan", table, *TABLE, client=None)

    assert said.code == 0, said.err
    assert "by a fit to counted text of many kinds" in said.out


@pytest.mark.parametrize("code", [401, 429, 500])
def test_a_count_that_fails_is_said_and_does_no_harm(
    call: Any, table: Path, world: World, code: int
) -> None:
    for _ in range(2):
        world.script("count_tokens", Status(code))

    said = call("plan", table, *TABLE)

    assert said.code == 0, said.err
    assert "by a fit to counted text" in said.out
    assert "many kinds: counting failed (" in said.out


def test_one_refusal_for_haste_is_waited_out(call: Any, table: Path, world: World) -> None:
    world.script("count_tokens", Status(429, headers={"retry-after": "1"}))

    said = call("plan", table, *TABLE, "--json").json

    assert said["estimate"]["requests_counted"] == 20


def test_what_counting_has_no_use_for_is_not_sent_to_it(call: Any, tmp_path: Path) -> None:
    params = {
        "model": "claude-haiku-4-5",
        "max_tokens": 30,
        "metadata": {"user_id": "a"},
        "stop_sequences": ["x"],
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "Hello there"}],
    }
    path = tmp_path / "list.jsonl"
    lines = [json.dumps({"custom_id": f"{n}", "params": params}) for n in range(5)]
    path.write_text("\n".join(lines))

    said = call("plan", path, "--json").json

    assert said["why_not_counted"] == ""
    assert said["estimate"]["requests_counted"] == 5


def test_a_cached_prompt_is_shown_at_three_hit_rates(
    call: Any, table: Path, tmp_path: Path
) -> None:
    system = tmp_path / "system.md"
    system.write_text("You judge the mood of films. " * 1_500)

    said = call("plan", table, *TABLE, "--system", system, "--offline")

    for line in ("as planned", "batch, no cache", "batch + cache, 30 % read"):
        assert re.search(rf"^{re.escape(line)} +\$", said.out, re.MULTILINE)
    assert "batch + cache, 98 % read" in said.out
    shown = call("plan", table, *TABLE, "--system", system, "--offline", "--json").json
    assert [one["hit_rate"] for one in shown["cached"]] == [0.3, 0.6, 0.98]
    plain = call(
        "plan", table, *TABLE, "--system", system, "--offline", "--cache", "off", "--json"
    ).json
    assert plain["cached"] == []
    assert float(shown["cached"][-1]["expected_usd"]) < float(plain["estimate"]["expected_usd"])


def test_what_was_answered_before_is_what_is_expected(
    call: Any, table: Path, tmp_path: Path
) -> None:
    before = call("plan", table, *TABLE, "--json", "--offline").json["estimate"]
    run = call("run", table, *TABLE, "-o", tmp_path / "out.csv", "--yes", "--json").json

    after = call("plan", table, *TABLE, "--json", "--offline").json["estimate"]

    assert before["answers_like"] == []
    assert after["answers_like"] == [{"run": run["run"], "by": "prompt", "answers": 300}]
    assert after["output_tokens"]["high"] < before["output_tokens"]["high"] / 10
    said = call("plan", table, *TABLE, "--offline")
    assert f"as in run {run['run']}, the same prompt; at most $" in said.out


@pytest.mark.parametrize(
    ("words", "by"),
    [
        (("--prompt", "Another. {{ text }}", *MODEL), "name"),
        ((*PROMPT, "--model", "claude-haiku-5-5"), None),
    ],
)
def test_the_closest_of_earlier_answers_counts(
    call: Any, table: Path, tmp_path: Path, words: tuple[str, ...], by: str | None
) -> None:
    call("run", table, *TABLE, "-o", tmp_path / "out.csv", "--yes")

    found = call("plan", table, *words, "--json", "--offline").json["estimate"]["answers_like"]

    assert [one["by"] for one in found] == ([by] if by else [])


def test_another_table_learns_from_its_lane(
    call: Any, table: Path, reviews: Path, tmp_path: Path
) -> None:
    call("run", table, *TABLE, "-o", tmp_path / "out.csv", "--yes")

    words = (reviews, "--prompt", "Say {{ text }}", *MODEL, "--json", "--offline")
    there = call("plan", *words).json["estimate"]["answers_like"]
    elsewhere = call("plan", *words, "--lane", "other").json["estimate"]["answers_like"]

    assert [one["by"] for one in there] == ["lane"]
    assert elsewhere == []


def test_a_lane_of_another_address_teaches_nothing(call: Any, table: Path, tmp_path: Path) -> None:
    call("run", table, *TABLE, "-o", tmp_path / "out.csv", "--yes")

    said = call(
        "plan", table, *TABLE, "--json", client=None,
        environment={"ANTHROPIC_BASE_URL": "http://elsewhere"},
    ).json  # fmt: skip

    assert said["estimate"]["answers_like"] == []


def test_faults_are_told_as_check_tells_them(call: Any, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("id,text\n1,a\n2,\n")

    said = call("plan", path, "--prompt", "{{ text }}", *MODEL, "--offline")

    assert said.code == 2
    assert "the prompt of this row is blank (prompt_empty)" in said.out


def test_an_unfinished_canary_teaches_the_plan_of_the_rest(
    call: Any, table: Path, tmp_path: Path
) -> None:
    words = (table, *TABLE, "-o", tmp_path / "out.csv")
    said = call("run", *words, "--canary", 20, ask=lambda _page, question: answer(question))

    found = call("plan", table, *TABLE, "--json", "--offline").json["estimate"]["answers_like"]

    assert said.code == 130, said.err
    assert re.search(r"the whole run +\$\S+ to \$\S+, about \$", said.out)
    assert [(one["by"], one["answers"]) for one in found] == [("prompt", 20)]


def answer(question: str) -> str:
    return "n" if "other" in question else "y"


def test_standard_input_needs_its_format(call: Any) -> None:
    said = call("plan", "-", *TABLE)

    assert said.code == 2
    assert "backburner plan - --format csv" in said.err
