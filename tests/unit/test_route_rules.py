"""`[[routes]]` in the file: what it says, and what is said of mistakes."""

from pathlib import Path

import pytest

from backburner.config import read_config, route_rules
from backburner.errors import ConfigError
from backburner.nouns.route import Give, Rule, When
from backburner.nouns.urgency import Urgency

EXAMPLE = Path(__file__).parents[2] / "examples" / "routes.toml"


def rules(folder: Path, text: str) -> tuple[Rule, ...]:
    (folder / "backburner.toml").write_text(text, encoding="utf-8")
    return route_rules(read_config({}, folder))


def one(folder: Path, when: str, give: str = 'urgency = "soon"') -> Rule:
    [found] = rules(folder, f'[[routes]]\nname = "one"\nwhen = {{ {when} }}\ngive = {{ {give} }}\n')
    return found


def test_a_rule_is_what_its_table_says(tmp_path: Path):
    found = one(
        tmp_path,
        'kind = ["draft", "seo"], tags = "web", owner = "ann", max_input_tokens = 2000',
        'model = "claude-sonnet-4-6", max_tokens = 900, within = "6h"',
    )

    assert found == Rule(
        name="one",
        when=When(
            kinds=frozenset({"draft", "seo"}),
            tags=frozenset({"web"}),
            owners=frozenset({"ann"}),
            max_input_tokens=2000,
        ),
        give=Give(model="claude-sonnet-4-6", max_tokens=900, within="6h"),
    )


def test_a_file_without_routes_has_no_rules(tmp_path: Path):
    assert rules(tmp_path, "") == ()


def test_the_example_is_sound_and_mirrors_the_article(tmp_path: Path):
    found = rules(tmp_path, EXAMPLE.read_text(encoding="utf-8"))

    given = {rule.name: (rule.give.model, rule.give.urgency) for rule in found}
    assert given == {
        "triage-now": ("claude-haiku-4-5", Urgency.NOW),
        "triage": ("claude-haiku-4-5", Urgency.WINDOW),
        "high-stakes": ("claude-opus-4-7", Urgency.NOW),
        "drafts": ("claude-sonnet-4-6", Urgency.WINDOW),
        "rest": (None, Urgency.SOON),
    }


@pytest.mark.parametrize(
    ("when", "give", "message", "hint"),
    [
        ('kidn = "draft"', "max_tokens = 1", "routes[1].when.kidn", "did you mean kind?"),
        ("", 'modle = "claude-opus-4-7"', "routes[1].give.modle", "did you mean model?"),
        ("", "", "routes[1].give is empty", "urgency"),
        ("", "max_tokens = 0", "give.max_tokens is 0", "change it, or leave it out"),
        (
            'kind = "two words"',
            "max_tokens = 1",
            "when.kind is 'two words'",
            "change it, or leave it out",
        ),
        ("tags = []", "max_tokens = 1", "when.tags is []", "change it, or leave it out"),
        ("tags = [1]", "max_tokens = 1", "when.tags is [1]", "change it, or leave it out"),
        ("", 'urgency = "later"', "give.urgency is 'later', not now or soon or window", ""),
        ("", 'within = "soon"', "give.within is 'soon', not a span of time", ""),
        ("", 'by = "25:00"', "give.by is '25:00', not a local time", ""),
        ("", 'by = "07:00", urgency = "soon"', "has urgency and by", "leave one of them out"),
        ("", 'model = "claude-*"', "give.model is 'claude-*'", ""),
        ("", 'lane = "nihgtly"', "gives the lane 'nihgtly'", "did you mean nightly?"),
        (
            "min_input_tokens = 9, max_input_tokens = 3",
            "max_tokens = 1",
            "min_input_tokens is 9, not at most max_input_tokens, which is 3",
            "",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(
    tmp_path: Path, when: str, give: str, message: str, hint: str
):
    text = f'[lanes.nightly]\n[[routes]]\nname = "one"\nwhen = {{ {when} }}\ngive = {{ {give} }}\n'

    with pytest.raises(ConfigError) as caught:
        rules(tmp_path, text)

    assert message in str(caught.value)
    assert hint in caught.value.hint


def test_a_rule_without_a_name_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="name is '', not a word"):
        rules(tmp_path, "[[routes]]\ngive = { max_tokens = 1 }\n")


def test_two_rules_of_one_name_are_refused(tmp_path: Path):
    table = '[[routes]]\nname = "a"\nwhen = {{ kind = "{}" }}\ngive = {{ max_tokens = 1 }}\n'

    with pytest.raises(ConfigError, match="two routes of the name 'a'"):
        rules(tmp_path, table.format("x") + table.format("y"))


def test_a_rule_that_can_never_match_is_refused(tmp_path: Path):
    text = """
[[routes]]
name = "rest"
give = { urgency = "soon" }

[[routes]]
name = "drafts"
when = { kind = "draft" }
give = { urgency = "window" }
"""
    with pytest.raises(ConfigError, match="'drafts' can never match, since 'rest' before it"):
        rules(tmp_path, text)
