"""Measures as text that Prometheus reads.

Source of the format: prometheus.io, "Exposition formats", text-based format, read 2026-11-23.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is measured, with a value for each set of labels.

    Attributes:
        name: Without our prefix.
        kind: A `counter` only goes up.
        says: What it is, in a sentence.
    """

    name: str
    kind: Literal["counter", "gauge"]
    says: str
    values: Mapping[Labels, float | str] = field(default_factory=dict)


def text_of(measures: Iterable[Measure]) -> str:
    """All measures as one text; those without a value are left out."""
    return "".join(f"{line}\n" for one in measures if one.values for line in _lines(one))


def _lines(one: Measure) -> Iterable[str]:
    name = f"backburner_{one.name}"
    yield f"# HELP {name} {one.says}"
    yield f"# TYPE {name} {one.kind}"
    for labels, value in one.values.items():
        yield f"{name}{_labelled(labels)} {value}"


def _labelled(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{key}="{_escaped(value)}"' for key, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
