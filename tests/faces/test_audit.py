"""`audit` as a person meets it."""

import json

import pytest

from backburner.cli.main import main

CALL = {
    "time": "2026-10-01T09:00:00Z",
    "model": "claude-sonnet-4-6",
    "input_tokens": 1_000_000,
    "output_tokens": 0,
}


@pytest.fixture
def log(tmp_path):
    def write(*records):
        path = tmp_path / "calls.jsonl"
        path.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
        return str(path)

    return write


def test_it_says_what_was_lost_and_what_the_month_would_cost(log, capsys):
    path = log({**CALL, "route": "drafts"}, {**CALL, "route": "chat"})

    code = main(["audit", path], environment={})

    page = capsys.readouterr().out
    assert code == 0
    assert "nobody waited       $3.00 (50 %)" in page
    assert "lost by not batching  $1.50; $45.00 a month" in page
    assert "what can wait in batches" in page


def test_the_users_rules_are_obeyed(log, tmp_path, capsys):
    rules = tmp_path / "rules.toml"
    rules.write_text('[[can_wait]]\nroute = "chat*"\n', encoding="utf-8")

    main(["audit", log({**CALL, "route": "chat"}), "--rules", str(rules), "--json"], environment={})

    (source,) = json.loads(capsys.readouterr().out)["sources"]
    assert (source["tolerance"], source["reason"]) == ("can_wait", "you said so")


def test_a_model_without_a_price_and_a_bad_line_are_said(log, capsys):
    path = log({**CALL, "model": "gpt-5"}, {"nothing": 1})

    code = main(["audit", path], environment={})

    page = capsys.readouterr().out
    assert code == 0
    assert "1 call to gpt-5: in no sum here" in page
    assert "1 line, left out" in page
    assert "line 2: it has no model" in page


def test_a_file_without_a_single_call_is_an_error_that_names_its_first_line(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("# Title\n\nSome words, and more.\n", encoding="utf-8")

    code = main(["audit", str(page)], environment={})

    shown = capsys.readouterr()
    assert code == 2
    assert shown.out == ""
    assert f"{page}, line 3: it has no model" in shown.err
    assert "--map" in shown.err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--map", "when"], "COLUMN=FIELD"),
        (["--map", "when=colour"], "fields:"),
        (["--zone", "Mars/Olympus"], "Europe/Berlin"),
        (["--rules", "nowhere.toml"], "TOML"),
    ],
)
def test_a_wrong_option_is_answered_with_the_next_step(log, capsys, words, named):
    code = main(["audit", log(CALL), *words], environment={})

    assert code == 2
    assert named in capsys.readouterr().err


def test_nothing_of_a_logged_prompt_is_shown(log, capsys):
    body = {"system": "the secret plan", "messages": [{"role": "user", "content": "a secret"}]}
    path = log({**CALL, "body": body}, {**CALL, "body": body})

    main(["audit", path], environment={})
    main(["audit", path, "--json"], environment={})

    shown = capsys.readouterr()
    assert "secret" not in shown.out + shown.err
