"""What a run will do and cost, as JSON."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from backburner.cli.deadlines import outlook_json
from backburner.cli.route_words import routes_json

_LIKE: Final = {
    "canary": "its canary",
    "prompt": "the same prompt",
    "name": "the same name",
    "lane": "the same model",
}

if TYPE_CHECKING:
    from backburner.client import Backburner
    from backburner.client.preparing import Fresh
    from backburner.plan.caching.choices import CachePlan, Choice, WaveChoice
    from backburner.plan.estimating import Estimate
    from backburner.plan.ranges import PriceRange
    from backburner.runs.fields import FieldFigures
    from backburner.runs.input_warnings import InputWarning
    from backburner.runs.output_schema import OutputSchema

_FEW: Final = 8


def plan_json(fresh: "Fresh", backburner: "Backburner") -> dict[str, Any]:
    """The plan as JSON values."""
    from backburner.client.estimating import estimate_staged  # noqa: PLC0415  # not for --help
    from backburner.client.promising import outlook_of  # noqa: PLC0415  # not for --help
    from backburner.nouns.money import Money  # noqa: PLC0415  # not for --help

    run, budget = fresh.staged.run, fresh.staged.budget
    estimate = estimate_staged(backburner.tools, fresh.staged)
    return {
        "rows": run.rows,
        "rows_left_out": fresh.staged.left_out,
        "requests": run.requests,
        "rows_collapsed": run.collapsed,
        "requests_packed": run.packed,
        "requests_reused": run.reused,
        "batches": len(fresh.staged.batches),
        "models": [work.model for work in fresh.staged.workloads],
        "budget_usd": None if budget is None else Money(picodollars=budget).usd(),
        "tags": run.tags.split(",") if run.tags else [],
        "owner": run.owner or None,
        "deadline": outlook_json(outlook_of(backburner.tools, fresh.staged, at_once=False)),
        "canary": sum(work.requests for work in fresh.staged.canary),
        "changed": list(fresh.changed),
        "schema": None if fresh.schema is None else schema_json(fresh.schema),
        "warnings": [warning_json(warning) for warning in fresh.staged.warnings],
        "routes": routes_json(run.taken),
        "estimate": None if estimate is None else estimate_json(estimate),
        "cache": cache_json(fresh.staged.cache),
        "fields": fields_json(fresh.staged.fields),
    }


def fields_json(figures: "FieldFigures | None") -> dict[str, Any] | None:
    """The same as JSON values; None where the prompt leaves no order open."""
    if figures is None:
        return None
    return {
        "columns": list(figures.columns),
        "orders": figures.orders,
        "rows": figures.rows,
        "sampled": figures.is_sampled,
        "shared_in_table_order": round(figures.before, 4),
        "shared": round(figures.after, 4),
        "of_bound": round(figures.of_bound, 4),
        "long_enough": figures.is_cut,
    }


def cache_json(plan: "CachePlan | None") -> dict[str, Any] | None:
    """The same as JSON values; None where no marks are wanted."""
    if plan is None:
        return None
    return {
        "policy": plan.policy.value,
        "choices": [_choice_json(one) for one in plan.choices],
        "leaders": [_wave_json(one) for one in plan.waves],
    }


def _wave_json(wave: "WaveChoice") -> dict[str, Any]:
    from backburner.nouns.money import usd  # noqa: PLC0415  # not for --help
    from backburner.plan.caching.sentences import wave_in_words  # noqa: PLC0415  # as above

    return {
        "model": wave.model,
        "reason": wave.reason.value,
        "asked": wave.is_asked,
        "go_first": wave.leaders,
        "requests": wave.requests,
        "saved_usd": usd(wave.saved),
        "sentence": wave_in_words(wave),
    }


def _choice_json(choice: "Choice") -> dict[str, Any]:
    from backburner.nouns.money import usd  # noqa: PLC0415  # not for --help
    from backburner.plan.caching.sentences import in_words  # noqa: PLC0415  # as above

    return {
        "model": choice.model,
        "part": choice.part.value,
        "prefixes": choice.prefixes,
        "tokens": choice.tokens,
        "requests": choice.requests,
        "minimum_tokens": choice.minimum_tokens,
        "marked": choice.is_marked,
        "ttl": choice.ttl.value,
        "reason": choice.ground.value,
        "expected_hit_rate": choice.hit_rate,
        "break_even_hit_rate": choice.break_even,
        "plain_usd": usd(choice.plain),
        "cached_usd": usd(choice.cached),
        "sentence": in_words(choice),
    }


def warning_json(warning: "InputWarning") -> dict[str, Any]:
    """A warning as JSON values."""
    return {
        "code": warning.code,
        "message": warning.what,
        "hint": warning.hint,
        "line": warning.line,
        "count": warning.count,
    }


def schema_json(schema: "OutputSchema") -> dict[str, Any]:
    """The same as JSON values."""
    return {
        "source": schema.source,
        "columns": list(schema.columns),
        "objects_closed": schema.closed,
        "checked_here": list(schema.told),
    }


def estimate_json(estimate: "Estimate") -> dict[str, Any]:
    """An estimate as JSON values; money as exact decimal strings of US dollars."""
    return {
        **price_json(estimate.price),
        **price_json(estimate.sync, "sync_"),
        "ceiling_usd": estimate.ceiling.usd(),
        "input_tokens": asdict(estimate.input_tokens),
        "output_tokens": asdict(estimate.output_tokens),
        "requests_counted": estimate.counted,
        "requests_with_files": estimate.without_files,
        "pdf_pages": estimate.pages,
        "answers_like": [
            {"run": one.run, "by": str(one.likeness), "answers": len(one.tokens)}
            for one in estimate.answered
        ],
        "price_date": estimate.price_date.isoformat(),
    }


def price_json(price: "PriceRange", prefix: str = "") -> dict[str, str]:
    """A range of prices as JSON values."""
    return {
        f"{prefix}low_usd": price.low.usd(),
        f"{prefix}expected_usd": price.expected.usd(),
        f"{prefix}high_usd": price.high.usd(),
    }
