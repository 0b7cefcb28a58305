"""Route rules: which one takes a request, why, and what it changes in its body."""

import string

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.nouns.route import UNROUTED, Asked, Extent, Give, Rule, When
from backburner.nouns.urgency import Urgency
from backburner.plan.routing import never_matched, reroute, route

HAIKU = Give(model="claude-haiku-4-5", urgency=Urgency.NOW)
SONNET = Give(model="claude-sonnet-4-6")


def rule(name: str, give: Give = SONNET, **when: object) -> Rule:
    return Rule(name=name, when=When(**when), give=give)  # type: ignore[arg-type]


def test_the_first_rule_that_matches_wins_and_says_why():
    rules = [
        rule("triage", HAIKU, kinds=frozenset({"triage", "tagging"})),
        rule("seo", kinds=frozenset({"draft"}), tags=frozenset({"seo", "web"})),
        rule("drafts", kinds=frozenset({"draft"})),
    ]
    asked = Asked(kind="draft", tags=frozenset({"web", "nightly"}))

    found = route(rules, asked)

    assert (found.rule, found.reason) == ("seo", "kind is draft, tag is web")
    assert route(rules, Asked(kind="triage")).give is HAIKU


def test_a_request_that_no_rule_takes_stays_as_it_was_asked():
    assert route([rule("triage", kinds=frozenset({"triage"}))], Asked(kind="chat")) is UNROUTED
    assert UNROUTED.give == Give()


def test_a_rule_without_a_condition_takes_all_that_is_left():
    found = route([rule("rest")], Asked())

    assert (found.rule, found.reason) == ("rest", "the rule takes all that is left")


@pytest.mark.parametrize(
    ("when", "asked", "reason"),
    [
        ({"lanes": frozenset({"web"})}, Asked(lane="web"), "lane is web"),
        ({"owners": frozenset({"ann"})}, Asked(owner="ann"), "owner is ann"),
        (
            {"models": frozenset({"claude-opus-*"})},
            Asked(model="claude-opus-4-7"),
            "asked for claude-opus-4-7",
        ),
        ({"models": frozenset({"*"})}, Asked(), "asked for no model"),
        (
            {"min_input_tokens": 100, "max_input_tokens": 2000},
            Asked(input_tokens=Extent(100, 2000)),
            "at least 100 and at most 2,000 tokens of input",
        ),
        (
            {"max_input_bytes": 9},
            Asked(input_bytes=Extent(1, 9)),
            "at most 9 bytes of input",
        ),
    ],
)
def test_a_rule_looks_at_each_thing_that_it_names(when: dict, asked: Asked, reason: str):
    assert route([rule("one", **when)], asked).reason == reason


@pytest.mark.parametrize(
    ("when", "asked"),
    [
        ({"lanes": frozenset({"web"})}, Asked(lane="website")),
        ({"models": frozenset({"claude-opus-*"})}, Asked(model="claude-haiku-4-5")),
        ({"models": frozenset({"claude-opus-*"})}, Asked()),
        ({"min_input_tokens": 100}, Asked(input_tokens=Extent(99, 5000))),
        ({"max_input_bytes": 9}, Asked(input_bytes=Extent(1, 10))),
        ({"max_input_bytes": 9}, Asked()),
    ],
)
def test_a_rule_does_not_match_what_lacks_one_thing_that_it_names(when: dict, asked: Asked):
    assert route([rule("one", **when)], asked) is UNROUTED


def test_a_rule_changes_what_it_names_and_leaves_every_other_byte_alone():
    body = b'{"temperature":0.70,"model":"claude-opus-4-7","x":"\\u00e9 ","max_tokens":500}'

    changed, names = reroute(body, Give(model="claude-haiku-4-5", max_tokens=64))

    assert changed == (
        b'{"temperature":0.70,"model":"claude-haiku-4-5","x":"\\u00e9 ","max_tokens":64}'
    )
    assert names == ("model", "max_tokens")


def test_a_body_that_has_what_a_rule_gives_is_not_touched():
    body = b'{ "model": "claude-haiku-4-5" }'

    assert reroute(body, Give(model="claude-haiku-4-5", urgency=Urgency.SOON)) == (body, ())
    assert reroute(body, Give(lane="nightly")) == (body, ())


def test_a_body_without_a_model_gets_one():
    assert reroute(b'{"messages":[]}', SONNET) == (
        b'{"messages":[],"model":"claude-sonnet-4-6"}',
        ("model",),
    )


@given(
    st.dictionaries(
        st.text(string.ascii_letters, min_size=1), st.integers() | st.text() | st.booleans()
    )
)
def test_all_but_what_a_rule_names_decodes_to_what_it_was(body: dict):
    before = msgspec.json.encode(body)

    after = msgspec.json.decode(reroute(before, Give(model="m", max_tokens=7))[0])

    assert after == {**body, "model": "m", "max_tokens": 7}


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ({}, {"kinds": frozenset({"draft"})}),
        ({}, {}),
        ({"kinds": frozenset({"a", "b"})}, {"kinds": frozenset({"b"}), "tags": frozenset({"x"})}),
        ({"models": frozenset({"claude-*"})}, {"models": frozenset({"claude-opus-*"})}),
        ({"max_input_tokens": 9}, {"max_input_tokens": 8, "min_input_tokens": 2}),
        ({"min_input_bytes": 5}, {"min_input_bytes": 5}),
    ],
)
def test_a_rule_after_one_that_takes_all_it_could_is_found(earlier: dict, later: dict):
    first, second = rule("first", **earlier), rule("second", **later)

    assert list(never_matched([first, second])) == [(second, first)]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ({"kinds": frozenset({"draft"})}, {}),
        ({"kinds": frozenset({"a"})}, {"kinds": frozenset({"a", "b"})}),
        ({"models": frozenset({"claude-opus-*"})}, {"models": frozenset({"claude-*"})}),
        ({"max_input_tokens": 8}, {"max_input_tokens": 9}),
        ({"max_input_tokens": 8}, {"max_input_bytes": 8}),
        ({"tags": frozenset({"x"})}, {"kinds": frozenset({"draft"})}),
    ],
)
def test_a_rule_that_can_still_match_is_not(earlier: dict, later: dict):
    assert not list(never_matched([rule("first", **earlier), rule("second", **later)]))
