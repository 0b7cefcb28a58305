"""What is seen only in the order of calls: conversations, bursts, punctual rows, near repeats."""

from datetime import UTC

from backburner.nouns.call import Call
from backburner.nouns.usage import Usage
from backburner.report.calls.tally import tally_calls

MODEL = "claude-sonnet-4-6"


def call(at, tokens=(100, 50), **more):
    usage = Usage(input_tokens=tokens[0], output_tokens=tokens[1])
    return Call(at=float(at), model=MODEL, usage=usage, **more)


def tally(*calls):
    return tally_calls(calls, {}.get, UTC)


def habits(*calls):
    (one,) = tally(*calls).sources.values()
    return one.habits


def test_a_turn_goes_on_when_its_prompt_has_grown_by_the_last_answer():
    found = habits(call(0), call(30, (150, 50)), call(60, (199, 50)), call(90, (400, 50)))

    assert found.follow_ups == 2


def test_a_turn_after_a_minute_goes_on_no_more():
    assert habits(call(0, seconds=5), call(66, (500, 50))).follow_ups == 0


def test_a_burst_takes_its_first_calls_with_it():
    found = tally(call(-5_000), *(call(second) for second in range(0, 300, 5)), call(9_000))

    counts = {source.is_burst: one.calls for source, one in found.sources.items()}
    assert counts == {True: 60, False: 2}


def test_fifty_nine_calls_in_ten_minutes_are_no_burst():
    found = tally(*(call(second) for second in range(59)))

    assert [source.is_burst for source in found.sources] == [False]


def test_rows_of_calls_are_told_by_the_pause_before_them():
    day = 86_400
    found = habits(*(call(day * number + 420 + extra) for number in range(3) for extra in (0, 60)))

    assert (found.runs, found.punctual) == (3, 3)


def test_night_is_from_ten_to_six():
    hours = (5, 6, 21, 22)

    assert habits(*(call(hour * 3_600) for hour in hours)).at_night == 2


def test_calls_without_a_price_are_counted_and_no_money():
    found = tally(call(0), call(1))

    assert found.unpriced == {MODEL: 2}
    assert found.calls == 2
