"""`backburner emulator`: a server that says how to point a program at it."""

import signal

import pytest

from .conftest import MODEL


@pytest.mark.unbilled("the bill is another process's")
def test_it_tells_its_address_and_a_program_can_be_pointed_at_it(emulator, call, reviews, tmp_path):
    rules = tmp_path / "rules.toml"
    rules.write_text(
        '[[rules]]\nmatch = "good"\nanswer = "yes"\n[[rules]]\nmatch = ""\nanswer="no"'
    )
    server, told = emulator("--turnaround", "0", "--retry-after", "0", "--rules", str(rules))
    address = told.splitlines()[0].rpartition(" ")[2]
    environment = {"ANTHROPIC_API_KEY": "any-key", "ANTHROPIC_BASE_URL": address}

    said = call(
        "run",
        reviews,
        "--prompt",
        "{{ text }}",
        *MODEL,
        "-o",
        tmp_path / "out.csv",
        "--yes",
        client=None,
        clock=None,
        environment=environment,
    )
    server.send_signal(signal.SIGINT)

    assert f"export ANTHROPIC_BASE_URL={address} ANTHROPIC_API_KEY=any-key" in told
    assert said.code == 0
    assert (tmp_path / "out.csv").read_text().count(",yes,ok,") == 2
    assert server.wait(timeout=10) == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--fail-once", "x"], "--fail-once x names no request"),
        (["--fail-once", "0:1:nonsense"], "nonsense is not an error type"),
        (["--cache-hits", "7/5"], "--cache-hits 7/5 is no number of hits"),
        (["--cache-hits", "often"], "--cache-hits often is no number of hits"),
        (["--cache-hits", "1.5"], "--cache-hits 1.5 is no number of hits"),
        (["--rules", "missing.toml"], "missing.toml cannot be read"),
    ],
)
def test_what_it_cannot_do_is_named(call, words, told):
    said = call("emulator", *words)

    assert said.code == 2
    assert told in said.err


def test_rules_that_are_none_are_named(call, tmp_path):
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rules]]\nanswer = "no pattern"\n')

    said = call("emulator", "--rules", rules)

    assert said.code == 2
    assert "holds no rules" in said.err
