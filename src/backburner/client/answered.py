"""Earlier answers that are like those of a run: by its prompt, its name, or its lane."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from backburner.nouns.run import Run, RunSpec
from backburner.nouns.tariff import undated
from backburner.plan.outputs import Answered, Likeness
from backburner.runs.answer_lengths import answer_lengths
from backburner.runs.identity import parts_of
from backburner.store import Store
from backburner.store.runs import runs_booked
from backburner.vault import Vault

_RUNS: Final = 20
_ANSWERS: Final = 400
_CLOSEST_FIRST: Final = list(Likeness)
_PROMPT_PARTS: Final = ("prompt", "system", "params", "schema")
"""What shapes an answer, besides its row. A list of requests has them in its rows."""

_NO_PROMPT: Final = parts_of(RunSpec(kind="requests", format=""), "", "")["prompt"]


def answered_like(
    store: Store, vault: Vault, lane: str, name: str, parts: Mapping[str, str]
) -> Callable[[str], Answered | None]:
    """Gives the answers of a model that are most like those of a run, the newest of them.

    Args:
        name: What the run is called.
        parts: Of its identity.
    """
    with store.read() as tx:
        runs = runs_booked(tx, lane, _RUNS)
    liked = [(_likeness(run, name, parts), run) for run in runs]
    liked.sort(key=lambda one: _CLOSEST_FIRST.index(one[0]))

    @cache
    def lengths(place: int) -> Mapping[str, tuple[int, ...]]:
        found = answer_lengths(store, vault, liked[place][1], _ANSWERS)
        return {model: tuple(tokens) for model, tokens in found.items()}

    def answered(model: str) -> Answered | None:
        for place, (likeness, run) in enumerate(liked):
            if tokens := lengths(place).get(undated(model)):
                return Answered(run=run.id, likeness=likeness, tokens=tokens)
        return None

    return answered


def _likeness(run: Run, name: str, parts: Mapping[str, str]) -> Likeness:
    has_prompt = parts["prompt"] != _NO_PROMPT
    if has_prompt and all(run.parts.get(part) == parts.get(part) for part in _PROMPT_PARTS):
        return Likeness.PROMPT
    return Likeness.NAME if run.name == name else Likeness.LANE
