"""`policy`: what follows from each outcome, as it holds here."""

import typer

from backburner.cli.output import Page
from backburner.cli.session import Home, Json, session_of
from backburner.nouns.outcome import Outcome
from backburner.nouns.policy import CHOICES, RetryPolicy, Then


def policy(context: typer.Context, *, home: Home = None, json: Json = False) -> int:
    """Show what follows from each outcome.

    `[retry]` in backburner.toml changes it.
    """
    from backburner.config import read_config, retry_policy  # noqa: PLC0415  # not for --help

    page = Page(as_json=json)
    config = read_config(session_of(context).environment, home)
    file, retries = config.file, retry_policy(config)
    page.facts([("config", f"{file}{'' if file.exists() else ' (not there: all is as usual)'}")])
    page.line()
    rows = [_row(outcome, retries) for outcome in Outcome if outcome is not Outcome.OK]
    page.table(("outcome", "then", "times", "wait", "share", "may be"), rows, "  rrr")
    page.line()
    page.facts(
        [
            (
                "longest wait",
                f"{retries.longest_wait:g} s; each wait is eight times the one before",
            ),
            (
                "no capacity",
                f"tried again for {retries.capacity_seconds:g} s; counts as no attempt",
            ),
        ]
    )
    page.finish(
        {
            "config": str(file),
            "longest_wait": retries.longest_wait,
            "capacity_seconds": retries.capacity_seconds,
            "outcomes": {
                str(outcome): {
                    "then": str(rule.then),
                    "times": rule.times,
                    "wait": rule.wait,
                    "share": rule.share,
                }
                for outcome, rule in retries.rules.items()
                if outcome is not Outcome.OK
            },
        }
    )
    return 0


def _row(outcome: Outcome, retries: RetryPolicy) -> list[str]:
    rule = retries.rules[outcome]
    if rule.then is Then.NOTHING:
        return [outcome, rule.then, "", "", "", ", ".join(CHOICES.get(outcome, ()))]
    numbers = [str(rule.times), f"{rule.wait:g} s", f"{rule.share:g}"]
    return [outcome, rule.then, *numbers, ", ".join(CHOICES[outcome])]
