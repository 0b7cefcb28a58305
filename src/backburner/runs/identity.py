"""What makes two runs the same, and what changed between two that are not."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import msgspec

from backburner.nouns.run import RunSpec
from backburner.plan.caching.choices import CachePolicy

_NAMES: Final = {
    "input": "the input",
    "reading": "how the input is read",
    "prompt": "the prompt",
    "system": "the system prompt",
    "model": "the model",
    "params": "the parameters",
    "schema": "the schema",
    "betas": "the betas",
    "rows": "the choice of rows",
    "cache": "who decides on cache marks",
    "leaders": "whether leaders go first",
    "files": "the attached files",
    "pack": "how rows share requests",
    "lane": "the lane",
}
"""Each part of an identity in words."""


def parts_of(spec: RunSpec, source_sha256: str, lane: str) -> dict[str, str]:
    """The hash of each part of a run's identity.

    All that changes a body or the choice of rows is in one of them; where the output goes is in
    none. What an older version did not have is a part only where it is used, so that a run it made
    is found again.
    """
    values: dict[str, object] = {
        "input": source_sha256,
        "reading": [spec.kind, spec.format, spec.delimiter, spec.encoding],
        "prompt": spec.template,
        "system": spec.system,
        "model": spec.model,
        "params": [spec.max_tokens, [[key, spec.params[key]] for key in spec.params]],
        "betas": list(spec.betas),
        "rows": [spec.limit, spec.collapse, *([spec.where] if spec.where else [])],
        "lane": lane,
    }
    if spec.schema is not None:
        values["schema"] = spec.schema
    if spec.cache != CachePolicy.AUTO:
        values["cache"] = spec.cache
    if spec.leaders:
        values["leaders"] = True
    if spec.files is not None:
        values["files"] = spec.files
    if spec.pack:
        values["pack"] = [spec.pack, spec.pack_check]
    return {name: sha256(msgspec.json.encode(value)).hexdigest() for name, value in values.items()}


def identity_of(parts: Mapping[str, str]) -> str:
    """The one hash of all parts."""
    return sha256("".join(parts[name] for name in _NAMES if name in parts).encode()).hexdigest()


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """In words, which parts differ."""
    return [words for name, words in _NAMES.items() if before.get(name) != now.get(name)]
