"""Ctrl-C detaches: a step is never cut in two, nothing is canceled, the same command goes on."""

import signal

import pytest

from backburner.cli.stopping import PatientClock, Stopped
from backburner.clock import FakeClock

from .conftest import MODEL

WORDS = ("--prompt", "Judge: {{ text }}", *MODEL, "--yes")


class ImpatientClock(FakeClock):
    """A clock on which somebody presses Ctrl-C while we sleep."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        signal.raise_signal(signal.SIGINT)


def test_a_stopped_run_goes_on_upstream_and_the_same_command_takes_it_up(
    call, reviews, tmp_path, clock, world
):
    output = tmp_path / "out.csv"
    words = ("run", reviews, *WORDS, "-o", output, "--batch-size", 2)
    handler = signal.getsignal(signal.SIGINT)

    stopped = call(*words, "--new", clock=ImpatientClock(clock.now(), seed=1))
    went_on = call(*words)

    assert stopped.code == 130
    assert "What was sent goes on, and nothing was canceled." in stopped.out
    assert "--new" not in stopped.out.partition("go on")[2]
    assert f"backburner run {reviews}" in stopped.out
    assert went_on.code == 0
    assert "2 batches: 2 with Anthropic" in went_on.out
    assert len(world.ledger()) == 2
    assert output.read_text().count("\n") == 5
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_stopped_run_with_json_is_one_object_that_says_how_to_go_on(call, requests, clock):
    said = call("run", requests, "--yes", "--json", clock=ImpatientClock(clock.now()))

    assert said.code == 130
    assert said.json["detached"] is True
    assert said.json["resume"] == f"backburner run {requests} --yes --json"


def test_the_model_that_was_picked_is_part_of_the_command_that_goes_on(call, reviews, clock):
    answers = iter(["claude-haiku-4-5", ""])

    said = call(
        "run",
        reviews,
        "--prompt",
        "{{ text }}",
        ask=lambda *_: next(answers),
        clock=ImpatientClock(clock.now()),
    )

    assert "--prompt '{{ text }}' --model claude-haiku-4-5" in said.out


def test_a_signal_in_a_step_waits_for_its_end():
    clock = PatientClock(FakeClock())

    clock.take(signal.SIGINT)

    assert clock.is_stopping
    with pytest.raises(Stopped) as stopped:
        clock.stop_if_asked()
    assert stopped.value.exit_code == 130


def test_a_signal_in_a_step_is_acted_on_before_the_next_sleep():
    inner = FakeClock()
    clock = PatientClock(inner)
    before = inner.now()
    clock.take(signal.SIGTERM)

    with pytest.raises(Stopped) as stopped:
        clock.sleep(60)

    assert stopped.value.exit_code == 143
    assert inner.now() == before


def test_a_second_signal_stops_at_once():
    clock = PatientClock(FakeClock())
    clock.take(signal.SIGINT)

    with pytest.raises(Stopped):
        clock.take(signal.SIGINT)


def test_a_person_who_stops_at_the_question_has_sent_and_kept_nothing(call, reviews, world):
    def ask(*_):
        raise KeyboardInterrupt

    said = call("run", reviews, "--prompt", "{{ text }}", *MODEL, ask=ask)

    assert said.code == 130
    assert "Stopped before anything was sent." in said.out
    assert list(world.ledger()) == []
    assert "no runs yet" in call("status").out
