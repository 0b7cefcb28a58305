"""Packing the rows of a table: several short ones share a request."""

from collections.abc import Mapping

import msgspec

from backburner.nouns.model import most_output_tokens
from backburner.nouns.run import RunSpec
from backburner.plan.row_packs import (
    MOST_BYTES,
    lost_references,
    pack_prompt,
    pack_schema,
    pack_tokens,
    prompt_of,
)
from backburner.runs.bodies import BodyShape
from backburner.runs.faults import one_fault
from backburner.runs.output_schema import with_format

_CONFIG = "output_config"


def check_packing(params: Mapping[str, msgspec.Raw], schema: msgspec.Raw | None) -> None:
    """Make sure that rows can be packed: a pack's answer has a form of its own.

    Raises:
        InputFaults: `parameter_invalid`: the parameters have a form already, or the schema refers
            to places that lie elsewhere inside a pack's.
    """
    config = msgspec.json.decode(params.get(_CONFIG, b"{}"))
    if isinstance(config, dict) and "format" in config:
        hint = "give the form of answers with --schema"
        raise one_fault("--pack", "parameter_invalid", "--param output_config has a format", hint)
    lost = [] if schema is None else list(lost_references(msgspec.json.decode(schema)))
    if lost:
        hint = "let it refer to its own $defs alone, or leave --pack out"
        raise one_fault("--pack", "parameter_invalid", f"the schema refers to {lost[0]!r}", hint)


def checked_packs(spec: RunSpec) -> int | None:
    """How many packs hold the rows that are asked both ways; None where none are."""
    return -(-spec.pack_check // spec.pack) if spec.pack and spec.pack_check else None


class RowPacker:
    """Gathers rows until a pack is full."""

    def __init__(self, spec: RunSpec) -> None:
        self._spec = spec
        self._shapes: dict[int, BodyShape] = {}
        self._prompts: list[str] = []
        self._bytes = 0

    def is_full_for(self, body: bytes) -> bool:
        """Whether a row with this body belongs into the next pack."""
        is_long = self._bytes + len(body) > MOST_BYTES
        return bool(self._prompts) and (is_long or len(self._prompts) == self._spec.pack)

    def add(self, body: bytes, shape: BodyShape) -> None:
        """Take a row in, by the body that it would have alone."""
        self._prompts.append(prompt_of(shape.content(body)))
        self._bytes += len(body)

    def take(self) -> bytes:
        """The body of the pack, and begin the next one; empty where no row waits."""
        if not self._prompts:
            return b""
        body = self.shape(len(self._prompts)).body(pack_prompt(self._prompts))
        self._prompts, self._bytes = [], 0
        return body

    def shape(self, count: int) -> BodyShape:
        """What all packs of so many rows have in common."""
        if count not in self._shapes:
            spec = self._spec
            own = None if spec.schema is None else bytes(spec.schema)
            schema = msgspec.Raw(msgspec.json.encode(pack_schema(own, count)))
            cap = most_output_tokens(spec.model, spec.betas)
            self._shapes[count] = BodyShape(
                model=spec.model,
                max_tokens=pack_tokens(spec.max_tokens, count, cap),
                system=spec.system,
                params=with_format(spec.params, schema),
            )
        return self._shapes[count]
