"""`[retry]`: what follows from each outcome."""

from backburner.config.table import ConfigTable
from backburner.nouns.outcome import Outcome
from backburner.nouns.policy import CHOICES, DEFAULT_RULES, RetryPolicy, RetryRule, Then

_MOST_TIMES = 100
_LEAST_SHARE = 0.01


def retry_policy(root: ConfigTable) -> RetryPolicy:
    """The policy of a file: the usual one, but for what its `[retry]` says.

    Raises:
        ConfigError: It says something that there is not.
    """
    chosen = root.table("retry")
    usual = RetryPolicy()
    rules = dict(DEFAULT_RULES)
    chosen.only(("longest_wait", "capacity_seconds", *CHOICES))
    for outcome in CHOICES:
        rules[outcome] = _rule(chosen.table(outcome), outcome, rules[outcome])
    return RetryPolicy(
        rules=rules,
        longest_wait=chosen.seconds("longest_wait", usual.longest_wait, least=1.0),
        capacity_seconds=chosen.seconds("capacity_seconds", usual.capacity_seconds, least=0.0),
    )


def _rule(chosen: ConfigTable, outcome: Outcome, usual: RetryRule) -> RetryRule:
    chosen.only(("then", "times", "wait", "share"))
    then = chosen.one_of("then", usual.then, CHOICES[outcome])
    return RetryRule(
        then=Then(then),
        times=int(chosen.number("times", usual.times, least=1, most=_MOST_TIMES, whole=True)),
        wait=chosen.seconds("wait", usual.wait, least=0.0),
        share=chosen.number("share", usual.share, least=_LEAST_SHARE, most=1.0),
    )
