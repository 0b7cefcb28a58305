"""The cache planner, usable alone: `from backburner.caching import plan_marks, trie_of`."""

from backburner.plan.caching.breakpoints import MarkPlan, plan_marks
from backburner.plan.caching.cadence import Cadence, cadence
from backburner.plan.caching.explaining import Decision, Reason, best_mark, decisions, sentence
from backburner.plan.caching.learning import (
    Belief,
    Observation,
    Start,
    Trial,
    believe,
    learned_rates,
    trial,
)
from backburner.plan.caching.policies import InputCosts, cost_with, input_costs, mark_all
from backburner.plan.caching.terms import (
    CacheTerms,
    HitRates,
    Ttl,
    break_even,
    cache_minimum,
    cache_terms,
)
from backburner.plan.caching.trie import Trie, TrieBuilder, trie_of
from backburner.plan.caching.waves import (
    Wave,
    WaveReason,
    WaveTerms,
    lead_below,
    plan_wave,
    wave_sentence,
)

__all__ = [
    "Belief",
    "CacheTerms",
    "Cadence",
    "Decision",
    "HitRates",
    "InputCosts",
    "MarkPlan",
    "Observation",
    "Reason",
    "Start",
    "Trial",
    "Trie",
    "TrieBuilder",
    "Ttl",
    "Wave",
    "WaveReason",
    "WaveTerms",
    "believe",
    "best_mark",
    "break_even",
    "cache_minimum",
    "cache_terms",
    "cadence",
    "cost_with",
    "decisions",
    "input_costs",
    "lead_below",
    "learned_rates",
    "mark_all",
    "plan_marks",
    "plan_wave",
    "sentence",
    "trial",
    "trie_of",
    "wave_sentence",
]
