"""What a table's rows share is marked once all is known; a list's when all of it was seen."""

from collections.abc import Iterator

import msgspec
import pytest

from backburner.plan.caching.choices import CachePolicy, Ground
from backburner.plan.caching.terms import CacheTerms, HitRates
from backburner.runs.blocks import read_prompt
from backburner.runs.bodies import BodyShape
from backburner.runs.cache_marks import CacheAdvice, ListMarks
from backburner.runs.table_marks import MANY, TableMarks

MODEL = "claude-opus-5"
SYSTEM = "Be kind and careful with words. " * 100
TERMS = CacheTerms(
    minimum_tokens=512,
    input=100,
    read=10,
    write_5m=125,
    write_1h=200,
    hits=HitRates(five_minutes=0.5, one_hour=0.5),
)


class Taken:
    """What travels."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def add(self, body: bytes) -> None:
        self.bodies.append(body)


def advice(terms: CacheTerms | None = TERMS) -> CacheAdvice:
    return CacheAdvice(policy=CachePolicy.AUTO, terms=lambda _model: terms)


def shape(system: str | None = SYSTEM) -> BodyShape:
    return BodyShape(model=MODEL, max_tokens=10, system=system)


def table(taken: Taken, of: BodyShape, terms: CacheTerms | None = TERMS) -> TableMarks:
    sample = read_prompt(of.body("?"))
    return TableMarks(taken, advice(terms=terms), MODEL, sample, lambda _numbers: None)


def test_rows_wait_until_a_thousand_of_them_are_there() -> None:
    taken, of = Taken(), shape()
    marks = table(taken, of)

    for number in range(MANY - 1):
        marks.add(of.body(f"{number}"))
    assert taken.bodies == []

    marks.add(of.body("last"))
    assert len(taken.bodies) == MANY


def test_rows_do_not_wait_where_they_would_fill_the_memory() -> None:
    taken, of = Taken(), shape()
    marks = table(taken, of)

    for _ in range(20):
        marks.add(of.body("x" * 1_000_000))

    assert len(taken.bodies) > 10


@pytest.mark.parametrize("count", [1, 2, 30, MANY + 30])
def test_every_row_is_passed_on_in_order_and_alike(count: int) -> None:
    taken, of = Taken(), shape()
    marks = table(taken, of)
    for number in range(count):
        marks.add(of.body(f"{number}"))

    plan = marks.finish()

    prompts = [msgspec.json.decode(body)["messages"][0]["content"] for body in taken.bodies]
    assert prompts == [f"{number}" for number in range(count)]
    assert len({body.count(b"cache_control") for body in taken.bodies}) == 1
    assert [one.requests for one in plan.choices] == [count]


def test_a_model_without_a_price_is_left_alone() -> None:
    taken, of = Taken(), shape()
    marks = table(taken, of, terms=None)
    marks.add(of.body("a"))

    plan = marks.finish()

    assert plan.choices == ()
    assert taken.bodies == [of.body("a")]


def test_words_that_all_prompts_begin_with_are_counted_where_a_mark_would_pay() -> None:
    same, other = shape(None), shape("Be kind")

    def lost(of: BodyShape, start: str, rows: int) -> int:
        marks = table(Taken(), of)
        for number in range(rows):
            marks.add(of.body(f"{start}{number}"))
        marks.finish()
        return marks.lost_tokens

    assert lost(same, SYSTEM, 50) == pytest.approx(1_000, abs=200)
    assert lost(other, SYSTEM, 50) == pytest.approx(1_000, abs=200)
    assert lost(same, "Be kind. ", 50) == 0
    assert lost(same, SYSTEM, 1) == 0


def bodies(count: int, system: str) -> Iterator[bytes]:
    for number in range(count):
        yield shape(system).body(f"{number}")


def test_a_list_is_decided_on_when_all_of_it_was_seen() -> None:
    marks = ListMarks(advice())
    for body in [*bodies(5, SYSTEM), *bodies(1, SYSTEM + "!")]:
        marks.look(body, MODEL)

    chosen, plan = marks.decide()

    (choice,) = plan.choices
    assert (choice.ground, choice.requests) == (Ground.PAYS, 5)
    assert all(chosen.add_to(body).count(b"cache_control") == 1 for body in bodies(5, SYSTEM))
    (alone,) = bodies(1, SYSTEM + "!")
    assert chosen.add_to(alone) == alone


def test_requests_that_are_too_short_are_not_even_parsed() -> None:
    marks = ListMarks(advice())
    for _ in range(5):
        marks.look(b"{ not even JSON", MODEL)

    chosen, plan = marks.decide()

    assert not chosen
    assert plan.choices == ()


def test_two_models_share_no_prefix() -> None:
    marks = ListMarks(advice())
    for model in (MODEL, "claude-sonnet-5"):
        for body in bodies(5, SYSTEM):
            marks.look(body, model)

    _, plan = marks.decide()

    assert [(one.model, one.requests) for one in plan.choices] == [
        (MODEL, 5),
        ("claude-sonnet-5", 5),
    ]
