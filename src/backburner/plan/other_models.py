"""Cheaper models for the same work, by the price of its text and not of a token."""

from dataclasses import replace
from typing import Final

from backburner.nouns.model import most_output_tokens
from backburner.nouns.tariff import Tariff, undated
from backburner.plan.estimating import Estimate, Known, estimate
from backburner.plan.lifecycle import newest_of_lines
from backburner.plan.tokens import tokenizer_of, total
from backburner.plan.workloads import Workload

_SHOWN: Final = 2


def cheaper(tariff: Tariff, work: Workload, known: Known) -> tuple[tuple[str, Estimate], ...]:
    """The next cheaper models for a workload with what it would cost there, the dearest first.

    Of each line only the newest model is named, and none whose end is set. The same text has about
    a third more tokens from 4.7 on, in the answers too.
    """
    now = estimate(tariff, work, known)
    found = [
        (model, estimate(tariff, replace(work, model=model), _there(known, work, model)))
        for model in newest_of_lines(tariff.models).values()
        if model != undated(work.model) and _takes(model, work)
    ]
    less = [one for one in found if one[1].uncached.expected < now.uncached.expected]
    less.sort(key=lambda one: one[1].uncached.expected, reverse=True)
    by_price = {one.uncached.expected: (model, one) for model, one in reversed(less)}
    return tuple(reversed(by_price.values()))[:_SHOWN]


def _takes(model: str, work: Workload) -> bool:
    return work.max_output_tokens <= most_output_tokens(model) * work.requests


def _there(known: Known, work: Workload, model: str) -> Known:
    """What is known of the work, as far as it holds for another model: texts of that length."""
    answered = known.answered
    if answered is None:
        return known
    text = total(one.prompt.text for stratum in work.strata for one in stratum.sample)
    ratio = tokenizer_of(model).tokens(text) / max(tokenizer_of(work.model).tokens(text), 1)
    tokens = tuple(round(ratio * one) for one in answered.tokens)
    return replace(known, answered=replace(answered, tokens=tokens))
