"""The retry policy in `backburner.toml`: what may be changed, and what is said of mistakes."""

import pytest

from backburner.config import read_config, retry_policy, settings_from
from backburner.errors import ConfigError
from backburner.nouns.outcome import Outcome
from backburner.nouns.policy import DEFAULT_RULES, RetryPolicy, Then


@pytest.fixture
def config(tmp_path):
    def write(text):
        path = tmp_path / "backburner.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_without_a_file_all_is_as_usual(tmp_path):
    assert retry_policy(read_config({}, tmp_path)) == RetryPolicy()


def test_a_file_changes_what_it_names_and_nothing_else(config):
    path = config(
        '[retry]\nlongest_wait = 60\n[retry.truncated]\nthen = "nothing"\n'
        "[retry.expired]\ntimes = 2\nwait = 0.5\nshare = 1\n"
    )

    policy = retry_policy(read_config({}, path.parent))

    changed = {outcome for outcome in Outcome if policy.rules[outcome] != DEFAULT_RULES[outcome]}
    assert changed == {Outcome.TRUNCATED, Outcome.EXPIRED}
    assert policy.rules[Outcome.TRUNCATED].then is Then.NOTHING
    assert policy.rules[Outcome.EXPIRED].times == 2
    assert (policy.longest_wait, policy.capacity_seconds) == (60, 86_400)


def test_the_settings_of_a_home_have_its_policy(config):
    home = config("[retry.paused]\ntimes = 3\n").parent

    settings = settings_from({}, home, "https://api.anthropic.com")

    assert settings.retries.rules[Outcome.PAUSED].times == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[retries]\n", "there is no retries"),
        ("[retry.truncatd]\n", "there is no retry.truncatd"),
        ("[retry.refused]\nthen = 'again'", "there is no retry.refused"),
        ("[retry.truncated]\nthan = 'longer'", "there is no retry.truncated.than"),
        ("[retry.truncated]\nthen = 'again'", "retry.truncated.then is 'again', not longer or"),
        ("[retry.expired]\ntimes = 0", "retry.expired.times is 0, not a whole number, from 1"),
        ("[retry.expired]\ntimes = 1.5", "retry.expired.times is 1.5, not a whole number"),
        ("[retry.expired]\nwait = -1", "retry.expired.wait is -1, not a number, from 0 to 604800"),
        ("[retry.expired]\nshare = 2", "retry.expired.share is 2, not a number, from 0.01 to 1"),
        ("[retry.expired]\nshare = true", "retry.expired.share is True, not a number"),
        ("[retry.expired]\nwait = nan", "retry.expired.wait is NaN, not a number"),
        ("retry = 5", "retry is 5, not a table"),
        ("[retry\n", "cannot be read"),
    ],
)
def test_a_mistake_is_told_with_file_key_and_what_may_stand_there(config, text, told):
    path = config(text)

    with pytest.raises(ConfigError) as caught:
        retry_policy(read_config({}, path.parent))

    assert str(path) in str(caught.value)
    assert told in str(caught.value)
    assert caught.value.hint
