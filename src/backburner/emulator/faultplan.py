"""Which faults happen when: exactly by script, by chance from the seed, or all the time."""

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from backburner.emulator.faults import BY_ID, KINDS, Fault, Lag, check_fit
from backburner.emulator.refusals import REFUSALS

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """A fault for certain calls of a route.

    Args:
        route: Which route; `any` for all of them.
        fault: What goes wrong.
        times: For how many calls; None for all.
        lasting: For how many seconds from now on, whatever `times` says.
        batch: Only for the batch accepted under this number, from 0, planted ones not counted.
    """

    route: str
    fault: Fault
    times: int | None = 1
    lasting: float | None = None
    batch: int | None = None

    def __post_init__(self) -> None:
        check_fit(self.route, self.fault)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """A fault that strikes calls of a route by chance.

    Args:
        route: Which route; `any` for all of them.
        fault: What goes wrong.
        probability: How often.
        per: Whether the seed decides anew for each call, or once for each batch that calls name.
        lasting: For how many seconds it goes on for all calls of the route once it has struck.
    """

    route: str
    fault: Fault
    probability: float
    per: Literal["call", "batch"] = "call"
    lasting: float | None = None

    def __post_init__(self) -> None:
        check_fit(self.route, self.fault)
        if not 0 <= self.probability <= 1:
            raise ValueError(f"A probability lies between 0 and 1, not at {self.probability}.")
        if self.per == "batch" and self.route not in BY_ID:
            raise ValueError(f"No call of {self.route} names a batch to decide by.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Batches of another producer that appear next to accepted ones.

    Args:
        probability: Of one beside each accepted batch.
        where: On which side of it.
        requests: How many requests it has; None for as many as the accepted one.
    """

    probability: float = 0.0
    where: Literal["before", "after", "either"] = "either"
    requests: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPlan:
    """Everything that goes wrong in an emulator without being asked for while it runs.

    Args:
        script: Faults for the first calls.
        chances: Faults by chance; where several strike one call, the first that concerns its answer
            wins, all others happen together.
        lag: How long every batch stays out of sight.
        neighbours: Batches of another producer.
        skew: Seconds by which the clock that callers see is ahead of the one that batches live by.
    """

    script: tuple[Scripted, ...] = ()
    chances: tuple[Chance, ...] = ()
    lag: Lag = field(default_factory=Lag)
    neighbours: Neighbours = field(default_factory=Neighbours)
    skew: float = 0.0


def load_faults(path: Path) -> FaultPlan:
    """The plan of a TOML file: `[[script]]`, `[[chance]]`, `[lag]`, `[neighbours]`, `skew`.

    A table of `script` or `chance` has the keys of `Scripted` or `Chance`; `fault` is the name of a
    kind of fault, whose own keys stand beside it, or that of a known refusal. TOML has no null:
    `lasting = inf` stands for all calls.

    Raises:
        ValueError: The file says something that does not exist or makes no sense.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    unknown = data.keys() - {"script", "chance", "lag", "neighbours", "skew"}
    if unknown:
        raise ValueError(f"A plan of faults has no {min(unknown)!r}.")
    return FaultPlan(
        script=tuple(map(scripted, _tables(data, "script"))),
        chances=tuple(_timed(Chance, entry) for entry in _tables(data, "chance")),
        lag=_value(Lag, data.get("lag", {})),
        neighbours=_value(Neighbours, data.get("neighbours", {})),
        skew=_value(FaultPlan, {"skew": data.get("skew", 0.0)}).skew,
    )


def _tables(data: dict[str, Any], name: str) -> list[dict[str, Any]]:
    try:
        return msgspec.convert(data.get(name, []), list[dict[str, Any]])
    except msgspec.ValidationError as error:
        raise ValueError(f"{name}: {error}") from error


def scripted(entry: Mapping[str, Any]) -> Scripted:
    """A scripted fault as files and control calls write it: everything in one table.

    Raises:
        ValueError: The entry says something that does not exist or makes no sense.
    """
    return _timed(Scripted, entry)


def _timed(kind: type[_Value], entry: Mapping[str, Any]) -> _Value:
    """A value with a fault in it, from one table with the keys of both."""
    outer = {name: entry[name] for name in _types(kind).keys() & entry.keys() - {"fault"}}
    inner = {name: entry[name] for name in entry.keys() - outer.keys() - {"fault"}}
    return _value(kind, outer, fault=_fault(entry.get("fault"), inner))


def _fault(name: object, entry: Mapping[str, Any]) -> Fault:
    if isinstance(name, str) and name in REFUSALS and not entry:
        return REFUSALS[name]
    if not isinstance(name, str) or name not in KINDS:
        kinds, refusals = ", ".join(KINDS), ", ".join(REFUSALS)
        raise ValueError(f"No fault {name!r}. There are {kinds}; without more keys, {refusals}.")
    return _value(KINDS[name], entry)


def _value(kind: type[_Value], entry: Mapping[str, Any], **ready: Any) -> _Value:
    """A dataclass from a table, every key known and every value of its type."""
    types = _types(kind)
    values = dict(ready)
    for name, value in entry.items():
        if name not in types:
            raise ValueError(f"A {kind.__name__} has no {name!r}, only {', '.join(types)}.")
        try:
            values[name] = msgspec.convert(value, types[name])
        except msgspec.ValidationError as error:
            raise ValueError(f"{kind.__name__}.{name}: {error}") from error
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"A {kind.__name__} lacks something: {error}") from error


def _types(kind: type[Any]) -> dict[str, Any]:
    return {one.name: one.type for one in dataclasses.fields(kind)}
