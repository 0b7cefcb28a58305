from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.nouns.usage import Usage
from backburner.report.figures import figures, shown
from backburner.report.savings import By, Choice, Entry, savings_report
from backburner.report.spending import STAIRCASE, Spending, spending_json

CENT = 10**10

amounts = st.integers(0, 10**18)
spendings = st.builds(
    Spending,
    paid=amounts,
    uncached=amounts,
    sync=amounts,
    collapsed=amounts,
    reused=amounts,
    answers=amounts,
)
words = st.sampled_from(["", "a", "b", "c"])
entries = st.builds(
    Entry,
    run=words,
    run_name=words,
    lane=words,
    day=st.dates().map(str),
    model=words,
    owner=words,
    tags=st.lists(st.sampled_from("xyz"), unique=True).map(tuple),
    price_date=st.just("2026-10-14"),
    spending=spendings,
)


def entry(**changes: Any) -> Entry:
    values = {
        "run": "r1",
        "run_name": "data/reviews.csv",
        "lane": "default",
        "day": "2026-11-20",
        "model": "claude-haiku-4-5",
        "owner": "",
        "tags": (),
        "price_date": "2026-10-14",
        "spending": Spending(
            answers=10, paid=40 * CENT, uncached=50 * CENT, sync=100 * CENT, collapsed=CENT
        ),
    }
    return Entry(**(values | changes))


@given(st.lists(entries), st.sampled_from([by for by in By if by is not By.TAG]))
def test_groups_of_any_kind_but_tags_add_up_to_the_total(filed: list[Entry], by: By):
    report = savings_report(filed, Choice(by=by))

    assert Spending.total(group.spending for group in report.groups) == report.total
    assert report.total.paid == sum(one.spending.paid for one in filed)
    assert not report.is_overlapping


@given(spendings)
def test_the_staircase_ends_at_what_was_paid(one: Spending):
    assert one.full - sum(step.saved(one) for step in STAIRCASE) + one.twice == one.paid
    assert one.full - one.saved + one.twice == one.paid


def test_what_was_paid_twice_is_no_loss_of_the_cache():
    one = Spending(sync=100, uncached=50, paid=70, twice=20)

    assert [step.saved(one) for step in STAIRCASE] == [0, 0, 50, 0]
    assert one.full - one.saved + one.twice == one.paid


def test_a_run_with_two_tags_stands_under_both_and_once_in_the_total():
    report = savings_report([entry(tags=("q4", "labels")), entry(run="r2")], Choice(by=By.TAG))

    assert [group.title for group in report.groups] == ["(no tag)", "labels", "q4"]
    assert report.total.paid == 80 * CENT
    assert report.is_overlapping
    assert report.to_json()["groups_overlap"] is True


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        (By.RUN, ["r2", "r1"]),
        (By.DAY, ["2026-11-20", "2026-11-21"]),
        (By.LANE, ["default", "night"]),
        (By.MODEL, ["", "claude-haiku-4-5"]),
        (By.OWNER, ["", "anna"]),
    ],
)
def test_runs_keep_their_order_and_all_other_groups_are_sorted(by: By, keys: list[str]):
    late = entry(run="r2", day="2026-11-21", lane="night", model="", owner="anna")

    report = savings_report([late, entry()], Choice(by=by))

    assert [group.key for group in report.groups] == keys


@pytest.mark.parametrize(
    ("choice", "days"),
    [
        (Choice(since="2026-11-20"), ["2026-11-20", "2026-11-21"]),
        (Choice(until="2026-11-20"), ["2026-11-19", "2026-11-20"]),
        (Choice(since="2026-11-20", until="2026-11-20"), ["2026-11-20"]),
        (Choice(lane="night"), []),
        (Choice(run="r1", lane="default"), ["2026-11-19", "2026-11-20", "2026-11-21"]),
    ],
)
def test_both_days_belong_to_what_is_chosen(choice: Choice, days: list[str]):
    filed = [entry(day=f"2026-11-{day}") for day in (19, 20, 21)]

    assert [group.key for group in savings_report(filed, choice).days] == days


def test_a_run_is_called_by_its_id_and_the_last_part_of_its_name():
    (group,) = savings_report([entry()], Choice()).groups

    assert group.title == "r1 reviews.csv"


def test_only_dates_of_prices_that_were_used_are_named():
    filed = [entry(), entry(price_date=""), entry(price_date="2026-08-01", day="2026-11-01")]

    assert savings_report(filed, Choice()).price_dates == ("2026-08-01", "2026-10-14")
    assert savings_report(filed, Choice(since="2026-11-02")).price_dates == ("2026-10-14",)


def test_records_and_columns_have_the_same_names_and_exact_money():
    report = savings_report([entry()], Choice(by=By.LANE))

    (record,) = report.records()
    assert list(record) == report.columns()
    assert record["lane"] == "default"
    assert record["paid_usd"] == "0.4"
    assert record["saved_by_cache_usd"] == "0.1"


def test_a_report_over_nothing_is_a_report():
    report = savings_report([], Choice())

    assert report.total == Spending()
    assert report.total.share == 0.0
    assert report.columns()
    assert {one.label: one.shown for one in figures(report)}["prices of"].startswith("no day")


@pytest.mark.parametrize(
    ("spending", "told"),
    [
        (Spending(), "nothing"),
        (Spending(doubted=1, doubt=120 * CENT), "1 request, at most $1.20"),
        (Spending(doubted=200, unbounded=200), "200 requests; their price is not known"),
        (
            Spending(doubted=200, unbounded=150, doubt=120 * CENT),
            "200 requests, at most $1.20 and what 150 of them may have cost besides",
        ),
    ],
)
def test_a_doubt_is_told_with_the_most_it_may_have_cost(spending: Spending, told: str):
    report = savings_report([entry(spending=spending)], Choice())

    assert {one.label: one.shown for one in figures(report)}["in doubt"] == told


def test_answers_without_a_known_price_are_told():
    spending = Spending(answers=2_000, unpriced=30, usage=Usage(input_tokens=5))

    told = {
        one.label: one.shown
        for one in figures(savings_report([entry(spending=spending)], Choice()))
    }

    assert told["answers"] == "2,000; 30 have no known price, and are in no amount"
    assert spending_json(spending)["answers_unpriced"] == 30


def test_an_amount_that_lacks_a_price_says_so():
    assert shown(Spending(answers=3, unpriced=3), 0) == "?"
    assert shown(Spending(answers=3, unpriced=1, paid=CENT), CENT) == "$0.01 + ?"
    assert shown(Spending(answers=3, paid=CENT), CENT) == "$0.01"


def test_tokens_of_the_cache_are_told_where_there_are_any():
    usage = Usage(input_tokens=1, output_tokens=2, cache_write_1h_tokens=30, cache_read_tokens=400)

    told = {
        one.label: one.shown
        for one in figures(savings_report([entry(spending=Spending(usage=usage))], Choice()))
    }

    assert told["tokens"] == (
        "431 in, 2 out; of those in, 30 written to the cache and 400 read from it"
    )
