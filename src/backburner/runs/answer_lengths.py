"""How long the answers of a run are, for estimates of others."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import islice

import msgspec

from backburner.nouns.outcome import WireUsage
from backburner.nouns.run import Run
from backburner.nouns.tariff import undated
from backburner.runs.answers import final_lines
from backburner.store import Store
from backburner.vault import Vault


class _Message(msgspec.Struct, gc=False):
    model: str = ""
    usage: WireUsage = WireUsage()


class _Result(msgspec.Struct, gc=False):
    message: _Message | None = None


class _Line(msgspec.Struct, gc=False):
    result: _Result


_decode = msgspec.json.Decoder(_Line).decode


def answer_lengths(store: Store, vault: Vault, run: Run, most: int) -> Mapping[str, Sequence[int]]:
    """The output tokens of a run's first answers, at most so many, by model."""
    found: dict[str, list[int]] = defaultdict(list)
    for final in islice(final_lines(store, vault, run), most):
        message = _decode(final.line).result.message if final.line else None
        if message is not None:
            found[undated(message.model)].append(message.usage.output_tokens)
    return found
