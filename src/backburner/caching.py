"""The cache planner, usable alone: `from backburner.caching import plan_marks, trie_of`."""

from backburner.plan.caching.bound import column_bound, spanning_bound
from backburner.plan.caching.breakpoints import MarkPlan, plan_marks
from backburner.plan.caching.cadence import Cadence, cadence
from backburner.plan.caching.cells import (
    Column,
    Layout,
    Worth,
    one_order,
    shared,
    total_tokens,
    worth_of,
)
from backburner.plan.caching.explaining import Decision, Reason, best_mark, decisions, sentence
from backburner.plan.caching.fixed import fixed_order
from backburner.plan.caching.layout import plan_layout
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
from backburner.plan.caching.tail import tail_order
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
    "Column",
    "Decision",
    "HitRates",
    "InputCosts",
    "Layout",
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
    "Worth",
    "believe",
    "best_mark",
    "break_even",
    "cache_minimum",
    "cache_terms",
    "cadence",
    "column_bound",
    "cost_with",
    "decisions",
    "fixed_order",
    "input_costs",
    "lead_below",
    "learned_rates",
    "mark_all",
    "one_order",
    "plan_layout",
    "plan_marks",
    "plan_wave",
    "sentence",
    "shared",
    "spanning_bound",
    "tail_order",
    "total_tokens",
    "trial",
    "trie_of",
    "wave_sentence",
    "worth_of",
]
