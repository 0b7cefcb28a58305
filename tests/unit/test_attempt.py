import pytest

from backburner.nouns.attempt import REPAIRED, Attempt, unused
from backburner.nouns.outcome import Outcome

O = Outcome  # noqa: E741  # as in the tables below


def attempts(*told: tuple[Outcome, str | None]) -> list[Attempt]:
    return [
        Attempt(
            batch=1,
            position=0,
            attempt=number,
            in_batch=number,
            in_position=0,
            outcome=outcome,
            change=change,
        )
        for number, (outcome, change) in enumerate(told, start=1)
    ]


@pytest.mark.parametrize(
    ("told", "wasted"),
    [
        ([(O.TRUNCATED, None)], []),
        ([(O.TRUNCATED, None), (O.OK, "max_tokens:200")], [1]),
        ([(O.TRUNCATED, None), (O.SERVER_ERROR, "max_tokens:200")], [1]),
        ([(O.INVALID_OUTPUT, None), (O.INVALID_OUTPUT, REPAIRED)], [1]),
        ([(O.REFUSED, None), (O.OK, None)], [1]),
        ([(O.SERVER_ERROR, None), (O.EXPIRED, None), (O.OK, None)], []),
        ([(O.PAUSED, None), (O.PAUSED, "continued"), (O.OK, "continued")], []),
        ([(O.PAUSED, None), (O.INVALID_OUTPUT, "continued"), (O.OK, REPAIRED)], [1, 2]),
        ([(O.PAUSED, None), (O.TRUNCATED, "continued"), (O.OK, "max_tokens:9")], [2]),
    ],
)
def test_an_answer_is_unused_if_another_followed_that_does_not_go_on_from_it(
    told: list[tuple[Outcome, str | None]], wasted: list[int]
):
    assert [one.attempt for one in unused(attempts(*told))] == wasted
